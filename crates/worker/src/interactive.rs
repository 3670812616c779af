//! Slots for interactive work: previews and work on images, done while a client waits. A few run at
//! a time, of the API keys in turn, each within a deadline, and end when the client goes away.

use std::{
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use clearcut_job::{Failure, FailureCode, InteractiveFailure, ObjectName, error_line};
use clearcut_pipeline::Stop;
use clearcut_queue::KeyId;
use clearcut_store::{Store, StoreError, empty_folder};
use tokio::time::timeout;

use crate::{
    failure::{DISK_FULL, UNREACHABLE, local_failure},
    metrics,
    turns::Turns,
};

/// No slot or no memory became free in time.
pub(crate) const BUSY: InteractiveFailure = InteractiveFailure::Busy { retry_after_secs: 2 };

/// How long one kind of interactive work may take, and what clients are told if it fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// The kind of work, for metrics.
    pub(crate) kind: &'static str,
    /// Longest time that the work waits for a free slot.
    pub(crate) slot_timeout: Duration,
    /// Deadline of the work in its slot.
    pub(crate) deadline: Duration,
    /// Message for work that passed its deadline.
    pub(crate) too_late: &'static str,
    /// Message for work that ended by a bug.
    pub(crate) crashed: &'static str,
}

/// The slots of one kind of interactive work.
#[derive(Debug)]
pub(crate) struct InteractiveSlots {
    store: Store,
    /// Folder with one subfolder per piece of work, which contains the input while it is read.
    scratch: PathBuf,
    slots: Turns,
    terms: Terms,
}

/// Guard that stops the work when its request is dropped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl InteractiveSlots {
    /// As many slots as `concurrency`, for work on objects in `store`. Leftovers of an earlier run
    /// in the folder `scratch` are removed.
    ///
    /// # Errors
    /// If the folder `scratch` cannot be used.
    pub(crate) fn new(store: Store, scratch: PathBuf, concurrency: NonZeroUsize, terms: Terms) -> io::Result<Self> {
        empty_folder(&scratch)?;
        Ok(Self { store, scratch, slots: Turns::new(concurrency), terms })
    }

    /// Does `work` on the object `input` in a slot for `owner`. `work` blocks a thread; it gets the
    /// file of the input, an empty folder of its own around it, and the [`Stop`] at which it has to
    /// end soon. Dropping the future stops it.
    ///
    /// # Errors
    /// [`InteractiveFailure::Busy`] if no slot became free in time; [`InteractiveFailure::Gone`] if
    /// the store does not have the object; [`InteractiveFailure::Failed`] otherwise.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        owner: KeyId,
        input: &ObjectName,
        work: impl FnOnce(&Path, &Path, &Stop) -> Result<T, InteractiveFailure> + Send + 'static,
    ) -> Result<T, InteractiveFailure> {
        let done = self.run_in_slot(owner, input, work).await;
        metrics::interactive(
            self.terms.kind,
            match &done {
                Ok(_) => "done",
                Err(InteractiveFailure::Busy { .. }) => "busy",
                Err(InteractiveFailure::Gone) => "gone",
                Err(InteractiveFailure::Failed(_)) => "failed",
            },
        );
        done
    }

    async fn run_in_slot<T: Send + 'static>(
        &self,
        owner: KeyId,
        input: &ObjectName,
        work: impl FnOnce(&Path, &Path, &Stop) -> Result<T, InteractiveFailure> + Send + 'static,
    ) -> Result<T, InteractiveFailure> {
        let slot = timeout(self.terms.slot_timeout, self.slots.take(owner)).await;
        let Ok(Some(slot)) = slot else { return Err(BUSY) };
        // Created again in case it was deleted.
        let folder = fs::create_dir_all(&self.scratch).and_then(|()| tempfile::tempdir_in(&self.scratch));
        let folder = folder.map_err(|error| InteractiveFailure::Failed(local_failure(&error)))?;
        let file = folder.path().join("input");
        self.store.fetch(input, &file).await.map_err(|error| store_failure(&error))?;
        let stop = Stop::default();
        let _stop_guard = StopOnDrop(stop.clone());
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&file, folder.path(), &stop);
            // The slot is freed when the last process has ended, even if the request was dropped.
            drop((folder, slot));
            done
        });
        match timeout(self.terms.deadline, working).await {
            Ok(Ok(done)) => done,
            Ok(Err(ended)) => {
                tracing::error!(%ended, "interactive work panicked");
                Err(failed(FailureCode::ProcessingFailed, self.terms.crashed))
            }
            Err(_) => Err(failed(FailureCode::Timeout, self.terms.too_late)),
        }
    }
}

/// Failure of the store.
pub(crate) fn store_failure(error: &StoreError) -> InteractiveFailure {
    match error {
        StoreError::Missing => InteractiveFailure::Gone,
        StoreError::Short => failed(FailureCode::ShortOfResources, SHORT),
        StoreError::DiskFull => failed(FailureCode::InsufficientStorage, DISK_FULL),
        error => {
            tracing::error!(error = error_line(error), "the input of interactive work cannot be stored or fetched");
            failed(FailureCode::StorageUnavailable, UNREACHABLE)
        }
    }
}

fn failed(code: FailureCode, message: &str) -> InteractiveFailure {
    InteractiveFailure::Failed(Failure::new(code, message))
}

const SHORT: &str = "the server is short of files or memory at the moment; try again";
