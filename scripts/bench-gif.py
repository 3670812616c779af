"""Compares clearcut's GIFs with those of ffmpeg's palettegen, of the same frames: bench-gif.py PROGRAM FOLDER CLIP...

Cuts each clip to GIF and to PNGs at 480 pixels, makes GIFs of the PNGs with ffmpeg, without dithering with fewer and fewer colors and
as it is by default, and prints size and PSNR of each: of the color of every third frame, over pixels that are solid in both.
"""

import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
from PIL import Image

FILTERS = "[0]split[a][b];[a]palettegen=reserve_transparent=1{colors}[p];[b][p]paletteuse{dither}"


def psnr(gif, frames, frame_rate):
    """PSNR in dB of the colors of a GIF."""
    picture = Image.open(gif)
    durations = []
    for number in range(picture.n_frames):
        picture.seek(number)
        durations.append(picture.info["duration"])
    ends, squares, count = np.cumsum(durations), 0.0, 0
    for number in range(0, len(frames), 3):
        middle_ms = (number + 0.5) / frame_rate * 1000
        picture.seek(min(int(np.searchsorted(ends, middle_ms, side="right")), picture.n_frames - 1))
        shown, truth = np.asarray(picture.convert("RGBA"), float), np.asarray(Image.open(frames[number]), float)
        is_solid = (truth[..., 3] >= 254) & (shown[..., 3] > 128)
        squares += ((shown[..., :3] - truth[..., :3])[is_solid] ** 2).sum()
        count += 3 * is_solid.sum()
    return 10 * np.log10(255**2 * count / squares)


def main():
    program, folder, clips = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    for clip in map(pathlib.Path, clips):
        own = folder / clip.stem
        own.mkdir(parents=True, exist_ok=True)
        subprocess.run([program, "cut", clip, "--size", "480", "-f", "gif,png-sequence", "-o", f"{own}/", "-q", "--force"], check=True)
        with zipfile.ZipFile(own / f"{clip.stem}-cut.zip") as archive:
            archive.extractall(own)
        numerator, denominator = json.loads((own / "sequence.json").read_text())["frameRate"]
        frames = sorted(own.glob("frame-*.png"))
        gifs = {"clearcut": own / f"{clip.stem}-cut.gif"}
        for colors in (256, 192, 128, 96, None):
            name = f"ffmpeg, {colors} colors" if colors else "ffmpeg by default"
            gifs[name] = own / f"ffmpeg-{colors}.gif"
            filters = FILTERS.format(colors=f":max_colors={colors}" if colors else "", dither="=dither=none" if colors else "")
            words = ["-v", "error", "-y", "-framerate", f"{numerator}/{denominator}", "-i", own / "frame-%06d.png", "-filter_complex", filters]
            subprocess.run(["ffmpeg", *words, gifs[name]], check=True)
        for name, gif in gifs.items():
            print(f"{clip.stem:10} {name:20} {gif.stat().st_size // 1000:6} kB {psnr(gif, frames, numerator / denominator):6.1f} dB", flush=True)


if __name__ == "__main__":
    main()
