//! The [`FrameCutter`] trait, and the frame cutter of a server: the pipeline of the jobs.

use std::{fs::File, path::Path, sync::Arc};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{Failure, PreviewFrame, PreviewRequest};
use clearcut_pipeline::{CutJob, ModelSource, Moment, Resources, Stop};

use super::moments::{MomentId, Moments};
use crate::failure::{cut_failure, local_failure};

/// Cutter of single frames.
pub trait FrameCutter: Send + Sync + 'static {
    /// Cuts one frame of the clip in the file `input` and blocks this thread. It returns soon after
    /// `stop` is cancelled, and all its child processes have ended by then. The folder `scratch` is
    /// for files of this cut.
    ///
    /// # Errors
    /// A failure whose message may be shown to the user. After `stop`, any failure will do.
    fn cut_frame(
        &self,
        request: &PreviewRequest,
        input: &Path,
        scratch: &Path,
        stop: &Stop,
    ) -> Result<PreviewFrame, Failure>;
}

/// Frame cutter that uses the pipeline of the jobs, on one core. It keeps the last moments, so a
/// preview with another tolerance is fast.
#[derive(Debug)]
pub struct PipelineFrameCutter {
    tools: Tools,
    models: Arc<dyn ModelSource + Send>,
    moments: Moments<Moment>,
}

impl PipelineFrameCutter {
    /// Frame cutter with this ffmpeg and this source of neural models.
    #[must_use]
    pub fn new(tools: Tools, models: Arc<dyn ModelSource + Send>) -> Self {
        Self { tools, models, moments: Moments::default() }
    }

    fn find(&self, request: &PreviewRequest, input: &Path, scratch: &Path, stop: &Stop) -> Result<Moment, Failure> {
        let input = File::open(input).map_err(|error| local_failure(&error))?;
        let job = CutJob {
            background: None,
            tools: &self.tools,
            input: &input,
            request: &request.request,
            scratch,
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models: self.models.as_ref(),
        };
        Moment::find(&job, request.at, stop).map_err(|error| cut_failure(&error))
    }
}

impl FrameCutter for PipelineFrameCutter {
    fn cut_frame(
        &self,
        request: &PreviewRequest,
        input: &Path,
        scratch: &Path,
        stop: &Stop,
    ) -> Result<PreviewFrame, Failure> {
        let id = MomentId::of(request);
        let moment = if let Some(kept) = self.moments.find(&id) {
            kept
        } else {
            let found = Arc::new(self.find(request, input, scratch, stop)?);
            self.moments.insert(id, found.clone(), found.byte_len());
            found
        };
        moment.cut(&request.request).map_err(|error| cut_failure(&error))
    }
}
