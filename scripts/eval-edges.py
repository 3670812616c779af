#!/usr/bin/env python3
"""What options for edges and spill would do to the cuts of the evaluation kit: scripts/eval-edges.py CLEARCUT EVAL FOLDER.

Cuts each case on a plain background, and changes the cut as the options of other programs do: alpha one pixel narrower, one wider,
softer by a pixel, and the color of soft pixels with less of the channel in which the background is strongest (the usual despill).
Prints mean MAD of alpha × 1000 and mean PSNR over a checkerboard, and in how many cases each change is better than the cut as it is.
Every fifth frame; glass and balloons are left out, as in docs/reference/quality.md.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

STEP = 5
LEFT_OUT = ("c15", "c16")
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def frames_of(path, pixels, shape):
    """Every fifth frame of a video as levels."""
    line = f"ffmpeg -v error -i {path} -vf select=not(mod(n\\,{STEP})) -fps_mode passthrough -f rawvideo -pix_fmt {pixels} pipe:1"
    raw = subprocess.run(line.split(), capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape)


def cut_of(clearcut, case, folder):
    """Straight colors and alpha of every fifth frame of the cut."""
    archive = folder / f"{case.name}.zip"
    subprocess.run([clearcut, "cut", case / "input.mp4", "-f", "png-sequence", "-o", archive, "-q", "--force"], check=True)
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if name.endswith(".png"))[::STEP]
        return np.stack([np.asarray(Image.open(files.open(name)).convert("RGBA")) for name in names])


def despilled(color, alpha, key):
    """Soft pixels with the key's strongest channel limited to the mean of the others."""
    strongest = int(np.argmax(key))
    others = color[..., [channel for channel in range(3) if channel != strongest]].mean(axis=-1)
    limited = color.copy()
    limited[..., strongest] = np.where(alpha < 0.98, np.minimum(color[..., strongest], others), color[..., strongest])
    return limited


def changes(color, alpha, key):
    return {
        "as it is": (color, alpha),
        "one pixel narrower": (color, cv2.erode(alpha, CROSS)),
        "one pixel wider": (color, cv2.dilate(alpha, CROSS)),
        "softer by a pixel": (color, cv2.GaussianBlur(alpha, (0, 0), 1)),
        "despilled once more": (despilled(color, alpha, key), alpha),
    }


def checkerboard(height, width):
    rows, columns = np.indices((height, width)) // 16
    return np.where((rows + columns) % 2, 160.0, 96.0)[..., None]


def main():
    clearcut, kit, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    cases = [case for case in sorted((kit / "cases").glob("c*")) if not case.name.startswith(LEFT_OUT)]
    found = {}
    for case in cases:
        cut = cut_of(clearcut, case, folder)
        height, width = cut.shape[1:3]
        truth = frames_of(case / "alpha.mkv", "gray", (height, width)) / 255
        foreground = frames_of(case / "fgr.mkv", "rgb24", (height, width, 3)).astype(float)
        corner = frames_of(case / "input.mp4", "rgb24", (height, width, 3))[0, 2, 2]
        scored = frames_of(case / "ignore.mkv", "gray", (height, width)) < 128 if (case / "ignore.mkv").exists() else np.ones(truth.shape, bool)
        under = checkerboard(height, width)
        sums = {}
        for picture, alpha, color, counts in zip(cut, truth, foreground, scored):
            shown = color * alpha[..., None] + under * (1 - alpha[..., None])
            for name, (changed, matte) in changes(picture[..., :3].astype(float), picture[..., 3] / 255, corner).items():
                put = changed * matte[..., None] + under * (1 - matte[..., None])
                errors = (np.abs(matte - alpha)[counts].mean() * 1000, np.mean((put - shown)[counts] ** 2))
                sums.setdefault(name, []).append(errors)
        for name, errors in sums.items():
            mad, square = np.mean(errors, axis=0)
            found.setdefault(name, []).append((mad, 10 * np.log10(255**2 / square)))
        print(case.name, json.dumps({name: [round(float(value), 2) for value in values[-1]] for name, values in found.items()}), file=sys.stderr)
    print(f"| {len(cases)} cases | MAD | better in | PSNR, dB | better in |\n|---|---|---|---|---|")
    usual = np.array(found["as it is"])
    for name, values in found.items():
        values = np.array(values)
        better = (int((values[:, 0] < usual[:, 0] - 0.005).sum()), int((values[:, 1] > usual[:, 1] + 0.005).sum()))
        print(f"| {name} | {values[:, 0].mean():.2f} | {better[0]} | {values[:, 1].mean():.2f} | {better[1]} |")


if __name__ == "__main__":
    main()
