"""Renders composites, codes them as H.264 4:2:0 and writes features and targets in shards.

    python render.py DATA NAME FIRST COUNT [--wide] [--held-out]

Sample i depends on the seed, NAME and i only. FIRST and COUNT are in batches of 100 samples.
"""

import argparse
import json
import subprocess
import time
import zlib
from pathlib import Path

import cv2
import numpy as np

from features import features, targets
from scenes import scene
from subjects import KINDS, Stock

SEED = 20
BATCH = 100
SQUARE, WIDE = (448, 448), (512, 896)
WEIGHTS = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}


def to_ycc(rgb, matrix):
    """Limited-range levels, float32 [3, h, w]."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = kr * r + (1 - kr - kb) * g + kb * b
    return np.stack([16 + 219 * y, 128 + 112 * (b - y) / (1 - kb), 128 + 112 * (r - y) / (1 - kr)])


def noisy(rng, ycc):
    """Camera noise: in half of the samples next to none."""
    h, w = ycc.shape[1:]
    sigma = rng.choice([rng.uniform(0, 0.5), rng.uniform(0.5, 2), rng.uniform(2, 6)], p=[0.55, 0.3, 0.15])
    grain = rng.standard_normal((h, w), np.float32)
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (0, 0), 0.8) * 2
    ycc[0] += grain * sigma
    color = cv2.GaussianBlur(rng.standard_normal((h // 2, w // 2, 2), np.float32), (0, 0), 1.0) * 2.5
    ycc[1:] += cv2.resize(color, (w, h), interpolation=cv2.INTER_NEAREST).transpose(2, 0, 1) * (sigma * rng.uniform(0.2, 0.8))
    return ycc


def to_420(ycc):
    h, w = ycc.shape[1:]
    small = [cv2.resize(p, (w // 2, h // 2), interpolation=cv2.INTER_AREA) for p in ycc[1:]]
    return np.concatenate([np.clip(p + 0.5, 0, 255).astype(np.uint8).ravel() for p in (ycc[0], *small)])


def coded(frames, h, w, quality):
    """The frames after an all-intra H.264 stream; None leaves them as they are."""
    if quality is None:
        return frames
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{w}x{h}"]
    base = ["ffmpeg", "-loglevel", "error", "-threads", "1"]
    coder = ["-c:v", "libx264", "-threads", "1", "-preset", "veryfast", "-crf", str(quality), "-g", "1", "-f", "h264", "-"]
    stream = subprocess.run(base + raw + ["-i", "-"] + coder, input=frames.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    out = subprocess.run(base + ["-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], input=stream,
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(out, np.uint8).reshape(frames.shape)


def believed(rng, field, matrix):
    """The background as a keyer would know it: smooth errors of up to 1.5 levels."""
    ycc = to_ycc(field, matrix)
    h, w = ycc.shape[1:]
    error = np.clip(rng.standard_normal((4, 4, 3), np.float32) * rng.uniform(0, 1), -1.5, 1.5)
    return ycc + cv2.resize(error, (w, h), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)


def measured(rng, planes, field, clear):
    """Deviation of luma and chroma over clear background; a guess where there is none."""
    near = [planes[0] - field[0]] + [planes[k] - field[k][::2, ::2] for k in (1, 2)]
    half = clear[::2, ::2]
    if half.sum() < 200:
        return rng.uniform(0.3, 2), rng.uniform(0.3, 1)
    luma = float(near[0][clear].std())
    chroma = float(np.sqrt((near[1][half].var() + near[2][half].var()) / 2))
    return luma * rng.uniform(0.85, 1.2), chroma * rng.uniform(0.85, 1.2)


def batch(stock, name, at, size):
    """features float16 [100, 10, h, w], targets uint8 [100, 3, h, w], kinds [100]."""
    h, w = size
    seeds = [np.random.default_rng([SEED, zlib.crc32(name.encode()), at * BATCH + k]) for k in range(BATCH)]
    quality = seeds[0].choice([None, 17, 20, 23, 26, 29, 32, 36], p=[0.1, 0.12, 0.14, 0.2, 0.16, 0.12, 0.1, 0.06])
    frames, fields, truths, clears, kinds = [], [], [], [], []
    for rng in seeds:
        drawn = scene(rng, stock, h, w)
        matrix = rng.choice(list(WEIGHTS))
        frames.append(to_420(noisy(rng, to_ycc(drawn["rgb"], matrix).astype(np.float32))))
        fields.append(believed(rng, drawn["field"], matrix).astype(np.float16))
        truths.append((targets(drawn["alpha"], drawn["shadow"]) * 255 + 0.5).astype(np.uint8))
        covered = np.maximum(drawn["alpha"], drawn["shadow"])
        clears.append(cv2.dilate(covered, np.ones((9, 9), np.uint8)) < 0.004)
        kinds.append(drawn["kind"] + 10 * (drawn["shadow"].max() > 0.05))
    frames = coded(np.stack(frames), h, w, quality)
    inputs = np.empty((BATCH, 10, h // 4, w // 4), np.float16)
    for k, rng in enumerate(seeds):
        y = frames[k, :h * w].reshape(h, w)
        cb, cr = frames[k, h * w:].reshape(2, h // 2, w // 2)
        field = fields[k].astype(np.float32)
        sigma = measured(rng, (y, cb, cr), field, clears[k])
        inputs[k] = features(y, cb, cr, field, sigma)
    return inputs, np.stack(truths), np.array(kinds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("name")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    entries = json.loads((options.data / "sprites.json").read_text())
    sprites = np.load(options.data / "sprites.npy", mmap_mode="r")
    fonts = sorted(str(f) for f in Path("/usr/share/fonts").rglob("*.[to]tf"))
    stock = Stock(sprites, entries, fonts, options.held_out)
    out = options.data / "shards"
    out.mkdir(exist_ok=True)
    for at in range(options.first, options.first + options.count):
        start = time.time()
        inputs, truths, kinds = batch(stock, options.name, at, WIDE if options.wide else SQUARE)
        for part, array in (("x", inputs), ("y", truths), ("k", kinds)):
            np.save(out / f"tmp-{options.name}-{part}.npy", array)
            (out / f"tmp-{options.name}-{part}.npy").rename(out / f"{options.name}-{at:04d}-{part}.npy")
        counts = np.bincount(kinds % 10, minlength=len(KINDS))
        print(options.name, at, f"{BATCH / (time.time() - start):.1f}/s", counts.tolist(), flush=True)


if __name__ == "__main__":
    main()
