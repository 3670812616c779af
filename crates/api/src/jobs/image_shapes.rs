//! The JSON shape of an image of a job.

use clearcut_job::{CutMethod, ImageResult, MeasuredImage};
use clearcut_queue::JobRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::color::Color;
use crate::{
    http::vocabulary::{FailureCode, ImageStatus, Reason, UsedImageMethod},
    images::cut_report::ImageReport,
};

/// An image of a job, and what became of it. All fields are always present.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobImage {
    /// Name of the file, with its folders in the ZIP archive that was sent.
    #[schema(example = "photos/mascot.jpg")]
    name: String,
    /// Whether the image was cut.
    #[schema(value_type = ImageStatus)]
    status: &'static str,
    /// Path of the PNG in the ZIP archive of the output; null if the image failed, or if the output
    /// is the PNG.
    #[schema(required = true, example = "photos/mascot.png")]
    file: Option<String>,
    /// Width in pixels; null if the image failed.
    #[schema(required = true)]
    width: Option<u32>,
    /// Height in pixels; null if the image failed.
    #[schema(required = true)]
    height: Option<u32>,
    /// Method that found the background; null if the image failed.
    #[schema(required = true, value_type = Option<UsedImageMethod>)]
    method: Option<&'static str>,
    /// Why this method was used; null if the image failed.
    #[schema(required = true, value_type = Option<Reason>)]
    reason: Option<&'static str>,
    /// The neural model; null if none was used.
    #[schema(required = true)]
    model: Option<String>,
    /// The background color, measured or given; null with `ai`.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// Estimated quality of the matte; null if the image failed.
    #[schema(required = true)]
    report: Option<ImageReport>,
    /// Why the image failed; null unless it failed.
    #[schema(required = true)]
    error: Option<JobError>,
}

/// Why a job or an image failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobError {
    /// Stable error code.
    #[schema(value_type = FailureCode)]
    code: &'static str,
    /// Explanation for people. May be reworded between versions.
    message: String,
}

impl From<&clearcut_job::Failure> for JobError {
    fn from(failure: &clearcut_job::Failure) -> Self {
        Self { code: failure.code.name(), message: failure.message.clone() }
    }
}

impl JobImage {
    /// Builds the JSON of `image` of the job `record`.
    pub(super) fn new(image: &MeasuredImage, record: &JobRecord) -> Self {
        let (cut, error) = match &image.result {
            ImageResult::Cut(cut) => (Some(cut.as_ref()), None),
            ImageResult::Failed(failure) => (None, Some(failure.into())),
        };
        let of_job = || record.clip_name.as_ref().map_or_else(|| "image".to_owned(), ToString::to_string);
        Self {
            name: image.name.clone().unwrap_or_else(of_job),
            status: if cut.is_some() { "completed" } else { "failed" },
            file: cut.and_then(|cut| cut.file.clone()),
            width: cut.map(|cut| cut.width),
            height: cut.map(|cut| cut.height),
            method: cut.map(|cut| image_method(cut.method)),
            reason: cut.map(|cut| cut.reason.name()),
            model: cut.and_then(|cut| cut.model.clone()),
            detected_background_color: cut.and_then(|cut| cut.background).map(Color::from),
            report: cut.map(|cut| ImageReport::new(cut.method, &cut.report)),
            error,
        }
    }
}

/// The name of the method of an image.
pub(crate) const fn image_method(method: CutMethod) -> &'static str {
    match method {
        CutMethod::ChromaKey => "chroma",
        CutMethod::Ai => "ai",
    }
}
