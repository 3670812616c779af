#!/usr/bin/env python3
"""Soft edges over new colors, mixed as levels and as light: scripts/eval-mixing.py CLEARCUT FOLDER.

Draws clips of a disk with an edge of 12 pixels and of hairs, in three colors over green, mixed as light (as a camera does) and as
levels (as programs do). Cuts them, and puts the cuts over four colors, mixed as levels and as light. Prints the RMSE of the soft
pixels against the truth, which is the drawn subject mixed over the new color in the way of the clip.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES = 480, 360, 8
GREEN = np.array([30.0, 170.0, 60.0])
SUBJECTS = {"dark": (60.0, 40.0, 35.0), "skin": (215.0, 160.0, 130.0), "white": (240.0, 240.0, 235.0)}
OVER = {"white": (255.0,) * 3, "black": (0.0,) * 3, "orange": (255.0, 136.0, 0.0), "blue": (40.0, 70.0, 200.0)}
SUPERSAMPLED = 4


def light_of(levels):
    """Linear light of levels of sRGB."""
    share = levels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def levels_of(light):
    share = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.clip(light, 0, None) ** (1 / 2.4) - 0.055)
    return 255 * share


def mixed(color, under, alpha, as_light):
    alpha = alpha[..., None]
    if as_light:
        return levels_of(light_of(np.asarray(color)) * alpha + light_of(np.asarray(under)) * (1 - alpha))
    return np.asarray(color) * alpha + np.asarray(under) * (1 - alpha)


def alpha_of(shift):
    """Coverage of a disk with a soft edge and of hairs beside it, moved to the right by `shift` pixels."""
    scale = SUPERSAMPLED
    rows, columns = (np.indices((HEIGHT * scale, WIDTH * scale)) + 0.5) / scale
    columns = columns - shift
    distance = np.hypot(columns - 150, rows - 180)
    coverage = np.clip((96 - distance) / 12 + 0.5, 0, 1)
    for number in range(14):
        middle = 290 + 10 * number + 8 * np.sin(rows / 40 + number)
        is_hair = (np.abs(columns - middle) < 0.4 + 0.08 * number) & (rows > 70) & (rows < 290)
        coverage = np.maximum(coverage, is_hair)
    # A solid foot holds the hairs together.
    coverage = np.maximum(coverage, (rows >= 270) & (rows < 310) & (columns > 280) & (columns < 440))
    return coverage.reshape(HEIGHT, scale, WIDTH, scale).mean(axis=(1, 3))


def clip_of(folder, name, color, as_light):
    """A lossless clip of the subject over green, and its alpha."""
    alphas = [alpha_of(number) for number in range(FRAMES)]
    frames = [np.rint(mixed(color, GREEN, alpha, as_light)).astype(np.uint8) for alpha in alphas]
    path = folder / f"{name}.mkv"
    line = f"ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -video_size {WIDTH}x{HEIGHT} -framerate 25 -i pipe:0 -c:v ffv1 -pix_fmt bgr0"
    subprocess.run([*line.split(), path], input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path, alphas


def cut_of(clearcut, path):
    """The cut of a clip: straight colors and alpha of each frame."""
    archive = path.with_suffix(".zip")
    subprocess.run([clearcut, "cut", path, "-f", "png-sequence", "-o", archive, "-q", "--force"], check=True)
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.endswith(".png")]
        return [np.asarray(Image.open(files.open(name)).convert("RGBA"), float) for name in names]


def main():
    clearcut, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    print("| clip mixed as | put over as levels | as light | light is better in |\n|---|---|---|---|")
    for as_light in (True, False):
        errors, better, cases = {True: [], False: []}, [], 0
        for subject, color in SUBJECTS.items():
            path, alphas = clip_of(folder, f"{subject}-{'light' if as_light else 'levels'}", color, as_light)
            cut = cut_of(clearcut, path)
            for over, under in OVER.items():
                of_case = {True: [], False: []}
                for alpha, picture in zip(alphas, cut):
                    soft = (alpha > 0.02) & (alpha < 0.98)
                    truth = mixed(color, under, alpha, as_light)[soft]
                    for way, found in of_case.items():
                        put = mixed(picture[..., :3], under, picture[..., 3] / 255, way)[soft]
                        found.append(np.mean((put - truth) ** 2))
                for way, found in of_case.items():
                    errors[way].append(np.mean(found))
                cases += 1
                if np.mean(of_case[True]) < np.mean(of_case[False]):
                    better.append(f"{subject} on {over}")
        rmse = {way: float(np.sqrt(np.mean(found))) for way, found in errors.items()}
        print(f"| {'light' if as_light else 'levels'} | {rmse[False]:.1f} | {rmse[True]:.1f} | {len(better)} of {cases}: {', '.join(better) or 'none'} |")


if __name__ == "__main__":
    main()
