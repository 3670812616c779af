//! The state of a cut and its result, with their schemas.

use std::path::Path;

use clearcut_job::{FrameBox, OutputFormat, Warning};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Failure, FinishedCut,
    words::{CutMethodName, CutNote, ReasonName},
};

/// Whether a cut waits, runs or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Another cut runs first.
    Waiting,
    /// The clip is cut.
    Running,
    /// The files are written and checked: `result` has them.
    Done,
    /// There are no files: `error` says why.
    Failed,
    /// The cut was stopped. There are no files.
    Cancelled,
}

/// A cut: its state, and its result once it has ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobStatus {
    /// Name of the cut for `job_status` and `cancel_job`.
    pub(crate) job_id: String,
    /// Whether the cut waits, runs or has ended.
    pub(crate) state: State,
    /// Share of the work that is done, 0–100.
    #[schemars(extend("maximum" = 100))]
    pub(crate) percent: u8,
    /// What the cut does at the moment.
    pub(crate) step: String,
    /// The files and what was measured. Only with state `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<CutResult>,
    /// Why there are no files. Only with states `failed` and `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
}

/// The files of a cut and what was measured.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CutResult {
    /// Path of the clip.
    input: String,
    /// The written files, in the order of `formats`.
    files: Vec<OutputFile>,
    /// Width of a frame in pixels.
    width: u32,
    /// Height of a frame in pixels.
    height: u32,
    /// Number of frames.
    frames: u64,
    /// Frames per second.
    fps: f64,
    /// Length in seconds.
    duration_seconds: f64,
    /// Duration of the cut in seconds.
    took_seconds: f64,
    /// How the subject was found: `chromakey` (by color) or `ai` (by a neural model).
    method: CutMethodName,
    /// Why this method was used.
    reason: ReasonName,
    /// The neural model, if one was used.
    model: Option<String>,
    /// Color of the background as #RRGGBB; null if a model was used.
    background_color: Option<String>,
    /// Estimated quality of the matte.
    report: QualityReport,
    /// Problems that a person should look at. Tell the user about them.
    warnings: Vec<CutWarning>,
    /// What was decided about the clip besides the matte, such as sound that was left out.
    notes: Vec<CutNote>,
}

/// One written file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OutputFile {
    /// One of `formats`.
    #[schemars(with = "String")]
    format: OutputFormat,
    /// Path of the file.
    path: String,
    /// Size in bytes.
    bytes: u64,
    /// MIME type.
    mime_type: String,
}

/// Estimates without ground truth. Fields that need a background color are null with a model.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QualityReport {
    /// Share of the border that agrees with the background color, 0–1.
    confidence: Option<f64>,
    /// Mean share of the frame that was made transparent, 0–1.
    removed_share: f64,
    /// Percentage of the subject's inside that was removed.
    holes_percent: Option<f64>,
    /// Percentage of the subject's inside that has the background color and was kept.
    lookalike_percent: Option<f64>,
    /// Area that nearly has the background color and was kept, as a percentage of the removed area.
    residue_percent: Option<f64>,
    /// Percentage of the subject that is at most eight pixels wide.
    fine_percent: Option<f64>,
    /// Percentage of the subject that is translucent beyond the width of an edge, and no shadow.
    soft_percent: Option<f64>,
    /// Percentage of the subject whose color is near the background's.
    faint_percent: Option<f64>,
    /// Change of alpha where nothing moves, × 100.
    flicker: f64,
    /// Estimated probability that a person accepts the matte as it is, 0–1.
    acceptance: Option<f64>,
    /// For each hint, the number of frames in which it applies.
    hint_frames: Vec<u64>,
}

/// A problem that a person should look at, and where.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct CutWarning {
    /// Such as `POSSIBLE_HOLES`.
    code: String,
    /// The problem and what helps.
    message: String,
    /// Start of the worst place in seconds.
    from: f64,
    /// End of the worst place in seconds.
    to: f64,
    /// Worst area as shares of the frame, 0–1.
    #[serde(rename = "box")]
    area: BoxShares,
}

/// A rectangle as shares of the frame, 0–1, from the upper left corner.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct BoxShares {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl From<FrameBox> for BoxShares {
    fn from(FrameBox { x, y, width, height }: FrameBox) -> Self {
        Self { x, y, width, height }
    }
}

impl CutResult {
    /// Result of a finished cut of `clip`.
    pub(crate) fn new(clip: &Path, finished: &FinishedCut) -> Self {
        let report = &finished.report;
        let matte = &report.matte;
        let duration_seconds = report.duration_secs();
        let warning = |warning: Warning| {
            let place = matte.place_of(warning, duration_seconds);
            CutWarning {
                code: warning.name().to_owned(),
                message: warning.message(report.method).to_owned(),
                from: place.from,
                to: place.to,
                area: place.area.into(),
            }
        };
        let files = report.outputs.iter().zip(&finished.paths).map(|(output, path)| OutputFile {
            format: output.format,
            path: path.display().to_string(),
            bytes: output.bytes,
            mime_type: output.format.mime().to_owned(),
        });
        Self {
            input: clip.display().to_string(),
            files: files.collect(),
            width: report.size.width(),
            height: report.size.height(),
            frames: report.frames,
            fps: report.frame_rate.per_second(),
            duration_seconds,
            took_seconds: finished.took.as_secs_f64(),
            method: CutMethodName(report.method),
            reason: ReasonName(report.reason),
            model: report.model.clone(),
            background_color: report.key_color.map(|color| color.to_string()),
            report: QualityReport {
                confidence: matte.confidence,
                removed_share: matte.removed_share,
                holes_percent: matte.holes_percent,
                lookalike_percent: matte.lookalike_percent,
                residue_percent: matte.residue_percent,
                fine_percent: matte.fine_percent,
                soft_percent: matte.soft_percent,
                faint_percent: matte.faint_percent,
                flicker: matte.flicker,
                acceptance: matte.acceptance(),
                hint_frames: matte.hint_frames.clone(),
            },
            warnings: matte.warnings().into_iter().map(warning).collect(),
            notes: report.notes.iter().map(CutNote::from).collect(),
        }
    }
}
