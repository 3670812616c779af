//! The result of a cut as text for people.

use clearcut_job::{CutMethod, FrameBox, MethodReason, Place};
use clearcut_pipeline::CutReport;

use crate::{
    console::escape_line,
    reporter::{FinishedCut, FinishedImage},
};

/// What is said of a clip or image whose own alpha is taken.
const TRANSPARENT: &str = "transparent already: its own alpha is kept";

/// What is said of the cut of an image, beside its file.
pub(crate) fn image_as_text(input: &str, FinishedImage { image, took, .. }: &FinishedImage) -> String {
    let matte = &image.report;
    let method = match (image.method, &image.model) {
        _ if image.reason == MethodReason::Transparent => TRANSPARENT.to_owned(),
        (CutMethod::Ai, model) => {
            format!("neural model {} ({})", model.as_deref().unwrap_or("unknown"), image.reason.name())
        }
        (CutMethod::ChromaKey, _) => {
            let color = image.key_color.map_or("none".to_owned(), |color| color.to_string());
            format!("chroma key {color} ({:.0} % of the border)", 100.0 * matte.confidence.unwrap_or(0.0))
        }
    };
    let took = took.as_secs_f64();
    let removed = 100.0 * matte.removed_share;
    let mut text = format!("{}: {} in {took:.1} s\n{method}, {removed:.1} % removed\n", escape_line(input), image.size);
    for warning in matte.warnings() {
        let area = matte.place_of(warning, 0.0).area;
        let place = if area == FrameBox::WHOLE { String::new() } else { format!(" (worst {})", middle(&area)) };
        text += &format!("warning: {}{place}\n", warning.message(image.method));
    }
    text
}

/// What is said of the cut of a clip, beside its files.
pub(crate) fn clip_as_text(input: &str, finished: &FinishedCut) -> String {
    let report = finished.report;
    let mut text = format!(
        "{}: {} {} of {} in {:.1} s ({:.0} frames/s)\n",
        escape_line(input),
        report.frames,
        if report.frames == 1 { "frame" } else { "frames" },
        report.size,
        finished.took.as_secs_f64(),
        report.frames as f64 / finished.took.as_secs_f64().max(1e-3),
    );
    text += &method_line(report);
    for (option, reason) in finished.without_effect {
        text += &format!("warning: {option} has no effect: {reason}\n");
    }
    for note in &report.notes {
        let level = if note.code.is_warning() { "warning" } else { "note" };
        text += &format!("{level}: {}\n", note.message);
    }
    for warning in report.matte.warnings() {
        let place = report.matte.place_of(warning, report.duration_secs());
        text += &format!("warning: {}{}\n", warning.message(report.method), worst_place(&place));
    }
    text
}

/// Place where a warning applies most, as text. Empty if the warning applies to the whole frame.
fn worst_place(Place { from, to, area }: &Place) -> String {
    if *area == FrameBox::WHOLE {
        return String::new();
    }
    format!(" (worst from {from:.2} to {to:.2} s, {})", middle(area))
}

/// The middle of an area, as text.
fn middle(area: &FrameBox) -> String {
    let middle = |start: f64, length: f64| 100.0 * (start + length / 2.0);
    let (across, down) = (middle(area.x, area.width), middle(area.y, area.height));
    format!("{across:.0} % across and {down:.0} % down")
}

/// Line with the method that found the subject and the estimated quality of the matte.
fn method_line(report: &CutReport) -> String {
    let matte = &report.matte;
    let removed = format!("{:.1} % removed", matte.removed_share * 100.0);
    if report.reason == MethodReason::Transparent {
        return format!("{TRANSPARENT}, {removed}\n");
    }
    match report.method {
        CutMethod::ChromaKey => {
            let color = report.key_color.map_or("none".to_owned(), |color| color.to_string());
            format!(
                "chroma key {color} ({:.0} % of the border), {removed}; estimated: holes {:.2} %, residue {:.2} %, flicker {:.2}; {:.0} % likely usable as it is\n",
                matte.confidence.unwrap_or(0.0) * 100.0,
                matte.holes_percent.unwrap_or(0.0),
                matte.residue_percent.unwrap_or(0.0),
                matte.flicker,
                100.0 * matte.acceptance().unwrap_or(0.0),
            )
        }
        CutMethod::Ai => {
            let model = report.model.as_deref().unwrap_or("unknown");
            format!(
                "neural model {model} ({}), {removed}; estimated: flicker {:.2}\n",
                report.reason.name(),
                matte.flicker
            )
        }
    }
}
