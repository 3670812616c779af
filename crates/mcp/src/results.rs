//! Results of the tools that look at a clip or an image, with their schemas.

use std::path::Path;

use clearcut_ffmpeg::{ColorConversion, MediaInfo};
use clearcut_job::{PreviewFrame, Warning};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    FinishedImage, MeasuredBackground, Probed, ProbedImage,
    job_status::BoxShares,
    words::{CutMethodName, CutNote, ReasonName},
};

/// What a preview of a clip or an image shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewResult {
    /// Time in seconds at which the clip shows the frame; 0 of an image.
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
    /// Share of the border that has this color, 0–1, over the whole clip; null if a model was used.
    confidence: Option<f64>,
    /// For each hint, the number of frames of the clip to which it applies; of an image 0 or 1.
    hint_frames: Vec<u64>,
}

/// The cut of an image.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageResult {
    /// Path of the image.
    input: String,
    /// Path of the PNG.
    path: String,
    /// Size in bytes.
    bytes: usize,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// How the subject was found: `chromakey` (by color) or `ai` (by a neural model).
    method: CutMethodName,
    /// Why this method was used.
    reason: ReasonName,
    /// The neural model, if one was used.
    model: Option<String>,
    /// Color of the background as #RRGGBB; null if a model was used.
    background_color: Option<String>,
    /// Share of the border that has this color, 0–1; null if a model was used.
    confidence: Option<f64>,
    /// Share of the image that was made transparent, 0–1.
    removed_share: f64,
    /// Problems that a person should look at. Tell the user about them.
    warnings: Vec<ImageWarning>,
    /// Duration of the cut in seconds.
    took_seconds: f64,
}

/// A problem of the cut of an image, and where.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ImageWarning {
    /// Such as `NOTHING_REMOVED`.
    code: String,
    /// The problem and what helps.
    message: String,
    /// Worst area as shares of the image, 0–1.
    #[serde(rename = "box")]
    area: BoxShares,
}

/// The background of a clip or an image.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackgroundResult {
    /// `flat`: cut and preview remove this color unasked. `transparent`: the border is
    /// transparent already. `none`: no color is sure; `finding` says what was found.
    background: BackgroundKind,
    /// Color of the background as #RRGGBB, for chromaKey. With `none`, the most common color of the
    /// border, if one stands out: it is used only if it is given as chromaKey.
    color: Option<String>,
    /// Share of the border that has the color, 0–1.
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

/// Whether a file is a clip or a still image.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum MediaKind {
    Clip,
    Image,
}

/// Properties of a clip or an image.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeResult {
    /// `clip` for `cut`, or `image` for `cut_image`.
    kind: MediaKind,
    /// Width as displayed, in pixels.
    width: u32,
    /// Height as displayed, in pixels.
    height: u32,
    /// Whether the file has an alpha channel; of an image: whether any pixel is not opaque.
    alpha: bool,
    /// The rest. Only with kind `clip`.
    #[serde(flatten)]
    clip: Option<ProbedClip>,
    /// The rest. Only with kind `image`.
    #[serde(flatten)]
    image: Option<ProbedStill>,
}

/// What only clips have.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProbedClip {
    /// Container. This and the following fields: only of clips.
    container: String,
    /// Codec of the video.
    codec: String,
    /// Frames per second.
    fps: f64,
    /// Whether the frames are unevenly spaced.
    variable_frame_rate: bool,
    /// Number of frames.
    frames: u64,
    /// Length in seconds.
    seconds: f64,
    /// Rotation that the file states, in degrees.
    rotation: i32,
    /// Whether the clip is in high dynamic range, which outputs are not.
    high_dynamic_range: bool,
    /// The sound; null if there is none.
    audio: Option<ProbedAudio>,
    /// What the probe decided about the clip.
    notes: Vec<CutNote>,
}

/// What only images have.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProbedStill {
    /// Format of the file: `jpeg`, `png`, `webp`, `avif` or `heic`. This and the following fields:
    /// only of images.
    format: String,
    /// Orientation that the file states, as in EXIF: 1 (upright) to 8. `width` and `height` are
    /// those of the upright image.
    orientation: u8,
    /// Bits of a channel in the file.
    bits: u8,
    /// Name of the color profile; null if there is none.
    profile: Option<String>,
    /// The background, as `detect_color` tells it.
    background: BackgroundResult,
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

impl ImageResult {
    /// Result of a finished cut of `image`.
    pub(crate) fn new(image: &Path, finished: &FinishedImage) -> Self {
        let (cut, matte) = (&finished.image, &finished.image.report);
        let warning = |warning: Warning| ImageWarning {
            code: warning.name().to_owned(),
            message: warning.message(cut.method).to_owned(),
            area: matte.place_of(warning, 0.0).area.into(),
        };
        Self {
            input: image.display().to_string(),
            path: finished.path.display().to_string(),
            bytes: cut.png.len(),
            width: cut.size.width(),
            height: cut.size.height(),
            method: CutMethodName(cut.method),
            reason: ReasonName(cut.reason),
            model: cut.model.clone(),
            background_color: cut.key_color.map(|color| color.to_string()),
            confidence: matte.confidence,
            removed_share: matte.removed_share,
            warnings: matte.warnings().into_iter().map(warning).collect(),
            took_seconds: finished.took.as_secs_f64(),
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
                finding: "the border is transparent already".to_owned(),
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

impl From<Probed> for ProbeResult {
    fn from(probed: Probed) -> Self {
        match probed {
            Probed::Clip(info) => Self {
                kind: MediaKind::Clip,
                width: info.size.width(),
                height: info.size.height(),
                alpha: info.has_alpha,
                clip: Some(ProbedClip::from(&*info)),
                image: None,
            },
            Probed::Image(probed) => {
                let ProbedImage { info, background } = *probed;
                let still = ProbedStill {
                    format: info.format.name().to_owned(),
                    orientation: info.orientation,
                    bits: info.bits,
                    profile: info.profile,
                    background: background.into(),
                };
                Self {
                    kind: MediaKind::Image,
                    width: info.width,
                    height: info.height,
                    alpha: info.has_alpha,
                    clip: None,
                    image: Some(still),
                }
            }
        }
    }
}

impl From<&MediaInfo> for ProbedClip {
    fn from(info: &MediaInfo) -> Self {
        let audio = info.audio.as_ref().map(|audio| ProbedAudio {
            codec: audio.codec.clone(),
            channels: audio.channels,
            sample_rate: audio.sample_rate,
        });
        Self {
            container: info.container.demuxer().to_owned(),
            codec: info.codec.clone(),
            fps: info.frame_rate.per_second(),
            variable_frame_rate: info.has_variable_rate,
            frames: info.frames,
            seconds: info.duration.as_secs_f64(),
            rotation: info.rotation_degrees,
            high_dynamic_range: info.conversion.is_some_and(ColorConversion::is_hdr),
            audio,
            notes: info.notes.iter().map(CutNote::from).collect(),
        }
    }
}
