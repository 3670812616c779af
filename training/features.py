"""The network's input, computed from a decoded frame and the background behind it, and its targets.

MODEL_CARD.md describes the same numbers in words. The Rust side has to agree with this file.
"""

import cv2
import numpy as np

BLOCK = 4
MULTIPLE = 32
LIMIT = 32  # what noise explains, in units of the scaled difference
FLOOR = 0.3  # the least noise that is assumed, in levels
REACH = 11  # side of the window of the body target, in pixels


def padded(plane, multiple=MULTIPLE):
    """The plane with its last column and row repeated up to a multiple."""
    h, w = plane.shape[:2]
    return np.pad(plane, ((0, -h % multiple), (0, -w % multiple)), mode="edge")


def blocks(plane, side, reduce):
    """One number for every side x side block."""
    h, w = plane.shape
    return reduce(plane.reshape(h // side, side, w // side, side), axis=(1, 3))


def means(plane, side=BLOCK):
    h, w = plane.shape
    return cv2.resize(plane.astype(np.float32), (w // side, h // side), interpolation=cv2.INTER_AREA)


def scale_of(sigma):
    return int(np.clip(np.floor(8 * LIMIT / (2 + 5 * sigma) + 0.5), 1, 128))


def offset(plane, expected, scale):
    """How far a plane is from the expected background, in units of noise, 0..255."""
    difference = np.abs(plane.astype(np.int32) - np.floor(expected + 0.5).astype(np.int32))
    return np.minimum((difference * scale) >> 3, 255)


def gradient(plane):
    """Larger of the forward differences; 0 past the last column and row."""
    plane = plane.astype(np.float32)
    result = np.zeros_like(plane)
    result[:, :-1] = np.abs(plane[:, 1:] - plane[:, :-1])
    result[:-1] = np.maximum(result[:-1], np.abs(plane[1:] - plane[:-1]))
    return result


def doubled(plane):
    return np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1)


def features(y, cb, cr, field, sigma):
    """[10, h, w] float32. y: uint8 [H, W]; cb, cr: uint8 [H/2, W/2]; field: float32 [3, H, W];
    sigma: (luma, chroma). H and W are multiples of 32 (see padded)."""
    planes = [y, doubled(cb), doubled(cr)]
    scales = [scale_of(max(s, FLOOR)) for s in (sigma[0], sigma[1], sigma[1])]
    off = np.maximum.reduce([offset(p, e, s) for p, e, s in zip(planes, field, scales)])
    field_mean = [means(e) for e in field]
    out = [(means(p) - e) / 64 for p, e in zip(planes, field_mean)]
    out.append(blocks(off, BLOCK, np.min) / 255)
    out.append(blocks(off, BLOCK, np.max) / 255)
    out.append(np.minimum(blocks(gradient(y), BLOCK, np.max) / 64, 2))
    chroma = np.maximum(gradient(cb), gradient(cr))
    out.append(np.minimum(blocks(chroma, BLOCK // 2, np.max) / 64, 2))
    out.extend((e - 128) / 128 for e in field_mean)
    return np.stack(out).astype(np.float32)


def targets(alpha, shadow):
    """[3, h, w]: alpha, body, shadow."""
    body = cv2.dilate(alpha, np.ones((REACH, REACH), np.uint8))
    return np.stack([means(alpha), means(body), means(shadow * (1 - alpha))]).astype(np.float32)
