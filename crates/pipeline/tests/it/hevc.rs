//! Tests of HEVC with alpha. They need the ffmpeg that `clearcut ffmpeg install` puts into the folder of
//! models, as `make test` does.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use clearcut_ffmpeg::Error as ToolError;
use clearcut_job::{
    CutRequest,
    OutputFormat::{Apng, HevcAlpha},
};
use clearcut_pipeline::{Error, Stop};

use crate::{
    cutting::{Cut, cut, cut_into, installed_ffmpeg, request},
    media::{Decoded, command, ffmpeg, probe},
    segments::{SIZE, clip, cut_in},
};

/// Planes of the frames of an hevc-alpha file: luma, Cb, Cr and alpha.
struct Layers {
    width: usize,
    height: usize,
    frames: Vec<Vec<u8>>,
}

impl Layers {
    fn read(path: &Path, (width, height): (usize, usize)) -> Self {
        let output = command(installed_ffmpeg().to_str().unwrap())
            .args(["-v", "error", "-i", path.to_str().unwrap(), "-fps_mode", "passthrough"])
            .args(["-f", "rawvideo", "-pix_fmt", "yuva420p", "-"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let frames = output.stdout.chunks_exact(width * height * 5 / 2).map(<[u8]>::to_vec).collect();
        Self { width, height, frames }
    }

    fn alpha(&self, frame: usize, x: usize, y: usize) -> u8 {
        self.frames[frame][self.width * self.height * 3 / 2 + y * self.width + x]
    }

    fn luma(&self, frame: usize, x: usize, y: usize) -> u8 {
        self.frames[frame][y * self.width + x]
    }
}

/// A box that moves, with sound; sides are odd.
fn moving_box(folder: &Path, frames: u32) -> PathBuf {
    let line = format!(
        "-f lavfi -i color=0x20c040:s=161x91:r=30000/1001:d=9,format=yuv444p[wall];\
         color=0xE0E0F0:s=50x40:r=30000/1001:d=9,format=yuv444p[box];\
         [wall][box]overlay=x=40+40*t:y=20:format=yuv444 -f lavfi -i sine=f=330:r=48000:d=9 -frames:v {frames} \
         -shortest -c:v libx264 -crf 12 -pix_fmt yuv444p -c:a aac clip.mp4"
    );
    ffmpeg(folder, &line);
    folder.join("clip.mp4")
}

/// Mean and largest difference of alpha between both formats of a cut.
fn alpha_errors(cut: &Cut, (width, height): (usize, usize)) -> (f64, u8) {
    let layers = Layers::read(cut.output(HevcAlpha), (width.next_multiple_of(2), height.next_multiple_of(2)));
    let truth = Decoded::read(cut.output(Apng), (width, height), false);
    let (mut sum, mut most) = (0_u64, 0);
    for (index, frame) in truth.frames.iter().enumerate() {
        for (at, pixel) in frame.chunks_exact(4).enumerate() {
            let error = layers.alpha(index, at % width, at / width).abs_diff(pixel[3]);
            sum += u64::from(error);
            most = most.max(error);
        }
    }
    (sum as f64 / (truth.frames.len() * width * height) as f64, most)
}

/// The bytes of the alpha channel information in the headers of a file (H.265, D.2.40 and 7.3.5).
fn alpha_information(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let settings = bytes.windows(4).position(|window| window == b"hvcC").unwrap();
    // A prefix SEI message of four bytes: type 39 of layer 0, payload 165.
    let header = [0x4e, 0x01, 165, 4];
    let at = bytes[settings..].windows(4).position(|window| window == header).unwrap();
    bytes[settings + at + 4..][..4].to_vec()
}

#[test]
fn a_file_for_safari_holds_color_straight_alpha_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let lossless = CutRequest { quality: "100".parse().unwrap(), ..request("hevc-alpha,apng") };
    let cut = cut(&moving_box(folder.path(), 20), &lossless);
    let path = cut.output(HevcAlpha);
    let probed = probe(path, "codec_name,codec_tag_string,width,height,color_range,r_frame_rate");
    assert_eq!(probed, "hevc,hvc1,162,92,tv,30000/1001");
    let sound = command("ffprobe")
        .args(["-v", "error", "-select_streams", "a", "-show_entries"])
        .args(["stream=codec_name", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(sound.stdout).unwrap().trim(), "aac");
    // alpha_channel_cancel_flag, alpha_channel_use_idc (0: straight), bit depth 8, and 0 is clear.
    assert_eq!(alpha_information(path)[..2], [0, 0]);

    let layers = Layers::read(path, (162, 92));
    assert_eq!(layers.frames.len(), 20);
    let (mean, most) = alpha_errors(&cut, (161, 91));
    assert!(mean < 0.5 && most < 120, "alpha is off by {mean}, at most {most}");
    for frame in 0..20 {
        assert!((0..92).all(|y| layers.alpha(frame, 161, y) < 8), "the padding of frame {frame} is not clear");
        let luma = layers.luma(frame, 75, 40);
        assert!(luma.abs_diff(210) <= 8, "frame {frame}: luma {luma}");
    }
    // The index comes first, and the settings of the encoder are not told.
    let bytes = fs::read(path).unwrap();
    let place = |name: &[u8]| bytes.windows(name.len()).position(|window| window == name);
    assert!(place(b"moov") < place(b"mdat") && place(b"options: ").is_none());
}

#[test]
fn a_clip_of_one_frame_makes_a_file_of_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let cut = cut(&moving_box(folder.path(), 1), &request("hevc-alpha"));
    assert_eq!(Layers::read(cut.output(HevcAlpha), (162, 92)).frames.len(), 1);
}

#[test]
fn a_long_clip_is_cut_whole_and_has_the_matte_of_the_cut() {
    let lossless = CutRequest { quality: "100".parse().unwrap(), ..request("hevc-alpha,apng") };
    let cut = cut_in(2, clip(), &lossless, &mut |_| {});
    assert_eq!(probe(cut.output(HevcAlpha), "codec_name,codec_tag_string,nb_frames"), "hevc,hvc1,500");
    let (mean, _) = alpha_errors(&cut, SIZE);
    assert!(mean < 0.5, "alpha is off by {mean}");
    let length: f64 = probe(cut.output(HevcAlpha), "duration").parse().unwrap();
    assert!((length - 500.0 * 1001.0 / 30_000.0).abs() < 0.01, "{length}");
}

#[test]
fn a_frame_below_64_pixels_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i color=0x20c040:s=96x62:r=25:d=0.2,drawbox=30:20:30:30:white:fill -c:v libx264 clip.mp4";
    ffmpeg(folder.path(), line);
    let scratch = tempfile::tempdir().unwrap();
    let refused = cut_into(
        scratch.path(),
        &folder.path().join("clip.mp4"),
        &request("hevc-alpha"),
        &Stop::default(),
        &mut |_| {},
    );
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::TooSmallFor { min_side: 64, .. }), "{error}");
    assert_eq!(error.code().name(), "INVALID_VIDEO");
}

#[test]
fn an_ffmpeg_that_only_claims_to_write_it_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ffmpeg");
    fs::write(&program, "#!/bin/sh\ncat\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    if crate::cutting::tools().hevc_ffmpeg().unwrap().is_some() {
        return; // The system's own ffmpeg can.
    }
    let tools = crate::cutting::tools().with_hevc_ffmpeg(program);
    let error = tools.require(HevcAlpha).unwrap_err();
    assert!(matches!(error, ToolError::FormatUnavailable { format: HevcAlpha, .. }), "{error}");
    assert!(error.hint().unwrap().contains("clearcut ffmpeg install"));
}
