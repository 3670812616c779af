#!/usr/bin/env python3
"""Frames of the cuts that eval.py left in OUT: scripts/eval-images.py KIT OUT [DOCS]

For each plain-background case, its worst frame (largest mean alpha error) as one row: clip, exact matte, matte, where they differ (red: too
much kept, blue: too much removed), and the cut over a checkerboard, black and white. OUT/sheet.png holds all rows; DOCS gets the rows
of the three cases with the largest error that are not see-through.
"""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from eval import SEE_THROUGH

ROW_HEIGHT = 240  # of a row in the sheet
DOCS_HEIGHT = 240


def frames(path, pixels, channels, shape, decoder=()):
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *decoder, "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo",
                          "-pix_fmt", pixels, "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape, channels)


def row(folder, out):
    """The row of one case as an array, and its mean alpha error × 1000."""
    case = json.loads((folder / "case.json").read_text())
    shape = (case["height"], case["width"])
    exact = frames(folder / "alpha.mkv", "gray", 1, shape)
    cut = frames(out / f"{folder.name}.webm", "rgba", 4, shape, ("-c:v", "libvpx-vp9"))
    difference = cut[..., 3:].astype(np.int16) - exact
    if (folder / "ignore.mkv").is_file():
        difference[frames(folder / "ignore.mkv", "gray", 1, shape) > 127] = 0
    errors = np.abs(difference).mean(axis=(1, 2, 3))
    worst = int(errors.argmax())
    clip = frames(folder / "input.mp4", "rgb24", 3, shape)[worst]
    off = difference[worst, ..., 0]
    shown = np.stack([np.clip(off, 0, 255), np.zeros_like(off), np.clip(-off, 0, 255)], axis=2).astype(np.uint8)
    y, x = np.indices(shape)
    board = np.where((x // 16 + y // 16) % 2, 100, 200)[..., None]
    color, alpha = cut[worst, ..., :3], cut[worst, ..., 3:] / 255
    over = [(color * alpha + background * (1 - alpha)).astype(np.uint8) for background in (board, 0, 255)]
    gray = [np.repeat(matte, 3, axis=2) for matte in (exact[worst], cut[worst, ..., 3:])]
    return np.hstack([clip, *gray, shown, *over]), float(errors.mean() / 255 * 1000)


def scaled(array, height):
    image = Image.fromarray(array)
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.LANCZOS)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    kit, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows = {folder.name: row(folder, out) for folder in sorted((kit / "cases").glob("c*"))}
    images = [scaled(array, ROW_HEIGHT) for array, _ in rows.values()]
    sheet = Image.new("RGB", (max(image.width for image in images), ROW_HEIGHT * len(images)), "gray")
    for index, image in enumerate(images):
        sheet.paste(image, (0, index * ROW_HEIGHT))
    sheet.save(out / "sheet.png")
    if len(sys.argv) == 4:
        worst = sorted((name for name in rows if not name.startswith(SEE_THROUGH)), key=lambda name: -rows[name][1])[:3]
        for place, name in enumerate(worst, 1):
            scaled(rows[name][0], DOCS_HEIGHT).save(Path(sys.argv[3]) / f"worst-{place}.png", optimize=True)
            print(f"worst-{place}.png: {name}")


if __name__ == "__main__":
    main()
