//! Previews: one frame of a cut, made while a client waits.

mod frame_cutter;
mod moments;

use std::{
    io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clearcut_job::{InteractiveFailure, PreviewFrame, PreviewRequest};
use clearcut_pipeline::Stop;
use clearcut_queue::KeyId;
use clearcut_store::Store;

pub use frame_cutter::{FrameCutter, PipelineFrameCutter};

use crate::interactive::{InteractiveSlots, Terms};

const TERMS: Terms = Terms {
    kind: "preview",
    // About as long as a person waits for a frame.
    slot_timeout: Duration::from_secs(5),
    // Long clips have enough keyframes to be measured in this time.
    deadline: Duration::from_secs(30),
    too_late: "the preview took too long; a job has more time",
    crashed: "the frame could not be cut",
};

/// Maker of previews. It makes a few at a time, so jobs continue beside them.
#[derive(Debug)]
pub struct Previews<C> {
    cutter: Arc<C>,
    slots: InteractiveSlots,
}

impl<C: FrameCutter> Previews<C> {
    /// Maker of `concurrency` previews at a time, of clips in `store`. Leftovers of an earlier run
    /// in the folder `scratch` are removed.
    ///
    /// # Errors
    /// If the folder `scratch` cannot be used.
    pub fn new(cutter: C, store: Store, scratch: PathBuf, concurrency: NonZeroUsize) -> io::Result<Self> {
        Ok(Self { cutter: Arc::new(cutter), slots: InteractiveSlots::new(store, scratch, concurrency, TERMS)? })
    }

    /// Makes one preview for `owner`. The API keys take the slots in turn. Dropping the future
    /// stops all work on it.
    ///
    /// # Errors
    /// [`InteractiveFailure::Busy`] if no slot became free in time; [`InteractiveFailure::Gone`] if
    /// the store does not have the clip; [`InteractiveFailure::Failed`] otherwise.
    pub async fn preview(&self, owner: KeyId, request: PreviewRequest) -> Result<PreviewFrame, InteractiveFailure> {
        let (cutter, clip) = (self.cutter.clone(), request.input.clone());
        let cut = move |input: &Path, scratch: &Path, stop: &Stop| {
            cutter.cut_frame(&request, input, scratch, stop).map_err(InteractiveFailure::Failed)
        };
        self.slots.run(owner, &clip, cut).await
    }
}
