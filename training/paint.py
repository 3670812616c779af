"""Basics that layers are drawn with. A layer is (rgb, alpha): float32 [h, w, 3] straight color 0..1,
and float32 [h, w]."""

import colorsys
import math

import cv2
import numpy as np


def hsv(h, s, v):
    return np.array(colorsys.hsv_to_rgb(h % 1, min(max(s, 0), 1), min(max(v, 0), 1)), np.float32)


def hue_of(rgb):
    return colorsys.rgb_to_hsv(*[float(c) for c in rgb])[0]


def any_color(rng):
    roll = rng.random()
    if roll < 0.12:
        return hsv(0, 0, rng.uniform(0.85, 1))
    if roll < 0.22:
        return hsv(0, 0, rng.uniform(0, 0.2))
    return hsv(rng.random(), rng.random() ** 0.6, rng.uniform(0.15, 1))


def flat(h, w, color):
    return np.broadcast_to(np.asarray(color, np.float32), (h, w, 3)).copy()


def grid(h, w):
    return np.mgrid[0:h, 0:w].astype(np.float32)


def noise(rng, h, w, scale, octaves=4, fall=0.55):
    """Smooth fractal noise, about 0..1."""
    total, weight, result = 0.0, 1.0, np.zeros((h, w), np.float32)
    for _ in range(octaves):
        rows, columns = max(2, int(h / scale) + 2), max(2, int(w / scale) + 2)
        result += weight * cv2.resize(rng.random((rows, columns), np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
        total += weight
        weight *= fall
        scale = max(scale / 2, 2)
    return np.clip((result / total - 0.5) * 1.8 + 0.5, 0, 1)


def disc(h, w, cy, cx, ry, rx, angle, softness=0.7):
    """Mask, and the distance from the centre as a share of the radius."""
    y, x = grid(h, w)
    c, s = math.cos(angle), math.sin(angle)
    u, v = ((x - cx) * c + (y - cy) * s) / rx, ((y - cy) * c - (x - cx) * s) / ry
    d = np.sqrt(u * u + v * v)
    return np.clip((1 - d) * min(ry, rx) / softness + 0.5, 0, 1), d


def pane(h, w, cy, cx, ry, rx, angle, corner):
    """Rounded rectangle: mask and the distance inward from its edge, in pixels."""
    y, x = grid(h, w)
    c, s = math.cos(angle), math.sin(angle)
    u, v = np.abs((x - cx) * c + (y - cy) * s) - rx + corner, np.abs((y - cy) * c - (x - cx) * s) - ry + corner
    d = np.sqrt(np.maximum(u, 0) ** 2 + np.maximum(v, 0) ** 2) + np.minimum(np.maximum(u, v), 0) - corner
    return np.clip(0.5 - d, 0, 1), -d


def over(back, front):
    """front over back, both (rgb, alpha)."""
    (cb, ab), (cf, af) = back, front
    alpha = af + ab * (1 - af)
    color = (cf * af[..., None] + cb * (ab * (1 - af))[..., None]) / np.maximum(alpha, 1e-4)[..., None]
    return color, alpha


def pasted(layer, small, top, left):
    h, w = layer[1].shape
    sh, sw = small[1].shape
    y0, y1, x0, x1 = max(top, 0), min(top + sh, h), max(left, 0), min(left + sw, w)
    if y0 >= y1 or x0 >= x1:
        return layer
    part = (slice(y0, y1), slice(x0, x1))
    cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    layer[0][part], layer[1][part] = over((layer[0][part], layer[1][part]), (small[0][cut], small[1][cut]))
    return layer


def texture(rng, h, w):
    """An opaque picture: noise of two or three colors, stripes or squares."""
    a, b = any_color(rng), any_color(rng)
    roll = rng.random()
    y, x = grid(h, w)
    if roll < 0.5:
        t = noise(rng, h, w, rng.uniform(8, 200), 5)
        t = np.clip((t - 0.5) * rng.uniform(1, 8) + 0.5, 0, 1)
    elif roll < 0.75:
        angle, period = rng.uniform(0, 6.28), rng.uniform(6, 80)
        t = np.clip(np.sin((x * math.cos(angle) + y * math.sin(angle)) * 6.28 / period) * rng.uniform(0.5, 8) + 0.5, 0, 1)
    else:
        angle = rng.uniform(0, 6.28)
        t = np.clip(0.5 + ((x - w / 2) * math.cos(angle) + (y - h / 2) * math.sin(angle)) / min(h, w), 0, 1)
    color = a + (b - a) * t[..., None]
    if rng.random() < 0.4:
        color = color + (noise(rng, h, w, rng.uniform(3, 30), 2)[..., None] - 0.5) * rng.uniform(0.05, 0.4)
    return np.clip(color, 0, 1).astype(np.float32)
