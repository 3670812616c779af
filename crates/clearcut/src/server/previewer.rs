//! Previews made with the pipeline of the jobs, a few at a time.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clearcut_api::{NoPreview, PreviewOrder, Previewed, Previewer};
use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{Failure, FailureCode};
use clearcut_pipeline::{CutJob, Moment, Resources, StillCut, Stop};
use clearcut_store::{Store, StoreError, empty_folder};
use tokio::sync::Semaphore;

use super::{
    cutter::{explain, failed_locally},
    moments::{MomentName, Moments},
};
use crate::installed_models::InstalledModels;

/// How long a preview may wait for its turn: about as long as a person waits for a frame.
const TURN: Duration = Duration::from_secs(5);

/// How long one may take. Long clips have key frames enough to be measured in this time; what takes longer is no preview.
const DEADLINE: Duration = Duration::from_secs(30);

/// Makes previews with the pipeline of the jobs, a few at a time and each on one core, so that jobs go on beside them.
#[derive(Debug)]
pub(crate) struct PipelinePreviewer {
    shared: Arc<Shared>,
    store: Store,
    turns: Arc<Semaphore>,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    tools: Tools,
    models: Arc<InstalledModels>,
    /// Where clips lie while they are read; each has a folder of its own in it.
    scratch: PathBuf,
    moments: Moments,
}

impl PipelinePreviewer {
    /// One that makes `at_once` at a time. What an earlier start left in `scratch` is removed.
    pub(crate) fn new(
        tools: Tools,
        models: Arc<InstalledModels>,
        store: Store,
        scratch: PathBuf,
        at_once: usize,
    ) -> std::io::Result<Self> {
        empty_folder(&scratch)?;
        let shared = Arc::new(Shared { tools, models, scratch, moments: Moments::default() });
        Ok(Self { shared, store, turns: Arc::new(Semaphore::new(at_once)), deadline: DEADLINE })
    }
}

/// Ends the work of a preview when nobody waits for it any more.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[async_trait]
impl Previewer for PipelinePreviewer {
    async fn preview(&self, order: PreviewOrder) -> Result<Previewed, NoPreview> {
        let turn = tokio::time::timeout(TURN, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(NoPreview::Busy { retry_after_secs: 2 }) };
        let scratch = &self.shared.scratch;
        // Made again should somebody have tidied it away.
        let folder = fs::create_dir_all(scratch).and_then(|()| tempfile::tempdir_in(scratch));
        let folder = folder.map_err(|error| NoPreview::Failed(failed_locally(&error)))?;
        let input = folder.path().join("input");
        self.store.fetch(&order.input, &input).await.map_err(|error| match error {
            StoreError::Missing => NoPreview::Gone,
            StoreError::Short => failed(FailureCode::ShortOfResources, SHORT),
            StoreError::DiskFull => failed(FailureCode::InsufficientStorage, "the server's disk is full"),
            error => {
                tracing::error!(?error, "the clip of a preview cannot be fetched");
                failed(FailureCode::StorageUnavailable, "the server could not reach its files")
            }
        })?;
        let stop = Stop::default();
        let _stopped_when_unwanted = StopOnDrop(stop.clone());
        let shared = self.shared.clone();
        let working = tokio::task::spawn_blocking(move || {
            let cut = shared.cut(&order, &input, folder.path(), &stop);
            // The turn is over when the last process has ended, also if nobody waits.
            drop((folder, turn));
            cut
        });
        match tokio::time::timeout(self.deadline, working).await {
            Ok(Ok(cut)) => cut.map(previewed).map_err(NoPreview::Failed),
            Ok(Err(ended)) => {
                tracing::error!(%ended, "a preview panicked");
                Err(failed(FailureCode::ProcessingFailed, "the frame could not be cut"))
            }
            Err(_) => Err(failed(FailureCode::Timeout, "the preview took too long; a job has more time")),
        }
    }
}

impl Shared {
    fn cut(&self, order: &PreviewOrder, input: &Path, scratch: &Path, stop: &Stop) -> Result<StillCut, Failure> {
        let name = MomentName::of(&order.input, &order.request, order.at);
        let moment = match self.moments.find(&name) {
            None => self.moments.keep(name, Arc::new(self.find(order, input, scratch, stop)?)),
            Some(moment) => moment,
        };
        moment.cut(&order.request).map_err(|error| explain(&error))
    }

    fn find(&self, order: &PreviewOrder, input: &Path, scratch: &Path, stop: &Stop) -> Result<Moment, Failure> {
        let input = fs::File::open(input).map_err(|error| failed_locally(&error))?;
        let job = CutJob {
            tools: &self.tools,
            input: &input,
            request: &order.request,
            scratch,
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models: self.models.as_ref(),
        };
        Moment::find(&job, order.at, stop).map_err(|error| explain(&error))
    }
}

fn previewed(cut: StillCut) -> Previewed {
    Previewed {
        png: cut.png,
        size: cut.size,
        at: cut.at,
        method: cut.method,
        reason: cut.reason,
        model: cut.model,
        background: cut.key_color,
        confidence: cut.confidence.map(f64::from),
        hint_frames: cut.hint_frames,
    }
}

fn failed(code: FailureCode, message: &str) -> NoPreview {
    NoPreview::Failed(Failure::new(code, message))
}

const SHORT: &str = "the server is short of files or memory at the moment; try again";
