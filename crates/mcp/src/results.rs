//! Results of the tools, with their schemas.

use std::path::Path;

use clearcut_ffmpeg::{ColorConversion, MediaInfo};
use clearcut_job::{CutMethod, MethodReason, Note, OutputFormat, PreviewFrame};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Failure, FinishedCut, MeasuredBackground};

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
struct BoxShares {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// A decision about the clip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CutNote {
    /// Such as `SOUND_LEFT_OUT`.
    code: String,
    /// What was found and what was done about it.
    message: String,
    /// Whether something of the clip is missing in the files or may be wrong there.
    is_warning: bool,
}

/// `chromakey` (by color) or `ai` (by a neural model).
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
struct CutMethodName(CutMethod);

/// `asked`, `key-given`, `flat-background`, `no-flat-background` or `transparent`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
struct ReasonName(MethodReason);

/// Implements the schema of a text with a few values.
macro_rules! words {
    ($name:ident: $($word:literal),+) => {
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

words!(CutMethodName: "chromakey", "ai");
words!(ReasonName: "asked", "key-given", "flat-background", "no-flat-background", "transparent");

/// What a preview shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewResult {
    /// Time in seconds at which the clip shows the frame.
    time: f64,
    /// Width of the image in pixels.
    width: u32,
    /// Height of the image in pixels.
    height: u32,
    /// How the subject was found: `chromakey` (by color) or `ai` (by a neural model).
    method: CutMethodName,
    /// Why this method was used.
    reason: ReasonName,
    /// The neural model, if one was used.
    model: Option<String>,
    /// Color of the background as #RRGGBB; null if a model was used.
    background_color: Option<String>,
    /// Share of the clip's border that has this color, 0–1; null if a model was used.
    confidence: Option<f64>,
    /// For each hint, the number of frames of the clip to which it applies.
    hint_frames: Vec<u64>,
}

/// The background of a clip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackgroundResult {
    /// `flat`: cut and preview remove this color unasked. `transparent`: the clip has a transparent
    /// border already. `none`: no color is sure; `finding` says what was found.
    background: BackgroundKind,
    /// Color of the background as #RRGGBB, for chromaKey. With `none`, the most common color of the
    /// border, if one stands out: it is used only if it is given as chromaKey.
    color: Option<String>,
    /// Share of the clip's border that has the color, 0–1.
    confidence: Option<f64>,
    /// What was found, in a sentence.
    finding: String,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum BackgroundKind {
    Flat,
    Transparent,
    None,
}

/// Properties of a clip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeResult {
    /// Container.
    container: String,
    /// Codec of the video.
    codec: String,
    /// Width as displayed, in pixels.
    width: u32,
    /// Height as displayed, in pixels.
    height: u32,
    /// Frames per second.
    fps: f64,
    /// Whether the frames are unevenly spaced.
    variable_frame_rate: bool,
    /// Number of frames.
    frames: u64,
    /// Length in seconds.
    seconds: f64,
    /// Whether the clip has an alpha channel.
    alpha: bool,
    /// Rotation that the file states, in degrees.
    rotation: i32,
    /// Whether the clip is in high dynamic range, which outputs are not.
    high_dynamic_range: bool,
    /// The sound; null if there is none.
    audio: Option<ProbedAudio>,
    /// What the probe decided about the clip.
    notes: Vec<CutNote>,
}

/// The sound of a clip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProbedAudio {
    /// Codec.
    codec: String,
    /// Number of channels.
    channels: u32,
    /// Samples per second.
    sample_rate: u32,
}

impl From<&Note> for CutNote {
    fn from(note: &Note) -> Self {
        let code = note.code.name().to_owned();
        Self { code, message: note.message.clone(), is_warning: note.code.is_warning() }
    }
}

impl CutResult {
    /// Result of a finished cut of `clip`.
    pub(crate) fn new(clip: &Path, finished: &FinishedCut) -> Self {
        let report = &finished.report;
        let matte = &report.matte;
        let duration_seconds = report.duration_secs();
        let warning = |warning: clearcut_job::Warning| {
            let place = matte.place_of(warning, duration_seconds);
            let clearcut_job::FrameBox { x, y, width, height } = place.area;
            CutWarning {
                code: warning.name().to_owned(),
                message: warning.message(report.method).to_owned(),
                from: place.from,
                to: place.to,
                area: BoxShares { x, y, width, height },
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
                flicker: matte.flicker,
                acceptance: matte.acceptance(),
                hint_frames: matte.hint_frames.clone(),
            },
            warnings: matte.warnings().into_iter().map(warning).collect(),
            notes: report.notes.iter().map(CutNote::from).collect(),
        }
    }
}

impl From<&PreviewFrame> for PreviewResult {
    fn from(frame: &PreviewFrame) -> Self {
        Self {
            time: frame.at.as_secs_f64(),
            width: frame.size.width(),
            height: frame.size.height(),
            method: CutMethodName(frame.method),
            reason: ReasonName(frame.reason),
            model: frame.model.clone(),
            background_color: frame.key_color.map(|color| color.to_string()),
            confidence: frame.confidence,
            hint_frames: frame.hint_frames.clone(),
        }
    }
}

impl From<MeasuredBackground> for BackgroundResult {
    fn from(measured: MeasuredBackground) -> Self {
        match measured {
            MeasuredBackground::Flat { color, confidence } => Self {
                background: BackgroundKind::Flat,
                color: Some(color.to_string()),
                confidence: Some(confidence),
                finding: format!("the background is flat: {:.0} % of the border is {color}", 100.0 * confidence),
            },
            MeasuredBackground::Transparent => Self {
                background: BackgroundKind::Transparent,
                color: None,
                confidence: None,
                finding: "the border of the clip is transparent already".to_owned(),
            },
            MeasuredBackground::None { finding, candidate } => Self {
                background: BackgroundKind::None,
                color: candidate.map(|(color, _)| color.to_string()),
                confidence: candidate.map(|(_, share)| share),
                finding,
            },
        }
    }
}

impl From<&MediaInfo> for ProbeResult {
    fn from(info: &MediaInfo) -> Self {
        let audio = info.audio.as_ref().map(|audio| ProbedAudio {
            codec: audio.codec.clone(),
            channels: audio.channels,
            sample_rate: audio.sample_rate,
        });
        Self {
            container: info.container.demuxer().to_owned(),
            codec: info.codec.clone(),
            width: info.size.width(),
            height: info.size.height(),
            fps: info.frame_rate.per_second(),
            variable_frame_rate: info.has_variable_rate,
            frames: info.frames,
            seconds: info.duration.as_secs_f64(),
            alpha: info.has_alpha,
            rotation: info.rotation_degrees,
            high_dynamic_range: info.conversion.is_some_and(ColorConversion::is_hdr),
            audio,
            notes: info.notes.iter().map(CutNote::from).collect(),
        }
    }
}
