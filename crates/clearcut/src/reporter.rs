//! Reporter of the cut of a clip or image: prints its progress, and the closing table or JSON lines.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clearcut_job::{CutImage, CutMethod, CutStep, FrameBox, MethodReason, Note, Place, Warning};
use clearcut_pipeline::CutReport;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{
    console::{escape_line, print_err, print_out},
    cut_options::CutOptions,
};

/// Reporter of one cut: prints its progress and its result.
pub(crate) struct Reporter {
    input: String,
    mode: Mode,
}

enum Mode {
    /// Errors only.
    Silent,
    /// JSON lines on standard output.
    Json,
    /// Progress bar, for a terminal.
    Bar(ProgressBar),
    /// Single lines at intervals, for a log.
    Lines { last: Option<Instant>, stage: &'static str },
}

/// Interval between two lines in a log.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Result of a finished cut.
pub(crate) struct FinishedCut<'a> {
    pub(crate) report: &'a CutReport,
    /// Final paths, in the order of the report's outputs.
    pub(crate) paths: &'a [PathBuf],
    /// Options that had no effect, with the reason.
    pub(crate) without_effect: &'a [(&'static str, &'static str)],
    pub(crate) took: Duration,
}

/// Result of a finished cut of an image.
pub(crate) struct FinishedImage<'a> {
    pub(crate) image: &'a CutImage,
    pub(crate) path: &'a Path,
    pub(crate) took: Duration,
}

impl Reporter {
    pub(crate) fn new(options: &CutOptions, input: &Path) -> Self {
        let mode = if options.json {
            Mode::Json
        } else if options.quiet {
            Mode::Silent
        } else if std::io::stderr().is_terminal() {
            Mode::Bar(ProgressBar::new(0))
        } else {
            Mode::Lines { last: None, stage: "" }
        };
        Self { input: input.display().to_string(), mode }
    }

    pub(crate) fn progress(&mut self, step: CutStep) {
        let (stage, done, total) = match step {
            CutStep::Surveying => ("looking", 0, 0),
            CutStep::Waiting => ("waiting", 0, 0),
            CutStep::Cutting { done, total } => ("cutting", done, total),
            CutStep::Checking => ("checking", 0, 0),
        };
        match &mut self.mode {
            Mode::Silent => {}
            Mode::Json => {
                print_out(
                    json!({"event": "progress", "input": self.input, "stage": stage, "done": done, "total": total}),
                );
            }
            Mode::Bar(bar) => draw(bar, stage, done, total),
            Mode::Lines { last, stage: shown } => {
                if *shown != stage || last.is_none_or(|last| last.elapsed() > LINE_INTERVAL) {
                    (*shown, *last) = (stage, Some(Instant::now()));
                    let count = if total > 0 { format!(" {done}/{total}") } else { String::new() };
                    print_err(format_args!("{}: {stage}{count}", escape_line(&self.input)));
                }
            }
        }
    }

    pub(crate) fn finished(&mut self, finished: &FinishedCut) {
        if let Mode::Bar(bar) = &self.mode {
            bar.finish_and_clear();
        }
        match self.mode {
            Mode::Silent => {}
            Mode::Json => print_out(as_json(&self.input, finished)),
            Mode::Bar(_) | Mode::Lines { .. } => print_out(as_table(&self.input, finished).trim_end()),
        }
    }
}

impl Reporter {
    pub(crate) fn finished_image(&self, finished: &FinishedImage) {
        match &self.mode {
            Mode::Silent => {}
            Mode::Json => print_out(image_as_json(&self.input, finished)),
            Mode::Bar(_) | Mode::Lines { .. } => print_out(image_as_text(&self.input, finished)),
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Mode::Bar(bar) = &self.mode {
            bar.finish_and_clear();
        }
    }
}

fn draw(bar: &ProgressBar, stage: &'static str, done: u64, total: u64) {
    let template = if total > 0 {
        "{msg:9} {wide_bar} {pos}/{len} frames  {per_sec}  {eta} left"
    } else {
        "{msg:9} {spinner} {elapsed}"
    };
    if bar.message() != stage {
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(stage);
        bar.reset();
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar.set_length(total);
    bar.set_position(done);
}

fn as_json(input: &str, finished: &FinishedCut) -> serde_json::Value {
    let report = finished.report;
    let outputs: Vec<_> = report
        .outputs
        .iter()
        .zip(finished.paths)
        .map(|(output, path)| {
            let (format, path) = (output.format.name(), path.display().to_string());
            json!({"format": format, "path": path, "size": output.bytes, "seconds": output.took.as_secs_f64(), "alphaVerified": true, "alphaCheck": output.alpha_check})
        })
        .collect();
    let warnings: Vec<_> = report
        .matte
        .warnings()
        .into_iter()
        .map(|warning| {
            let Place { from, to, area } = report.matte.place_of(warning, report.duration_secs());
            json!({"code": warning.name(), "message": warning.message(report.method), "from": from, "to": to, "box": area})
        })
        .collect();
    let note =
        |note: &Note| json!({"code": note.code.name(), "isWarning": note.code.is_warning(), "message": note.message});
    let notes: Vec<_> = report.notes.iter().map(note).collect();
    let unused = |(option, reason): &(&str, &str)| json!({"option": option, "message": reason});
    let without_effect: Vec<_> = finished.without_effect.iter().map(unused).collect();
    json!({
        "event": "done", "input": input, "width": report.size.width(), "height": report.size.height(),
        "frames": report.frames, "fps": report.frame_rate.to_string(),
        "sourceFps": report.source.frame_rate.to_string(), "seconds": finished.took.as_secs_f64(),
        "crop": report.crop.map(|rect| rect.to_string()), "detectedBackgroundColor": report.key_color.map(|color| color.to_string()),
        "removed": report.matte.removed_share, "method": report.method, "reason": report.reason, "model": report.model, "matte": report.matte, "acceptance": report.matte.acceptance(),
        "warnings": warnings, "notes": notes, "withoutEffect": without_effect, "outputs": outputs,
    })
}

fn image_as_json(input: &str, FinishedImage { image, path, took }: &FinishedImage) -> serde_json::Value {
    let matte = &image.report;
    let warning = |warning: Warning| {
        let area = matte.place_of(warning, 0.0).area;
        json!({"code": warning.name(), "message": warning.message(image.method), "box": area})
    };
    let warnings: Vec<_> = matte.warnings().into_iter().map(warning).collect();
    json!({
        "event": "done", "input": input, "width": image.size.width(), "height": image.size.height(),
        "seconds": took.as_secs_f64(), "method": image.method, "reason": image.reason, "model": image.model,
        "detectedBackgroundColor": image.key_color.map(|color| color.to_string()), "confidence": matte.confidence,
        "removed": matte.removed_share, "matte": matte, "warnings": warnings,
        "outputs": [{"format": "png", "path": path.display().to_string(), "size": image.png.len()}],
    })
}

fn image_as_text(input: &str, FinishedImage { image, path, took }: &FinishedImage) -> String {
    let matte = &image.report;
    let method = match (image.method, &image.model) {
        _ if image.reason == MethodReason::Transparent => "transparent already; its alpha is kept".to_owned(),
        (CutMethod::Ai, model) => {
            format!("neural model {} ({})", model.as_deref().unwrap_or("unknown"), image.reason.name())
        }
        (CutMethod::ChromaKey, _) => {
            let color = image.key_color.map_or("none".to_owned(), |color| color.to_string());
            format!("chroma key {color} ({:.0} % of the border)", 100.0 * matte.confidence.unwrap_or(0.0))
        }
    };
    let (path, bytes) = (escape_line(&path.display().to_string()), format_bytes(image.png.len() as u64));
    let took = took.as_secs_f64();
    let removed = 100.0 * matte.removed_share;
    let mut text = format!(
        "{path}  {bytes}\n{}: {} in {took:.1} s\n{method}, {removed:.1} % removed",
        escape_line(input),
        image.size
    );
    for warning in matte.warnings() {
        let area = matte.place_of(warning, 0.0).area;
        let place = if area == FrameBox::WHOLE { String::new() } else { format!(" (worst {})", middle(&area)) };
        text += &format!("\nwarning: {}{place}", warning.message(image.method));
    }
    text
}

fn as_table(input: &str, finished: &FinishedCut) -> String {
    let report = finished.report;
    let mut rows = vec![["FORMAT".to_owned(), "SIZE".to_owned(), "TIME".to_owned(), "FILE".to_owned()]];
    for (output, path) in report.outputs.iter().zip(finished.paths) {
        let time = format!("{:.1} s", output.took.as_secs_f64());
        rows.push([output.format.to_string(), format_bytes(output.bytes), time, path.display().to_string()]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (format, size, time) = (width(0), width(1), width(2));
    let mut table = String::new();
    for [a, b, c, file] in &rows {
        table += &format!("{a:format$}  {b:>size$}  {c:>time$}  {}\n", escape_line(file));
    }
    table += &format!(
        "{}: {} {} of {} in {:.1} s ({:.0} frames/s)\n",
        escape_line(input),
        report.frames,
        if report.frames == 1 { "frame" } else { "frames" },
        report.size,
        finished.took.as_secs_f64(),
        report.frames as f64 / finished.took.as_secs_f64().max(1e-3),
    );
    table += &method_line(report);
    for (option, reason) in finished.without_effect {
        table += &format!("warning: {option} has no effect: {reason}\n");
    }
    for note in &report.notes {
        let level = if note.code.is_warning() { "warning" } else { "note" };
        table += &format!("{level}: {}\n", note.message);
    }
    for warning in report.matte.warnings() {
        let place = report.matte.place_of(warning, report.duration_secs());
        table += &format!("warning: {}{}\n", warning.message(report.method), worst_place(&place));
    }
    table
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

/// Size as text such as `1.2 MB`, in powers of 1000.
fn format_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
