#!/usr/bin/env python3
"""Reads the files of every preset with programs of other people: scripts/validate-presets.py CLEARCUT FOLDER CLIP...

Cuts each clip with each preset into FOLDER, a part of a length that the platform takes. Compares size, rate, duration,
frames, bytes, repeats, sound and transparency with what the platforms state, which is written down here again, and
prints a table of bytes. A limit that cannot be kept is told as `-`. Exits with 1 if a file is not what it has to be.
`make validate-presets` runs it.
"""

import json
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True)
class Limits:
    """What a platform accepts, as of 2026-11-30. Bytes in KB of 1000."""

    extension: str
    kilobytes: int
    size: tuple[int, int] | None = None
    longest: int | None = None
    within: tuple[int, int] | None = None
    rate: float = 60
    seconds: float = 3600
    frames: tuple[int, int] = (1, 100_000)
    least_frame_ms: int = 0
    whole_seconds: bool = False
    played_seconds: float | None = None


PRESETS = {
    "telegram-sticker": Limits("webm", 256, longest=512, rate=30, seconds=3),
    "telegram-emoji": Limits("webm", 64, size=(100, 100), rate=30, seconds=3),
    "whatsapp-sticker": Limits("webp", 500, size=(512, 512), seconds=10, least_frame_ms=8),
    "discord-sticker": Limits("apng", 512, size=(320, 320), seconds=5),
    "discord-emoji": Limits("gif", 256, size=(128, 128)),
    "slack-emoji": Limits("gif", 128, size=(128, 128), frames=(1, 50)),
    "line-sticker": Limits(
        "apng", 300, within=(320, 270), seconds=4, frames=(5, 20), whole_seconds=True, played_seconds=4
    ),
    "imessage-sticker": Limits("apng", 500, size=(408, 408)),
    "web-hero": Limits("webm", 2000, rate=30),
}
# Readers round times to milliseconds, and those of GIF to hundredths.
TOLERANCE = {"webm": 0.002, "webp": 0.001, "apng": 0.001, "gif": 0.01}


class Refused(Exception):
    """What is wrong with a file."""


def ensure(holds, finding):
    if not holds:
        raise Refused(finding)


def probe(file, *entries):
    line = ["ffprobe", "-v", "error", "-of", "json", *entries, str(file)]
    return json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)


def read_webm(file):
    """Size, duration of each frame in ms, plays, and whether it has clear pixels; ffmpeg reads it."""
    found = probe(file, "-show_streams", "-show_packets")
    ensure([stream["codec_type"] for stream in found["streams"]] == ["video"], "it has more than a video track")
    stream = found["streams"][0]
    ensure(stream["codec_name"] == "vp9", f"the codec is {stream['codec_name']}")
    ensure(stream.get("tags", {}).get("alpha_mode", stream.get("tags", {}).get("ALPHA_MODE")) == "1", "no alpha is told")
    starts = [1000 * float(packet["pts_time"]) for packet in found["packets"]]
    rate, per = map(int, stream["avg_frame_rate"].split("/"))
    durations = [after - before for before, after in zip(starts, starts[1:])] + [1000 * per / rate]
    line = ["ffmpeg", "-v", "error", "-c:v", "libvpx-vp9", "-i", str(file), "-vf", "alphaextract,format=gray"]
    matte = subprocess.run([*line, "-f", "rawvideo", "pipe:1"], capture_output=True, check=True).stdout
    return (stream["width"], stream["height"]), durations, 0, min(matte) < 40 and max(matte) > 215


def read_animation(file):
    """The same of a WebP, an APNG or a GIF; Pillow reads it."""
    with Image.open(file) as image:
        durations, clear, solid = [], False, False
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            durations.append(image.info["duration"])
            least, most = image.convert("RGBA").getchannel("A").getextrema()
            clear, solid = clear or least < 40, solid or most > 215
        return image.size, durations, image.info.get("loop", 0), clear and solid


def check_chunks(file):
    """Reads the chunks of an APNG: the number of frames that it states, and that frames lie within the canvas."""
    data, at, stated, frames, canvas = Path(file).read_bytes(), 8, 0, 0, None
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if name == b"IHDR":
            canvas = struct.unpack(">II", body[:8])
        elif name == b"acTL":
            stated, _ = struct.unpack(">II", body)
        elif name == b"fcTL":
            width, height, left, top = struct.unpack(">IIII", body[4:20])
            ensure(left + width <= canvas[0] and top + height <= canvas[1], "a frame lies outside")
            frames += 1
        at += 12 + length
    ensure(stated == frames, f"it states {stated} frames and has {frames}")


def check(file, limits, seconds):
    """Refuses a file that is not what the platform accepts. `seconds` is the length of the part that was cut."""
    read = read_webm if limits.extension == "webm" else read_animation
    size, durations, plays, has_alpha = read(file)
    if limits.extension == "apng":
        check_chunks(file)
    total, length = sum(durations) / 1000, file.stat().st_size
    ensure(length <= 1000 * limits.kilobytes, f"it has {length} bytes")
    ensure(limits.size in (None, size), f"its size is {size}")
    ensure(limits.longest in (None, max(size)), f"its longer side is {max(size)}")
    if limits.within:
        ensure(all(side <= most for side, most in zip(size, limits.within)), f"its size is {size}")
        ensure(any(side == most for side, most in zip(size, limits.within)), f"its size is {size}")
    tolerance = TOLERANCE[limits.extension]
    ensure(total <= limits.seconds + tolerance, f"it lasts {total} s")
    ensure(abs(total - seconds) < 0.2, f"it lasts {total} s and the part {seconds} s")
    ensure(limits.frames[0] <= len(durations) <= limits.frames[1], f"it has {len(durations)} frames")
    # WebM has whole milliseconds.
    ensure(min(durations) >= max(limits.least_frame_ms, 1000 / limits.rate - 1), f"a frame lasts {min(durations)} ms")
    if limits.whole_seconds:
        ensure(abs(total - round(total)) <= tolerance, f"it lasts {total} s")
    if limits.played_seconds:
        ensure(plays >= 1 and plays * total <= limits.played_seconds + tolerance, f"it plays {plays} times {total} s")
    else:
        ensure(plays == 0, f"it plays {plays} times")
    ensure(has_alpha, "it is not both clear and solid somewhere")


def part(limits, seconds):
    """The length that is cut of a clip of so many seconds."""
    seconds = min(seconds, limits.seconds, limits.frames[1] / 5)
    return float(int(seconds)) if limits.whole_seconds else seconds


def cut(clearcut, folder, clip, name, limits):
    """Bytes of the file of a preset, or the code of the error; and what is wrong."""
    seconds = float(probe(clip, "-show_entries", "stream=duration:format=duration", "-select_streams", "v")["format"]["duration"])
    length = part(limits, seconds)
    stem = clip.parent.name if clip.stem in ("input", "source") else clip.stem
    file = folder / f"{stem}-{name}.{limits.extension}"
    line = [str(clearcut), "cut", str(clip), "--preset", name, "-o", str(file), "--force", "--json"]
    if length < seconds:
        line += ["--trim", f"0,{length:g}"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    last = json.loads((done.stdout.splitlines() or done.stderr.splitlines() or ["{}"])[-1])
    if done.returncode != 0:
        code = last.get("code") or last.get("error", {}).get("code") or done.stderr.strip()
        return None, None if code == "LIMIT_NOT_MET" else f"{code}"
    try:
        check(file, limits, length)
    except Refused as refused:
        return file.stat().st_size, str(refused)
    return file.stat().st_size, None


def main(clearcut, folder, *clips):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    row = lambda cells: print("|", " | ".join(cells), "|", flush=True)
    row(["KB of"] + [f"`{name}`" for name in PRESETS])
    row(["---"] * (1 + len(PRESETS)))
    row(["the limit"] + [f"{limits.kilobytes}" for limits in PRESETS.values()])
    faults = []
    for clip in map(Path, clips):
        files = [cut(clearcut, folder, clip, *preset) for preset in PRESETS.items()]
        kilobytes = ["-" if found is None else f"{found / 1000:.0f}" for found, _ in files]
        name = clip.parent.name if clip.stem in ("input", "source") else clip.stem
        row([name, *kilobytes])
        faults += [f"{name}, {preset}: {fault}" for preset, (_, fault) in zip(PRESETS, files) if fault]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
