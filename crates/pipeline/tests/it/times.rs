//! Cuts of clips with unusual times: rates that change, held frames, edit lists, files that begin
//! in the middle, and very short clips.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clearcut_frame::FrameRate;
use clearcut_job::{CutRequest, FpsChoice, NoteCode, OutputFormat};

use crate::{
    cutting::{Cut, cut, request},
    media::{command, ffmpeg, probe},
};

/// A red square that moves over green, as a source of ffmpeg.
const SCENE: &str = "color=0x1ec83c:s=96x72:r=25:d=4,geq=lum=if(between(X\\,30+mod(N\\,20)\\,60+mod(N\\,20))*between(Y\\,20\\,50)\\,90\\,150):cb=if(between(X\\,30+mod(N\\,20)\\,60+mod(N\\,20))*between(Y\\,20\\,50)\\,120\\,60):cr=if(between(X\\,30+mod(N\\,20)\\,60+mod(N\\,20))*between(Y\\,20\\,50)\\,220\\,50)";
const H264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
/// Sound that is silent but for a beep at 3 s.
const BEEP_AT_3: &str = "-f lavfi -i aevalsrc=between(t\\,3\\,3.06)*0.5*sin(6283*t):s=48000:d=4";

fn make(folder: &Path, name: &str, line: &str) -> PathBuf {
    ffmpeg(folder, &format!("{line} {name}"));
    folder.join(name)
}

fn rate(frames: u32) -> FrameRate {
    FrameRate::new(frames, 1).unwrap()
}

/// Start of the beep in a file in seconds.
fn beep_of(path: &Path) -> f64 {
    let mut ffmpeg = command("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(path).args(["-vn", "-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1"]);
    let output = ffmpeg.output().unwrap();
    let samples = output.stdout.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]));
    samples.into_iter().position(|sample| sample.unsigned_abs() > 3000).expect("no beep") as f64 / 48_000.0
}

fn cut_to_mov(clip: &Path) -> Cut {
    cut(clip, &request("mov"))
}

#[test]
fn a_slow_start_loses_no_frame_of_the_faster_rest() {
    let folder = tempfile::tempdir().unwrap();
    let times = "settb=1/600,setpts=if(lt(N\\,20)\\,N*20\\,400+(N-20)*10)";
    let line =
        format!("-f lavfi -i {SCENE},trim=end_frame=60,{times} -fps_mode passthrough -enc_time_base 1/600 {H264}");
    let cut = cut_to_mov(&make(folder.path(), "slow.mov", &format!("{line} -video_track_timescale 600")));
    assert_eq!((cut.report.frame_rate, cut.report.frames), (rate(60), 80));
    assert!(cut.report.notes.iter().any(|note| note.code == NoteCode::RateConverted), "{:?}", cut.report.notes);
}

#[test]
fn a_held_last_frame_and_the_sound_over_it_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("-f lavfi -i {SCENE},trim=end_frame=10 {BEEP_AT_3} {H264} -bf 0 -c:a aac");
    make(folder.path(), "short.mp4", &line);
    // In the clock of the track, 12800 per second.
    let hold = "-i short.mp4 -c copy -bsf:v setts=duration=if(eq(N\\,9)\\,46592\\,DURATION)";
    let cut = cut_to_mov(&make(folder.path(), "held.mp4", hold));
    assert_eq!((cut.report.frame_rate, cut.report.frames), (rate(25), 100));
    let heard = beep_of(cut.output(OutputFormat::Mov));
    assert!((heard - 3.0).abs() < 0.01, "{heard}");

    // No frame begins in this part.
    let trimmed = CutRequest { trim: Some("2.6,3.6".parse().unwrap()), ..request("mov") };
    let part = self::cut(&folder.path().join("held.mp4"), &trimmed);
    let heard = beep_of(part.output(OutputFormat::Mov));
    assert!(part.report.frames == 25 && (heard - 0.4).abs() < 0.01, "{} frames, {heard}", part.report.frames);
}

#[test]
fn an_edit_list_that_leaves_out_groups_of_pictures_is_respected() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make(
        folder.path(),
        "whole.mp4",
        &format!("-f lavfi -i {SCENE} {H264} -g 10 -bf 0 -movflags +faststart -use_editlist 1"),
    );
    let mut bytes = fs::read(&clip).unwrap();
    let at = bytes.windows(4).position(|name| name == b"elst").expect("no edit list");
    // Version and flags, number of entries, then duration in the movie's and start in the track's
    // clock: 1000 and 12800 per second. Shows 1 s from 2 s on.
    bytes[at + 12..at + 16].copy_from_slice(&1000_u32.to_be_bytes());
    bytes[at + 16..at + 20].copy_from_slice(&(2 * 12_800_u32).to_be_bytes());
    fs::write(&clip, &bytes).unwrap();
    let cut = cut_to_mov(&clip);
    assert_eq!((cut.report.frame_rate, cut.report.frames), (rate(25), 25));
    // A file whose end is missing is still told apart.
    bytes.truncate(bytes.len() * 3 / 4);
    fs::write(&clip, &bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stop = clearcut_pipeline::Stop::default();
    let error = crate::cutting::cut_into(folder.path(), &clip, &request("mov"), &stop, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("damaged or cut off"), "{error}");
}

#[test]
fn a_file_that_begins_inside_a_group_of_pictures_keeps_its_sound_in_sync() {
    let folder = tempfile::tempdir().unwrap();
    let open = "-x264-params open-gop=1:keyint=24:min-keyint=24:bframes=3:b-adapt=0:scenecut=0";
    make(folder.path(), "whole.mkv", &format!("-f lavfi -i {SCENE} {BEEP_AT_3} {H264} {open} -c:a flac"));
    ffmpeg(folder.path(), "-i whole.mkv -map 0 -c copy -f segment -segment_times 0.95 part%d.mkv");
    let part = folder.path().join("part1.mkv");
    let cut = cut_to_mov(&part);
    // The file begins with three frames that no decoder can show, then with frame 24, at 0.96 s.
    let info = &cut.report.source;
    assert_eq!(cut.report.frames, 76);
    let heard = beep_of(cut.output(OutputFormat::Mov));
    let expected = 3.0 - 0.96;
    assert!((heard - expected).abs() < 0.01, "{heard} instead of {expected}, video from {}", info.video_start_secs);
}

#[test]
fn clips_shorter_than_a_frame_of_the_output_have_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let one = make(folder.path(), "one.mp4", &format!("-f lavfi -i {SCENE},trim=end_frame=1,setpts=0 -r 60 {H264}"));
    let short = make(folder.path(), "short.mp4", &format!("-f lavfi -i {SCENE},trim=end_frame=10 {H264}"));
    for (clip, fps, frames) in [(&one, 24, 1), (&one, 1, 1), (&short, 1, 1), (&short, 5, 2)] {
        let request = clearcut_job::CutRequest { fps: FpsChoice::Fixed(fps), ..request("mov") };
        let cut = cut(clip, &request);
        assert_eq!((cut.report.frames, cut.report.frame_rate), (frames, rate(u32::from(fps))), "{}", clip.display());
        assert_eq!(probe(cut.output(OutputFormat::Mov), "nb_read_frames"), frames.to_string());
    }
}

#[test]
fn reordered_frames_in_an_avi_are_read() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "whole.mp4", &format!("-f lavfi -i {SCENE} {BEEP_AT_3} {H264} -bf 2 -c:a pcm_s16le -f mov"));
    let clip = make(folder.path(), "copy.avi", "-i whole.mp4 -c copy");
    let cut = cut_to_mov(&clip);
    assert_eq!((cut.report.frame_rate, cut.report.frames), (rate(25), 100));
}
