"""The kinds of input of input-matrix.py: how each clip is drawn, and what is right.

A step is a line of arguments for ffmpeg, or a function that gets the path of the clip. `M` is the scene as input; its
disc moves by a step each frame, so its place says which frame of the scene is shown.
"""

import math
import struct
import subprocess
import zipfile

DISC = {"radius": 25, "start": 40, "color": (240, 130, 40)}
SCENES = {
    "scene": {"width": 160, "step": 3, "rate": 25, "frames": 25},
    "fields": {"width": 320, "step": 4, "rate": 50, "frames": 50},
}

M, F, ALPHA = "-i scene.mkv", "-i fields.mkv", "-i scene-alpha.mkv"
BEEP, BEEP4 = "-i beep1.wav", "-i beep4.wav"
H264 = "-c:v libx264 -preset veryfast -crf 12 -pix_fmt yuv420p"
HEVC = "-c:v libx265 -preset ultrafast -crf 8 -x265-params log-level=none -pix_fmt yuv420p"
VP8 = "-c:v libvpx -b:v 2M -crf 4 -deadline realtime"
VP9 = "-c:v libvpx-vp9 -b:v 2M -deadline realtime -cpu-used 8"
MPEG2 = "-c:v mpeg2video -q:v 2 -bf 2 -pix_fmt yuv420p"
MPEG4 = "-c:v mpeg4 -q:v 2"
PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"
EVERY = list(range(25))

KINDS = []
GROUP = ""


def group(name):
    """The kinds that follow are of this group."""
    global GROUP
    GROUP = name


def kind(name, file, *steps, **right):
    """A kind: the last step names no file if it is the only one of ffmpeg."""
    defaults = {
        "scene": "scene",
        "view": "null",
        "size": (160, 120),
        "rate": "25/1",
        "shown": EVERY,
        "early": 0.35,
        "notes": set(),
        "beep": None,
        "beep error": 0.01,
        "has sound": "beep" in right,
        "alpha error": 2,
        "color error": 10,
        "comb": math.inf,
        "refused": None,
    }
    right = {key.replace("_", " "): value for key, value in right.items()}
    assert right.keys() <= defaults.keys(), right
    if len(steps) == 1 and isinstance(steps[0], str):
        steps = (f"{steps[0]} {file}",)
    KINDS.append({**defaults, **right, "group": GROUP, "name": name, "file": file, "steps": steps})


def replace(*pairs):
    """A step that replaces the first occurrence of some bytes by others."""

    def step(path):
        data = path.read_bytes()
        for old, new in pairs:
            assert old in data, old
            data = data.replace(old, new, 1)
        path.write_bytes(data)

    return step


group("Containers")
for name, file, codecs in [
    ("MP4", "plain.mp4", f"{H264} -c:a aac"),
    ("MP4 in fragments", "fragments.mp4", f"{H264} -c:a aac -movflags frag_keyframe+empty_moov -g 10"),
    ("MOV with PCM", "plain.mov", f"{H264} -c:a pcm_s16le"),
    ("3GP", "plain.3gp", f"{H264} -c:a aac"),
    ("Matroska", "plain.mkv", f"{H264} -c:a flac"),
    ("WebM", "plain.webm", f"{VP8} -c:a libopus"),
    ("AVI", "plain.avi", f"{MPEG4} -c:a pcm_s16le"),
    ("MPEG-TS", "plain.ts", f"{H264} -c:a aac"),
    ("M2TS", "plain.m2ts", f"{H264} -c:a ac3"),
    ("MPEG-PS (VOB)", "plain.vob", f"{MPEG2} -c:a mp2"),
    ("FLV", "plain.flv", f"{H264} -c:a aac"),
    ("WMV", "plain.wmv", "-c:v wmv2 -b:v 2M -c:a wmav2"),
    ("MXF", "plain.mxf", f"{MPEG2} -c:a pcm_s16le"),
    ("Ogg", "plain.ogv", "-c:v libtheora -q:v 9 -c:a libvorbis"),
]:
    kind(name, file, f"{M} {BEEP} {codecs}", beep=0.5, beep_error=0.03)
for name, file, codecs in [
    ("IVF", "plain.ivf", VP8),
    ("Y4M", "plain.y4m", "-pix_fmt yuv444p"),
    ("animated PNG", "plain.apng", "-c:v apng -pix_fmt rgb24"),
]:
    kind(name, file, f"{M} {codecs}")
kind(
    "GIF",
    "plain.gif",
    f"{M} -vf {PALETTE}",
)

group("Codecs")
for name, file, codec in [
    ("HEVC, 10 bits", "hevc.mp4", HEVC.replace("yuv420p", "yuv420p10le")),
    ("VP9", "vp9.webm", VP9),
    ("AV1", "av1.mp4", "-c:v libsvtav1 -preset 12 -crf 20 -pix_fmt yuv420p"),
    ("ProRes 422", "prores.mov", "-c:v prores_ks -profile:v 2"),
    ("DNxHR", "dnxhr.mov", "-vf scale=320:240:out_color_matrix=bt709 -c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p"),
    ("CineForm", "cineform.mov", "-c:v cfhd -pix_fmt gbrp12le"),
    ("HAP", "hap.mov", "-c:v hap"),
    ("MJPEG", "mjpeg.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
    ("QuickTime Animation", "rle.mov", "-c:v qtrle"),
    ("raw, 4:2:2", "raw.mov", "-c:v rawvideo -pix_fmt uyvy422"),
    ("v210", "v210.mov", "-c:v v210"),
    ("FFV1", "ffv1.mkv", "-c:v ffv1"),
    ("HuffYUV", "huffyuv.avi", "-c:v huffyuv -pix_fmt rgb24"),
    ("Ut Video", "utvideo.avi", "-c:v utvideo -pix_fmt gbrp"),
    ("MPEG-1", "mpeg1.mpg", "-c:v mpeg1video -q:v 2 -bf 2"),
    ("H.263", "h263.3gp", "-vf scale=176:144 -c:v h263 -q:v 2"),
    ("Sorenson Spark", "spark.flv", "-c:v flv1 -q:v 2"),
    ("MS MPEG-4 v3", "msmpeg4.avi", "-c:v msmpeg4 -q:v 2"),
    ("H.264 of odd sides", "odd.mp4", "-vf scale=161:121 -c:v libx264 -crf 8 -pix_fmt yuv444p"),
]:
    scaled = {"320:240": (320, 240), "176:144": (192, 144), "161:121": (161, 121)}
    size = next((size for text, size in scaled.items() if text in codec), (160, 120))
    kind(name, file, f"{M} {codec}", size=size, view="null" if size == (160, 120) else "scale=160:120")

group("Time")
TIMED = "-fps_mode passthrough -enc_time_base 1/1000 -video_track_timescale 1000"
CONVERTED = {"RATE_CONVERTED"}


def first_group_damaged(path):
    """A step that removes the first packets of a transport stream, and so the first codec keyframe."""
    path.write_bytes(path.read_bytes()[188 * 8 :])


def edit_list(path):
    """A step that has the edit list of an MP4 show half a second, from 0.4 s on."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 8] = struct.pack(">II", 500, round(0.4 * 12_800))
    path.write_bytes(data)


def still_frames(durations):
    """A step that makes an animated WebP of the frames `part*.png`, each shown for these milliseconds."""

    def step(path):
        parts = [word for index, ms in enumerate(durations) for word in ("-d", str(ms), f"part{index:02}.png")]
        command = ["img2webp", "-loop", "1", "-lossless", *parts, "-o", path.name]
        subprocess.run(command, cwd=path.parent, check=True, capture_output=True)

    return step


HALVED = [number for number in range(10) for _ in range(2)] + list(range(10, 25))
kind(
    "a slow start: 12.5, then 25 frames/s",
    "slow.mov",
    f"{M} -vf settb=1/1000,setpts=if(lt(N\\,10)\\,N*80\\,400+N*40) {H264} -bf 0 {TIMED}",
    shown=HALVED,
    notes=CONVERTED,
)
kind(
    "the last frame held for 3.6 s, with sound",
    "held.mp4",
    f"{M} -vf trim=end_frame=10 {H264} -bf 0 held-picture.mp4",
    f"-i held-picture.mp4 {BEEP4} -c:v copy -c:a aac "
    "-bsf:v setts=duration=if(eq(N\\,9)\\,46592\\,DURATION) held.mp4",
    shown=[*range(10), *[9] * 90],
    beep=3,
    notes=CONVERTED,
)
kind(
    "a gap of 0.2 s",
    "gap.mkv",
    f"{M} {BEEP} -vf select=not(between(n\\,10\\,14)) {H264} -bf 0 -fps_mode passthrough -c:a flac",
    shown=[*range(10), *[9] * 5, *range(15, 25)],
    beep=0.5,
    notes=CONVERTED,
)
kind(
    "times that jitter by 9 ms",
    "jitter.mp4",
    f"{M} {BEEP} -vf settb=1/1000,setpts=N*40+9*mod(N\\,2) {H264} -bf 0 {TIMED} -c:a aac",
    beep=0.5,
)
kind(
    "milliseconds at 30000/1001 frames/s",
    "ntsc.mkv",
    f"{M} -vf setpts=N*1001/30000/TB -r 30000/1001 {H264}",
    rate="30000/1001",
)
kind(
    "timestamps that start at 10 s",
    "late.mkv",
    f"{M} {BEEP} {H264} -c:a flac -output_ts_offset 10",
    beep=0.5,
)
kind(
    "negative composition offsets",
    "negative.mp4",
    f"{M} {BEEP} {H264} -bf 2 -c:a aac -movflags negative_cts_offsets",
    beep=0.5,
)
kind(
    "sound that starts before the picture",
    "before.mkv",
    f"{BEEP} -itsoffset 0.2 {M} -map 1 -map 0 {H264} -c:a flac",
    beep=0.3,
)
kind(
    "an edit list that leaves out 0.4 s",
    "edited.mp4",
    f"{M} {H264} -g 5 -bf 0 -movflags +faststart -use_editlist 1 edited.mp4",
    edit_list,
    shown=range(10, 23),
)
OPEN = "-x264-params open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0:scenecut=0"
kind("open groups of pictures", "open.mkv", f"{M} {BEEP} {H264} {OPEN} -c:a flac", beep=0.5)
kind(
    "MPEG-TS that begins inside a group of pictures",
    "middle.ts",
    f"{M} {BEEP} {H264} -bf 0 -g 10 -c:a mp2 middle.ts",
    first_group_damaged,
    shown=range(10, 25),
    beep=0.1,
)
kind(
    "MPEG-TS whose clock wraps",
    "wraps.ts",
    f"{M} {BEEP} {H264} -c:a aac -output_ts_offset 95441.9",
    beep=0.5,
)
kind("one frame", "one.mp4", f"{M} -frames:v 1 {H264}", shown=[0])
kind(
    "AVI with H.264 that is reordered",
    "reordered.avi",
    f"{M} {BEEP} {H264} -bf 2 -c:a pcm_s16le reordered.mov",
    "-i reordered.mov -c copy reordered.avi",
    beep=0.5,
)
kind(
    "AVI with dropped frames",
    "dropped.avi",
    f"{M} -vf select=not(between(n\\,10\\,12)) {MPEG4} -fps_mode passthrough",
    shown=[*range(10), 9, 9, 9, *range(13, 25)],
    notes=CONVERTED,
)
HELD = [*range(10), *[9] * 25]
for name, file, codec in [
    ("GIF", "held.gif", f",{PALETTE} -final_delay 104"),
    ("animated PNG", "held.apng", " -final_delay 26/25 -pix_fmt rgb24"),
]:
    line = f"{M} -vf trim=end_frame=10{codec}"
    kind(f"{name} whose last frame is held for 1 s", file, line, shown=HELD, notes=CONVERTED)
kind(
    "animated WebP whose last frame is held for 1 s",
    "held.webp",
    f"{M} -frames:v 10 -start_number 0 part%02d.png",
    still_frames([40] * 9 + [1040]),
    shown=HELD,
    notes=CONVERTED,
)

group("Sound")
LOUD = "asplit=10[a][b][c][d][e][f][g][h][i][j];[a][b][c][d][e][f][g][h][i][j]amerge=inputs=10"


def damage(is_damaged):
    """A step that overwrites the packets of sound whose number `is_damaged` selects."""

    def step(path):
        entries = ["-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0"]
        command = ["ffprobe", "-v", "error", *entries, path.name]
        found = subprocess.run(command, cwd=path.parent, check=True, capture_output=True, text=True).stdout
        data = bytearray(path.read_bytes())
        for index, line in enumerate(line for line in found.splitlines() if line[:1].isdigit()):
            size, at = (int(number) for number in line.split(",")[:2])
            if is_damaged(index):
                data[at : at + size] = b"\xff" * size
        path.write_bytes(data)

    return step


kind(
    "ten channels without a layout",
    "ten.mov",
    f"{M} {BEEP} -filter_complex [1]{LOUD} {H264} -c:a pcm_s16le",
    beep=0.5,
    notes={"SOUND_MIXED_DOWN"},
)
kind(
    "5.1",
    "surround.mp4",
    f"{M} {BEEP} -af pan=5.1|FC=c0|FL=c0 {H264} -c:a aac",
    beep=0.5,
    notes={"SOUND_MIXED_DOWN"},
)
kind("a late start", "late.mp4", f"{M} -itsoffset 0.3 {BEEP} {H264} -c:a aac -shortest", beep=0.8)
kind(
    "a gap",
    "gap-sound.mkv",
    f"{M} {BEEP} -af aselect=not(between(t\\,0.1\\,0.4)) {H264} -c:a pcm_s16le",
    beep=0.5,
)
kind(
    "a rate that changes in mid-stream",
    "changed.mkv",
    "-f lavfi -i anullsrc=cl=mono -t 0.256 -ar 48000 -c:a ac3 changed0.ac3",
    f"{BEEP} -ac 2 -ar 32000 -c:a ac3 changed1.ac3",
    lambda path: (path.parent / "list").write_text("file changed0.ac3\nduration 0.256\nfile changed1.ac3\n"),
    f"{M} -f concat -i list -map 0 -map 1 {H264} -c:a copy changed.mkv",
    beep=0.256 + 0.5 + 256 / 32_000,
)
kind(
    "a codec that is not supported",
    "tta.mkv",
    f"{M} {BEEP} {H264} -c:a tta",
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind(
    "two tracks, of which the second can be decoded",
    "two.mp4",
    f"{M} {BEEP} {BEEP} -map 0 -map 1 -map 2 {H264} -c:a aac two.mp4",
    replace((b"mp4a", b"apac"), (b"esds", b"dapa")),
    beep=0.5,
    notes={"TRACKS_LEFT_OUT"},
)
kind(
    "packets that are damaged",
    "damaged.mp4",
    f"{M} {BEEP} {H264} -c:a aac damaged.mp4",
    damage(lambda index: index in (5, 9)),
    beep=0.5,
    notes={"SOUND_DAMAGED"},
)
kind(
    "sound of which nothing can be decoded",
    "broken.mp4",
    f"{M} -f lavfi -i anoisesrc=d=1:a=0.3 {H264} -c:a aac broken.mp4",
    damage(lambda index: True),
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind(
    "sound that starts after the picture ends",
    "after.mkv",
    f"{M} -itsoffset 3 {BEEP} {H264} -c:a flac",
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind("sound that is longer than the picture", "longer.mkv", f"{M} {BEEP4} {H264} -c:a flac", beep=None, has_sound=True)

group("Tracks")
LEFT_OUT = {"TRACKS_LEFT_OUT"}
OTHER = "-f lavfi -i testsrc2=s=80x60:r=25:d=1"


def words(path):
    """A step that writes subtitles."""
    (path.parent / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")


kind("subtitles", "subtitles.mkv", words, f"{M} -i words.srt -map 0 -map 1 {H264} -c:s srt subtitles.mkv", notes=LEFT_OUT)
kind(
    "closed captions (`c608`)",
    "captions.mov",
    words,
    f"{M} -i words.srt -map 0 -map 1 {H264} -c:s mov_text captions.mov",
    replace((b"tx3g", b"c608")),
    notes=LEFT_OUT,
)
kind(
    "a cover",
    "cover.mp4",
    f"{OTHER} -frames:v 1 cover.bmp",
    f"{M} -i cover.bmp -map 0 -map 1 {H264} -c:v:1 bmp -disposition:v:1 attached_pic cover.mp4",
    notes=LEFT_OUT,
)
kind(
    "a disabled track before the clip",
    "disabled.mov",
    f"{OTHER} {M} -map 0 -map 1 {H264} -disposition:v:0 0 -disposition:v:1 default",
    notes=LEFT_OUT,
)
kind(
    "a second video that is not supported",
    "second.mkv",
    f"{M} {OTHER} -map 0 -map 1 {H264} -c:v:1 magicyuv -pix_fmt:v:1 yuv420p",
    notes=LEFT_OUT,
)
kind("a track of unknown data", "data.mp4", words, f"{M} -i words.srt -map 0 -map 1 {H264} -c:s mov_text data.mp4",
     replace((b"tx3g", b"zzzz")), notes=LEFT_OUT)

group("Color")
COLORS = {"COLOR_CONVERTED"}
DEEP = HEVC.replace("yuv420p", "yuv420p10le")
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
    line = f"{M} -vf {SRGB}:{target}:r=tv,format=yuv420p10le {DEEP} {stated}"
    kind(name, file, line, color_error=4, notes=COLORS)
for name, file, transfer in [("HLG", "hlg.mov", "arib-std-b67"), ("HDR10 (PQ)", "pq.mkv", "smpte2084")]:
    hdr = f"zscale=pin=bt709:tin=bt709:min=gbr:rin=pc:p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203"
    line = f"{M} -vf {hdr},format=yuv420p10le {DEEP} {tags('bt2020', transfer, 'bt2020nc')}"
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
    kind(name, file, f"{M} {line}", size=size, view=view, color_error=4)
kind(
    "Dolby Vision profile 5",
    "dolby.mp4",
    f"{M} {DEEP} -tag:v hvc1 dolby.mp4",
    # The box of the bit rate makes room for a configuration of version 1.0, profile 5, level 1.
    lambda path: path.write_bytes(dolby(path.read_bytes())),
    refused=("INVALID_VIDEO", "Dolby Vision profile 5"),
)


def dolby(data):
    """The MP4 `data` with a Dolby Vision configuration in place of its bit rate."""
    at = data.index(b"btrt")
    box = b"dvcC\x01\x00\x0a\x0d" + bytes(8)
    return data[:at] + box + data[at + len(box) :]


group("Interlaced")
TOP, BOTTOM = "tinterlace=interleave_top,setfield=tff", "tinterlace=interleave_bottom,setfield=bff"
FLAGGED = "-flags +ildct+ilme -x264opts"
for name, file, weave, codec in [
    ("top field first", "top.mp4", TOP, f"{H264} {FLAGGED} tff=1"),
    ("bottom field first", "bottom.mkv", BOTTOM, f"{H264} {FLAGGED} bff=1"),
    ("not flagged", "unflagged.mp4", TOP, H264),
    ("flagged the wrong way round", "wrong.mp4", TOP, f"{H264} {FLAGGED} bff=1"),
    ("MPEG-2 in MPEG-TS", "fields.ts", TOP, f"{MPEG2} -bf 0 -flags +ildct+ilme"),
]:
    kind(name, file, f"{F} -vf format=yuv420p,{weave} {codec}", scene="fields", size=(320, 120),
         shown=range(0, 50, 2), early=1.3, alpha_error=3, comb=0.5, notes={"DEINTERLACED"})
kind(
    "whole frames that are flagged (PsF)",
    "psf.mp4",
    f"{F} -vf fps=25 {H264} {FLAGGED} tff=1",
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
        f"{M} -vf trim=start_frame={first}:end_frame={last + 1},setpts=PTS-STARTPTS,{size} {codec} {stem}{at}.{extension}"
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
for degrees, turn in [(90, "transpose=cclock"), (180, "hflip,vflip"), (270, "transpose=clock")]:
    kind(
        f"rotated by {degrees}°",
        f"turned{degrees}.mp4",
        f"{M} {H264} upright.mp4",
        f"-i upright.mp4 -c copy -metadata:s:v rotate={degrees} turned{degrees}.mp4",
        size=(160, 120) if degrees == 180 else (120, 160),
        view=turn,
    )
kind("pixels of 4:3", "wide.mp4", f"{M} -vf setsar=4/3 {H264}", size=(213, 120), view="scale=160:120")

group("Alpha")


def alpha_reference(path):
    """A step by which the second track of an MP4 is the alpha of the first one."""
    data = path.read_bytes()
    movie, track = data.rindex(b"moov") - 4, data.rindex(b"trak") - 4
    reference = b"\0\0\0\x14tref\0\0\0\x0cauxl\0\0\0\x01"
    data = bytearray(data)
    for at in (movie, track):
        data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(reference))
    end = data.rindex(b"tkhd") - 4 + 92
    data[end:end] = reference
    path.write_bytes(data)


for name, file, codec in [
    ("VP8", "alpha8.webm", f"{VP8} -pix_fmt yuva420p -auto-alt-ref 0"),
    ("VP9", "alpha.webm", f"{VP9} -pix_fmt yuva420p -auto-alt-ref 0"),
    ("ProRes 4444", "alpha.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -alpha_bits 16"),
    ("QuickTime Animation", "rle-alpha.mov", "-c:v qtrle -pix_fmt argb"),
    ("animated PNG", "alpha.apng", "-c:v apng -pix_fmt rgba"),
]:
    kind(f"{name} with alpha", file, f"{ALPHA} {codec}")
kind(
    "animated AVIF with alpha",
    "alpha.avif",
    f"{ALPHA} -filter_complex split[a][b];[a]format=yuv420p[c];[b]alphaextract,scale=out_range=pc,format=gray[d] "
    "-map [c] -map [d] -c:v libaom-av1 -cpu-used 8 -crf 10 -pix_fmt:v:0 yuv420p -pix_fmt:v:1 gray "
    "-color_range:v:1 pc -f mp4 alpha.avif",
    alpha_reference,
)
kind(
    "animated WebP with alpha",
    "alpha.webp",
    f"{ALPHA} -pix_fmt rgba -start_number 0 part%02d.png",
    still_frames([40] * 25),
)


def archive(pattern, numbers):
    """A step that puts numbered images into a ZIP."""

    def step(path):
        with zipfile.ZipFile(path, "w") as zipped:
            for number in numbers:
                zipped.write(path.parent / f"image{number:02}.png", pattern.format(number))

    return step


IMAGES = f"{ALPHA} -pix_fmt rgba -start_number 0 image%02d.png"
kind("numbered PNGs in a ZIP, with alpha", "images.zip", IMAGES, archive("cut/frame_{}.png", range(25)))

group("Refused by name")
INVALID = "INVALID_VIDEO"


def text(content):
    """A step that writes a text."""
    return lambda path: path.write_text(content)


def shorten(share):
    """A step that keeps this share of the file."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


kind("a still image", "still.png", f"{M} -frames:v 1", refused=(INVALID, "still image"))
kind("a still WebP", "still.webp", f"{M} -frames:v 1 -c:v libwebp", refused=(INVALID, "still image"))
kind("a playlist", "list.m3u8", text("#EXTM3U\nclip.mp4\n"), refused=(INVALID, "m3u8 playlist"))
kind("a concat script", "list.ffconcat", text("ffconcat version 1.0\nfile a.mp4\n"), refused=(INVALID, "concat script"))
kind("a sound file", "beep.flac", f"{BEEP}", refused=(INVALID, "a sound file"))
kind("sound in an MP4", "sound.mp4", f"{BEEP} -c:a aac", refused=(INVALID, "no video"))
kind("a codec that is not read", "magic.mkv", f"{M} -c:v magicyuv", refused=(INVALID, "coded as magicyuv"))
kind(
    "a stream without a container",
    "stream.h264",
    f"{M} {H264}",
    refused=(INVALID, "a video stream without a container"),
)
kind(
    "an encrypted MP4",
    "encrypted.mp4",
    f"{M} {H264} -encryption_scheme cenc-aes-ctr -encryption_key {'76' * 16} -encryption_kid {'a7' * 16}",
    refused=(INVALID, "encrypted"),
)
kind("an MP4 without its end", "short.mp4", f"{M} {H264} short.mp4", shorten(0.6), refused=(INVALID, "damaged or cut off"))
kind("an empty file", "empty.mp4", text(""), refused=(INVALID, "empty"))
kind(
    "a ZIP with a number missing",
    "missing.zip",
    IMAGES,
    archive("frame_{:02}.png", [0, 1, 2, 5, 6, 7]),
    refused=(INVALID, "missing"),
)
kind("a ZIP of other files", "other.zip", lambda path: zip_of(path), refused=(INVALID, "ZIP archive"))
CHECKER = "geq=lum='if(mod(floor(X/8)+floor(Y/8)\\,2)\\,255\\,204)':cb=128:cr=128"
kind(
    "a painted checkerboard, without a model",
    "checker.mp4",
    f"{ALPHA} -f lavfi -i color=s=160x120:r=25:d=1,format=yuv444p,{CHECKER} -filter_complex [1][0]overlay=format=yuv444 "
    f"{H264}",
    refused=("NO_FLAT_BACKGROUND", "checkerboard"),
)


def zip_of(path):
    """A step that makes a ZIP without images."""
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("document.txt", "no image")
