#!/usr/bin/env python3
"""hevc-alpha at each speed beside webm, of the same frames: scripts/bench-hevc.py CLEARCUT FFMPEG FOLDER CLIP...

Cuts each clip at 480 pixels, without sound, to a PNG sequence and to both formats. FFMPEG decodes the alpha of HEVC. Prints, for each
file, its bytes, the PSNR of luma over pixels that are solid in the PNGs, and the mean error of alpha over all pixels and over those of
edges (5 to 250).
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from pictures import decode, psnr

SIDE = 480
FILES = [("webm", "balanced"), ("hevc-alpha", "fast"), ("hevc-alpha", "balanced"), ("hevc-alpha", "best")]
LUMA = np.array([0.2126, 0.7152, 0.0722])


def cut(clearcut, clip, folder, *options):
    words = [clearcut, "cut", clip, "--size", str(SIDE), "--no-audio", "-q", "--force", "-o", f"{folder}/", *options]
    subprocess.run(list(map(str, words)), check=True)


def pictures(archive):
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.endswith(".png")]
        return np.stack([np.asarray(Image.open(files.open(name)).convert("RGBA")) for name in names])


def main():
    clearcut, ffmpeg, folder, clips = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    folder.mkdir(parents=True, exist_ok=True)
    print("| sample |", " | ".join(f"`{name}`, `{speed}`" for name, speed in FILES), "|")
    print("|---" * (1 + len(FILES)) + "|")
    for clip in map(Path, clips):
        cut(clearcut, clip, folder, "-f", "png-sequence")
        truth = pictures(folder / f"{clip.stem}-cut.zip")
        solid, edge = truth[..., 3] == 255, (truth[..., 3] >= 5) & (truth[..., 3] <= 250)
        cells = []
        for name, speed in FILES:
            cut(clearcut, clip, folder, "-f", name, "--speed", speed)
            file = folder / f"{clip.stem}-cut{'.webm' if name == 'webm' else '-hevc.mov'}"
            height, width = truth.shape[1:3]
            found = decode(file, "ffmpeg" if name == "webm" else ffmpeg)[:, :height, :width]
            off = np.abs(found[..., 3].astype(float) - truth[..., 3])
            luma = psnr(found[..., :3][solid] @ LUMA, truth[..., :3][solid] @ LUMA)
            cells.append(f"{file.stat().st_size / 1000:.0f} kB, {luma:.1f} dB, {off.mean():.2f} and {off[edge].mean():.1f}")
        print(f"| `{clip.stem}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
