//! Tests of the supported input: containers, codecs, frame sizes, colors, frame rates and alpha.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use clearcut_job::{CutRequest, OutputFormat};
use tempfile::TempDir;

use crate::{
    clips::{self, FRAMES, H264, HEIGHT, WIDTH},
    cutting::{ALL_FORMATS, cut, request},
    media::{Decoded, ffmpeg, probe, sample},
};

/// Folder of one test, with the clips that it makes.
pub(crate) struct Clips(TempDir);

impl Clips {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Encodes the master clip with these ffmpeg arguments.
    pub(crate) fn encode(&self, name: &str, arguments: &str) -> PathBuf {
        self.make(name, &format!("-i {} {arguments}", clips::master().display()))
    }

    /// Runs ffmpeg with a line of arguments to make the file `name`.
    pub(crate) fn make(&self, name: &str, line: &str) -> PathBuf {
        ffmpeg(self.path(), &format!("{line} {name}"));
        self.path().join(name)
    }
}

/// Cuts `clip` to WebM, asserts its size, rate and number of frames, and returns the frames.
pub(crate) fn cut_frames(clip: &Path, size: (usize, usize), rate: &str, frames: usize) -> Decoded {
    let cut = cut(clip, &request("webm"));
    let (output, clip) = (cut.output(OutputFormat::Webm), clip.display());
    let probed = probe(output, "width,height,r_frame_rate,nb_read_frames");
    assert_eq!(probed, format!("{},{},{rate},{frames}", size.0, size.1), "{clip}");
    let decoded = Decoded::read(output, size, false);
    assert_eq!(decoded.frames.len(), frames, "{clip}");
    decoded
}

/// Asserts that the subject is solid in the middle and the background clear in all corners of every
/// frame.
pub(crate) fn assert_matted(clip: &str, decoded: &Decoded) {
    for frame in 0..decoded.frames.len() {
        let height = decoded.frames[frame].len() / 4 / decoded.width;
        let (x, y, side) = (decoded.width, height, (decoded.width.min(height) / 10).max(3));
        let solid = decoded.mean(frame, (x / 2, y / 2), side)[3];
        assert!(solid > 250.0, "{clip}: the middle of frame {frame} has alpha {solid}");
        for (x, y) in [(side, side), (x - side, side), (side, y - side), (x - side, y - side)] {
            let clear = decoded.mean(frame, (x, y), side)[3];
            assert!(clear < 5.0, "{clip}: frame {frame} has alpha {clear} at {x},{y}");
        }
    }
}

/// Encodes the master with these arguments and cuts it. Asserts that size, rate and number of
/// frames stay the same and the matte is correct.
pub(crate) fn assert_readable(name: &str, arguments: &str) -> Decoded {
    let clips = Clips::new();
    let decoded = cut_frames(&clips.encode(name, arguments), (WIDTH, HEIGHT), "24/1", FRAMES);
    assert_matted(name, &decoded);
    decoded
}

#[test]
fn h264_is_read_from_mp4_mov_mkv_and_avi() {
    for name in ["clip.mp4", "clip.mov", "clip.mkv", "clip.avi"] {
        assert_readable(name, H264);
    }
}

#[test]
fn hevc_is_read_from_mp4_and_mkv() {
    for name in ["clip.mp4", "clip.mkv"] {
        assert_readable(name, "-c:v libx265 -x265-params log-level=none -preset ultrafast -pix_fmt yuv420p");
    }
}

#[test]
fn vp8_is_read_from_webm() {
    assert_readable("clip.webm", "-c:v libvpx -b:v 600k -deadline realtime");
    assert_readable("hidden.webm", "-c:v libvpx -b:v 600k -auto-alt-ref 1 -lag-in-frames 16");
}

#[test]
fn vp9_is_read_from_webm_and_mp4() {
    for name in ["clip.webm", "clip.mp4"] {
        assert_readable(name, "-c:v libvpx-vp9 -b:v 600k -deadline realtime -cpu-used 8 -pix_fmt yuv420p");
    }
}

#[test]
fn av1_is_read_from_webm_and_mp4() {
    for name in ["clip.webm", "clip.mp4"] {
        assert_readable(name, "-c:v libsvtav1 -preset 12 -crf 30 -pix_fmt yuv420p");
    }
}

#[test]
fn prores_is_read_from_mov() {
    assert_readable("clip.mov", "-c:v prores_ks -profile:v 2 -pix_fmt yuv422p10le");
}

#[test]
fn mpeg4_and_mjpeg_are_read_from_avi_and_mov() {
    for name in ["clip.avi", "clip.mov"] {
        assert_readable(name, "-c:v mpeg4 -q:v 3 -pix_fmt yuv420p");
        assert_readable(name, "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p");
    }
}

#[test]
fn gif_and_animated_png_are_read() {
    assert_readable("clip.apng", "-c:v apng -pix_fmt rgb24");
    let folder = Clips::new();
    folder.encode("clip.gif", "-vf fps=25,split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none");
    let frames = probe(&folder.path().join("clip.gif"), "nb_read_frames").parse().unwrap();
    assert_matted("clip.gif", &cut_frames(&folder.path().join("clip.gif"), (WIDTH, HEIGHT), "25/1", frames));
}

#[test]
fn a_rotated_clip_is_cut_upright() {
    for (rotation, size) in [(90, (HEIGHT, WIDTH)), (180, (WIDTH, HEIGHT)), (270, (HEIGHT, WIDTH))] {
        let folder = Clips::new();
        folder.encode("plain.mp4", H264);
        folder.make("turned.mp4", &format!("-i plain.mp4 -c copy -metadata:s:v rotate={rotation}"));
        let decoded = cut_frames(&folder.path().join("turned.mp4"), size, "24/1", FRAMES);
        assert_matted(&format!("turned by {rotation}"), &decoded);
        // The red of the subject gets darker from top to bottom. ffmpeg's own display of the clip
        // shows where top and bottom are now.
        ffmpeg(folder.path(), "-i turned.mp4 -c:v ffv1 shown.mkv");
        let reference = Decoded::read(&folder.path().join("shown.mkv"), size, false);
        let middle = (size.0 / 2, size.1 / 2);
        for point in [(middle.0, middle.1 - 20), (middle.0, middle.1 + 20), (middle.0 - 20, middle.1)] {
            let (found, expected) = (decoded.mean(0, point, 5), reference.mean(0, point, 5));
            assert!(
                (0..3).all(|c| (found[c] - expected[c]).abs() < 12.0),
                "{rotation} at {point:?}: {found:?} {expected:?}"
            );
        }
    }
}

#[test]
fn non_square_pixels_are_converted_to_square_pixels() {
    let folder = Clips::new();
    folder.encode("wide.mp4", &H264.replacen("bt709", "bt709,setsar=4/3", 1));
    assert_matted("wide.mp4", &cut_frames(&folder.path().join("wide.mp4"), (213, 120), "24/1", FRAMES));
}

#[test]
fn odd_sizes_stay_odd() {
    let folder = Clips::new();
    folder.encode("odd.mp4", "-vf scale=161:91,setsar=1 -c:v libx264 -pix_fmt yuv444p");
    assert_matted("odd.mp4", &cut_frames(&folder.path().join("odd.mp4"), (161, 91), "24/1", FRAMES));
}

#[test]
fn clips_with_ten_bits_per_sample_are_read() {
    assert_readable("ten.mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le");
    assert_readable("ten.mkv", "-c:v libx265 -x265-params log-level=none -preset ultrafast -pix_fmt yuv422p10le");
}

/// Mean color in the middle of the subject in the master.
fn subject_color() -> [f64; 4] {
    Decoded::read(clips::master(), (WIDTH, HEIGHT), false).mean(0, (WIDTH / 2, HEIGHT / 2), 9)
}

/// Asserts that the subject has the colors of the master.
fn assert_true_color(name: &str, decoded: &Decoded, tolerance: f64) {
    let (expected, found) = (subject_color(), decoded.mean(0, (WIDTH / 2, HEIGHT / 2), 9));
    assert!((0..3).all(|c| (expected[c] - found[c]).abs() < tolerance), "{name}: {found:?} instead of {expected:?}");
}

#[test]
fn colors_are_correct_for_every_matrix_and_range() {
    let x264 = "-c:v libx264 -preset veryfast -crf 12";
    let tags = |name: &str| format!("-colorspace {name} -color_primaries {name} -color_trc {name}");
    for (name, arguments) in [
        ("709.mp4", format!("-vf scale=out_color_matrix=bt709 {x264} -pix_fmt yuv420p {}", tags("bt709"))),
        ("601.mp4", format!("-vf scale=out_color_matrix=smpte170m {x264} -pix_fmt yuv420p {}", tags("smpte170m"))),
        ("untagged.mp4", format!("-vf scale=out_color_matrix=smpte170m {x264} -pix_fmt yuv420p")),
        (
            "full.mp4",
            format!("-vf scale=out_color_matrix=bt709:out_range=pc {x264} -pix_fmt yuvj420p {}", tags("bt709")),
        ),
    ] {
        let decoded = assert_readable(name, &arguments);
        assert_true_color(name, &decoded, 12.0);
    }
}

#[test]
fn hdr_is_tone_mapped_to_standard_range() {
    for (name, transfer, matrix) in [
        ("pq.mkv", "smpte2084", "bt2020nc"),
        ("hlg.mkv", "arib-std-b67", "bt2020nc"),
        ("wide.mkv", "bt2020-10", "bt2020nc"),
    ] {
        let to_hdr = format!(
            "zscale=tin=iec61966-2-1:pin=bt709:min=gbr:rin=full:t={transfer}:p=bt2020:m={matrix}:r=limited:npl=203,format=yuv420p10le"
        );
        let decoded = assert_readable(
            name,
            &format!(
                "-vf {to_hdr} -c:v libx265 -x265-params log-level=none -preset ultrafast -crf 12 \
                 -color_trc {transfer} -color_primaries bt2020 -colorspace {matrix}"
            ),
        );
        assert_true_color(name, &decoded, 12.0);
    }
}

#[test]
fn hdr_tagged_only_with_its_transfer_or_its_matrix_is_read() {
    for (name, tags) in [("pq.mkv", "-color_trc smpte2084"), ("wide.mkv", "-colorspace bt2020nc")] {
        let folder = Clips::new();
        folder.encode(
            name,
            &format!("-c:v libx265 -x265-params log-level=none -preset ultrafast -pix_fmt yuv420p10le {tags}"),
        );
        cut_frames(&folder.path().join(name), (WIDTH, HEIGHT), "24/1", FRAMES);
    }
}

#[test]
fn uneven_frame_times_become_a_constant_rate_of_the_same_length() {
    let folder = Clips::new();
    // Every third frame is shown for twice as long, which gives a duration of 32 frames.
    let times = "-vf setpts=(N+floor(N/3))/24/TB -fps_mode passthrough -c:v libx264 -pix_fmt yuv420p -bf 0";
    folder.encode("uneven.mp4", times);
    let decoded = cut_frames(&folder.path().join("uneven.mp4"), (WIDTH, HEIGHT), "24/1", 31);
    assert_matted("uneven.mp4", &decoded);
}

#[test]
fn empty_frame_slots_of_an_avi_repeat_the_previous_frame() {
    for (name, arguments, slots) in [
        // ffmpeg shows the first frame for longer, because the MP3 stream begins before it.
        ("late.avi", "-f lavfi -i sine=d=1 -c:v mpeg4 -q:v 2 -c:a libmp3lame", FRAMES + 1),
        // As in screen recordings with dropped frames.
        ("dropped.avi", "-vf select=lt(n\\,8)+gt(n\\,11) -fps_mode passthrough -c:v mpeg4 -q:v 2", FRAMES),
        ("reordered.avi", "-vf select=lt(n\\,8)+gt(n\\,11) -fps_mode passthrough -c:v mpeg4 -q:v 2 -bf 2", FRAMES),
    ] {
        let folder = Clips::new();
        folder.encode(name, arguments);
        assert_matted(name, &cut_frames(&folder.path().join(name), (WIDTH, HEIGHT), "24/1", slots));
    }
}

#[test]
fn ntsc_rates_stay_exact() {
    let folder = Clips::new();
    folder.encode("ntsc.mp4", &H264.replacen("bt709", "bt709,setpts=N*1001/30000/TB -r 30000/1001", 1));
    assert_matted("ntsc.mp4", &cut_frames(&folder.path().join("ntsc.mp4"), (WIDTH, HEIGHT), "30000/1001", FRAMES));
}

#[test]
fn an_edit_list_that_trims_the_clip_is_respected() {
    let folder = Clips::new();
    folder.encode("whole.mp4", &format!("{H264} -g 24"));
    folder.make("trimmed.mp4", "-ss 0.25 -i whole.mp4 -c copy");
    let shown = probe(&folder.path().join("trimmed.mp4"), "nb_read_frames").parse::<usize>().unwrap();
    assert!(shown < FRAMES, "the clip was not trimmed: {shown}");
    assert_matted("trimmed.mp4", &cut_frames(&folder.path().join("trimmed.mp4"), (WIDTH, HEIGHT), "24/1", shown));
}

/// The same master with a straight alpha that is clear in the left half of the frame and solid in
/// the right half.
fn half_clear_master() -> &'static Path {
    static MASTER: OnceLock<PathBuf> = OnceLock::new();
    MASTER.get_or_init(|| {
        let alpha = "format=gbrap,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*gte(X,W/2)'";
        clips::shared_clip("half-clear.mkv", &format!("-i {} -vf {alpha} -c:v ffv1", clips::master().display()))
    })
}

#[test]
fn the_alpha_of_the_clip_is_multiplied_with_the_matte() {
    for (name, arguments) in [
        ("layered.webm", "-c:v libvpx-vp9 -b:v 900k -pix_fmt yuva420p -auto-alt-ref 0 -deadline realtime -cpu-used 8"),
        ("layered8.webm", "-c:v libvpx -b:v 900k -pix_fmt yuva420p -auto-alt-ref 0 -deadline realtime"),
        ("run.mov", "-c:v qtrle -pix_fmt argb"),
        ("prores.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -alpha_bits 16"),
        ("animated.apng", "-c:v apng -pix_fmt rgba"),
    ] {
        let folder = Clips::new();
        folder.make(name, &format!("-i {} {arguments}", half_clear_master().display()));
        let decoded = cut_frames(&folder.path().join(name), (WIDTH, HEIGHT), "24/1", FRAMES);
        for frame in [0, FRAMES / 2, FRAMES - 1] {
            let alpha = |x| decoded.mean(frame, (x, HEIGHT / 2), 7)[3];
            assert!(alpha(WIDTH / 2 - 10) < 5.0, "{name}: the clear half of the subject has {}", alpha(WIDTH / 2 - 10));
            assert!(
                alpha(WIDTH / 2 + 10) > 250.0,
                "{name}: the solid half of the subject has {}",
                alpha(WIDTH / 2 + 10)
            );
            assert!(alpha(WIDTH - 8) < 5.0, "{name}: the background in the solid half has {}", alpha(WIDTH - 8));
        }
    }
}

#[test]
fn a_clip_above_the_rate_limit_is_cut_at_the_requested_rate() {
    let folder = Clips::new();
    let source = sample("mascot.mp4");
    let line = format!("-i {source} -an -vf setpts=N/1000/TB,scale=128:128 -r 1000 -c:v libx264");
    let cut = cut(&folder.make("fast.mp4", &line), &CutRequest { fps: "60".parse().unwrap(), ..request("webm") });
    assert_eq!(probe(cut.output(OutputFormat::Webm), "r_frame_rate,nb_read_frames"), "60/1,4");
}

#[test]
fn a_frame_of_one_pixel_is_cut_into_every_format() {
    let folder = Clips::new();
    let gif = b"GIF87a\x01\0\x01\0\x81\0\0\0\0\0\0\0\0\0\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x08\x04\0\x01\x04\x04\0;";
    std::fs::write(folder.path().join("one.gif"), gif).unwrap();
    let cut = cut(&folder.path().join("one.gif"), &request(ALL_FORMATS));
    assert_eq!(cut.report.outputs.len(), 6);
}
