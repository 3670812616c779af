//! Tests of the choice of tracks: only the track that is cut must be decodable, and the message or
//! note names the others.

use std::path::Path;

use clearcut_job::{ErrorCode, NoteCode};
use clearcut_pipeline::{CutReport, Stop};

use crate::{
    clips::{FRAMES, H264, HEIGHT, WIDTH},
    cutting::{cut, cut_into, request},
    inputs::{Clips, assert_matted, cut_frames},
};

/// A second picture, smaller than the master, of which no subject can be cut.
const OTHER: &str = "-f lavfi -i testsrc2=s=80x60:r=24:d=1";

/// Replaces the first `from` in the file.
fn patch(path: &Path, from: &[u8], to: &[u8]) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|window| window == from).unwrap();
    bytes[at..at + 4].copy_from_slice(to);
    std::fs::write(path, bytes).unwrap();
}

fn message(report: &CutReport, code: NoteCode) -> String {
    let note = report.notes.iter().find(|note| note.code == code);
    note.unwrap_or_else(|| panic!("no {code:?} in {:?}", report.notes)).message.clone()
}

/// Asserts that the track of the master is cut, and that the note on the others contains `left_out`.
fn assert_cut(clip: &Path, left_out: &str) {
    assert_matted(&clip.display().to_string(), &cut_frames(clip, (WIDTH, HEIGHT), "24/1", FRAMES));
    let report = cut(clip, &request("webp")).report;
    let found = message(&report, NoteCode::TracksLeftOut);
    assert!(found.contains(left_out), "{}: {found}", clip.display());
}

#[test]
fn a_second_video_track_needs_no_supported_codec() {
    let folder = Clips::new();
    for (name, codec) in [("magic.mkv", "magicyuv"), ("cinema.mkv", "jpeg2000"), ("old.avi", "asv1")] {
        let clip = folder.encode(name, &format!("{OTHER} -map 0 -map 1 {H264} -c:v:1 {codec}"));
        assert_cut(&clip, &format!("track 2 (video, {codec}, not supported)"));
    }
    // Raw video that ffmpeg writes to MOV, but cannot open.
    let raw = folder.encode("raw.mov", &format!("{OTHER} -map 0 -map 1 {H264} -c:v:1 rawvideo"));
    assert_cut(&raw, "track 2 (video, an unknown codec, not supported)");
    let last = folder.encode("last.mkv", &format!("{OTHER} -map 1 -map 0 {H264} -c:v:0 magicyuv"));
    assert_cut(&last, "track 2 is cut; left out: track 1 (video, magicyuv, not supported)");
}

#[test]
fn captions_subtitles_and_unknown_data_are_left_out() {
    let folder = Clips::new();
    std::fs::write(folder.path().join("words.srt"), "1\n00:00:00,000 --> 00:00:01,000\nhello\n").unwrap();
    let subtitled = folder.encode("subtitled.mp4", &format!("-i words.srt -map 0 -map 1 {H264} -c:s mov_text"));
    assert_cut(&subtitled, "track 2 (subtitles, mov_text)");
    patch(&subtitled, b"tx3g", b"c608");
    assert_cut(&subtitled, "track 2 (subtitles, eia_608)");
    patch(&subtitled, b"c608", b"zzzz");
    assert_cut(&subtitled, "track 2 (");
    let bitmaps = folder.encode("bitmaps.mkv", &format!("-i words.srt -map 0 -map 1 {H264} -c:s subrip"));
    patch(&bitmaps, b"UTF8", b"USF\0");
    assert_cut(&bitmaps, "track 2 (");
}

#[test]
fn covers_and_disabled_tracks_are_not_the_clip() {
    let folder = Clips::new();
    folder.make("cover.bmp", &format!("{OTHER} -frames:v 1"));
    let cover = "-i cover.bmp -map 0 -map 1 -c:v:1 bmp -disposition:v:1 attached_pic";
    assert_cut(&folder.encode("cover.mp4", &format!("{cover} {H264} -c:v:1 bmp")), "track 2 (cover or thumbnail, bmp)");
    let thumbnail = format!("-i cover.bmp -map 1 -map 0 {H264} -c:v:0 mjpeg -pix_fmt:v:0 yuvj420p");
    assert_cut(&folder.encode("thumbnail.mov", &thumbnail), "track 1 (video, mjpeg");
    let disabled = format!("{OTHER} -map 1 -map 0 {H264} -disposition:v:0 0 -disposition:v:1 default");
    assert_cut(&folder.encode("disabled.mov", &disabled), "track 2 is cut; left out: track 1 (video, h264, disabled");
}

#[test]
fn a_clip_without_decodable_video_is_refused_by_track_and_codec() {
    let folder = Clips::new();
    let clip = folder.encode("magic.mkv", "-f lavfi -i sine=d=1 -map 1:a -map 0:v -c:v magicyuv");
    let refused = cut_into(folder.path(), &clip, &request("webm"), &Stop::default(), &mut |_| {}).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidVideo);
    assert_eq!(refused.to_string(), "the video in track 2 is coded as magicyuv, which is not supported");
}
