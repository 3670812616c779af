#!/usr/bin/env python3
"""Has programs of other people read the files of every format: scripts/validate-outputs.py CLEARCUT FOLDER.

Cuts two samples and two drawn clips into all formats in FOLDER, has every validator that is installed read the files,
and prints a table of verdicts. Exits with 1 if a validator refuses a file, or reads another length, number of frames or
color than it has to be. `make validate` runs it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORMATS = {"webm": "webm", "stacked-alpha": "mp4", "webp": "webp", "apng": "apng", "mov": "mov"}
# Names of color primaries, transfer and matrix in mediainfo, by the name of the clip.
BT709 = ("BT.709",) * 3
BT601 = ("BT.601 NTSC", "BT.601", "BT.601")
CLIPS = {"mascot": BT709, "dancer": BT601, "ntsc": BT709, "fast": BT709}
# Readers round times to their clocks: milliseconds, and 1/75 s for AAC's last frame.
TOLERANCE = 0.002
SOUND_TOLERANCE = 0.03


class Refused(Exception):
    """A validator's finding."""


def run(*command):
    """Standard output of a command; refused if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused((done.stdout + done.stderr).strip().splitlines()[-1])
    return done.stdout


def same(what, found, wanted, tolerance=0):
    """Refuses a value that is not the wanted one."""
    is_same = abs(found - wanted) <= tolerance if isinstance(wanted, (int, float)) else found == wanted
    if not is_same:
        raise Refused(f"{what} is {found} instead of {wanted}")


def draw(folder):
    """Draws a clip of NTSC rate, odd sides and sound, longer than a cluster of a WebM, and one of 120 frames a second."""
    wall = "color=0x20c040:s={}:r={}:d={},format=yuv444p"
    box = "drawbox=60:30:40:30:white:fill"
    tags = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -c:v libx264 -pix_fmt yuv444p"
    moving = "overlay=x=10+mod(n\\,100):y=6:shortest=1"
    for name, size, rate, seconds, sound in [
        ("ntsc", "161x91", "30000/1001", 11, "-f lavfi -i sine=440:d=11 -c:a aac"),
        ("fast", "160x96", "120", 1, ""),
    ]:
        graph = f"{wall.format(size, rate, seconds)},{box}[a];color=red:s=16x16:r={rate}[b];[a][b]{moving}"
        line = f"-v error -y -f lavfi -i {graph} {sound} {tags} {name}.mp4"
        subprocess.run(["ffmpeg", *line.split()], cwd=folder, check=True)


def mediainfo(file):
    """The tracks of a file, by kind."""
    tracks = json.loads(run("mediainfo", "--Output=JSON", file))["media"]["track"]
    if any("ConformanceErrors" in track.get("extra", {}) for track in tracks):
        raise Refused("conformance errors")
    return {track["@type"]: track for track in tracks}


def check_color(video, clip):
    """Compares the color of a mediainfo track; ProRes and QuickTime state the transfer of BT.601 as that of BT.709."""
    fields = ("colour_primaries", "transfer_characteristics", "matrix_coefficients")
    found = tuple(video.get(field) for field in fields)
    wanted = CLIPS[clip.stem]
    if video["Format"] == "ProRes" and wanted == BT601:
        wanted = (BT601[0], "BT.709", BT601[2])
    same("color", found, wanted)


def by_mediaconch(file, cut, clip):
    """Conformance to EBML and Matroska."""
    verdict = run("mediaconch", "-mc", file).strip().splitlines()[0]
    if not verdict.startswith("pass!"):
        raise Refused(verdict)


def by_mkvmerge(file, cut, clip):
    """Structure, warnings and duration."""
    read = json.loads(run("mkvmerge", "-J", file))
    same("findings", read["errors"] + read["warnings"], [])
    same("duration", read["container"]["properties"]["duration"] / 1e9, cut["duration"], TOLERANCE + SOUND_TOLERANCE)


def by_mediainfo_webm(file, cut, clip):
    """Color and duration."""
    tracks = mediainfo(file)
    check_color(tracks["Video"], clip)
    same("duration", float(tracks["General"]["Duration"]), cut["duration"], TOLERANCE + SOUND_TOLERANCE)


def by_mediainfo_mp4(file, cut, clip):
    """Index before the samples, color, frames."""
    tracks = mediainfo(file)
    same("IsStreamable", tracks["General"]["IsStreamable"], "Yes")
    check_color(tracks["Video"], clip)
    same("frames", int(tracks["Video"]["FrameCount"]), cut["frames"])
    same("duration", float(tracks["Video"]["Duration"]), cut["duration"], TOLERANCE)


def by_mediainfo_mov(file, cut, clip):
    """Version of the bitstream, alpha, color, frames."""
    video = mediainfo(file)["Video"]
    found = [video.get(field) for field in ("Format_Version", "ColorSpace", "ChromaSubsampling", "ScanType")]
    same("stream", found, ["1", "YUVA", "4:4:4", "Progressive"])
    check_color(video, clip)
    same("frames", int(video["FrameCount"]), cut["frames"])
    same("duration", float(video["Duration"]), cut["duration"], TOLERANCE)


def by_pyav(file, cut, clip):
    """Every frame decoded by the FFmpeg within, its alpha, the times of frames."""
    import av

    with av.open(str(file)) as container:
        video = container.streams.video[0]
        decoder = video.codec_context
        if file.suffix == ".webm":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [packet for packet in container.demux(video)]
        frames = [frame for packet in packets for frame in decoder.decode(packet)]
        if file.suffix != ".mp4":
            same("pixels with alpha", "a" in frames[0].format.name, True)
        if file.suffix != ".apng":
            same("frames", len(frames), cut["frames"])
        times = sorted(float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None)
        same("first time", times[0], 0)
        if file.suffix != ".apng":
            same("last time", times[-1], (cut["frames"] - 1) * cut["interval"], TOLERANCE)
        if container.duration:
            same("duration", container.duration / 1e6, cut["duration"], TOLERANCE + SOUND_TOLERANCE)


def by_webpinfo(file, cut, clip):
    """Structure of all chunks."""
    run("webpinfo", "-quiet", file)


def by_pngcheck(file, cut, clip):
    """Chunks and their checksums."""
    run("pngcheck", "-q", file)


def by_apngdis(file, cut, clip):
    """Every frame, composed."""
    folder = file.parent / f"{file.stem}-frames"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(file.read_bytes())
    if "all done" not in run("apngdis", folder / "a.png"):
        raise Refused("not read to its end")
    for frame in folder.iterdir():
        frame.unlink()
    folder.rmdir()


def by_pillow(file, cut, clip):
    """Every frame with its alpha, and the duration."""
    from PIL import Image

    with Image.open(file) as image:
        millis = 0
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            same("mode", image.mode, "RGBA")
            millis += image.info["duration"]
        same("loops", image.info["loop"], 0)
        same("duration", millis / 1000, cut["duration"], TOLERANCE)


def by_chromium(played):
    """Playing to the end, with alpha."""

    def check(file, cut, clip):
        found = played[file.name]
        if "error" in found:
            raise Refused(found["error"].splitlines()[0])
        has_sound = file.suffix in (".webm", ".mp4")
        same("duration", found["seconds"], cut["duration"], TOLERANCE + (SOUND_TOLERANCE if has_sound else 0))
        same("alpha of the corner", found["alpha"], 255 if file.suffix == ".mp4" else 0, 3)
        # Browsers show what lasts 10 ms or less for 100 ms.
        if found.get("shortest", 1) < 0.011:
            raise Refused(f"a frame lasts {found['shortest']} s")

    return check


def cut_clip(clearcut, clip, folder):
    """Cuts a clip into all formats and returns what the program reports."""
    line = run(clearcut, "cut", clip, "-o", folder, "-f", ",".join(FORMATS), "--force", "--json").splitlines()[-1]
    done = json.loads(line)
    frames, seconds = (int(number) for number in done["fps"].split("/"))
    for output in done["outputs"]:
        same(f"alphaVerified of {output['format']}", output.get("alphaVerified"), True)
    return {"frames": done["frames"], "interval": seconds / frames, "duration": done["frames"] * seconds / frames}


def main():
    clearcut, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder)
    clips = [(ROOT / "samples" / f"{name}.mp4", folder / f"{name}.mp4") for name in CLIPS]
    clips = [sample if sample.exists() else drawn for sample, drawn in clips]
    cuts = {clip: cut_clip(clearcut, clip, folder) for clip in clips}
    names = [f"{clip.stem}-cut.{FORMATS[name]}" for clip in clips for name in ("webm", "stacked-alpha", "webp", "apng")]
    played = json.loads(run("node", ROOT / "tests/browser/play.mjs", folder, *names))
    chromium = ("Chromium", by_chromium(played))
    validators = {
        "webm": [("MediaConch", by_mediaconch), ("mkvmerge", by_mkvmerge), ("MediaInfo", by_mediainfo_webm), ("PyAV", by_pyav), chromium],
        "stacked-alpha": [("MediaInfo", by_mediainfo_mp4), ("PyAV", by_pyav), chromium],
        "webp": [("webpinfo", by_webpinfo), ("Pillow", by_pillow), chromium],
        "apng": [("pngcheck", by_pngcheck), ("apngdis", by_apngdis), ("Pillow", by_pillow), ("PyAV", by_pyav), chromium],
        "mov": [("MediaInfo", by_mediainfo_mov), ("PyAV", by_pyav)],
    }
    refused = False
    print("| format | validator | what it reads | verdict |\n|---|---|---|---|")
    for name, readers in validators.items():
        for validator, read in readers:
            findings = []
            for clip, cut in cuts.items():
                try:
                    read(folder / f"{clip.stem}-cut.{FORMATS[name]}", cut, clip)
                except (Refused, KeyError, OSError, ValueError) as finding:
                    findings.append(f"{clip.stem}: {finding}")
            refused |= bool(findings)
            what = (read.__doc__ or by_chromium.__doc__).rstrip(".")
            what = what[0].lower() + what[1:]
            print(f"| `{name}` | {validator} | {what} | {'; '.join(findings) or 'accepted'} |")
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    main()
