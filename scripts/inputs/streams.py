"""Kinds of containers, codecs, times, sound and tracks."""

from .recipe import (
    BEEP,
    BEEP4,
    group,
    H264,
    HEVC,
    kind,
    MPEG2,
    MPEG4,
    PALETTE,
    SCENE,
    VP8,
    VP9,
)
from .steps import (
    animated_webp,
    begin_in_first_group,
    damaged_sound,
    edit_list_from_the_middle,
    replace,
    write_subtitles,
)

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
    kind(name, file, f"{SCENE} {BEEP} {codecs}", beep=0.5, beep_error=0.03)
for name, file, codecs in [
    ("IVF", "plain.ivf", VP8),
    ("Y4M", "plain.y4m", "-pix_fmt yuv444p"),
    ("animated PNG", "plain.apng", "-c:v apng -pix_fmt rgb24"),
]:
    kind(name, file, f"{SCENE} {codecs}")
kind(
    "GIF",
    "plain.gif",
    f"{SCENE} -vf {PALETTE}",
)

group("Codecs")
for name, file, codec in [
    ("HEVC, 10 bits", "hevc.mp4", HEVC.replace("yuv420p", "yuv420p10le")),
    ("HEVC, 4:2:2", "hevc422.mkv", HEVC.replace("yuv420p", "yuv422p10le")),
    ("H.264, 10 bits, 4:4:4", "deep.mp4", "-c:v libx264 -crf 8 -pix_fmt yuv444p10le"),
    ("PNG in MOV", "png.mov", "-c:v png -pix_fmt rgb24"),
    ("VP9", "vp9.webm", VP9),
    ("VP9, 10 bits", "vp9-deep.webm", f"{VP9} -pix_fmt yuv420p10le"),
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
    kind(name, file, f"{SCENE} {codec}", size=size, view="null" if size == (160, 120) else "scale=160:120")

group("Time")
TIMED = "-fps_mode passthrough -enc_time_base 1/1000 -video_track_timescale 1000"
CONVERTED = {"RATE_CONVERTED"}

HALVED = [number for number in range(10) for _ in range(2)] + list(range(10, 25))
kind(
    "a slow start: 12.5, then 25 frames/s",
    "slow.mov",
    f"{SCENE} -vf settb=1/1000,setpts=if(lt(N\\,10)\\,N*80\\,400+N*40) {H264} -bf 0 {TIMED}",
    shown=HALVED,
    notes=CONVERTED,
)
kind(
    "the last frame held for 3.6 s, with sound",
    "held.mp4",
    f"{SCENE} -vf trim=end_frame=10 {H264} -bf 0 held-picture.mp4",
    f"-i held-picture.mp4 {BEEP4} -c:v copy -c:a aac -bsf:v setts=duration=if(eq(N\\,9)\\,46592\\,DURATION) held.mp4",
    shown=[*range(10), *[9] * 90],
    beep=3,
    notes=CONVERTED,
)
kind(
    "a gap of 0.2 s",
    "gap.mkv",
    f"{SCENE} {BEEP} -vf select=not(between(n\\,10\\,14)) {H264} -bf 0 -fps_mode passthrough -c:a flac",
    shown=[*range(10), *[9] * 5, *range(15, 25)],
    beep=0.5,
    notes=CONVERTED,
)
kind(
    "times that jitter by 9 ms",
    "jitter.mp4",
    f"{SCENE} {BEEP} -vf settb=1/1000,setpts=N*40+9*mod(N\\,2) {H264} -bf 0 {TIMED} -c:a aac",
    beep=0.5,
)
kind(
    "milliseconds at 30000/1001 frames/s",
    "ntsc.mkv",
    f"{SCENE} -vf setpts=N*1001/30000/TB -r 30000/1001 {H264}",
    rate="30000/1001",
)
kind(
    "timestamps that start at 10 s",
    "late.mkv",
    f"{SCENE} {BEEP} {H264} -c:a flac -output_ts_offset 10",
    beep=0.5,
)
kind(
    "negative composition offsets",
    "negative.mp4",
    f"{SCENE} {BEEP} {H264} -bf 2 -c:a aac -movflags negative_cts_offsets",
    beep=0.5,
)
kind(
    "sound that starts before the picture",
    "before.mkv",
    f"{BEEP} -itsoffset 0.2 {SCENE} -map 1 -map 0 {H264} -c:a flac",
    beep=0.3,
)
kind(
    "an edit list that leaves out 0.4 s",
    "edited.mp4",
    f"{SCENE} {H264} -g 5 -bf 0 -movflags +faststart -use_editlist 1 edited.mp4",
    edit_list_from_the_middle,
    shown=range(10, 23),
)
OPEN = "-x264-params open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0:scenecut=0"
kind("open groups of pictures", "open.mkv", f"{SCENE} {BEEP} {H264} {OPEN} -c:a flac", beep=0.5)
kind(
    "MPEG-TS that begins inside a group of pictures",
    "middle.ts",
    f"{SCENE} {BEEP} {H264} -bf 0 -g 10 -c:a mp2 middle.ts",
    begin_in_first_group,
    shown=range(10, 25),
    beep=0.1,
)
kind(
    "MPEG-TS whose clock wraps",
    "wraps.ts",
    f"{SCENE} {BEEP} {H264} -c:a aac -output_ts_offset 95441.9",
    beep=0.5,
)
kind("1 frame/s", "slowest.mp4", f"{SCENE} -vf setpts=N/TB -r 1 {H264}", rate="1/1")
kind("120 frames/s", "fast.mp4", f"{SCENE} -vf setpts=N/120/TB -r 120 {H264}", rate="120/1")
kind("one frame", "one.mp4", f"{SCENE} -frames:v 1 {H264}", shown=[0])
kind(
    "AVI with H.264 that is reordered",
    "reordered.avi",
    f"{SCENE} {BEEP} {H264} -bf 2 -c:a pcm_s16le reordered.mov",
    "-i reordered.mov -c copy reordered.avi",
    beep=0.5,
)
kind(
    "AVI with dropped frames",
    "dropped.avi",
    f"{SCENE} -vf select=not(between(n\\,10\\,12)) {MPEG4} -fps_mode passthrough",
    shown=[*range(10), 9, 9, 9, *range(13, 25)],
    notes=CONVERTED,
)
HELD = [*range(10), *[9] * 25]
for name, file, codec in [
    ("GIF", "held.gif", f",{PALETTE} -final_delay 104"),
    ("animated PNG", "held.apng", " -final_delay 26/25 -pix_fmt rgb24"),
]:
    line = f"{SCENE} -vf trim=end_frame=10{codec}"
    kind(f"{name} whose last frame is held for 1 s", file, line, shown=HELD, notes=CONVERTED)
kind(
    "animated WebP whose last frame is held for 1 s",
    "held.webp",
    f"{SCENE} -frames:v 10 -start_number 0 part%02d.png",
    animated_webp([40] * 9 + [1040]),
    shown=HELD,
    notes=CONVERTED,
)

group("Sound")
LOUD = "asplit=10[a][b][c][d][e][f][g][h][i][j];[a][b][c][d][e][f][g][h][i][j]amerge=inputs=10"

kind(
    "ten channels without a layout",
    "ten.mov",
    f"{SCENE} {BEEP} -filter_complex [1]{LOUD} {H264} -c:a pcm_s16le",
    beep=0.5,
    notes={"SOUND_MIXED_DOWN"},
)
kind(
    "5.1",
    "surround.mp4",
    f"{SCENE} {BEEP} -af pan=5.1|FC=c0|FL=c0 {H264} -c:a aac",
    beep=0.5,
    notes={"SOUND_MIXED_DOWN"},
)
kind("a late start", "late.mp4", f"{SCENE} -itsoffset 0.3 {BEEP} {H264} -c:a aac -shortest", beep=0.8)
kind(
    "a gap",
    "gap-sound.mkv",
    f"{SCENE} {BEEP} -af aselect=not(between(t\\,0.1\\,0.4)) {H264} -c:a pcm_s16le",
    beep=0.5,
)
kind(
    "a rate that changes in mid-stream",
    "changed.mkv",
    "-f lavfi -i anullsrc=cl=mono -t 0.256 -ar 48000 -c:a ac3 changed0.ac3",
    f"{BEEP} -ac 2 -ar 32000 -c:a ac3 changed1.ac3",
    lambda path: (path.parent / "list").write_text("file changed0.ac3\nduration 0.256\nfile changed1.ac3\n"),
    f"{SCENE} -f concat -i list -map 0 -map 1 {H264} -c:a copy changed.mkv",
    beep=0.256 + 0.5 + 256 / 32_000,
)
kind(
    "a codec that is not supported",
    "tta.mkv",
    f"{SCENE} {BEEP} {H264} -c:a tta",
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind(
    "two tracks, of which the second can be decoded",
    "two.mp4",
    f"{SCENE} {BEEP} {BEEP} -map 0 -map 1 -map 2 {H264} -c:a aac two.mp4",
    replace((b"mp4a", b"apac"), (b"esds", b"dapa")),
    beep=0.5,
    notes={"TRACKS_LEFT_OUT"},
)
kind(
    "packets that are damaged",
    "damaged.mp4",
    f"{SCENE} {BEEP} {H264} -c:a aac damaged.mp4",
    damaged_sound(lambda index: index in (5, 9)),
    beep=0.5,
    notes={"SOUND_DAMAGED"},
)
kind(
    "sound of which nothing can be decoded",
    "broken.mp4",
    f"{SCENE} -f lavfi -i anoisesrc=d=1:a=0.3 {H264} -c:a aac broken.mp4",
    damaged_sound(lambda index: True),
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind(
    "sound that starts after the picture ends",
    "after.mkv",
    f"{SCENE} -itsoffset 3 {BEEP} {H264} -c:a flac",
    notes={"SOUND_LEFT_OUT"},
    has_sound=True,
)
kind(
    "sound that is longer than the picture",
    "longer.mkv",
    f"{SCENE} {BEEP4} {H264} -c:a flac",
    beep=None,
    has_sound=True,
)

for name, file, codec in [
    ("MP3", "mp3.mp4", "libmp3lame"),
    ("ALAC", "alac.mov", "alac"),
    ("Opus in MP4", "opus.mp4", "libopus"),
    ("E-AC-3", "eac3.mp4", "eac3"),
    ("DTS", "dts.mkv", "dca -strict -2"),
    ("TrueHD", "truehd.mkv", "truehd -strict -2"),
    ("ADPCM", "adpcm.avi", "adpcm_ms"),
    ("PCM of 24 bits at 96 kHz", "deep.mov", "pcm_s24be -ar 96000"),
    ("mono of 8 kHz", "narrow.mov", "pcm_mulaw -ar 8000"),
]:
    kind(name, file, f"{SCENE} {BEEP} {H264 if 'avi' not in file else MPEG4} -c:a {codec}", beep=0.5, beep_error=0.03)
kind(
    "a picture that starts 0.2 s after the sound, in MP4",
    "late-picture.mp4",
    f"{BEEP} -itsoffset 0.2 {SCENE} -map 1 -map 0 {H264} -fps_mode passthrough -c:a aac",
    beep=0.3,
)

group("Tracks")
LEFT_OUT = {"TRACKS_LEFT_OUT"}
OTHER = "-f lavfi -i testsrc2=s=80x60:r=25:d=1"

kind(
    "subtitles",
    "subtitles.mkv",
    write_subtitles,
    f"{SCENE} -i words.srt -map 0 -map 1 {H264} -c:s srt subtitles.mkv",
    notes=LEFT_OUT,
)
kind(
    "closed captions (`c608`)",
    "captions.mp4",
    write_subtitles,
    f"{SCENE} -i words.srt -map 0 -map 1 {H264} -c:s mov_text captions.mp4",
    replace((b"tx3g", b"c608")),
    notes=LEFT_OUT,
)
kind(
    "a cover",
    "cover.mp4",
    f"{OTHER} -frames:v 1 cover.bmp",
    f"{SCENE} -i cover.bmp -map 0 -map 1 {H264} -c:v:1 bmp -disposition:v:1 attached_pic cover.mp4",
    notes=LEFT_OUT,
)
kind(
    "a disabled track before the clip",
    "disabled.mov",
    f"{OTHER} {SCENE} -map 0 -map 1 {H264} -disposition:v:0 0 -disposition:v:1 default",
    notes=LEFT_OUT,
)
kind(
    "a second video that is not supported",
    "second.mkv",
    f"{SCENE} {OTHER} -map 0 -map 1 {H264} -c:v:1 magicyuv -pix_fmt:v:1 yuv420p",
    notes=LEFT_OUT,
)
kind(
    "a track of unknown data",
    "data.mp4",
    write_subtitles,
    f"{SCENE} -i words.srt -map 0 -map 1 {H264} -c:s mov_text data.mp4",
    replace((b"tx3g", b"zzzz")),
    notes=LEFT_OUT,
)
