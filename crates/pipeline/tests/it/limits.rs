//! Tests of limits of bytes, of presets, and of margins.

use std::fs;

use clearcut_frame::Size;
use clearcut_job::{
    Bounds, CutRequest, ErrorCode, Fit, NoteCode,
    OutputFormat::{self, Apng, Webm},
    Preset,
};
use clearcut_pipeline::{Error, Stop};

use crate::{
    clips::{FRAMES, master},
    cutting::{cut, cut_into, request},
    media::Decoded,
};

fn refused(request: &CutRequest) -> Error {
    let scratch = tempfile::tempdir().unwrap();
    cut_into(scratch.path(), master(), request, &Stop::default(), &mut |_| {}).unwrap_err()
}

fn preset(preset: Preset) -> CutRequest {
    request("mov").with_preset(preset, None).unwrap()
}

#[test]
fn outputs_keep_their_limit_of_bytes() {
    let limited = CutRequest { max_bytes: Some("20KB".parse().unwrap()), ..request("webm,webp,apng,gif") };
    let cut = cut(master(), &limited);
    for output in &cut.report.outputs {
        assert!(output.bytes <= 20_000, "{output:?}");
        assert_eq!(fs::metadata(&output.path).unwrap().len(), output.bytes);
        assert_eq!(output.alpha_check.frames_compared, output.kept.unwrap().frames);
    }
    let notes: Vec<_> = cut.report.notes.iter().filter(|note| note.code == NoteCode::LimitKept).collect();
    assert!(notes.len() == 4 && notes.iter().all(|note| note.message.contains(" of 20 KB")), "{notes:?}");
    // The GIF of the full quality is larger.
    assert!(
        notes.iter().any(|note| note.message.starts_with("gif: ") && note.message.contains(", at quality ")),
        "{notes:?}"
    );
    let names: Vec<_> = fs::read_dir(cut.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn a_limit_that_is_out_of_reach_is_told_with_the_smallest_file() {
    let size = Some("160".parse().unwrap());
    let error = refused(&CutRequest { max_bytes: Some("1KB".parse().unwrap()), size, ..request("apng") });
    assert_eq!(error.code(), ErrorCode::LimitNotMet);
    assert!(matches!(error, Error::LimitNotMet { closest: 1001.., .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn a_preset_makes_what_its_platform_takes() {
    let sticker = cut(master(), &preset(Preset::TelegramEmoji));
    let output = &sticker.report.outputs[0];
    assert!(output.format == Webm && output.bytes <= 64_000, "{output:?}");
    assert_eq!((sticker.report.size, sticker.report.frames), (Size::new(100, 100).unwrap(), FRAMES as u64));
    let line = cut(master(), &preset(Preset::LineSticker));
    assert!((line.report.duration_secs() - 1.0).abs() < 1e-9);
    assert!((5..=20).contains(&line.report.frames) && line.report.size.height() == 240, "{:?}", line.report);
    let file = fs::read(line.output(Apng)).unwrap();
    let control = file.windows(4).position(|name| name == b"acTL").unwrap();
    assert_eq!(file[control + 8..control + 12], [0, 0, 0, 4], "it plays four times");
}

#[test]
fn a_part_of_a_length_that_the_platform_does_not_take_is_refused() {
    let error = refused(&CutRequest { trim: Some("0,0.7".parse().unwrap()), ..preset(Preset::LineSticker) });
    assert_eq!(error.code(), ErrorCode::UnfitLength);
    assert!(error.to_string().contains("at least 1 s") && error.hint().is_some(), "{error}");
    let long = refused(&CutRequest { trim: Some("0.2,0.9".parse().unwrap()), ..preset(Preset::LineSticker) });
    assert!(long.to_string().contains("whole seconds"), "{long}");
}

#[test]
fn margins_are_clear_and_the_frame_is_whole() {
    let side = |side: u16| Some(side.try_into().unwrap());
    let made = |fit: Fit| {
        let bounds = Bounds::new(side(100), side(100), Some(fit)).unwrap();
        cut(master(), &CutRequest { bounds, ..request("apng") })
    };
    let (padded, contained) = (made(Fit::Pad), made(Fit::Contain));
    assert_eq!(
        (padded.report.size.to_string(), contained.report.size.to_string()),
        ("100×100".into(), "100×75".into())
    );
    let alpha = |cut: &crate::cutting::Cut, size| {
        let frames = Decoded::read(cut.output(OutputFormat::Apng), size, false).frames;
        frames
            .iter()
            .map(|frame| frame.iter().skip(3).step_by(4).map(|alpha| u64::from(*alpha)).sum::<u64>())
            .sum::<u64>()
    };
    assert_eq!(alpha(&padded, (100, 100)), alpha(&contained, (100, 75)));
}
