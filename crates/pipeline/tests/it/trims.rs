//! Tests of cuts of a part of a clip: they have the frames and the samples of the whole.

use std::{path::Path, time::Duration};

use clearcut_frame::Rgb8;
use clearcut_job::{
    CutRequest, ErrorCode, FpsChoice,
    OutputFormat::{Apng, Mov},
};
use clearcut_pipeline::{Error, Moment, Stop};

use crate::{
    cutting::{Cut, cut, cut_into, request, with_job},
    media::{Decoded, command, ffmpeg, sample},
    segments::{SIZE, clip, cut_in, mattes, parts_of},
};

fn trimmed(request: &CutRequest, trim: &str) -> CutRequest {
    CutRequest { trim: Some(trim.parse().unwrap()), ..request.clone() }
}

/// The decoded sound of a MOV: samples of one channel at 48 kHz.
fn samples(cut: &Cut) -> Vec<i16> {
    let mut ffmpeg = command("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(cut.output(Mov)).args(["-vn", "-f", "s16le", "pipe:1"]);
    let bytes = ffmpeg.output().unwrap().stdout;
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

/// Mean difference of the colors of two frames of RGBA where both are solid: a part lacks the
/// neighbors of its first and last frame, so its edges may differ.
fn difference(a: &[u8], b: &[u8]) -> u64 {
    let solid = a.chunks_exact(4).zip(b.chunks_exact(4)).filter(|(a, b)| a[3] == 255 && b[3] == 255);
    let (sum, count) = solid.fold((0, 0), |(sum, count), (a, b)| {
        (sum + a[..3].iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>(), count + 1)
    });
    1000 * sum / u64::max(count, 1)
}

/// Asserts that the cut of `trim` has the frames from number `first` on of the whole cut, and its sound.
fn assert_is_part(clip: &Path, request: &CutRequest, trim: &str, first: usize, count: usize) {
    let (whole, part) = (cut(clip, request), cut(clip, &trimmed(request, trim)));
    assert_eq!(part.report.frames, count as u64, "{trim}");
    let [all, found] = [&whole, &part].map(|cut| Decoded::read(cut.output(Mov), SIZE, false).frames);
    assert_eq!(found.len(), count, "{trim}");
    for (index, frame) in found.iter().enumerate() {
        let expected = first + index;
        let apart = |number: usize| all.get(number).map_or(u64::MAX, |other| difference(frame, other));
        // The picture has new noise in every frame of the clip; a frame of it may be repeated, and is then
        // as near as its repetition.
        let nearest = apart(expected.wrapping_sub(1)).min(apart(expected + 1)).saturating_add(500);
        assert!(apart(expected) < nearest, "{trim}: frame {index} is not number {expected} of the whole");
    }
    if part.report.source.audio.is_some() {
        let [all, found] = [&whole, &part].map(samples);
        let rate = part.report.frame_rate.per_second();
        let at = |frame: usize| (frame as f64 / rate * 48_000.0).round() as usize;
        let end = if first + count == whole.report.frames as usize { all.len() } else { at(first + count) };
        assert!(found == all[at(first)..end], "{trim}: {} samples from {} on of {}", found.len(), at(first), all.len());
    }
}

#[test]
fn a_part_has_the_frames_and_the_samples_of_the_whole() {
    let source = request("mov");
    let slower = CutRequest { fps: FpsChoice::Fixed(24), ..source.clone() };
    // At the start, decoded from the start, and from a codec keyframe on; the rate is 29.97.
    assert_is_part(clip(), &source, ",1", 0, 30);
    assert_is_part(clip(), &source, "4.2,0:05", 126, 24);
    assert_is_part(clip(), &source, "10,00:00:11.500", 300, 45);
    assert_is_part(clip(), &slower, "11,12", 264, 24);
    assert_is_part(clip(), &slower, "16,", 384, 16);
}

#[test]
fn a_part_of_a_clip_of_variable_rate_is_one_of_its_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let how = "-an -t 4 -c:v libx264 -preset ultrafast -qp 20 -vf select='mod(n\\,5)' -fps_mode vfr uneven.mkv";
    ffmpeg(folder.path(), &format!("-i {} {how}", clip().display()));
    let path = folder.path().join("uneven.mkv");
    assert_is_part(&path, &CutRequest { fps: FpsChoice::Fixed(30), ..request("mov") }, "1.5,2.5", 45, 30);
}

#[test]
fn a_part_in_segments_is_that_of_a_whole_cut() {
    for fps in [FpsChoice::Source, FpsChoice::Fixed(29)] {
        let request = trimmed(&CutRequest { fps, ..request("apng") }, "0.1,16.65");
        let (whole, joined) = (cut(clip(), &request), cut_in(2, clip(), &request, &mut |_| ()));
        assert!(whole.report.frames >= 480, "two segments");
        assert_eq!(format!("{:?}", parts_of(&joined.report)), format!("{:?}", parts_of(&whole.report)));
        assert!(mattes(&joined, Apng) == mattes(&whole, Apng), "the mattes differ");
    }
}

#[test]
fn the_background_is_that_of_the_part() {
    let folder = tempfile::tempdir().unwrap();
    let scene = "color=0x2040c0:s=96x72:r=25:d=2,drawbox=x=30:y=20:w=30:h=30:c=white:t=fill[a];\
                 color=0x1ec83c:s=96x72:r=25:d=2,drawbox=x=40:y=20:w=30:h=30:c=white:t=fill[b];[a][b]concat";
    let line = format!("-f lavfi -i {scene} -c:v libx264 -preset veryfast -pix_fmt yuv420p two.mp4");
    ffmpeg(folder.path(), &line);
    let path = folder.path().join("two.mp4");
    let key = |trim: &str| cut(&path, &trimmed(&request("apng"), trim)).report.key_color.unwrap();
    let is_near = |a: Rgb8, b: Rgb8| a.r.abs_diff(b.r) < 12 && a.g.abs_diff(b.g) < 12 && a.b.abs_diff(b.b) < 12;
    assert!(is_near(key("0,2"), Rgb8::new(0x20, 0x40, 0xc0)) && is_near(key("2,"), Rgb8::new(0x1e, 0xc8, 0x3c)));
    // One frame.
    assert!(is_near(key("3,3.04"), Rgb8::new(0x1e, 0xc8, 0x3c)));
    let preview = |at: u64| {
        let request = trimmed(&request("apng"), "2,3");
        with_job(folder.path(), &path, &request, |job| {
            Moment::find(job, Duration::from_millis(at), &Stop::default())?.cut(&request)
        })
    };
    assert!(is_near(preview(2500).unwrap().key_color.unwrap(), Rgb8::new(0x1e, 0xc8, 0x3c)));
    assert!(matches!(preview(1000), Err(Error::MomentOutsideTrim { .. })));
}

#[test]
fn a_part_outside_of_the_clip_is_refused_with_its_length() {
    let refused = |trim: &str| {
        let folder = tempfile::tempdir().unwrap();
        let request = trimmed(&request("apng"), trim);
        let error = cut_into(folder.path(), sample("mascot.mp4").as_ref(), &request, &Stop::default(), &mut |_| ());
        let error = error.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        error.to_string()
    };
    let length = "the clip is 2.200 s long, and trim";
    assert_eq!(refused("2.2,"), format!("{length} 2.2, begins at its end or later"));
    assert_eq!(refused("1,2.24"), format!("{length} 1,2.24 ends behind it"));
    assert_eq!(refused("1.001,1.02"), format!("{length} 1.001,1.02 holds none of its frames"));
    let rounded = trimmed(&request("apng"), "2,2.22");
    assert_eq!(cut(sample("mascot.mp4").as_ref(), &rounded).report.frames, 6, "rounded up by less than a frame");
}
