"""One composite: a background, shadows on it, subjects and effects over it, with the true alpha."""

import math

import cv2
import numpy as np

import drawing
import effects
from paint import any_color, flat, grid, hsv, hue_of, noise, over, texture
from subjects import (EMPTY, KINDS, LINES, MOTION, PARTICLES, PHOTO, SAMEHUE, SOLID, TRANSLUCENT, any_look, defocused,
                      moving, placed, recolored, spilled, subject)

SHARE = [0.22, 0.18, 0.08, 0.06, 0.05, 0.07, 0.32, 0.02]  # of each kind


def key_color(rng):
    roll = rng.random()
    if roll < 0.42:
        return hsv(rng.random(), rng.uniform(0.55, 1), rng.uniform(0.35, 1))
    if roll < 0.57:
        return hsv(rng.choice([0.333, 0.36, 0.61, 0.667, 0.833]), rng.uniform(0.75, 1), rng.uniform(0.6, 1))
    if roll < 0.66:
        return hsv(rng.random(), rng.uniform(0, 0.03), rng.uniform(0.92, 1))
    if roll < 0.73:
        return hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0, 0.1))
    if roll < 0.82:
        return hsv(rng.random(), rng.uniform(0, 0.08), rng.uniform(0.2, 0.9))
    if roll < 0.93:
        return hsv(rng.random(), rng.uniform(0.08, 0.45), rng.uniform(0.75, 1))
    return hsv(rng.random(), rng.uniform(0.3, 1), rng.uniform(0.1, 0.35))


def background(rng, h, w):
    """The clean field [h, w, 3] and its main color."""
    key = key_color(rng)
    rows = columns = 24
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / (rows - 1) - 0.5
    field = np.broadcast_to(key, (rows, columns, 3)).copy()
    if rng.random() < 0.08:
        other = hsv(hue_of(key) + rng.uniform(-0.3, 0.3), rng.uniform(0.2, 1), rng.uniform(0.3, 1))
        angle = rng.uniform(0, 6.28)
        t = np.clip(0.5 + x * math.cos(angle) + y * math.sin(angle), 0, 1)
        field += (other - field) * t[..., None]
    if rng.random() < 0.35:
        angle, size = rng.uniform(0, 6.28), rng.uniform(0, 0.3)
        field *= (1 + size * (x * math.cos(angle) + y * math.sin(angle)))[..., None]
    if rng.random() < 0.25:
        field *= (1 - rng.uniform(0, 0.7) * (x * x + y * y))[..., None]
    if rng.random() < 0.12:
        field *= 1 + rng.uniform(0, 0.12) * (noise(rng, rows, columns, rng.uniform(4, 16), 2)[..., None] - 0.5)
    return np.clip(cv2.resize(field, (w, h), interpolation=cv2.INTER_CUBIC), 0, 1), key


def line_layer(rng, stock, h, w, key):
    roll = rng.random()
    if roll < 0.35:
        alpha = drawing.lettering(rng, h, w, stock.fonts)
    elif roll < 0.65:
        alpha = drawing.strokes(rng, h, w)
    else:
        sprite = stock.draw(rng, "line")
        layer = placed(rng, any_look(rng, sprite) if rng.random() < 0.5 else sprite, h, w)
        if rng.random() < 0.4:
            return layer
        alpha = layer[1]
    if rng.random() < 0.15:
        return texture(rng, h, w), alpha
    tone = any_color(rng)
    if rng.random() < 0.15:
        tone = np.clip(key * rng.choice([0.4, 0.6, 0.75, 1.3]), 0, 1)
    if np.abs(tone - key).max() < 0.06:
        tone = 1 - tone
    return flat(h, w, tone), alpha


def see_through(rng, layer):
    """A whole subject, or a part of it, made translucent."""
    rgb, alpha = layer
    share = rng.uniform(0.15, 0.85)
    roll = rng.random()
    if roll < 0.5:
        return rgb, alpha * share
    h, w = alpha.shape
    if roll < 0.8:
        y, x = grid(h, w)
        angle = rng.uniform(0, 6.28)
        across = (x - w / 2) * math.cos(angle) + (y - h / 2) * math.sin(angle)
        t = np.clip(0.5 + across / (min(h, w) * rng.uniform(0.3, 1)), 0, 1)
    else:
        t = np.clip((noise(rng, h, w, rng.uniform(30, 200), 3) - 0.5) * 3 + 0.5, 0, 1)
    return rgb, alpha * (share + (1 - share) * t)


def translucent(rng, stock, h, w, field, key):
    """Something translucent, with or without a solid subject before or behind it."""
    solid = None
    if rng.random() < 0.55:
        solid = subject(rng, stock, h, w, field, key, SAMEHUE if rng.random() < 0.2 else SOLID)
    roll = rng.random()
    if roll < 0.14 and solid is not None:
        return over(effects.glow(rng, solid[1], key), solid)
    if roll < 0.3:
        sprite = stock.draw(rng, "figure" if rng.random() < 0.7 else "shape")
        lift = rng.choice([0, 0.3, 0.6])
        sprite = recolored(rng, sprite, rng.random(), rng.uniform(0.3, 1.2), rng.uniform(0.8, 1.4), lift)
        effect = see_through(rng, placed(rng, sprite, h, w))
    elif roll < 0.36:
        effect = moving(rng, placed(rng, any_look(rng, stock.draw(rng, "figure")), h, w), 41, 121)
    elif roll < 0.40 and solid is not None:
        return see_through(rng, solid)
    else:
        effect = effects.EFFECTS[rng.integers(len(effects.EFFECTS))](rng, h, w, key)
        if rng.random() < 0.25:
            effect = over(effect, effects.EFFECTS[rng.integers(len(effects.EFFECTS))](rng, h, w, key))
    if solid is None:
        return effect
    return over(solid, effect) if rng.random() < 0.5 else over(effect, solid)


def layers(rng, stock, h, w, field, key, kind):
    if kind == EMPTY:
        return flat(h, w, key), np.zeros((h, w), np.float32)
    if kind == TRANSLUCENT:
        return translucent(rng, stock, h, w, field, key)
    if kind == LINES:
        result = line_layer(rng, stock, h, w, key)
        if rng.random() < 0.3:
            result = over(subject(rng, stock, h, w, field, key, SOLID), result)
        return result
    if kind == PARTICLES:
        result = drawing.particles(rng, h, w)
        if rng.random() < 0.3:
            small = [placed(rng, any_look(rng, stock.draw(rng, "figure")), h, w, rng.uniform(8, 60)) for _ in range(5)]
            for layer in small:
                result = over(result, layer)
        if rng.random() < 0.3:
            result = over(result, subject(rng, stock, h, w, field, key, SOLID))
        return result
    result = subject(rng, stock, h, w, field, key, kind)
    for _ in range(rng.choice([0, 1, 2], p=[0.65, 0.2, 0.15])):
        result = over(result, subject(rng, stock, h, w, field, key, kind))
    if kind == MOTION:
        result = moving(rng, result)
    return result


def shadow(rng, alpha):
    """Darkness 0..1 of what falls on the background."""
    h, w = alpha.shape
    strength = rng.uniform(0.12, 0.75)
    if rng.random() < 0.3 or alpha.max() < 0.5:
        rows = np.nonzero((alpha > 0.5).any(1))[0]
        columns = np.nonzero((alpha > 0.5).any(0))[0]
        cy = rows[-1] + rng.uniform(-8, 8) if len(rows) else rng.uniform(0, h)
        cx = columns.mean() if len(columns) else rng.uniform(0, w)
        rx = max(12.0, len(columns) * rng.uniform(0.25, 0.7))
        y, x = grid(h, w)
        d = ((x - cx) / rx) ** 2 + ((y - cy) / (rx * rng.uniform(0.08, 0.5))) ** 2
        if rng.random() < 0.5:
            return (np.exp(-d * rng.uniform(0.7, 1.6)) * strength).astype(np.float32)
        t = np.clip((1 - np.sqrt(d)) / rng.uniform(0.08, 0.9), 0, 1)  # flat inside
        return (t * t * (3 - 2 * t) * strength).astype(np.float32)
    size = min(h, w)
    matrix = np.array([[1, 0, rng.normal(0, 0.06) * size], [0, 1, abs(rng.normal(0, 0.06)) * size]])
    if rng.random() < 0.4:
        rows = np.nonzero((alpha > 0.5).any(1))[0]
        foot, shear, squash = (rows[-1] if len(rows) else h), rng.uniform(-1.2, 1.2), rng.uniform(0.2, 0.7)
        matrix = np.array([[1, shear, -shear * foot], [0, squash, foot * (1 - squash)]])
    cast = cv2.warpAffine(alpha, matrix.astype(np.float32), (w, h))
    small = cv2.resize(cast, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), math.exp(rng.uniform(math.log(1.0), math.log(16))))
    return np.clip(cv2.resize(small, (w, h)) * strength, 0, 1)


def scene(rng, stock, h, w):
    """dict of rgb (0..1), alpha, shadow, field (0..1 RGB), kind."""
    kind = int(rng.choice(len(KINDS), p=SHARE))
    field, key = background(rng, h, w)
    rgb, alpha = layers(rng, stock, h, w, field, key, kind)
    if kind in (SOLID, PHOTO) and rng.random() < 0.25:
        rgb, alpha = spilled(rng, (rgb, alpha), field)
    roll = rng.random()
    if roll < 0.2 and kind != MOTION:
        rgb, alpha = defocused(rng, (rgb, alpha), math.exp(rng.uniform(math.log(0.5), math.log(4))))
    dark = np.zeros((h, w), np.float32)
    if rng.random() < 0.25:
        dark = shadow(rng, alpha)
    lit = field * (1 - dark[..., None])
    picture = lit + (rgb - lit) * alpha[..., None]
    return {"rgb": np.clip(picture, 0, 1), "alpha": alpha.astype(np.float32), "shadow": dark, "field": field, "kind": kind}
