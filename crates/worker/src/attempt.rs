//! One attempt at what is claimed: a whole job, a segment of a split one, or the join of its
//! segments. The plot of each is one function.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{
    Backdrop, CutStep, Failure, FailureCode, JobRequest, ObjectName, Outcome, OutputPointer, Progress, Stage,
    StoredObject, error_line,
};
use clearcut_pipeline::Stop;
use clearcut_queue::{ClaimedInput, ClaimedJob, Ending, JobPart, QueueError, SegmentFile, Split};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    CutOrder, CutOutcome, CutPlan, Cutter, Worker,
    failure::{local_failure, scratch_failure, store_failure},
    fetch_background::fetch_background,
    fetch_clip::fetch_input,
    reporter::Reporter,
    scratch::{KeptClip, ScratchFolder},
    segment_archive::{pack, unpack},
};

/// Pause before a failed write to the queue is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What an attempt came to, to be recorded in the queue.
#[derive(Debug, Clone)]
pub(crate) enum Attempted {
    /// The job is to end, or to be retried.
    Ended(Ending),
    /// The job is to be split.
    Planned(Split),
    /// The segment is cut.
    SegmentCut(SegmentFile),
    /// Another version made the plan of the part.
    PlanRefused,
}

/// An attempt, and what its steps need.
pub(crate) struct Attempt<'a, C> {
    worker: &'a Worker<C>,
    scratch: ScratchFolder,
    claimed: &'a ClaimedJob,
    /// Cancelled when the work has to stop.
    stop: &'a CancellationToken,
    progress: &'a Reporter,
    began: Instant,
}

impl<'a, C: Cutter> Attempt<'a, C> {
    pub(crate) fn new(
        worker: &'a Worker<C>,
        scratch: ScratchFolder,
        claimed: &'a ClaimedJob,
        stop: &'a CancellationToken,
        progress: &'a Reporter,
    ) -> Self {
        Self { worker, scratch, claimed, stop, progress, began: Instant::now() }
    }

    /// Makes the attempt, with the clip of the job if it was `kept`. If the job goes on in other parts,
    /// its clip is kept again. Otherwise the scratch folder is removed.
    pub(crate) async fn make(self, kept: Option<KeptClip>) -> (Attempted, Option<KeptClip>) {
        self.start().await;
        self.report(Progress::within(Stage::Loading, 0.0));
        let attempted = match &self.claimed.part {
            JobPart::Whole => self.cut_whole_or_plan().await,
            JobPart::Segment { plan, index } => self.cut_segment((plan, *index), kept).await,
            JobPart::Join { plan, segments } => self.join_segments((plan, segments), kept).await,
            JobPart::Lost => Err(Failure::new(FailureCode::ProcessingFailed, "the plan of the job is lost")),
        };
        let goes_on = matches!(attempted, Ok(Attempted::Planned(_) | Attempted::SegmentCut(_)));
        let kept = if goes_on { self.scratch.keep_clip(self.claimed.id.clone()) } else { None };
        (attempted.unwrap_or_else(|failure| Attempted::Ended(Ending::Failed(failure))), kept)
    }

    /// The plot of a whole job: its input is fetched and cut, and the outputs are stored. If others
    /// can help with a long clip, its cut is only planned, and the plan is stored.
    async fn cut_whole_or_plan(&self) -> Result<Attempted, Failure> {
        let order = self.prepare(None).await?;
        if let Some(plan) = self.plan(&order).await? {
            return self.store_plan(plan).await.map(Attempted::Planned);
        }
        let cut = self.on_thread(move |cutter, stop, progress| cutter.cut(&order, stop, progress)).await?;
        self.store_outputs(cut).await
    }

    /// The plot of a segment: the clip is fetched, the segment is cut, and its files are stored as
    /// one.
    async fn cut_segment(
        &self,
        (plan, index): (&StoredObject, usize),
        kept: Option<KeptClip>,
    ) -> Result<Attempted, Failure> {
        let Some(plan) = self.read_plan(plan).await? else { return Ok(Attempted::PlanRefused) };
        let order = self.prepare(kept).await?;
        let (folder, archive) = (order.scratch.clone(), self.scratch.path().join("segment.zip"));
        let packed = archive.clone();
        self.on_thread(move |cutter, stop, progress| {
            cutter.cut_segment(&order, &plan, index, stop, progress)?;
            pack(&folder, &packed).map_err(|error| local_failure(&error))
        })
        .await?;
        let name = ObjectName::segment(&self.claimed.id, self.claimed.token);
        let object = self.worker.store.put_file(name, &archive).await.map_err(|error| self.store_failure(&error))?;
        Ok(Attempted::SegmentCut(SegmentFile { object, processing_ms: self.elapsed_ms() }))
    }

    /// The plot of a join: clip and segments are fetched, the segments are joined, and the outputs
    /// are stored.
    async fn join_segments(
        &self,
        (plan, segments): (&StoredObject, &[StoredObject]),
        kept: Option<KeptClip>,
    ) -> Result<Attempted, Failure> {
        let Some(plan) = self.read_plan(plan).await? else { return Ok(Attempted::PlanRefused) };
        let order = self.prepare(kept).await?;
        let mut folders = Vec::with_capacity(segments.len());
        for (index, segment) in segments.iter().enumerate() {
            self.report(Progress::within(Stage::Cutting, 1.0));
            folders.push(self.fetch_segment(index, segment).await?);
        }
        let joining = move |cutter: &C, stop: &Stop, progress: &mut (dyn FnMut(CutStep) + Send)| {
            cutter.join(&order, &plan, &folders, stop, progress)
        };
        let cut = self.on_thread(joining).await?;
        self.store_outputs(cut).await
    }

    /// Records the start of the job, and retries until that succeeds or the work has to stop.
    /// Without the record the job has no start time, and no `job.started` event is sent.
    async fn start(&self) {
        let ClaimedJob { id, token, .. } = self.claimed;
        while let Err(error) = self.worker.queue.start(id, *token).await {
            // A lost lease shows at the next heartbeat.
            if self.stop.is_cancelled() || matches!(error, QueueError::LeaseLost) {
                return;
            }
            tracing::warn!(job = %id, error = error_line(&error), "the start could not be recorded");
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Brings the input into a new scratch folder, if it was not `kept`, and makes the order for the
    /// cutter.
    async fn prepare(&self, kept: Option<KeptClip>) -> Result<CutOrder, Failure> {
        let (claimed, worker) = (self.claimed, self.worker);
        let unreadable = |message: &'static str| Failure::new(FailureCode::ProcessingFailed, message);
        let request = claimed.request.clone().map_err(|error| {
            tracing::error!(job = %claimed.id, error = error_line(&error), "a stored request cannot be read");
            unreadable("the request of the job cannot be read by this version of the server")
        })?;
        let object = match &claimed.input {
            ClaimedInput::Stored(object) => object.clone(),
            ClaimedInput::Address(address) => {
                fetch_input(worker, claimed, (address, request.kind()), self.stop, self.progress).await?
            }
            ClaimedInput::Lost => return Err(unreadable("the input of the job is lost")),
        };
        let (input, cut_folder) = (self.scratch.clip(), self.scratch.path().join("cut"));
        let made = self.scratch.make().and_then(|()| fs::create_dir(&cut_folder));
        made.map_err(|error| scratch_failure(claimed, &error))?;
        if !kept.is_some_and(|clip| clip.move_to(&self.scratch)) {
            worker.store.fetch_stored(&object, &input).await.map_err(|error| self.store_failure(&error))?;
        }
        let background = self.prepare_background(&request).await?;
        Ok(CutOrder { input, background, request, scratch: cut_folder })
    }

    /// Brings the file of a new background into the scratch folder; `None` without one.
    async fn prepare_background(&self, request: &JobRequest) -> Result<Option<PathBuf>, Failure> {
        let JobRequest::Clip(cut) = request else { return Ok(None) };
        let Some(file) = cut.background.as_ref().and_then(Backdrop::file) else { return Ok(None) };
        let path = self.scratch.path().join("background");
        fetch_background(self.worker, self.claimed, file, &path, self.stop).await?;
        Ok(Some(path))
    }

    /// The plan of a cut in segments; `None` if the clip is better cut whole.
    async fn plan(&self, order: &CutOrder) -> Result<Option<CutPlan>, Failure> {
        if !self.can_others_help().await {
            return Ok(None);
        }
        let (order, min_clip) = (order.clone(), self.worker.settings.split_min);
        let planned =
            self.on_thread(move |cutter, stop, progress| cutter.plan(&order, min_clip, stop, progress)).await?;
        Ok(planned.filter(|plan| plan.frames.len() > 1))
    }

    /// Whether segments could be cut beside each other. Workers on other machines come and go, so
    /// with them a clip is always split. A process that works alone splits a clip only if it would
    /// leave slots idle: while other jobs wait, it cuts as much in the same time without a join.
    async fn can_others_help(&self) -> bool {
        let settings = &self.worker.settings;
        if settings.split_min.is_zero() || settings.has_peers {
            return !settings.split_min.is_zero();
        }
        let slots = settings.slots.get() as u64;
        slots > 1 && matches!(self.worker.queue.depth().await, Ok(depth) if depth.queued == 0 && depth.leased < slots)
    }

    async fn store_plan(&self, plan: CutPlan) -> Result<Split, Failure> {
        let name = ObjectName::plan(&self.claimed.id, self.claimed.token);
        let stored = async {
            let mut upload = self.worker.store.begin(name).await?;
            upload.write(plan.json.into()).await?;
            upload.finish().await
        };
        let stored = stored.await.map_err(|error| self.store_failure(&error))?;
        Split::new(stored, plan.frames, self.elapsed_ms())
            .ok_or_else(|| Failure::new(FailureCode::ProcessingFailed, "the clip could not be cut"))
    }

    /// The plan as JSON; `None` if this version cannot read it.
    async fn read_plan(&self, plan: &StoredObject) -> Result<Option<Vec<u8>>, Failure> {
        self.scratch.make().map_err(|error| scratch_failure(self.claimed, &error))?;
        let path = self.scratch.path().join("plan.json");
        self.worker.store.fetch_stored(plan, &path).await.map_err(|error| self.store_failure(&error))?;
        let json = fs::read(&path).map_err(|error| scratch_failure(self.claimed, &error))?;
        Ok(self.worker.cutter.can_read(&json).then_some(json))
    }

    /// Fetches the files of a segment. Returns their folder.
    async fn fetch_segment(&self, index: usize, segment: &StoredObject) -> Result<PathBuf, Failure> {
        let archive = self.scratch.path().join(format!("segment-{index}.zip"));
        let folder = self.scratch.path().join(format!("segment-{index}"));
        self.worker.store.fetch_stored(segment, &archive).await.map_err(|error| self.store_failure(&error))?;
        let unpacked = folder.clone();
        self.on_thread(move |_, _, _| {
            let unpacking = unpack(&archive, &unpacked).and_then(|()| fs::remove_file(&archive));
            unpacking.map_err(|error| local_failure(&error))
        })
        .await?;
        Ok(folder)
    }

    /// Runs `work` on a thread of its own, and stops it when the work has to stop.
    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&C, &Stop, &mut (dyn FnMut(CutStep) + Send)) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (cutter, cut_stop) = (Arc::clone(&self.worker.cutter), Stop::default());
        let (on_thread, reporter) = (cut_stop.clone(), self.progress.clone());
        let mut working = tokio::task::spawn_blocking(move || {
            work(&cutter, &on_thread, &mut |step| {
                reporter.report(step.into());
            })
        });
        let worked = tokio::select! {
            worked = &mut working => worked,
            () = self.stop.cancelled() => {
                cut_stop.cancel();
                working.await
            }
        };
        worked.map_err(|ended| {
            tracing::error!(job = %self.claimed.id, %ended, "a cut panicked");
            Failure::new(FailureCode::ProcessingFailed, "the input could not be cut")
        })?
    }

    async fn store_outputs(&self, cut: CutOutcome) -> Result<Attempted, Failure> {
        let mut outputs = Vec::new();
        for (index, file) in cut.files.iter().enumerate() {
            self.report(Progress::within(Stage::Storing, index as f64 / cut.files.len() as f64));
            let name = ObjectName::output(&self.claimed.id, self.claimed.token, file.format);
            let stored = self.worker.store.put_file(name, &file.path).await;
            let stored = stored.map_err(|error| self.store_failure(&error))?;
            outputs.push(OutputPointer {
                format: file.format,
                object_name: stored.name,
                size_bytes: stored.size_bytes,
                sha256: stored.sha256,
            });
        }
        self.report(Progress::within(Stage::Storing, 1.0));
        let processing_ms = self.claimed.spent.as_millis() as u64 + self.elapsed_ms();
        let outcome = Outcome { measured: cut.measured, processing_ms, outputs };
        Ok(Attempted::Ended(Ending::Completed(Box::new(outcome))))
    }

    fn report(&self, progress: Progress) {
        self.progress.report(progress);
    }

    fn elapsed_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn store_failure(&self, error: &clearcut_store::StoreError) -> Failure {
        store_failure(self.claimed, error)
    }
}
