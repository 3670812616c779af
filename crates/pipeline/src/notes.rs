//! The notes of a cut: what the probe and the cut decided about the clip.

use clearcut_ffmpeg::MediaInfo;
use clearcut_job::{CutRequest, Note, NoteCode, OutputFormat};

use crate::plan::Plan;

/// The notes of the probe and of the cut. Those about sound count only if an output carries sound,
/// and a frame rate that was asked for replaces the probe's choice.
pub(crate) fn notes(request: &CutRequest, info: &MediaInfo, plan: &Plan, of_sound: Option<Note>) -> Vec<Note> {
    let has_sound = request.keeps_audio && request.formats.iter().any(OutputFormat::carries_audio);
    let is_rate_asked = plan.frame_rate != info.frame_rate;
    let applies = |note: &Note| {
        (has_sound || !note.code.is_about_sound()) && !(is_rate_asked && note.code == NoteCode::RateConverted)
    };
    let mut notes: Vec<Note> = info.notes.iter().cloned().chain(of_sound).filter(applies).collect();
    if is_rate_asked {
        let (from, to) = (info.frame_rate.readable(), plan.frame_rate.readable());
        let message = format!("the clip has {from} frames/s and the outputs have {to}; fps `source` keeps every frame");
        notes.push(Note::new(NoteCode::RateConverted, message));
    }
    notes.extend(plan.animation_note());
    notes
}
