#!/usr/bin/env python3
"""How fast the keyer is on one core, beside ffmpeg's chromakey: scripts/bench-keyer.py

Both sides take the same raw 4:2:0 frames of each sample clip (and of the mascot at 1440²) and give frames with alpha, on one
thread, by turns, three times. What counts is processor time for the frames alone: the keyer's is told by its own example program,
chromakey's is that of ffmpeg less that of the same ffmpeg without the filter. Prints medians in megapixels a second.
"""
import re
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from goals import note
from programs import EXAMPLES, ffmpeg

RUNS = 3
CLIPS = [("mascot", None), ("dancer", None), ("wheel", None), ("ghost", None), ("mascot", 1440)]


def processor_seconds(command, **options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, check=True, capture_output=True, text=True, **options).stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def speeds(raw, width, height):
    """Megapixels a second of keyer and chromakey."""
    pixels = raw.stat().st_size / 1.5 / 1e6
    with raw.open("rb") as frames:
        said = subprocess.run([EXAMPLES / "key", str(width), str(height), "bt709"], stdin=frames, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=True).stderr
    keyer = float(re.search(r"together (\d+) Mpx/s", said)[1])
    color = re.match(r"#(\w{6})", said)[1]

    def filtered(filters):
        seconds, _ = processor_seconds(
            ["ffmpeg", "-nostdin", "-v", "error", "-filter_threads", "1", "-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size",
             f"{width}x{height}", "-i", raw, "-vf", filters, "-f", "rawvideo", "-y", "/dev/null"])
        return seconds

    alone = filtered(f"chromakey=0x{color}:0.15:0.08") - filtered("format=yuva420p")
    return keyer, pixels / alone


def main():
    subprocess.run(["cargo", "build", "-q", "--release", "--locked", "-p", "clearcut-matte", "--example", "key"], check=True)
    print("| clip | keyer, Mpx/s a core | ffmpeg chromakey | ratio |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, side in CLIPS:
            raw = Path(folder) / "raw.yuv"
            scale = ["-vf", f"scale={side}:{side}:flags=lanczos"] if side else []
            ffmpeg("-i", f"samples/{name}.mp4", *scale, "-pix_fmt", "yuv420p", "-f", "rawvideo", raw)
            probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of",
                                    "csv=p=0", f"samples/{name}.mp4"], check=True, capture_output=True, text=True).stdout
            width, height = (side, side) if side else map(int, probe.strip().strip(",").split(",")[:2])
            runs = [speeds(raw, width, height) for _ in range(RUNS)]
            ours, theirs = (statistics.median(column) for column in zip(*runs))
            print(f"| {name} {width}×{height} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.1f} |", flush=True)
            measured = f"{ours:.0f} Mpx/s, {ours / theirs:.1f}× (chromakey {theirs:.0f})"
            note("keyer ≥ 100 Mpx/s a core and ≥ 3× chromakey", f"{name} {width}×{height}", measured, ours >= 100 and ours >= 3 * theirs)


if __name__ == "__main__":
    main()
