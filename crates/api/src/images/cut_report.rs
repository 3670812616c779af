//! The JSON shape of the report on the cut of an image.

use clearcut_job::{CutMethod, FrameBox, MatteReport, Warning};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::vocabulary::ReportWarningCode;

/// Estimated quality of the cut of an image, measured from the image and the matte alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageReport {
    /// Share of the border that matches the background color, 0–1; null with `ai`, like every value
    /// that is based on the background color.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// Share of the image that became transparent, 0–1.
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
    /// Fine parts, at most eight pixels wide, in percent of the subject.
    #[schema(required = true)]
    fine_percent: Option<f64>,
    /// Soft parts, translucent beyond the width of an edge and no shadow, in percent of the subject.
    #[schema(required = true)]
    soft_percent: Option<f64>,
    /// Faint parts, of a color near the background's, in percent of the subject.
    #[schema(required = true)]
    faint_percent: Option<f64>,
    /// Possible defects that a person should review; empty if none were found.
    warnings: Vec<ImageWarning>,
}

/// A possible defect of the cut of an image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageWarning {
    /// Stable code, such as `NOTHING_REMOVED`.
    #[schema(value_type = ReportWarningCode)]
    code: &'static str,
    /// The defect, and what to do about it.
    message: &'static str,
    /// Where in the image the defect is.
    #[serde(rename = "box")]
    area: ImageBox,
}

/// A rectangle in an image, as fractions of its width and height, from the top left corner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl ImageReport {
    /// The report on a cut by `method`.
    pub(crate) fn new(method: CutMethod, matte: &MatteReport) -> Self {
        let warning = |warning: Warning| {
            let FrameBox { x, y, width, height } = matte.place_of(warning, 0.0).area;
            let area = ImageBox { x, y, width, height };
            ImageWarning { code: warning.name(), message: warning.message(method), area }
        };
        Self {
            confidence: matte.confidence,
            removed_share: matte.removed_share,
            holes_percent: matte.holes_percent,
            lookalike_percent: matte.lookalike_percent,
            residue_percent: matte.residue_percent,
            fine_percent: matte.fine_percent,
            soft_percent: matte.soft_percent,
            faint_percent: matte.faint_percent,
            warnings: matte.warnings().into_iter().map(warning).collect(),
        }
    }
}
