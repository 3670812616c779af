//! Reporter of the cut of a clip or image: prints its progress, and its result as text or JSON lines.

use std::{
    fmt,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clearcut_job::{CutImage, CutStep};
use clearcut_pipeline::CutReport;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;

use crate::{
    console::{escape_line, print_err, print_out},
    cut_options::CutOptions,
    report_json::{as_json, image_as_json},
    report_text::{clip_as_text, image_as_text},
    table::{Row, table, terminal_width},
};

/// Which input of a command: its number from 1, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) number: usize,
    pub(crate) count: usize,
}

impl Turn {
    /// Whether there are others.
    pub(crate) const fn is_one_of_several(self) -> bool {
        self.count > 1
    }
}

/// Reporter of one cut: prints its progress and its result.
pub(crate) struct Reporter {
    input: String,
    turn: Turn,
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
    pub(crate) fn new(options: &CutOptions, input: &Path, turn: Turn) -> Self {
        let mode = if options.json {
            Mode::Json
        } else if options.quiet {
            Mode::Silent
        } else if std::io::stderr().is_terminal() {
            let name = escape_line(&input.file_name().unwrap_or_default().to_string_lossy());
            Mode::Bar(ProgressBar::new(0).with_prefix(match turn {
                Turn { number, count } if turn.is_one_of_several() => format!("{number}/{count} {name}"),
                _ => name,
            }))
        } else {
            Mode::Lines { last: None, stage: "" }
        };
        Self { input: input.display().to_string(), turn, mode }
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
                    let Turn { number, count: inputs } = self.turn;
                    let place =
                        if self.turn.is_one_of_several() { format!("{number}/{inputs} ") } else { String::new() };
                    print_err(format_args!("{place}{}: {stage}{count}", escape_line(&self.input)));
                }
            }
        }
    }

    /// Prints the result of a clip. Returns its files, for the table of a command with several inputs.
    pub(crate) fn finished(&mut self, finished: &FinishedCut) -> Vec<Row> {
        if let Mode::Bar(bar) = &self.mode {
            bar.finish_and_clear();
        }
        let rows = Row::of_clip(finished.report, finished.paths);
        match self.mode {
            Mode::Silent => {}
            Mode::Json => print_out(as_json(&self.input, finished)),
            Mode::Bar(_) | Mode::Lines { .. } => self.print(&rows, &clip_as_text(&self.input, finished)),
        }
        rows
    }

    /// The same of an image.
    pub(crate) fn finished_image(&self, finished: &FinishedImage) -> Vec<Row> {
        let bytes = finished.image.png.len() as u64;
        let rows = vec![Row::new(finished.path, "png", bytes, finished.took.as_secs_f64())];
        match &self.mode {
            Mode::Silent => {}
            Mode::Json => print_out(image_as_json(&self.input, finished)),
            Mode::Bar(_) | Mode::Lines { .. } => self.print(&rows, &image_as_text(&self.input, finished)),
        }
        rows
    }

    /// Prints a result: of several inputs without the table, which has the files of all of them.
    fn print(&self, rows: &[Row], text: &str) {
        if self.turn.is_one_of_several() {
            print_out(text);
        } else {
            print_out((table(&[rows.to_vec()], terminal_width()) + text).trim_end());
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
        "{prefix}  {msg:8} {wide_bar} {pos}/{len} frames  {rate}  {eta} left"
    } else {
        "{prefix}  {msg:8} {spinner} {elapsed}"
    };
    if bar.message() != stage {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{:.0} frames/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
        bar.set_message(stage);
        bar.reset();
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar.set_length(total);
    bar.set_position(done);
}

/// Size as text such as `1.2 MB`, in powers of 1000.
pub(crate) fn format_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
