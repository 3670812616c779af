#!/usr/bin/env python3
"""Each format beside what ffmpeg makes of the same pictures: scripts/bench-outputs.py CLEARCUT FFMPEG FOLDER CLIP...

Each clip is cut once, at 480 pixels; its pictures with alpha, as PNGs in a MOV, are what both sides then encode, by turns, RUNS
times (an environment variable, default 3). FFMPEG is one whose x265 codes alpha, as `clearcut ffmpeg install` fetches it; it makes
all of ffmpeg's files, with the options that a person would type. Where its encoder has a quality, it is the lowest at which the
file is at least as true as clearcut's: PSNR of every third frame over a checkerboard. clearcut's time is that of the whole command,
which measures the clip first and reads its files back at the end. Prints a table of medians.
"""
import json
import os
import statistics
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pictures import decode, decode_animation, over_checkerboard, psnr

RUNS = int(os.environ.get("RUNS", "3"))
SIDE, STEP = 480, 3
GIF = "[0]split[a][b];[a]palettegen=reserve_transparent=1:max_colors={q}[p];[b][p]paletteuse=dither=none"
ANIMATIONS = {".gif", ".webp", ".apng"}


@dataclass(frozen=True)
class Rival:
    """ffmpeg's way to a format: its options with {q} for the quality, and the qualities from the lowest to the highest."""

    format: str
    extension: str
    options: str
    qualities: tuple = ()


RIVALS = [
    Rival("webm", "webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -b:v 0 -crf {q}", tuple(range(55, 3, -2))),
    Rival("hevc-alpha", "mov", "-c:v libx265 -pix_fmt yuva420p -x265-params alpha=1:log-level=none -tag:v hvc1 -crf {q}", tuple(range(40, 7, -1))),
    Rival("mov", "mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
    Rival("webp", "webp", "-c:v libwebp_anim -loop 0 -quality {q}", tuple(range(40, 101, 2))),
    Rival("apng", "apng", "-c:v apng -plays 0 -pix_fmt rgba"),
    Rival("gif", "gif", f"-filter_complex {GIF}", (16, 32, 64, 96, 128, 192, 256)),
]


def run(*words):
    subprocess.run(list(map(str, words)), check=True)


def prepare(clearcut, folder, clip):
    """The pictures of the cut as a MOV, and its frame rate."""
    folder.mkdir(parents=True, exist_ok=True)
    run(clearcut, "cut", clip, "--size", SIDE, "-f", "png-sequence", "-o", f"{folder}/", "-q", "--force", "--no-audio")
    with zipfile.ZipFile(folder / f"{clip.stem}-cut.zip") as archive:
        archive.extractall(folder)
    numerator, denominator = json.loads((folder / "sequence.json").read_text())["frameRate"]
    pictures = folder / "pictures.mov"
    run("ffmpeg", "-v", "error", "-y", "-framerate", f"{numerator}/{denominator}", "-i", folder / "frame-%06d.png", "-c", "copy", pictures)
    return pictures, numerator / denominator


class Pictures:
    """The pictures that both sides encode, and how true a file of them is."""

    def __init__(self, path, frame_rate, ffmpeg):
        self.path, self.frame_rate, self.ffmpeg = path, frame_rate, ffmpeg
        truth = decode(path)
        self.count, self.size = len(truth), (truth.shape[2], truth.shape[1])
        self.truth = over_checkerboard(truth[::STEP])

    def psnr(self, file):
        if file.suffix in ANIMATIONS:
            frames = decode_animation(file, self.count, self.frame_rate)
        else:
            program = self.ffmpeg if "hevc" in file.name else "ffmpeg"
            frames = decode(file, program, self.size)
        if len(frames) != self.count:
            sys.exit(f"{file} has {len(frames)} frames instead of {self.count}")
        return psnr(over_checkerboard(frames[::STEP]), self.truth)


def cut(clearcut, pictures, rival, file):
    """clearcut's file of the pictures."""
    run(clearcut, "cut", pictures.path, "-f", rival.format, "-o", file, "-q", "--force", "--no-audio")


def encode(pictures, rival, quality, file):
    """ffmpeg's file of the pictures."""
    options = rival.options.format(q=quality).split()
    run(pictures.ffmpeg, "-v", "error", "-nostdin", "-y", "-i", pictures.path, "-an", *options, file)


def equal_quality(pictures, rival, least, file):
    """The lowest quality of ffmpeg's whose file is at least as true as `least` dB; the highest, if none is."""
    low, high = 0, len(rival.qualities) - 1
    while low < high:
        middle = (low + high) // 2
        encode(pictures, rival, rival.qualities[middle], file)
        low, high = (low, middle) if pictures.psnr(file) >= least else (middle + 1, high)
    return rival.qualities[low] if rival.qualities else None


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(clearcut, folder, pictures, rival, name):
    """A row of the table."""
    own, other = (folder / f"{side}-{rival.format}.{rival.extension}" for side in ("clearcut", "ffmpeg"))
    cut(clearcut, pictures, rival, own)
    true = pictures.psnr(own)
    quality = equal_quality(pictures, rival, true, other)
    both = (lambda: cut(clearcut, pictures, rival, own)), (lambda: encode(pictures, rival, quality, other))
    times = [[timed(work) for work in both] for _ in range(RUNS)]
    secs = [statistics.median(column) for column in zip(*times)]
    kilobytes = [file.stat().st_size / 1000 for file in (own, other)]
    asked = "" if quality is None else f" ({'colors' if rival.format == 'gif' else 'crf' if '-crf' in rival.options else 'quality'} {quality})"
    print(f"| {name} | `{rival.format}` | {secs[0]:.1f} | {secs[1]:.1f} | {secs[0] / secs[1]:.2f} | {kilobytes[0]:.0f} | {kilobytes[1]:.0f}"
          f" | {kilobytes[0] / kilobytes[1]:.2f} | {true:.1f} | {pictures.psnr(other):.1f}{asked} |", flush=True)


def main():
    clearcut, ffmpeg, folder, clips = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3]), sys.argv[4:]
    print("| clip | format | clearcut, s | ffmpeg, s | ratio | clearcut, kB | ffmpeg, kB | ratio | clearcut, dB | ffmpeg, dB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for clip in map(Path, clips):
        own = folder / clip.stem
        path, frame_rate = prepare(clearcut, own, clip)
        pictures = Pictures(path, frame_rate, ffmpeg)
        for rival in RIVALS:
            compare(clearcut, own, pictures, rival, clip.stem)


if __name__ == "__main__":
    main()
