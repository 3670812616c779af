"""Kinds of colors, fields, sizes and alpha, and what is refused."""

from .recipe import (
    ALPHA,
    BEEP,
    FIELDS,
    group,
    H264,
    HEVC,
    kind,
    MPEG2,
    SCENE,
    VP8,
    VP9,
)
from .steps import alpha_reference, animated_webp, archive, dolby_vision_5, shorten, written, zip_of_text

group("Color")
COLORS = {"COLOR_CONVERTED"}
DEEP = HEVC.replace("yuv420p", "yuv420p10le").replace("-crf 8", "-crf 2")
SRGB = "zscale=pin=bt709:tin=iec61966-2-1:min=gbr:rin=pc"


def tags(primaries, transfer, matrix, color_range="tv"):
    """Arguments that state colors."""
    named = f"-color_primaries {primaries} -color_trc {transfer} -colorspace {matrix}"
    return f"{named} -color_range {color_range}"


for name, file, target, stated in [
    ("Display P3", "p3.mov", "p=smpte432:t=iec61966-2-1:m=bt709", tags("smpte432", "bt709", "bt709")),
    ("DCI-P3", "dci.mov", "p=smpte431:t=iec61966-2-1:m=bt709", tags("smpte431", "bt709", "bt709")),
    ("BT.2020", "bt2020.mkv", "p=bt2020:t=iec61966-2-1:m=bt2020nc", tags("bt2020", "bt709", "bt2020nc")),
    ("gamma 2.2", "gamma22.mkv", "p=bt709:t=bt470m:m=bt709", tags("bt709", "gamma22", "bt709")),
    ("gamma 2.8", "gamma28.mkv", "p=bt709:t=bt470bg:m=bt709", tags("bt709", "gamma28", "bt709")),
    ("YCgCo", "ycgco.mkv", "p=bt709:t=iec61966-2-1:m=ycgco", tags("bt709", "bt709", "ycgco")),
]:
    line = f"{SCENE} -vf {SRGB}:{target}:r=tv,format=yuv420p10le {DEEP} {stated}"
    kind(name, file, line, color_error=4, notes=COLORS)
for name, file, transfer in [("HLG", "hlg.mov", "arib-std-b67"), ("HDR10 (PQ)", "pq.mkv", "smpte2084")]:
    hdr = f"zscale=pin=bt709:tin=bt709:min=gbr:rin=pc:p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203"
    line = f"{SCENE} -vf {hdr},format=yuv420p10le {DEEP} {tags('bt2020', transfer, 'bt2020nc')}"
    kind(name, file, line, color_error=45, notes=COLORS)
FULL = "-vf scale=out_color_matrix=bt709:out_range=pc"
for name, file, line in [
    ("BT.709", "bt709.mp4", f"-vf scale=out_color_matrix=bt709 {H264} {tags('bt709', 'bt709', 'bt709')}"),
    ("BT.601 that is not stated", "bt601.mp4", f"-vf scale=out_color_matrix=smpte170m {H264}"),
    (
        "BT.709 that is not stated, 720 lines",
        "hd.mp4",
        f"-vf scale=960:720:out_color_matrix=bt709 {H264}",
    ),
    ("full range", "full.mp4", f"{FULL} {H264} -pix_fmt yuvj420p {tags('bt709', 'bt709', 'bt709', 'pc')}"),
    ("R'G'B' in H.264", "gbr.mp4", "-c:v libx264rgb -crf 2 -pix_fmt rgb24"),
    ("R'G'B' in VP9", "gbr.webm", f"{VP9} -pix_fmt gbrp"),
]:
    size, view = ((960, 720), "scale=160:120") if "720" in line else ((160, 120), "null")
    kind(name, file, f"{SCENE} {line}", size=size, view=view, color_error=4)
kind(
    "Dolby Vision profile 5",
    "dolby.mp4",
    f"{SCENE} {DEEP} -tag:v hvc1 dolby.mp4",
    dolby_vision_5,
    refused=("INVALID_VIDEO", "Dolby Vision profile 5"),
)

group("Interlaced")
TOP, BOTTOM = "tinterlace=interleave_top,setfield=tff", "tinterlace=interleave_bottom,setfield=bff"
FLAGGED = "-flags +ildct+ilme -x264opts"
for name, file, weave, codec in [
    ("top field first", "top.mp4", TOP, f"{H264} {FLAGGED} tff=1"),
    ("bottom field first", "bottom.mkv", BOTTOM, f"{H264} {FLAGGED} bff=1"),
    ("not flagged", "unflagged.mp4", TOP, H264),
    ("flagged the wrong way round", "wrong.mp4", TOP, f"{H264} {FLAGGED} bff=1"),
    ("ProRes, not flagged", "fields.mov", TOP, "-c:v prores_ks -profile:v 2"),
    ("MPEG-2 in MPEG-TS", "fields.ts", TOP, f"{MPEG2} -bf 0 -flags +ildct+ilme"),
]:
    kind(
        name,
        file,
        f"{FIELDS} -vf format=yuv420p,{weave} {codec}",
        scene="fields",
        size=(320, 120),
        shown=range(0, 50, 2),
        early=1.3,
        alpha_error=3,
        comb=0.5,
        notes={"DEINTERLACED"},
    )
kind(
    "whole frames that are flagged (PsF)",
    "psf.mp4",
    f"{FIELDS} -vf fps=25 {H264} {FLAGGED} tff=1",
    scene="fields",
    size=(320, 120),
    shown=range(0, 50, 2),
    early=1.3,
    comb=0.5,
)

group("Sizes")


def joined(name, codec, parts):
    """Steps that join parts of the scene, each given as first frame, last frame and a filter."""
    extension = name.split(".")[1]
    stem = name.split(".")[0]
    lines = [
        f"{SCENE} -vf trim=start_frame={first}:end_frame={last + 1},setpts=PTS-STARTPTS,{size} {codec} {stem}{at}.{extension}"
        for at, (first, last, size) in enumerate(parts)
    ]
    listing = "".join(f"file {stem}{at}.{extension}\n" for at in range(len(parts)))
    return [*lines, lambda path: (path.parent / "list").write_text(listing), f"-f concat -i list -c copy {name}"]


CHANGED = {"SIZE_CHANGED"}
for name, file, codec, parts in [
    ("a recording that grows", "growing.webm", VP8, [(0, 7, "scale=80:60"), (8, 24, "null")]),
    ("a recording that shrinks", "shrinking.webm", VP9, [(0, 16, "null"), (17, 24, "scale=80:60")]),
    ("MPEG-TS that shrinks", "shrinking.ts", H264, [(0, 16, "null"), (17, 24, "scale=80:60")]),
]:
    kind(name, file, *joined(file, codec, parts), alpha_error=3, notes=CHANGED)
for degrees, turn in [(90, "transpose=clock"), (180, "hflip,vflip"), (270, "transpose=cclock")]:
    kind(
        f"rotated by {degrees}°",
        f"turned{degrees}.mp4",
        f"{SCENE} {H264} upright.mp4",
        f"-i upright.mp4 -c copy -metadata:s:v rotate={degrees} turned{degrees}.mp4",
        size=(160, 120) if degrees == 180 else (120, 160),
        view=turn,
    )
kind("pixels of 4:3", "wide.mp4", f"{SCENE} -vf setsar=4/3 {H264}", size=(213, 120), view="scale=160:120")

kind(
    "pixels of 4:3, rotated",
    "wide-turned.mp4",
    f"{SCENE} -vf setsar=4/3 {H264} upright.mp4",
    "-i upright.mp4 -c copy -metadata:s:v rotate=90 wide-turned.mp4",
    size=(120, 213),
    view="transpose=clock,scale=160:120",
)

group("Alpha")

for name, file, codec in [
    ("VP8", "alpha8.webm", f"{VP8} -pix_fmt yuva420p -auto-alt-ref 0"),
    ("VP9", "alpha.webm", f"{VP9} -pix_fmt yuva420p -auto-alt-ref 0"),
    ("ProRes 4444", "alpha.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -alpha_bits 16"),
    ("PNG in MOV", "png-alpha.mov", "-c:v png -pix_fmt rgba"),
    ("FFV1", "ffv1-alpha.mkv", "-c:v ffv1 -pix_fmt bgra"),
    ("QuickTime Animation", "rle-alpha.mov", "-c:v qtrle -pix_fmt argb"),
    ("animated PNG", "alpha.apng", "-c:v apng -pix_fmt rgba"),
]:
    kind(f"{name} with alpha", file, f"{ALPHA} {codec}")
AV1 = "-c:v libaom-av1 -cpu-used 8 -crf 10 -pix_fmt:v:0 yuv420p -pix_fmt:v:1 gray -color_range:v:1 pc"
TWO_TRACKS = (
    f"{ALPHA} -filter_complex split[a][b];[a]format=yuv420p[c];[b]alphaextract,scale=out_range=pc,format=gray[d] "
    f"-map [c] -map [d] {AV1}"
)
kind("animated AVIF with alpha", "alpha.avif", f"{TWO_TRACKS} -f avif")
kind("MP4 with alpha in a track of its own", "alpha.mp4", f"{TWO_TRACKS} alpha.mp4", alpha_reference)
kind(
    "animated WebP with alpha",
    "alpha.webp",
    f"{ALPHA} -pix_fmt rgba -start_number 0 part%02d.png",
    animated_webp([40] * 25),
)

IMAGES = f"{ALPHA} -pix_fmt rgba -start_number 0 image%02d.png"
kind("numbered PNGs in a ZIP, with alpha", "images.zip", IMAGES, archive("cut/frame_{}.png", range(25)))

group("Refused by name")
INVALID = "INVALID_VIDEO"

kind("a playlist", "list.m3u8", written("#EXTM3U\nclip.mp4\n"), refused=(INVALID, "m3u8 playlist"))
kind(
    "a concat script",
    "list.ffconcat",
    written("ffconcat version 1.0\nfile a.mp4\n"),
    refused=(INVALID, "concat script"),
)
kind("a sound file", "beep.flac", f"{BEEP}", refused=(INVALID, "a sound file"))
kind("sound in an MP4", "sound.mp4", f"{BEEP} -c:a aac", refused=(INVALID, "no video"))
kind("a codec that is not read", "magic.mkv", f"{SCENE} -c:v magicyuv", refused=(INVALID, "coded as magicyuv"))
kind(
    "a stream without a container",
    "stream.h264",
    f"{SCENE} {H264}",
    refused=(INVALID, "a video stream without a container"),
)
kind(
    "an encrypted MP4",
    "encrypted.mp4",
    f"{SCENE} {H264} -encryption_scheme cenc-aes-ctr -encryption_key {'76' * 16} -encryption_kid {'a7' * 16}",
    refused=(INVALID, "encrypted"),
)
kind(
    "an MP4 without its end",
    "short.mp4",
    f"{SCENE} {H264} short.mp4",
    shorten(0.6),
    refused=(INVALID, "damaged or cut off"),
)
kind("an empty file", "empty.mp4", written(""), refused=(INVALID, "empty"))
kind(
    "a ZIP with a number missing",
    "missing.zip",
    IMAGES,
    archive("frame_{:02}.png", [0, 1, 2, 5, 6, 7]),
    refused=(INVALID, "missing"),
)
kind("a ZIP of other files", "other.zip", zip_of_text, refused=(INVALID, "ZIP archive"))
CHECKER = "geq=lum='if(mod(floor(X/8)+floor(Y/8)\\,2)\\,255\\,204)':cb=128:cr=128"
kind(
    "a painted checkerboard, without a model",
    "checker.mp4",
    f"{ALPHA} -f lavfi -i color=s=160x120:r=25:d=1,format=yuv444p,{CHECKER} -filter_complex [1][0]overlay=format=yuv444 "
    f"{H264}",
    refused=("NO_FLAT_BACKGROUND", "checkerboard"),
)
