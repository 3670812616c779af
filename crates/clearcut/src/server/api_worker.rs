//! Join of the API and the makers of previews and images, which know nothing of each other.

use async_trait::async_trait;
use clearcut_api::InteractiveWorker;
use clearcut_job::{ImageOutcome, ImageRequest, InteractiveFailure, PreviewFrame, PreviewRequest, StoredObject};
use clearcut_outbound::Target;
use clearcut_queue::KeyId;
use clearcut_worker::{Images, PipelineFrameCutter, Previews};

/// Interactive worker that uses the pipeline of the jobs.
#[derive(Debug)]
pub(crate) struct PipelineInteractiveWorker {
    pub(crate) previews: Previews<PipelineFrameCutter>,
    pub(crate) images: Images,
}

#[async_trait]
impl InteractiveWorker for PipelineInteractiveWorker {
    async fn preview(&self, owner: KeyId, request: PreviewRequest) -> Result<PreviewFrame, InteractiveFailure> {
        self.previews.preview(owner, request).await
    }

    async fn process_image(&self, owner: KeyId, request: ImageRequest) -> Result<ImageOutcome, InteractiveFailure> {
        self.images.process(owner, request).await
    }

    async fn fetch_image(&self, target: Target) -> Result<StoredObject, InteractiveFailure> {
        self.images.fetch(target).await
    }
}
