#!/usr/bin/env python3
"""Animated WebP and APNG against ffmpeg's, on the same matted frames: scripts/bench-animation.py [RUNS]

The sample clip is scaled to 768x768, matted once, and given to both sides as raw frames, in turn, RUNS times (default 3). WebP
stands at quality 60; ffmpeg's quality is the lowest whose color (PSNR over opaque pixels of ffmpeg's own R'G'B' of the frames)
is at least as true. Prints medians, sizes and truth of both sides, and the ratios, with the promised bounds beside them.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

from goals import note
from programs import EXAMPLES, ffmpeg

SIDE, RATE, QUALITY = 768, 30, 60
RAW = f"-f rawvideo -pixel_format yuva420p -video_size {SIDE}x{SIDE} -framerate {RATE} -colorspace bt709 -color_range tv"
TO_RGB = "scale=in_color_matrix=bt709:in_range=tv:out_range=pc:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
TIME_BOUND, BYTES_BOUND = 0.50, 0.75


def theirs(raw, codec, out, pixels="bgra"):
    ffmpeg(*f"{RAW} -i {raw} -vf {TO_RGB},format={pixels} {codec}".split(), out)


def ours(raw, kind, quality, out):
    cores = str(len(os.sched_getaffinity(0)))
    words = [kind, f"{SIDE}x{SIDE}", str(RATE), "bt709", str(quality), cores, raw, out]
    subprocess.run([EXAMPLES / "animate", *words], check=True, stdout=subprocess.DEVNULL)


def matted(folder):
    """Raw frames with alpha, and what ffmpeg makes of them in R'G'B'A."""
    plain, raw, rgba = (os.path.join(folder, name) for name in ("plain.yuv", "matted.yuva", "matted.rgba"))
    ffmpeg(*f"-i samples/mascot.mp4 -an -vf scale={SIDE}:{SIDE}:flags=bicubic -pix_fmt yuv420p -f rawvideo".split(), plain)
    with open(plain, "rb") as given, open(raw, "wb") as out:
        key = [EXAMPLES / "key", str(SIDE), str(SIDE), "bt709"]
        subprocess.run(key, check=True, stdin=given, stdout=out, stderr=subprocess.DEVNULL)
    theirs(raw, "-f rawvideo", rgba, "rgba")
    return raw, rgba


def score(rgba, path):
    said = subprocess.run([EXAMPLES / "score", rgba, str(RATE), path], check=True, capture_output=True, text=True)
    size, _, psnr, alpha_error = said.stdout.split()
    return int(size), float(psnr), float(alpha_error)


def webp_codec(quality):
    return f"-c:v libwebp_anim -quality {quality} -compression_level 4 -loop 0 -f webp"


def equal_quality(raw, rgba, psnr, out):
    """The lowest quality at which ffmpeg's WebP is as true as ours."""
    low, high = 0, 100
    while low < high:
        middle = (low + high) // 2
        theirs(raw, webp_codec(middle), out)
        low, high = (low, middle) if score(rgba, out)[1] >= psnr else (middle + 1, high)
    return low


def compare(name, rgba, runs, own, their, bounded):
    """Both sides in turn; the files are left in place."""
    took = ([], [])
    for _ in range(runs):
        for (run, _), times in zip((own, their), took):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
    secs = [statistics.median(times) for times in took]
    scores = [score(rgba, path) for _, path in (own, their)]
    for side, seconds, (size, psnr, alpha) in zip(("clearcut", "ffmpeg"), secs, scores):
        print(f"{name:24} {side:9} {seconds:7.2f} s {size:10} bytes  color {psnr:6.2f} dB  alpha off by {alpha:.4f}")
    in_time, in_bytes = secs[0] / secs[1], scores[0][0] / scores[1][0]
    if bounded:
        measured = f"{secs[0]:.2f} s beside {secs[1]:.2f}, {scores[0][0] / 1000:.0f} kB beside {scores[1][0] / 1000:.0f}, " \
                   f"color {scores[0][1]:.1f} beside {scores[1][1]:.1f} dB"
        note(f"{name.split()[0]} ≤ {TIME_BOUND} of ffmpeg's time", name, f"{in_time:.2f} ({measured})", in_time <= TIME_BOUND)
        note(f"{name.split()[0]} ≤ {BYTES_BOUND} of ffmpeg's bytes", name, f"{in_bytes:.2f}", in_bytes <= BYTES_BOUND)
    bounds = f" (promised {TIME_BOUND}, {BYTES_BOUND})" if bounded else ""
    print(f"{name:24} ratio     time {in_time:.2f}, bytes {in_bytes:.2f}{bounds}\n")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        raw, rgba = matted(folder)
        own_path, their_path = (os.path.join(folder, name) for name in ("own", "their"))

        def sides(kind, quality, codec, pixels):
            own = (lambda: ours(raw, kind, quality, own_path), own_path)
            return own, (lambda: theirs(raw, codec, their_path, pixels), their_path)

        ours(raw, "webp", QUALITY, own_path)
        equal = equal_quality(raw, rgba, score(rgba, own_path)[1], their_path)
        print(f"ffmpeg's WebP is as true as ours of quality {QUALITY} at its quality {equal}\n")
        apng = "-c:v apng -pred mixed -plays 0 -f apng"
        compare(f"webp {QUALITY}", rgba, runs, *sides("webp", QUALITY, webp_codec(equal), "bgra"), True)
        for quality in (80, 90):
            ours(raw, "webp", quality, own_path)
            equal = equal_quality(raw, rgba, score(rgba, own_path)[1], their_path)
            compare(f"webp {quality}, theirs {equal}", rgba, runs, *sides("webp", quality, webp_codec(equal), "bgra"), False)
        compare("webp, both at 60", rgba, runs, *sides("webp", QUALITY, webp_codec(QUALITY), "bgra"), False)
        compare(f"apng {QUALITY}", rgba, runs, *sides("apng", QUALITY, apng, "rgba"), True)
        compare("apng lossless", rgba, runs, *sides("apng", 100, apng, "rgba"), True)
        lossless = "-c:v libwebp_anim -lossless 1 -quality 100 -loop 0 -f webp"
        compare("webp lossless", rgba, min(runs, 1), *sides("webp", 100, lossless, "bgra"), False)


if __name__ == "__main__":
    main()
