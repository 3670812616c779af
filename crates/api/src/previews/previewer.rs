//! The interface to the maker of previews, which lives outside of this crate.

use std::fmt::Debug;

use async_trait::async_trait;
use clearcut_job::{PreviewFailure, PreviewFrame, PreviewRequest};

/// Makes previews. The implementation decodes video, which this crate never does.
#[async_trait]
pub trait Previewer: Send + Sync + Debug {
    /// Makes one preview. Dropping the future ends all work on it.
    async fn preview(&self, request: PreviewRequest) -> Result<PreviewFrame, PreviewFailure>;
}
