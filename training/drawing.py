"""Solid small things: lines, text and particles. They are drawn at twice the size and reduced."""

import math

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from paint import any_color, disc

WORDS = ("Hello Go 50% SALE now Subscribe like 2026 yes No! wow OPEN free live news @home A B R O 8 0 & ? team play Big "
         "love day one next week thank you Tips part 3 step #1 music").split()


def _halved(mask):
    h, w = mask.shape
    return cv2.resize(mask, (w // 2, h // 2), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _curve(rng, h, w, points):
    p = np.cumsum(rng.normal(0, 1, (points, 2)), 0)
    p = cv2.GaussianBlur(p.astype(np.float32), (1, 2 * (points // 6) + 1), 0)
    p = (p - p.mean(0)) / (np.abs(p - p.mean(0)).max() + 1e-3)
    return p * [w * rng.uniform(0.2, 0.6), h * rng.uniform(0.2, 0.6)] + [w * rng.uniform(0.2, 0.8), h * rng.uniform(0.2, 0.8)]


def strokes(rng, h, w):
    """Scribbles, rings, nets, polygons."""
    mask = np.zeros((2 * h, 2 * w), np.uint8)
    thick = int(round(math.exp(rng.uniform(math.log(2), math.log(28)))))
    roll = rng.random()
    if roll < 0.4:
        for _ in range(rng.integers(1, 5)):
            points = _curve(rng, 2 * h, 2 * w, int(rng.integers(20, 120))).astype(np.int32)
            cv2.polylines(mask, [points], bool(rng.random() < 0.3), 255, thick, cv2.LINE_AA)
    elif roll < 0.65:
        for _ in range(rng.integers(1, 7)):
            r = int(min(h, w) * rng.uniform(0.04, 0.6))
            axes = (r, int(r * rng.uniform(0.5, 1)))
            at = (int(rng.uniform(0, 2 * w)), int(rng.uniform(0, 2 * h)))
            turn, end = rng.uniform(0, 180), 360 if rng.random() < 0.7 else rng.uniform(60, 350)
            cv2.ellipse(mask, at, axes, turn, 0, end, 255, thick, cv2.LINE_AA)
    elif roll < 0.8:
        step, angle = max(3 * thick, rng.uniform(20, 140)), rng.uniform(0, 1.57)
        for turn in (angle, angle + 1.57):
            c, s = math.cos(turn), math.sin(turn)
            for k in np.arange(-2 * max(h, w), 2 * max(h, w), step):
                middle = np.array([w - s * k, h + c * k])
                ends = [middle - 3 * max(h, w) * np.array([c, s]), middle + 3 * max(h, w) * np.array([c, s])]
                cv2.line(mask, ends[0].astype(int).tolist(), ends[1].astype(int).tolist(), 255, thick, cv2.LINE_AA)
        if rng.random() < 0.6:
            cy, cx, r = h * rng.uniform(0.6, 1.4), w * rng.uniform(0.6, 1.4), min(h, w) * rng.uniform(0.3, 0.9)
            round_ = disc(2 * h, 2 * w, cy, cx, r, r, 0)[0]
            mask = (mask * round_).astype(np.uint8)
    else:
        for _ in range(rng.integers(1, 6)):
            centre = rng.uniform(0, 1, 2) * [2 * w, 2 * h]
            points = centre + rng.normal(0, min(h, w) * 0.3, (rng.integers(2, 6), 2))
            cv2.polylines(mask, [points.astype(np.int32)], bool(rng.random() < 0.6), 255, thick, cv2.LINE_AA)
    return _halved(mask)


def lettering(rng, h, w, fonts):
    image = Image.new("L", (2 * w, 2 * h))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 6)):
        font = ImageFont.truetype(fonts[rng.integers(len(fonts))], int(math.exp(rng.uniform(math.log(24), math.log(1.3 * h)))))
        words = " ".join(rng.choice(WORDS, rng.integers(1, 4)))
        at = rng.uniform(-0.1, 0.7) * 2 * w, rng.uniform(-0.1, 0.85) * 2 * h
        stroke = int(rng.integers(1, 8)) if rng.random() < 0.15 else 0
        draw.text(at, words, fill=255, font=font, stroke_width=stroke)
    return _halved(np.asarray(image))


def _polygon(rng, centre, r):
    roll = rng.random()
    turn = rng.uniform(0, 6.28)
    if roll < 0.4:
        angles, radii = np.array([0.5, 2.64, 3.64, 5.78]) + turn, np.full(4, r)
    elif roll < 0.6:
        angles, radii = np.arange(10) * 0.628 + turn, np.where(np.arange(10) % 2, r * 0.45, r)
    elif roll < 0.75:
        angles, radii = np.arange(3) * 2.094 + turn, np.full(3, r)
    else:
        angles, radii = np.arange(16) * 0.3927 + turn, np.full(16, r)
    return (centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]).astype(np.int32)


def particles(rng, h, w):
    """Confetti, stars, dots, flakes and sparks: many small solid pieces."""
    color = np.zeros((h, w, 3), np.float32)
    mask = np.zeros((2 * h, 2 * w), np.uint8)
    paint = np.zeros((2 * h, 2 * w, 3), np.uint8)
    palette = [(any_color(rng) * 255).tolist() for _ in range(rng.integers(1, 7))]
    largest = math.exp(rng.uniform(math.log(4), math.log(44)))
    sparks = rng.random() < 0.25
    for _ in range(rng.integers(8, 160)):
        centre = rng.uniform(0, 1, 2) * [2 * w, 2 * h]
        r = largest * rng.uniform(0.3, 1)
        tone = palette[rng.integers(len(palette))]
        if sparks:
            turn = rng.uniform(0, 6.28)
            end = centre + r * 3 * np.array([math.cos(turn), math.sin(turn)])
            ends = centre.astype(int).tolist(), end.astype(int).tolist()
            thick = int(rng.integers(2, 7))
            cv2.line(paint, *ends, tone, thick + 6)
            cv2.line(mask, *ends, 255, thick, cv2.LINE_AA)
            continue
        points = _polygon(rng, centre, r)
        if rng.random() < 0.5:
            points = (centre + (points - centre) * [rng.uniform(0.3, 1), 1]).astype(np.int32)
        cv2.polylines(paint, [points], True, tone, 6)
        cv2.fillPoly(paint, [points], tone)
        cv2.fillPoly(mask, [points], 255, cv2.LINE_AA)
    color[:] = cv2.resize(paint, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return color, _halved(mask)
