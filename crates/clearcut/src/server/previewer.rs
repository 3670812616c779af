//! Previewer of the server: makes previews with the same pipeline as jobs, a few at a time.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clearcut_api::Previewer;
use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{Failure, FailureCode, PreviewFailure, PreviewFrame, PreviewRequest};
use clearcut_pipeline::{CutJob, Moment, Resources, Stop};
use clearcut_store::{Store, StoreError, empty_folder};
use clearcut_worker::{cut_failure, local_failure};
use tokio::sync::Semaphore;

use super::moments::{MomentId, Moments};
use crate::installed_models::InstalledModels;

/// Longest time that a preview waits for a free slot: about as long as a person waits for a frame.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);

/// Deadline of one preview. Long clips have enough keyframes to be measured in this time.
const DEADLINE: Duration = Duration::from_secs(30);

/// Previewer that uses the pipeline of the jobs. It makes a few previews at a time, each on one
/// core, so jobs continue beside them.
#[derive(Debug)]
pub(crate) struct PipelinePreviewer {
    shared: Arc<Shared>,
    store: Store,
    slots: Arc<Semaphore>,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    tools: Tools,
    models: Arc<InstalledModels>,
    /// Folder with one subfolder per preview, which contains the clip while it is read.
    scratch: PathBuf,
    moments: Moments,
}

impl PipelinePreviewer {
    /// Previewer that makes `concurrency` previews at a time. Leftovers of an earlier run in
    /// `scratch` are removed.
    pub(crate) fn new(
        tools: Tools,
        models: Arc<InstalledModels>,
        store: Store,
        scratch: PathBuf,
        concurrency: usize,
    ) -> std::io::Result<Self> {
        empty_folder(&scratch)?;
        let shared = Arc::new(Shared { tools, models, scratch, moments: Moments::default() });
        Ok(Self { shared, store, slots: Arc::new(Semaphore::new(concurrency)), deadline: DEADLINE })
    }
}

/// Guard that stops the work of a preview when its request is dropped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[async_trait]
impl Previewer for PipelinePreviewer {
    async fn preview(&self, order: PreviewRequest) -> Result<PreviewFrame, PreviewFailure> {
        let slot = tokio::time::timeout(SLOT_TIMEOUT, self.slots.clone().acquire_owned()).await;
        let Ok(Ok(slot)) = slot else { return Err(PreviewFailure::Busy { retry_after_secs: 2 }) };
        let scratch = &self.shared.scratch;
        // Created again in case it was deleted.
        let folder = fs::create_dir_all(scratch).and_then(|()| tempfile::tempdir_in(scratch));
        let folder = folder.map_err(|error| PreviewFailure::Failed(local_failure(&error)))?;
        let input = folder.path().join("input");
        self.store.fetch(&order.input, &input).await.map_err(|error| match error {
            StoreError::Missing => PreviewFailure::Gone,
            StoreError::Short => failed(FailureCode::ShortOfResources, SHORT),
            StoreError::DiskFull => failed(FailureCode::InsufficientStorage, "the server's disk is full"),
            error => {
                tracing::error!(?error, "the clip of a preview cannot be fetched");
                failed(FailureCode::StorageUnavailable, "the server could not reach its files")
            }
        })?;
        let stop = Stop::default();
        let _stop_guard = StopOnDrop(stop.clone());
        let shared = self.shared.clone();
        let working = tokio::task::spawn_blocking(move || {
            let cut = shared.cut(&order, &input, folder.path(), &stop);
            // The slot is freed when the last process has ended, even if the request was dropped.
            drop((folder, slot));
            cut
        });
        match tokio::time::timeout(self.deadline, working).await {
            Ok(Ok(cut)) => cut.map_err(PreviewFailure::Failed),
            Ok(Err(ended)) => {
                tracing::error!(%ended, "a preview panicked");
                Err(failed(FailureCode::ProcessingFailed, "the frame could not be cut"))
            }
            Err(_) => Err(failed(FailureCode::Timeout, "the preview took too long; a job has more time")),
        }
    }
}

impl Shared {
    fn cut(&self, order: &PreviewRequest, input: &Path, scratch: &Path, stop: &Stop) -> Result<PreviewFrame, Failure> {
        let id = MomentId::new(&order.input, &order.request, order.at);
        let moment = match self.moments.find(&id) {
            None => self.moments.insert(id, Arc::new(self.find(order, input, scratch, stop)?)),
            Some(moment) => moment,
        };
        moment.cut(&order.request).map_err(|error| cut_failure(&error))
    }

    fn find(&self, order: &PreviewRequest, input: &Path, scratch: &Path, stop: &Stop) -> Result<Moment, Failure> {
        let input = fs::File::open(input).map_err(|error| local_failure(&error))?;
        let job = CutJob {
            tools: &self.tools,
            input: &input,
            request: &order.request,
            scratch,
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models: self.models.as_ref(),
        };
        Moment::find(&job, order.at, stop).map_err(|error| cut_failure(&error))
    }
}

fn failed(code: FailureCode, message: &str) -> PreviewFailure {
    PreviewFailure::Failed(Failure::new(code, message))
}

const SHORT: &str = "the server is short of files or memory at the moment; try again";
