"""Translucent layers: glass, bubbles, soft discs, smoke, beams, veils and glow."""

import math

import cv2
import numpy as np

from paint import disc, flat, grid, hsv, hue_of, noise, over, pane, pasted


def tint(rng, key):
    """A color that can be told from the background's."""
    while True:
        color = _tint(rng, key)
        if np.abs(color - key).max() > 0.2:
            return color


def _tint(rng, key):
    """Mostly bright, of another hue than the background's, or white."""
    roll = rng.random()
    if roll < 0.55:
        return hsv(hue_of(key) + rng.uniform(0.1, 0.9), rng.uniform(0.1, 1), rng.uniform(0.75, 1))
    if roll < 0.78:
        return hsv(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.9, 1))
    if roll < 0.93:
        return hsv(rng.random(), rng.random(), rng.uniform(0.4, 1))
    return hsv(rng.random(), rng.random(), rng.uniform(0, 0.3))


def highlight(rng, layer, mask, cy, cx, r):
    """A white streak or spot on glass."""
    h, w = mask.shape
    angle = rng.uniform(0, 6.28)
    at = cy - r * rng.uniform(0.3, 0.65), cx + r * rng.uniform(-0.5, 0.5)
    spot, d = disc(h, w, *at, r * rng.uniform(0.06, 0.2), r * rng.uniform(0.1, 0.35), angle, max(1.0, r * rng.uniform(0.01, 0.1)))
    return over(layer, (flat(h, w, (1, 1, 1)), spot * mask * rng.uniform(0.3, 1)))


def glass(rng, h, w, key):
    """A disc, ellipse or pane with a rim, perhaps a gradient and a highlight."""
    size = min(h, w) * math.exp(rng.uniform(math.log(0.06), math.log(0.6)))
    cy, cx = rng.uniform(0, h), rng.uniform(0, w)
    base, rim = rng.uniform(0.08, 0.75), rng.uniform(0, 0.7) * (rng.random() < 0.7)
    if rng.random() < 0.6:
        ratio = rng.uniform(0.5, 1) if rng.random() < 0.5 else 1.0
        softness = 0.7 if rng.random() < 0.75 else rng.uniform(1, 0.4 * size)
        mask, d = disc(h, w, cy, cx, size, size * ratio, rng.uniform(0, 3.14), softness)
        edge = np.clip(d, 0, 1) ** rng.uniform(2, 12)
    else:
        ry, rx = size, size * rng.uniform(0.3, 1)
        mask, inward = pane(h, w, cy, cx, ry, rx, rng.normal(0, 0.4), rng.uniform(0, min(ry, rx)))
        edge = np.exp(-np.maximum(inward, 0) / rng.uniform(1.5, 12))
    alpha = base + rim * edge
    if rng.random() < 0.35:
        y, x = grid(h, w)
        angle = rng.uniform(0, 6.28)
        alpha = alpha * np.clip(0.5 + ((x - cx) * math.cos(angle) + (y - cy) * math.sin(angle)) / (2 * size), 0.05, 1)
    color = flat(h, w, tint(rng, key))
    if rng.random() < 0.4:
        color = color + (tint(rng, key) - color) * edge[..., None]
    layer = color, np.clip(alpha, 0, 0.95) * mask
    for _ in range(rng.integers(0, 3)):
        layer = highlight(rng, layer, mask, cy, cx, size * 0.9)
    return layer


def bubbles(rng, h, w, key):
    layer = flat(h, w, tint(rng, key)), np.zeros((h, w), np.float32)
    color = tint(rng, key)
    for _ in range(rng.integers(1, 9)):
        r = min(h, w) * math.exp(rng.uniform(math.log(0.02), math.log(0.3)))
        side = int(2 * r) + 8
        cy, cx = rng.uniform(0, h), rng.uniform(0, w)
        mask, d = disc(side, side, side / 2, side / 2, r, r, 0)
        alpha = (rng.uniform(0.0, 0.3) + rng.uniform(0.2, 0.8) * np.clip(d, 0, 1) ** rng.uniform(2, 10)) * mask
        if rng.random() < 0.5:
            color = tint(rng, key)
        small = flat(side, side, color), np.clip(alpha, 0, 1)
        small = highlight(rng, small, mask, side / 2, side / 2, r)
        layer = pasted(layer, small, int(cy - side / 2), int(cx - side / 2))
    return layer


def blobs(rng, h, w, key):
    """Soft discs: gaussian, or flat with a wide edge."""
    layer = flat(h, w, tint(rng, key)), np.zeros((h, w), np.float32)
    color = tint(rng, key)
    for _ in range(rng.integers(1, 14)):
        r = min(h, w) * math.exp(rng.uniform(math.log(0.02), math.log(0.4)))
        side = int(2.2 * r) + 4
        y, x = grid(side, side)
        d = np.hypot(y - side / 2, x - side / 2) / r
        peak = rng.uniform(0.15, 1)
        if rng.random() < 0.5:
            alpha = np.exp(-4 * d * d) * np.clip((1.05 - d) * 8, 0, 1)
        else:
            start = rng.uniform(0, 0.9)
            t = np.clip((1 - d) / (1 - start), 0, 1)
            alpha = t * t * (3 - 2 * t)
        if rng.random() < 0.4:
            color = tint(rng, key)
        top, left = int(rng.uniform(0, h) - side / 2), int(rng.uniform(0, w) - side / 2)
        layer = pasted(layer, (flat(side, side, color), alpha * peak), top, left)
    return layer


def smoke(rng, h, w, key):
    shape = noise(rng, h, w, min(h, w) * rng.uniform(0.15, 0.6), 5)
    cy, cx = rng.uniform(0, h), rng.uniform(0, w)
    y, x = grid(h, w)
    reach = min(h, w) * rng.uniform(0.2, 0.8)
    envelope = np.exp(-(((y - cy) / reach) ** 2 + ((x - cx) / (reach * rng.uniform(0.4, 1.5))) ** 2))
    low = rng.uniform(0.15, 0.5)
    alpha = np.clip((shape * (0.5 + 0.5 * envelope) - low) / rng.uniform(0.3, 0.8), 0, 1) * envelope * rng.uniform(0.3, 1)
    color = flat(h, w, tint(rng, key)) * (rng.uniform(0.8, 1) + 0.2 * noise(rng, h, w, 60, 2)[..., None])
    return np.clip(color, 0, 1), alpha.astype(np.float32)


def beams(rng, h, w, key):
    y, x = grid(h, w)
    cy, cx = rng.uniform(-0.3, 1.3) * h, rng.uniform(-0.3, 1.3) * w
    angle = np.arctan2(y - cy, x - cx)
    alpha = np.zeros((h, w), np.float32)
    for _ in range(rng.integers(1, 7)):
        middle = math.atan2(h * rng.random() - cy, w * rng.random() - cx)
        off = np.abs((angle - middle + math.pi) % (2 * math.pi) - math.pi)
        width = rng.uniform(0.03, 0.35)
        edge = rng.uniform(0.01, 0.9) * width
        alpha = np.maximum(alpha, np.clip((width - off) / edge, 0, 1) * rng.uniform(0.1, 0.8))
    distance = np.hypot(y - cy, x - cx) / max(h, w)
    return flat(h, w, tint(rng, key)), (alpha * np.exp(-distance * rng.uniform(0, 3))).astype(np.float32)


def veil(rng, h, w, key):
    """A band or a half plane with a straight gradient."""
    y, x = grid(h, w)
    angle = rng.uniform(0, 6.28)
    d = (x - w / 2) * math.cos(angle) + (y - h / 2) * math.sin(angle) + rng.uniform(-0.3, 0.3) * min(h, w)
    length = min(h, w) * rng.uniform(0.02, 0.8)
    ramp = np.clip(0.5 + d / length, 0, 1)
    if rng.random() < 0.5:
        far = min(h, w) * rng.uniform(0.1, 0.5)
        ramp = ramp * np.clip(0.5 + (far - d) / length, 0, 1)
    color = flat(h, w, tint(rng, key))
    if rng.random() < 0.4:
        color = color + (tint(rng, key) - color) * np.clip(0.5 + d / min(h, w), 0, 1)[..., None]
    return color, (ramp * rng.uniform(0.1, 0.9)).astype(np.float32)


def glow(rng, alpha, key):
    """Light around a subject."""
    h, w = alpha.shape
    small = cv2.resize(alpha, (max(8, w // 4), max(8, h // 4)), interpolation=cv2.INTER_AREA)
    sigma = rng.uniform(1.5, 16)
    wide = cv2.GaussianBlur(small, (0, 0), sigma)
    if rng.random() < 0.5:
        wide = 0.5 * wide + 0.5 * cv2.GaussianBlur(small, (0, 0), sigma / 3)
    wide = np.clip(cv2.resize(wide, (w, h), interpolation=cv2.INTER_CUBIC), 0, 1)
    return flat(h, w, tint(rng, key)), wide * rng.uniform(0.3, 1)


EFFECTS = [glass, glass, bubbles, blobs, smoke, beams, veil]
