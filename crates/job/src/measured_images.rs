//! Result of a job of images: for each image its file and properties, or its failure.

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{CutMethod, Failure, MatteReport, MethodReason, hex_color};

/// The images of a job, in the order of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredImages {
    /// The images.
    pub images: Vec<MeasuredImage>,
}

/// One image of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredImage {
    /// Its name in the input, with its folders; `None` if the input was this image alone, which is
    /// named like the job's clip.
    pub name: Option<String>,
    /// What became of it.
    pub result: ImageResult,
}

/// What became of one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageResult {
    /// It was cut.
    Cut(Box<MeasuredCut>),
    /// It could not be cut, through no fault of the server.
    Failed(Failure),
}

/// Properties of an image that was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredCut {
    /// Path of the PNG in the job's ZIP archive; `None` if the PNG itself is the output.
    pub file: Option<String>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The method that found the background.
    pub method: CutMethod,
    /// The reason for the method.
    pub reason: MethodReason,
    /// The neural model, if one was used.
    pub model: Option<String>,
    /// The background color as `#RRGGBB`, if there is one.
    #[serde(with = "hex_color")]
    pub background: Option<Rgb8>,
    /// Quality estimate of the matte.
    pub report: MatteReport,
}

impl MeasuredImages {
    /// The images that were cut.
    pub fn cuts(&self) -> impl Iterator<Item = &MeasuredCut> {
        self.images.iter().filter_map(|image| match &image.result {
            ImageResult::Cut(cut) => Some(cut.as_ref()),
            ImageResult::Failed(_) => None,
        })
    }
}
