//! The inputs of a cut.

use std::{fs::File, path::Path};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::CutRequest;

use crate::{model_source::ModelSource, plan::Resources};

/// The inputs of a cut.
#[derive(Debug)]
pub struct CutJob<'a> {
    /// The ffmpeg to use.
    pub tools: &'a Tools,
    /// The clip to cut.
    pub input: &'a File,
    /// The file of the new background, if the request has one that is an image or a video.
    pub background: Option<&'a File>,
    /// The user's request: method, formats and settings.
    pub request: &'a CutRequest,
    /// An empty folder for this cut alone. Outputs are left in it; everything else in it may be
    /// removed.
    pub scratch: &'a Path,
    /// Limits for the clip.
    pub limits: MediaLimits,
    /// Machine resources the cut may use.
    pub resources: Resources,
    /// Source of the neural model, if one is needed.
    pub models: &'a dyn ModelSource,
}
