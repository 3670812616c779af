//! Join of the API and the maker of previews, which know nothing of each other.

use async_trait::async_trait;
use clearcut_api::Previewer;
use clearcut_job::{PreviewFailure, PreviewFrame, PreviewRequest};
use clearcut_worker::{PipelineFrameCutter, Previews};

/// Previewer that uses the pipeline of the jobs.
#[derive(Debug)]
pub(crate) struct PipelinePreviewer(pub(crate) Previews<PipelineFrameCutter>);

#[async_trait]
impl Previewer for PipelinePreviewer {
    async fn preview(&self, request: PreviewRequest) -> Result<PreviewFrame, PreviewFailure> {
        self.0.preview(request).await
    }
}
