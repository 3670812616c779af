//! The JSON shape of a job's report: the quality of its matte, warnings, and what was verified.

use clearcut_job::{AlphaCheck, FrameBox, MatteReport, MeasuredClip, MethodReason, OutputFormat, Place, Warning};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::vocabulary::{self, Reason, ReportWarningCode, UsedMethod};

/// Estimated quality of a matte, measured from the clip and the matte alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Method that found the background.
    #[schema(value_type = UsedMethod)]
    method: &'static str,
    /// Why this method was used; null for jobs of earlier versions.
    #[schema(required = true, value_type = Option<Reason>)]
    reason: Option<&'static str>,
    /// The neural model; null if none was used.
    #[schema(required = true)]
    model: Option<String>,
    /// Share of the frame border that matches the detected background, 0–1; null with `ai`, like
    /// every value that is based on the background color.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// Mean share of the frame that became transparent, 0–1.
    removed_share: f64,
    /// Possible holes: area inside the subject that was removed although its color is not quite the
    /// background color, in percent of the subject.
    #[schema(required = true)]
    holes_percent: Option<f64>,
    /// Area inside the subject that has the background color and was kept, in percent of the
    /// subject.
    #[schema(required = true)]
    lookalike_percent: Option<f64>,
    /// Possible residue: area next to the removed area that has nearly the background color and was
    /// kept, in percent of the removed area.
    #[schema(required = true)]
    residue_percent: Option<f64>,
    /// Fine parts, at most eight pixels wide, in percent of the subject; null also for jobs of
    /// earlier versions.
    #[schema(required = true)]
    fine_percent: Option<f64>,
    /// Soft parts, translucent beyond the width of an edge and no shadow, in percent of the subject.
    #[schema(required = true)]
    soft_percent: Option<f64>,
    /// Faint parts, of a color near the background's, in percent of the subject.
    #[schema(required = true)]
    faint_percent: Option<f64>,
    /// Root mean square change of alpha between frames where the color did not change, × 100.
    flicker: f64,
    /// Estimated probability that a person accepts the matte as it is, 0–1, calibrated on random
    /// clips with known alpha; null with `ai`.
    #[schema(required = true)]
    acceptance: Option<f64>,
    /// For each hint of the submit, in order: the number of frames to which it applies.
    hint_frames: Vec<u64>,
    /// Possible defects that a person should review; empty if none were found.
    warnings: Vec<ReportWarning>,
    /// Whether the alpha of every output was decoded again and compared with the matte. False only
    /// for jobs of earlier versions, which did not record it.
    alpha_verified: bool,
    /// What was compared, for each output in order; empty for jobs of earlier versions.
    alpha_checks: Vec<OutputAlphaCheck>,
}

/// What the check of one output compared.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutputAlphaCheck {
    /// Format of the output.
    #[schema(value_type = vocabulary::OutputFormat)]
    format: &'static str,
    /// Number of frames whose alpha was compared: all that the output shows.
    frames_compared: u64,
    /// Largest difference of a frame's mean alpha, in levels of 255.
    largest_mean_difference: f64,
}

impl From<&(OutputFormat, AlphaCheck)> for OutputAlphaCheck {
    fn from((format, check): &(OutputFormat, AlphaCheck)) -> Self {
        let AlphaCheck { frames_compared, largest_mean_difference } = *check;
        Self { format: format.name(), frames_compared, largest_mean_difference }
    }
}

/// A possible defect that a person should review.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportWarning {
    /// Stable code, such as `POSSIBLE_HOLES`.
    #[schema(value_type = ReportWarningCode)]
    code: &'static str,
    /// The defect, and what to do about it.
    message: &'static str,
    /// Start of the worst section, in seconds from the start of the clip.
    from: f64,
    /// End of the worst section, in seconds from the start of the clip.
    to: f64,
    /// Where in the frame the defect is.
    #[serde(rename = "box")]
    area: WarningBox,
}

/// A rectangle in a frame, as fractions of its width and height, from the top left corner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WarningBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Report {
    pub(super) fn new(measured: &MeasuredClip, matte: &MatteReport) -> Self {
        let method = measured.method;
        let warning = |warning: Warning| {
            let Place { from, to, area } = matte.place_of(warning, measured.duration_secs);
            let FrameBox { x, y, width, height } = area;
            let area = WarningBox { x, y, width, height };
            ReportWarning { code: warning.name(), message: warning.message(method), from, to, area }
        };
        Self {
            method: method.name(),
            reason: measured.reason.map(MethodReason::name),
            model: measured.model.clone(),
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
            warnings: matte.warnings().into_iter().map(warning).collect(),
            alpha_verified: !measured.alpha_checks.is_empty(),
            alpha_checks: measured.alpha_checks.iter().map(OutputAlphaCheck::from).collect(),
        }
    }
}
