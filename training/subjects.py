"""Solid subjects: which there are, in what colors, where, and what the camera does to their edges."""

import math

import cv2
import numpy as np

from paint import any_color, disc, flat, grid, hsv, over, texture

SOLID, SAMEHUE, LINES, PARTICLES, MOTION, PHOTO, TRANSLUCENT, EMPTY = range(8)
KINDS = ["solid", "samehue", "lines", "particles", "motion", "photo", "translucent", "empty"]


class Stock:
    """The subjects, by use, and the fonts."""

    def __init__(self, sprites, entries, fonts, held_out):
        self.sprites, self.fonts = sprites, fonts
        self.uses = {}
        for at, entry in enumerate(entries):
            if entry["held_out"] == held_out:
                self.uses.setdefault(entry["use"], []).append(at)

    def draw(self, rng, use):
        at = self.uses[use]
        return np.array(self.sprites[at[rng.integers(len(at))]])


def recolored(rng, sprite, hue=None, saturation=1.0, value=1.0, lift=0.0):
    """hue: a turn in 0..1, or None."""
    tones = cv2.cvtColor(sprite[..., :3], cv2.COLOR_RGB2HSV_FULL).astype(np.float32)
    if hue is not None:
        tones[..., 0] = (tones[..., 0] + 255 * hue) % 255
    tones[..., 1] = np.clip(tones[..., 1] * saturation, 0, 255)
    tones[..., 2] = np.clip(tones[..., 2] * value * (1 - lift) + 255 * lift, 0, 255)
    sprite[..., :3] = cv2.cvtColor(tones.astype(np.uint8), cv2.COLOR_HSV2RGB_FULL)
    return sprite


def main_hue(sprite):
    tones = cv2.cvtColor(np.ascontiguousarray(sprite[::4, ::4, :3]), cv2.COLOR_RGB2HSV_FULL)
    weight = (sprite[::4, ::4, 3] > 128) * tones[..., 1].astype(np.float32) * tones[..., 2]
    counts = np.histogram(tones[..., 0], 32, (0, 256), weights=weight)[0]
    return (int(counts.argmax()) + 0.5) / 32


def any_look(rng, sprite):
    """The subject's own colors or others, whatever the background's."""
    roll = rng.random()
    if roll < 0.4:
        return sprite
    if roll < 0.8:
        return recolored(rng, sprite, rng.random(), rng.uniform(0.4, 1.5), rng.uniform(0.5, 1.3), rng.choice([0, 0, 0.2]))
    if roll < 0.9:
        return recolored(rng, sprite, None, rng.uniform(0, 0.3), rng.uniform(0.3, 1.4))
    sprite[..., :3] = any_color(rng) * 255
    return sprite


def key_like_look(rng, sprite, key):
    """The background's hue: shaded, darker, paler, nearly equal, or flat."""
    roll = rng.random()
    hue, s, v = (float(t) for t in cv2.cvtColor(np.float32(key).reshape(1, 1, 3), cv2.COLOR_RGB2HSV)[0, 0])
    if roll < 0.4:
        turn = hue / 360 - main_hue(sprite) + rng.normal(0, 0.02)
        return recolored(rng, sprite, turn, rng.uniform(0.4, 1.4), rng.uniform(0.5, 1.2), rng.choice([0, 0, 0.25]))
    colors = sprite[..., :3].astype(np.float32) / 255
    if roll < 0.65:
        tones = cv2.cvtColor(colors, cv2.COLOR_RGB2HSV)
        tones[..., 0] = (hue + rng.normal(0, 6)) % 360
        own = tones[..., 1].copy()
        tones[..., 1] = np.clip(s * rng.uniform(0.3, 1.1) * (0.5 + 0.5 * own), 0, 1)
        tones[..., 2] = np.clip(tones[..., 2] * rng.uniform(0.5, 1.2), 0, 1)
        colors = cv2.cvtColor(tones, cv2.COLOR_HSV2RGB)
    elif roll < 0.9:
        # each color moved towards the background's, which leaves it nearly equal
        colors = colors + (key - colors) * rng.uniform(0.4, 0.88)
        colors = np.clip(colors * rng.uniform(0.75, 1.2), 0, 1)
    else:
        tone = hsv(hue / 360 + rng.normal(0, 0.02), s * rng.uniform(0.2, 1.2), v * rng.uniform(0.35, 1.3) + rng.choice([0, 0.08]))
        if np.abs(tone - key).max() < 0.05:
            tone = np.clip(key * rng.choice([0.8, 0.6]) + rng.choice([0, 0.15]), 0, 1)
        colors[:] = tone
    sprite[..., :3] = np.clip(colors, 0, 1) * 255
    return sprite


def placed(rng, sprite, h, w, size=None, crisp=True):
    """The sprite somewhere in the picture: (rgb, alpha)."""
    side = sprite.shape[0]
    if size is None:
        size = min(h, w) * math.exp(rng.uniform(math.log(0.2), math.log(1.7)))
    scale = size / side
    picture = sprite
    while scale < 0.6:
        alpha = picture[..., 3:].astype(np.float32) / 255
        small = np.dstack([picture[..., :3] * alpha, picture[..., 3]]).astype(np.float32)
        small = cv2.resize(small, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        colors = small[..., :3] / np.maximum(small[..., 3:] / 255, 1e-3)
        picture = np.clip(np.dstack([colors, small[..., 3]]), 0, 255)
        scale *= 2
    picture = picture.astype(np.float32) / 255
    picture[..., :3] *= picture[..., 3:]
    centre = np.array([w, h]) * (rng.uniform(0.1, 0.9, 2) if size < min(h, w) else rng.uniform(0.25, 0.75, 2))
    turn = rng.normal(0, 0.25) if rng.random() < 0.8 else rng.uniform(0, 6.28)
    flip = rng.choice([-1, 1])
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    matrix = np.array([[c * flip, -s, 0], [s * flip, c, 0]])
    matrix[:, 2] = centre - matrix[:, :2] @ (np.array(picture.shape[:2]) / 2)
    out = cv2.warpAffine(picture, matrix, (w, h), flags=cv2.INTER_LINEAR)
    alpha = out[..., 3]
    rgb = out[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    if crisp and scale > 1.2:
        alpha = np.clip((alpha - 0.5) * min(scale, 4) + 0.5, 0, 1)
    return np.clip(rgb, 0, 1), np.ascontiguousarray(alpha)


def with_hole_colors(rng, layer, field):
    """Parts enclosed in the subject take the background's exact color: eyes, a belly, a print."""
    rgb, alpha = layer
    h, w = alpha.shape
    inside = cv2.erode((alpha > 0.98).astype(np.uint8), np.ones((9, 9), np.uint8))
    ys, xs = np.nonzero(inside[::4, ::4])
    if len(ys) < 20:
        return layer
    if rng.random() < 0.5:
        at = rng.integers(len(ys))
        tone = rgb[ys[at] * 4, xs[at] * 4]
        near = (np.abs(rgb - tone).max(-1) < rng.uniform(0.05, 0.12)).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(near & (alpha > 0.9))
        edge = set(np.unique(labels[(inside == 0) & (near > 0)]).tolist())
        keep = [k for k in range(1, count) if k not in edge and stats[k, 4] > 30]
        mask = np.isin(labels, keep).astype(np.float32)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.6)
    else:
        mask = np.zeros((h, w), np.float32)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        for _ in range(rng.integers(1, 4)):
            at = rng.integers(len(ys))
            cy, cx = ys[at] * 4, xs[at] * 4
            room = float(depth[cy, cx])
            if room > 3:
                r = room * rng.uniform(0.4, 0.95)
                mask = np.maximum(mask, disc(h, w, cy, cx, r, r * rng.uniform(0.4, 1), rng.uniform(0, 3))[0])
    return rgb + (field - rgb) * mask[..., None], alpha


def with_hair(rng, layer):
    """Strands that grow out of the outline."""
    rgb, alpha = layer
    h, w = alpha.shape
    outlines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([o[:, 0] for o in outlines]) if outlines else []
    if len(points) < 50:
        return layer
    depth = cv2.GaussianBlur(alpha, (0, 0), 6)
    gy, gx = np.gradient(depth)
    mask = np.zeros((h, w), np.uint8)
    length = rng.uniform(8, 60)
    start = rng.integers(len(points))
    some = points[(start + np.arange(int(len(points) * rng.uniform(0.2, 1)))) % len(points)]
    for x, y in some[rng.integers(len(some), size=rng.integers(60, 260))]:
        out = -np.array([gx[y, x], gy[y, x]])
        out /= np.linalg.norm(out) + 1e-6
        bend = rng.normal(0, 0.5)
        t = np.linspace(0, length * rng.uniform(0.3, 1), 6)
        side = np.array([-out[1], out[0]])
        curve = np.array([x, y]) + t[:, None] * out + (t[:, None] ** 2 / length) * bend * side
        cv2.polylines(mask, [(curve * 8).astype(np.int32)], False, int(rng.uniform(60, 255)), 1, cv2.LINE_AA, 3)
    tone = rgb[some[0][1], some[0][0]] * rng.uniform(0.5, 1.1)
    return over((flat(h, w, np.clip(tone, 0, 1)), mask.astype(np.float32) / 255), (rgb, alpha))


def shaded(rng, layer):
    h, w = layer[1].shape
    y, x = grid(h, w)
    angle = rng.uniform(0, 6.28)
    t = ((x - w / 2) * math.cos(angle) + (y - h / 2) * math.sin(angle)) / min(h, w)
    return np.clip(layer[0] * (1 + rng.uniform(0.2, 0.9) * t)[..., None], 0, 1), layer[1]


def subject(rng, stock, h, w, field, key, kind, size=None):
    """One solid subject in a look that the kind asks for."""
    roll = rng.random()
    use = "photo" if kind == PHOTO and "photo" in stock.uses else "figure" if roll < 0.85 else "shape"
    sprite = stock.draw(rng, use)
    like = kind == SAMEHUE
    if use == "photo" and rng.random() < 0.6:
        look = sprite
    else:
        look = key_like_look(rng, sprite, key) if like else any_look(rng, sprite)
    layer = placed(rng, look, h, w, size)
    if use == "shape" or rng.random() < 0.06:
        tones = texture(rng, h, w)
        if like:
            tones = np.clip(tones + (key - tones) * rng.uniform(0.4, 0.85), 0, 1)
        if use != "shape" or rng.random() < 0.7:
            layer = tones, layer[1]
    if rng.random() < (0.3 if like else 0.1):
        layer = with_hole_colors(rng, layer, field)
    if kind == PHOTO and use != "photo" or rng.random() < 0.03:
        layer = with_hair(rng, layer)
    if rng.random() < 0.12:
        layer = shaded(rng, layer)
    return layer


def line_kernel(rng, length):
    length = int(max(3, length)) | 1
    kernel = np.zeros((length, length), np.float32)
    angle, r = rng.uniform(0, 3.14), (length - 1) / 2
    d = np.array([math.cos(angle), math.sin(angle)]) * r
    ends = [(r + way * d).round().astype(int).tolist() for way in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 1)
    return kernel / kernel.sum()


def filtered(layer, blur):
    rgb, alpha = layer
    alpha2 = np.clip(blur(alpha), 0, 1)
    return np.clip(blur(rgb * alpha[..., None]) / np.maximum(alpha2, 1e-3)[..., None], 0, 1), alpha2


def moving(rng, layer, shortest=5, longest=41):
    """Motion blur along a line, of a length in pixels."""
    kernel = line_kernel(rng, rng.uniform(shortest, longest))
    return filtered(layer, lambda a: cv2.filter2D(a, -1, kernel, borderType=cv2.BORDER_REPLICATE))


def defocused(rng, layer, sigma):
    return filtered(layer, lambda a: cv2.GaussianBlur(a, (0, 0), sigma))


def spilled(rng, layer, field):
    """Background light on the subject's edge."""
    rgb, alpha = layer
    near = 1 - cv2.GaussianBlur(cv2.erode(alpha, np.ones((5, 5), np.uint8)), (0, 0), rng.uniform(2, 8))
    return rgb + (field - rgb) * (near * rng.uniform(0.05, 0.3))[..., None], alpha
