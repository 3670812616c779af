//! Previews: one frame of a cut, made while a client waits. A few are made at a time, each within
//! a deadline.

mod frame_cutter;
mod moments;

use std::{fs, io, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use clearcut_job::{Failure, FailureCode, PreviewFailure, PreviewFrame, PreviewRequest};
use clearcut_pipeline::Stop;
use clearcut_store::{Store, StoreError, empty_folder};
use tokio::{sync::Semaphore, time::timeout};

pub use frame_cutter::{FrameCutter, PipelineFrameCutter};

use crate::failure::{DISK_FULL, UNREACHABLE, local_failure};

/// Longest time that a preview waits for a free slot: about as long as a person waits for a frame.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);

/// Deadline of one preview. Long clips have enough keyframes to be measured in this time.
const DEADLINE: Duration = Duration::from_secs(30);

/// Maker of previews. It makes a few at a time, so jobs continue beside them.
#[derive(Debug)]
pub struct Previews<C> {
    cutter: Arc<C>,
    store: Store,
    /// Folder with one subfolder per preview, which contains the clip while it is read.
    scratch: PathBuf,
    slots: Arc<Semaphore>,
}

/// Guard that stops the work of a preview when its request is dropped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl<C: FrameCutter> Previews<C> {
    /// Maker of `concurrency` previews at a time, of clips in `store`. Leftovers of an earlier run
    /// in the folder `scratch` are removed.
    ///
    /// # Errors
    /// If the folder `scratch` cannot be used.
    pub fn new(cutter: C, store: Store, scratch: PathBuf, concurrency: NonZeroUsize) -> io::Result<Self> {
        empty_folder(&scratch)?;
        Ok(Self { cutter: Arc::new(cutter), store, scratch, slots: Arc::new(Semaphore::new(concurrency.get())) })
    }

    /// Makes one preview. Dropping the future stops all work on it.
    ///
    /// # Errors
    /// [`PreviewFailure::Busy`] if no slot became free in time; [`PreviewFailure::Gone`] if the
    /// store does not have the clip; [`PreviewFailure::Failed`] otherwise.
    pub async fn preview(&self, request: PreviewRequest) -> Result<PreviewFrame, PreviewFailure> {
        let slot = timeout(SLOT_TIMEOUT, self.slots.clone().acquire_owned()).await;
        let Ok(Ok(slot)) = slot else { return Err(PreviewFailure::Busy { retry_after_secs: 2 }) };
        // Created again in case it was deleted.
        let folder = fs::create_dir_all(&self.scratch).and_then(|()| tempfile::tempdir_in(&self.scratch));
        let folder = folder.map_err(|error| PreviewFailure::Failed(local_failure(&error)))?;
        let input = folder.path().join("input");
        self.store.fetch(&request.input, &input).await.map_err(|error| fetch_failure(&error))?;
        let stop = Stop::default();
        let _stop_guard = StopOnDrop(stop.clone());
        let cutter = self.cutter.clone();
        let working = tokio::task::spawn_blocking(move || {
            let cut = cutter.cut_frame(&request, &input, folder.path(), &stop);
            // The slot is freed when the last process has ended, even if the request was dropped.
            drop((folder, slot));
            cut
        });
        match timeout(DEADLINE, working).await {
            Ok(Ok(cut)) => cut.map_err(PreviewFailure::Failed),
            Ok(Err(ended)) => {
                tracing::error!(%ended, "a preview panicked");
                Err(failed(FailureCode::ProcessingFailed, "the frame could not be cut"))
            }
            Err(_) => Err(failed(FailureCode::Timeout, "the preview took too long; a job has more time")),
        }
    }
}

fn fetch_failure(error: &StoreError) -> PreviewFailure {
    match error {
        StoreError::Missing => PreviewFailure::Gone,
        StoreError::Short => failed(FailureCode::ShortOfResources, SHORT),
        StoreError::DiskFull => failed(FailureCode::InsufficientStorage, DISK_FULL),
        error => {
            tracing::error!(?error, "the clip of a preview cannot be fetched");
            failed(FailureCode::StorageUnavailable, UNREACHABLE)
        }
    }
}

fn failed(code: FailureCode, message: &str) -> PreviewFailure {
    PreviewFailure::Failed(Failure::new(code, message))
}

const SHORT: &str = "the server is short of files or memory at the moment; try again";
