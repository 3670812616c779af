//! The interface to the maker of previews and images, which lives outside of this crate.

use std::fmt::Debug;

use async_trait::async_trait;
use clearcut_job::{ImageOutcome, ImageRequest, InteractiveFailure, PreviewFrame, PreviewRequest, StoredObject};
use clearcut_outbound::Target;
use clearcut_queue::KeyId;

/// Does interactive work. The implementation decodes clips and images, which this crate never does.
/// The API keys are served in turn. Dropping a future ends all work on it.
#[async_trait]
pub trait InteractiveWorker: Send + Sync + Debug {
    /// Makes one preview for `owner`.
    async fn preview(&self, owner: KeyId, request: PreviewRequest) -> Result<PreviewFrame, InteractiveFailure>;

    /// Works on one image for `owner`.
    async fn process_image(&self, owner: KeyId, request: ImageRequest) -> Result<ImageOutcome, InteractiveFailure>;

    /// Fetches an image from an address into the store. The caller removes it after use.
    async fn fetch_image(&self, target: Target) -> Result<StoredObject, InteractiveFailure>;
}
