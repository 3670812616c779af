//! The crate with the system's ffmpeg and a sample clip: what a probe finds, what the decoders
//! write, and how a process ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{fs::File, path::Path, time::Duration};

use clearcut_ffmpeg::{
    Child, Container, DecodePlan, DecodeWindow, Error, ExcerptPlan, MediaError, MediaInfo, MediaLimits, Retiming,
    SamplePlan, Sampled, SandboxPolicy, SearchPath, SeekPoint, Tools, read_frame,
};
use clearcut_frame::{Frame, FrameRate, Size};

fn tools() -> Tools {
    #[expect(clippy::disallowed_methods, reason = "the test takes the place of the program")]
    let path = std::env::var_os("PATH").unwrap();
    Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::Auto).unwrap()
}

fn sample() -> File {
    File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/mascot.mp4")).unwrap()
}

fn probe(tools: &Tools, clip: &File) -> MediaInfo {
    tools.probe(clip, &MediaLimits::default()).unwrap().info(|_| {}).unwrap()
}

/// Reads all frames of 90×90 that `child` writes, and waits for its end.
fn frames(mut child: Child, info: &MediaInfo) -> Vec<Frame> {
    let format = info.frame_format(Size::new(90, 90).unwrap());
    let mut pipe = child.take_stdout().unwrap();
    let mut frames = vec![Frame::new(format)];
    while read_frame(&mut pipe, frames.last_mut().unwrap().bytes_mut()).unwrap() {
        frames.push(Frame::new(format));
    }
    frames.pop();
    child.wait().unwrap();
    frames
}

#[test]
fn a_probe_finds_the_properties_of_a_clip_without_decoding_it() {
    let info = probe(&tools(), &sample());
    assert_eq!((info.container, info.codec.as_str()), (Container::Mov, "h264"));
    assert_eq!((info.size, info.frames), (Size::new(720, 720).unwrap(), 66));
    assert_eq!((info.frame_rate, info.duration), (FrameRate::new(30, 1).unwrap(), Duration::from_millis(2200)));
    assert_eq!(info.audio.unwrap().codec, "aac");
}

#[test]
fn all_frames_are_decoded_at_the_requested_size_and_rate() {
    let (tools, clip) = (tools(), sample());
    let info = probe(&tools, &clip);
    let size = Size::new(90, 90).unwrap();
    for (retiming, count) in [(Retiming::EveryFrame, 66), (Retiming::To(FrameRate::new(10, 1).unwrap()), 22)] {
        let plan = DecodePlan { size, retiming, threads: 1, window: None };
        let child = tools.decode(&clip, &info, &plan, &MediaLimits::default()).unwrap();
        assert_eq!(frames(child, &info).len(), count, "{retiming:?}");
    }
}

#[test]
fn an_excerpt_and_a_sample_are_frames_of_the_whole_clip() {
    let (tools, clip, limits) = (tools(), sample(), MediaLimits::default());
    let info = probe(&tools, &clip);
    let size = Size::new(90, 90).unwrap();
    let plan = DecodePlan { size, retiming: Retiming::EveryFrame, threads: 1, window: None };
    let all = frames(tools.decode(&clip, &info, &plan, &limits).unwrap(), &info);
    let plan = ExcerptPlan { size, first: 30, frames: 3 };
    assert_eq!(frames(tools.excerpt(&clip, &info, &plan, &limits).unwrap(), &info), all[30..33]);
    let plan = SamplePlan { among: Sampled::Every(22), max_frames: 8, threads: 1 };
    let sampled = frames(tools.sample(&clip, &info, size, &plan, &limits).unwrap(), &info);
    assert_eq!(sampled, [0, 22, 44].map(|index| all[index].clone()));
}

#[test]
fn an_excerpt_of_a_transport_stream_is_exact_although_it_has_no_index() {
    let (tools, limits, folder) = (tools(), MediaLimits::default(), tempfile::tempdir().unwrap());
    for name in ["clip.ts", "clip.mpg", "clip.flv"] {
        let codec = if name == "clip.mpg" { "mpeg2video" } else { "libx264" };
        #[expect(clippy::disallowed_methods, reason = "the test makes its clip")]
        let status = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x120:r=24:d=2", "-c:v", codec])
            .args(["-bf", "2", "-g", "12", "-pix_fmt", "yuv420p", "-output_ts_offset", "5"])
            .arg(folder.path().join(name))
            .status()
            .unwrap();
        assert!(status.success());
        let clip = File::open(folder.path().join(name)).unwrap();
        let info = probe(&tools, &clip);
        let size = Size::new(90, 90).unwrap();
        let plan = DecodePlan { size, retiming: Retiming::EveryFrame, threads: 1, window: None };
        let all = frames(tools.decode(&clip, &info, &plan, &limits).unwrap(), &info);
        assert_eq!(all.len(), 48, "{name}");
        for first in [1, 5, 20, 30] {
            let plan = ExcerptPlan { size, first, frames: 3 };
            let excerpt = frames(tools.excerpt(&clip, &info, &plan, &limits).unwrap(), &info);
            let first = first as usize;
            assert!(excerpt == all[first..first + 3], "{name} at {first}");
        }
    }
}

/// Makes a clip of 6 s in `folder` with ffmpeg; `codec` are its arguments.
fn made(folder: &Path, name: &str, codec: &str) -> File {
    #[expect(clippy::disallowed_methods, reason = "the test makes its clip")]
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=90x90:r=30000/1001:d=6"])
        .args(codec.split_whitespace())
        .args(["-metadata", "title=none", "-y"])
        .arg(folder.join(name))
        .status()
        .unwrap();
    assert!(status.success(), "{name}");
    File::open(folder.join(name)).unwrap()
}

#[test]
fn a_window_holds_the_frames_of_the_whole_clip_byte_for_byte() {
    let (tools, limits, folder) = (tools(), MediaLimits::default(), tempfile::tempdir().unwrap());
    let h264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 40";
    for (name, codec, seeks) in [
        ("reordered.mp4", h264.to_owned(), true),
        ("late.mp4", format!("{h264} -output_ts_offset 5"), true),
        ("pyramid.mkv", format!("{h264} -x264-params b-pyramid=normal"), true),
        ("open-hevc.mp4", "-c:v libx265 -preset ultrafast -x265-params open-gop=1:keyint=40:log-level=0".into(), true),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50".into(), true),
        ("intra.mov", "-c:v prores_ks -profile:v 0".into(), true),
        // Keyframes that are not exact, no keyframe, no index, and a rate that is not constant.
        ("refresh.mp4", format!("{h264} -x264-params intra-refresh=1"), false),
        ("open.mkv", format!("{h264} -x264-params open-gop=1"), false),
        ("one-keyframe.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 999".into(), false),
        ("stream.ts", h264.to_owned(), false),
        ("uneven.mkv", format!("{h264} -vf select='mod(n\\,7)' -fps_mode vfr"), false),
    ] {
        let clip = made(folder.path(), name, &codec);
        let info = probe(&tools, &clip);
        let retiming = if info.has_variable_rate { Retiming::To(info.frame_rate) } else { Retiming::EveryFrame };
        let slower = Retiming::To(FrameRate::new(24, 1).unwrap());
        let points = tools.seek_points(&clip, &info, &limits).unwrap().finish().unwrap();
        for retiming in [retiming, slower] {
            let size = Size::new(90, 90).unwrap();
            let decode = |window| {
                let plan = DecodePlan { size, retiming, threads: 2, window };
                frames(tools.decode(&clip, &info, &plan, &limits).unwrap(), &info)
            };
            let all = decode(None);
            let count = all.len() as u64;
            for (first, end) in [(0, Some(9)), (75, Some(130)), (121, None)] {
                // A frame of the slower rate is shown no earlier than the one of this number.
                let point = SeekPoint::before(&points, &info, first).filter(|point| point.frame > 0);
                assert_eq!(point.is_some(), seeks && first > 0, "{name} at {first}");
                let range = first as usize..end.unwrap_or(count) as usize;
                for seek in [point, None] {
                    let window = decode(Some(DecodeWindow { first, end, seek }));
                    let (found, expected) = (window.len(), range.len());
                    assert!(window == all[range.clone()], "{name} at {first}, {retiming:?}: {found} of {expected}");
                }
            }
            // A seek that lands too late is told by the number of frames.
            if let Some(late) = points.last().filter(|_| seeks) {
                let number = match retiming {
                    Retiming::EveryFrame => late.frame,
                    Retiming::To(rate) => rate.frames_in(info.frame_rate.start_of(late.frame)),
                };
                let window = DecodeWindow { first: number - 15, end: Some(number + 5), seek: Some(*late) };
                let found = decode(Some(window)).len();
                assert!(found <= 6, "{name}, {retiming:?}: {found} frames from a keyframe at {}", late.secs);
            }
        }
    }
}

#[test]
fn a_file_that_is_no_video_starts_no_process() {
    let clip = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let refused = tools().probe(&clip, &MediaLimits::default());
    assert!(matches!(refused, Err(Error::Media(MediaError::NotVideo(_)))), "{refused:?}");
}

#[test]
fn a_killed_decoder_ends_its_pipe() {
    let (tools, clip) = (tools(), sample());
    let info = probe(&tools, &clip);
    let plan = DecodePlan { size: info.size, retiming: Retiming::EveryFrame, threads: 1, window: None };
    let mut child = tools.decode(&clip, &info, &plan, &MediaLimits::default()).unwrap();
    let mut pipe = child.take_stdout().unwrap();
    let mut frame = Frame::new(info.frame_format(info.size));
    assert!(read_frame(&mut pipe, frame.bytes_mut()).unwrap());
    child.kill_handle().kill();
    while let Ok(true) = read_frame(&mut pipe, frame.bytes_mut()) {}
    assert!(matches!(child.wait(), Err(Error::Killed { .. })));
}
