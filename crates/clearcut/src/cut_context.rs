//! What the cuts of one command share.

use std::fs::File;

use clearcut_ffmpeg::Tools;
use clearcut_pipeline::{ModelSource, Resources};

/// Tools and models that all cuts share.
pub(crate) struct CutContext<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) models: &'a dyn ModelSource,
    /// The file of the new background.
    pub(crate) background: Option<&'a File>,
    /// Resources of the cut of one image.
    pub(crate) resources_of_image: Resources,
}

impl<'a> CutContext<'a> {
    /// The context of one cut.
    pub(crate) fn of_one(tools: &'a Tools, models: &'a dyn ModelSource) -> Self {
        Self { tools, models, background: None, resources_of_image: Resources::default() }
    }
}
