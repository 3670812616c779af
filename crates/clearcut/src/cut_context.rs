//! What the cuts of one command share.

use clearcut_ffmpeg::Tools;
use clearcut_pipeline::ModelSource;

/// Tools and models that all cuts share.
pub(crate) struct CutContext<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) models: &'a dyn ModelSource,
}
