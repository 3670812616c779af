"""Measures an ONNX file on held-out shards, or on clips with known alpha.

    python evaluate.py OPACITY.onnx shards DATA NAME
    python evaluate.py OPACITY.onnx clips FOLDER [PICTURES]

A folder of clips holds <id>/input.mp4 and <id>/alpha.mkv; every fifteenth frame is looked at. The
background is fitted to the pixels that the true alpha calls clear.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from features import features, padded, targets
from subjects import KINDS

SHADOW = 10


def network(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"input": x[None].astype(np.float32)})[0][0]


def counts(guess, truth):
    """Sums over blocks: error, blocks, solid, holes, clear, residue, partial, partial error."""
    error = np.abs(guess - truth)
    solid, clear = truth > 0.98, truth < 0.02
    partial = ~solid & ~clear
    return np.array([error.sum(), error.size, solid.sum(), (solid & (guess < 0.9)).sum(), clear.sum(),
                     (clear & (guess > 0.1)).sum(), partial.sum(), error[partial].sum()], np.float64)


def row(name, n, sums):
    share = lambda a, b: 100 * sums[a] / max(sums[b], 1)
    return (f"{name:24s} {n:5d} error x1000 {1000 * sums[0] / sums[1]:6.1f}  holes {share(3, 2):6.2f} %  "
            f"residue {share(5, 4):6.2f} %  error x1000 where partial {10 * share(7, 6):6.1f}")


def on_shards(run, data, name):
    table, shadow_error, body_error, total = {}, 0.0, 0.0, 0
    for path in sorted((data / "shards").glob(f"{name}-*-k.npy")):
        inputs, truths = (np.load(str(path).replace("-k.npy", f"-{part}.npy"), mmap_mode="r") for part in "xy")
        for x, y, kind in zip(inputs, truths, np.load(path)):
            guess, truth = run(x), y.astype(np.float32) / 255
            found = counts(guess[0], truth[0])
            names = [KINDS[kind % SHADOW], "all"] + (["with a shadow"] if kind >= SHADOW else [])
            for key in names:
                n, sums = table.get(key, (0, 0))
                table[key] = n + 1, sums + found
            body_error += np.abs(guess[1] - truth[1]).mean()
            shadow_error += np.abs(guess[2] - truth[2]).mean()
            total += 1
    for key in KINDS + ["with a shadow", "all"]:
        if key in table:
            print(row(key, *table[key]))
    print(f"body error x1000 {1000 * body_error / total:.1f}, shadow error x1000 {1000 * shadow_error / total:.1f}")


# Clips

def size_of(path):
    asked = ["-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0"]
    out = subprocess.run(["ffprobe", "-v", "error", *asked, str(path)], capture_output=True, text=True, check=True).stdout
    return [int(n) for n in out.strip().strip(",").split(",")[:2]]


def frames(path, form, every, w, h):
    size = w * h * 3 // 2 if form == "yuv420p" else w * h
    some = ["-vf", f"select=not(mod(n\\,{every}))", "-fps_mode", "passthrough"]
    out = subprocess.run(["ffmpeg", "-loglevel", "error", "-threads", "1", "-i", str(path), *some, "-f", "rawvideo",
                          "-pix_fmt", form, "-"], stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(out, np.uint8).reshape(-1, size)


def fitted(planes, clear):
    """A cubic surface through the clear pixels of every plane, at luma size; None where too little is clear."""
    h, w = planes[0].shape
    result = []
    for plane in planes:
        rows, columns = plane.shape
        mask = cv2.resize(clear.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_AREA) > 0
        ys, xs = np.nonzero(mask)
        if len(ys) < 400:
            return None
        pick = np.random.default_rng(0).integers(len(ys), size=6000)
        ys, xs = ys[pick], xs[pick]
        basis = lambda y, x: np.stack([x ** i * y ** j for i in range(4) for j in range(4 - i)], -1)
        a = basis(ys / rows * 2 - 1, xs / columns * 2 - 1)
        factors = np.linalg.lstsq(a, plane[ys, xs].astype(np.float64), rcond=None)[0]
        y, x = np.mgrid[0:h:8, 0:w:8]
        surface = (basis((y + 0.5) / h * 2 - 1, (x + 0.5) / w * 2 - 1) @ factors).astype(np.float32)
        result.append(cv2.resize(surface, (w, h), interpolation=cv2.INTER_LINEAR))
    return np.stack(result)


def clip(run, folder, every=15):
    """Sums over the frames, and the last frame's pictures."""
    source = next(folder.glob("input.mp4"))
    w, h = size_of(source)
    sums, shown = np.zeros(8), None
    for raw, alpha in zip(frames(source, "yuv420p", every, w, h), frames(folder / "alpha.mkv", "gray", every, w, h)):
        alpha = alpha.reshape(h, w).astype(np.float32) / 255
        y, (cb, cr) = raw[:h * w].reshape(h, w), raw[h * w:].reshape(2, h // 2, w // 2)
        clear = cv2.dilate(alpha, np.ones((15, 15), np.uint8)) < 0.004
        field = fitted((y, cb, cr), clear)
        if field is None:
            continue
        half = clear[::2, ::2][:h // 2, :w // 2]
        rest = [y - field[0]] + [p - field[k][::2, ::2] for k, p in ((1, cb), (2, cr))]
        sigma = rest[0][clear].std(), np.sqrt((rest[1][half].var() + rest[2][half].var()) / 2)
        full = padded(y), padded(cb, 16), padded(cr, 16)
        x = features(*full, np.stack([padded(p) for p in field]), sigma)
        truth = targets(padded(alpha), np.zeros(full[0].shape, np.float32))
        guess = run(x)
        rows, columns = h // 4, w // 4
        sums += counts(guess[0, :rows, :columns], truth[0, :rows, :columns])
        shown = y, cb, cr, truth, guess
    return sums, shown


def picture(shown):
    """Frame, true alpha, alpha, body, shadow, doubt."""
    y, cb, cr, truth, guess = shown
    h, w = y.shape
    ycc = np.dstack([y, *(cv2.resize(p, (w, h), interpolation=cv2.INTER_NEAREST) for p in (cr, cb))])
    tiles = [cv2.resize(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR), (w // 4, h // 4), interpolation=cv2.INTER_AREA)]
    for plane in (truth[0], *guess):
        tiles.append(cv2.cvtColor((plane[:h // 4, :w // 4] * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))
    return np.concatenate(tiles, 1)


def on_clips(run, folder, pictures=None):
    table = {}
    for case in sorted(p.parent for p in folder.glob("*/alpha.mkv")):
        if not (case / "input.mp4").exists():
            continue
        sums, shown = clip(run, case)
        if shown is None:
            continue
        if pictures:
            cv2.imwrite(str(pictures / f"{case.name}.png"), picture(shown))
        print(row(case.name, 1, sums))
        for key in (case.name.split("_s")[0], "all"):
            n, total = table.get(key, (0, 0))
            table[key] = n + 1, total + sums
    for key, (n, sums) in table.items():
        print(row(key, n, sums))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    if sys.argv[2] == "shards":
        on_shards(network(sys.argv[1]), Path(sys.argv[3]), sys.argv[4])
    else:
        on_clips(network(sys.argv[1]), Path(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
