#!/usr/bin/env python3
"""Has programs of other people read the files of every format: scripts/validate-outputs.py CLEARCUT FOLDER.

Cuts two samples and two drawn clips into all formats in FOLDER, has every validator that is installed read the files,
and prints a table of verdicts. Exits with 1 if a validator refuses a file, or reads another length, number of frames or
color than it has to be. `make validate` runs it.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from pictures import decode, decode_alpha

ROOT = Path(__file__).resolve().parent.parent
# What follows the name of the clip in that of the file.
FORMATS = {
    "webm": "-cut.webm",
    "stacked-alpha": "-cut.mp4",
    "webp": "-cut.webp",
    "apng": "-cut.apng",
    "gif": "-cut.gif",
    "mov": "-cut.mov",
    "hevc-alpha": "-cut-hevc.mov",
    "png-sequence": "-cut.zip",
    "sprite-sheet": "-cut-sprites.zip",
    "matte": "-cut-matte.mp4",
    "poster": "-cut-poster.png",
}
PLAYED = ("webm", "stacked-alpha", "webp", "apng", "gif")
# The ffmpeg that `clearcut ffmpeg install` fetches, which decodes the alpha of HEVC.
HEVC_FFMPEG = Path(os.environ.get("CLEARCUT_MODELS", ROOT / "out/models")) / "ffmpeg/ffmpeg"
# Levels by which alpha may be off on average over a frame, of codecs with loss.
ALPHA_TOLERANCE = 1.5
# Names of color primaries, transfer and matrix in mediainfo, by the name of the clip.
BT709 = ("BT.709",) * 3
BT601 = ("BT.601 NTSC", "BT.601", "BT.601")
CLIPS = {"mascot": BT709, "dancer": BT601, "ntsc": BT709, "fast": BT709}
# Readers round times to their clocks: milliseconds, and 1/75 s for AAC's last frame.
TOLERANCE = 0.002
SOUND_TOLERANCE = 0.03


class Refused(Exception):
    """A validator's finding."""


def run(*command, stderr=False):
    """Standard output of a command, with its standard error if that is asked for; refused if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused((done.stdout + done.stderr).strip().splitlines()[-1])
    return done.stdout + done.stderr if stderr else done.stdout


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


def off_by(frames, cut):
    """The largest mean difference of alpha of a frame from the PNG sequence of the same cut."""
    same("frames", len(frames), cut["frames"])
    truth = cut["alpha"]
    _, height, width = truth.shape
    found = frames[:, :height, :width].astype(float)
    return float(np.abs(found - truth).mean(axis=(1, 2)).max())


def by_ffmpeg_hevc(file, cut, clip):
    """The pixel format, and the alpha of every frame beside the PNG sequence."""
    line = run(HEVC_FFMPEG, "-hide_banner", "-i", file, "-frames:v", "1", "-f", "null", "-", stderr=True)
    if "yuva420p" not in line:
        raise Refused("decoded without alpha")
    most = off_by(decode_alpha(file, HEVC_FFMPEG), cut)
    if most > ALPHA_TOLERANCE:
        raise Refused(f"alpha is off by {most:.2f} levels")


def by_mediainfo_hevc(file, cut, clip):
    """Tag, index before the samples, color, frames."""
    tracks = mediainfo(file)
    same("tag", tracks["Video"]["CodecID"], "hvc1")
    same("IsStreamable", tracks["General"]["IsStreamable"], "Yes")
    check_color(tracks["Video"], clip)
    same("frames", int(tracks["Video"]["FrameCount"]), cut["frames"])
    same("duration", float(tracks["Video"]["Duration"]), cut["duration"], TOLERANCE)


def by_ffmpeg_matte(file, cut, clip):
    """Full range, and every frame beside the alpha of the PNG sequence."""
    stated = json.loads(run("ffprobe", "-v", "error", "-of", "json", "-show_streams", file))["streams"]
    same("streams", [stream["codec_name"] for stream in stated], ["h264"])
    same("range", stated[0].get("color_range"), "pc")
    most = off_by(decode(file)[..., 0], cut)
    if most > ALPHA_TOLERANCE:
        raise Refused(f"the matte is off by {most:.2f} levels")


def by_gifsicle(file, cut, clip):
    """Structure of all frames, size, endless loop."""
    said = run("gifsicle", "--info", file)
    if "loop forever" not in said:
        raise Refused("does not loop forever")
    width, height = cut["size"]
    if f"logical screen {width}x{height}" not in said:
        raise Refused("another size")


def by_pillow_gif(file, cut, clip):
    """Every frame, clear and solid pixels, and the duration."""
    with Image.open(file) as image:
        millis, values = 0, set()
        for index in range(image.n_frames):
            image.seek(index)
            millis += image.info["duration"]
            values |= set(np.unique(np.asarray(image.convert("RGBA"))[..., 3]))
        same("values of alpha", values, {0, 255})
        same("loops", image.info["loop"], 0)
        same("duration", millis / 1000, cut["duration"], 0.011)


def by_pngcheck_zip(file, cut, clip):
    """Every PNG: chunks and their checksums; names and number by sequence.json."""
    with zipfile.ZipFile(file) as archive:
        same("first damaged entry", archive.testzip(), None)
        told = json.loads(archive.read("sequence.json"))
        names = [name for name in archive.namelist() if name.endswith(".png")]
        same("names", names, [told["files"] % (number + 1) for number in range(told["frames"])])
        same("frames", told["frames"], cut["frames"])
        same("size", (told["width"], told["height"]), cut["size"])
        same("rate", told["frameRate"][1] / told["frameRate"][0], cut["interval"], 1e-9)
        folder = file.parent / f"{file.stem}-frames"
        archive.extractall(folder)
    run("pngcheck", "-q", *sorted(folder.glob("*.png")))
    for frame in folder.iterdir():
        frame.unlink()
    folder.rmdir()


def by_pillow_sheet(file, cut, clip):
    """Every frame at its place, with the alpha of the PNG sequence."""
    with zipfile.ZipFile(file) as archive, Image.open(io.BytesIO(archive.read("sprites.png"))) as sheet:
        told, pixels = json.loads(archive.read("sprites.json")), np.asarray(sheet.convert("RGBA"))
    same("size of the sheet", told["meta"]["size"], {"w": pixels.shape[1], "h": pixels.shape[0]})
    names = told["animations"]["clip"]
    same("frames", len(names), cut["frames"])
    for number, name in enumerate(names):
        place = told["frames"][name]["frame"]
        found = pixels[place["y"] : place["y"] + place["h"], place["x"] : place["x"] + place["w"]]
        if not np.array_equal(found[..., 3], cut["alpha"][number]):
            raise Refused(f"{name} has another alpha than in the PNG sequence")


def by_pillow_poster(file, cut, clip):
    """The alpha of one frame of the PNG sequence, with solid pixels."""
    with Image.open(file) as image:
        same("mode", image.mode, "RGBA")
        found = np.asarray(image)[..., 3]
    if not any(np.array_equal(found, alpha) for alpha in cut["alpha"]):
        raise Refused("no frame of the sequence has this alpha")
    same("solid pixels", bool((found == 255).any()), True)


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
    """Cuts a clip into all formats. Returns what the program reports, and the alpha of the PNG sequence."""
    line = run(clearcut, "cut", clip, "-o", folder, "-f", ",".join(FORMATS), "--force", "--json").splitlines()[-1]
    done = json.loads(line)
    frames, seconds = (int(number) for number in done["fps"].split("/"))
    for output in done["outputs"]:
        same(f"alphaVerified of {output['format']}", output.get("alphaVerified"), True)
    with zipfile.ZipFile(folder / f"{clip.stem}{FORMATS['png-sequence']}") as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".png")]
        alpha = np.stack([np.asarray(picture.convert("RGBA"))[..., 3] for picture in pictures])
    return {
        "frames": done["frames"],
        "interval": seconds / frames,
        "duration": done["frames"] * seconds / frames,
        "size": (done["width"], done["height"]),
        "alpha": alpha,
    }


def main():
    clearcut, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder)
    clips = [(ROOT / "samples" / f"{name}.mp4", folder / f"{name}.mp4") for name in CLIPS]
    clips = [sample if sample.exists() else drawn for sample, drawn in clips]
    cuts = {clip: cut_clip(clearcut, clip, folder) for clip in clips}
    names = [f"{clip.stem}{FORMATS[name]}" for clip in clips for name in PLAYED]
    played = json.loads(run("node", ROOT / "tests/browser/play.mjs", folder, *names))
    chromium = ("Chromium", by_chromium(played))
    validators = {
        "webm": [("MediaConch", by_mediaconch), ("mkvmerge", by_mkvmerge), ("MediaInfo", by_mediainfo_webm), ("PyAV", by_pyav), chromium],
        "stacked-alpha": [("MediaInfo", by_mediainfo_mp4), ("PyAV", by_pyav), chromium],
        "webp": [("webpinfo", by_webpinfo), ("Pillow", by_pillow), chromium],
        "apng": [("pngcheck", by_pngcheck), ("apngdis", by_apngdis), ("Pillow", by_pillow), ("PyAV", by_pyav), chromium],
        "gif": [("gifsicle", by_gifsicle), ("Pillow", by_pillow_gif), chromium],
        "mov": [("MediaInfo", by_mediainfo_mov), ("PyAV", by_pyav)],
        "hevc-alpha": [("MediaInfo", by_mediainfo_hevc), ("FFmpeg 9", by_ffmpeg_hevc)],
        "png-sequence": [("pngcheck", by_pngcheck_zip)],
        "sprite-sheet": [("Pillow", by_pillow_sheet)],
        "matte": [("FFmpeg", by_ffmpeg_matte)],
        "poster": [("pngcheck", by_pngcheck), ("Pillow", by_pillow_poster)],
    }
    refused = False
    print("| format | validator | what it reads | verdict |\n|---|---|---|---|")
    for name, readers in validators.items():
        for validator, read in readers:
            findings = []
            for clip, cut in cuts.items():
                try:
                    read(folder / f"{clip.stem}{FORMATS[name]}", cut, clip)
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
