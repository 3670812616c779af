//! The notes of a cut: what the probe and the cut decided about the clip.

use clearcut_ffmpeg::MediaInfo;
use clearcut_job::{CutRequest, LoopChoice, MaxBytes, Note, NoteCode, OutputFormat, Preset, Tempo};

use crate::{LoweredQuality, OutputReport, plan::Plan};

/// The notes of the probe and of the cut. Those about sound count only if an output carries sound,
/// and a frame rate that was asked for replaces the probe's choice.
pub(crate) fn notes(request: &CutRequest, info: &MediaInfo, plan: &Plan, of_sound: Option<Note>) -> Vec<Note> {
    let has_sound = request.keeps_audio && request.formats.iter().any(OutputFormat::carries_audio);
    let is_rate_asked = plan.frame_rate != info.frame_rate;
    let is_in_tempo = request.tempo != Tempo::default();
    let applies = |note: &Note| {
        (has_sound || !note.code.is_about_sound()) && !(is_rate_asked && note.code == NoteCode::RateConverted)
    };
    let mut notes: Vec<Note> = info.notes.iter().cloned().chain(of_sound).filter(applies).collect();
    if is_rate_asked {
        let (from, to) = (info.frame_rate.readable(), plan.frame_rate.readable());
        let advice = if request.preset.is_some() || is_in_tempo { "" } else { "; fps `source` keeps every frame" };
        let message = format!("the clip has {from} frames/s and the outputs have {to}{advice}");
        notes.push(Note::new(NoteCode::RateConverted, message));
    }
    if has_sound && info.audio.is_some() && request.looped == Some(LoopChoice::Boomerang) {
        notes.push(Note::new(NoteCode::SoundLeftOut, "the sound was left out: a boomerang also plays backwards"));
    }
    notes.extend(plan.animation_note());
    notes
}

/// The notes of the outputs that keep a limit of bytes: how much of it they use, and what they have in
/// order to keep it.
pub(crate) fn kept_notes(request: &CutRequest, plan: &Plan, outputs: &[OutputReport]) -> Vec<Note> {
    let note = |output: &OutputReport| {
        let kept = output.kept?;
        let name = request.preset.map_or(output.format.name(), Preset::name);
        let mut message = format!("{name}: {}", used(output.bytes, kept.limit));
        message += &match kept.lowered {
            Some(LoweredQuality::Quality(to, from)) => format!(", at quality {to} instead of {from}"),
            Some(LoweredQuality::Crf(to, from)) => format!(", at CRF {to} instead of {from}"),
            None => String::new(),
        };
        if kept.frame_rate != plan.frame_rate {
            let (rate, of) = (kept.frame_rate.readable(), plan.frame_rate.readable());
            message += &format!(", with {rate} of {of} frames/s");
        }
        if kept.size != plan.size() {
            message += &format!(", at {} instead of {}", kept.size, plan.size());
        }
        Some(Note::new(NoteCode::LimitKept, message))
    };
    outputs.iter().filter_map(note).collect()
}

/// Bytes and their limit, such as `244 of 256 KB`. The bytes are rounded up.
fn used(bytes: u64, limit: MaxBytes) -> String {
    match limit.get() {
        limit if limit.is_multiple_of(1000) => format!("{} of {} KB", bytes.div_ceil(1000), limit / 1000),
        limit => format!("{bytes} of {limit} bytes"),
    }
}
