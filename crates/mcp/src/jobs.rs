//! Work on threads that can be stopped, and the cuts that run in the background, one at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clearcut_job::{CutStep, ErrorCode, Progress};
use clearcut_pipeline::Stop;
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    CutOrder, Cutter, Failure,
    job_status::{CutResult, JobStatus, State},
};

/// Number of cuts that are remembered. The oldest that have ended are forgotten first.
const MAX_CUTS: usize = 100;

/// All work of one server.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    tracker: TaskTracker,
    /// Cancelled when the server ends.
    ending: CancellationToken,
    /// Held by the cut that runs.
    cutting: Arc<Semaphore>,
    /// Held by the preview, the measurement or the probe that runs.
    looking: Arc<Semaphore>,
    cuts: Arc<Mutex<Cuts>>,
}

#[derive(Debug, Default)]
struct Cuts {
    last_number: u64,
    by_number: BTreeMap<u64, Cut>,
}

/// A cut that waits, runs or has ended.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) status: watch::Receiver<JobStatus>,
    pub(crate) cancel: CancellationToken,
}

impl Work {
    /// No work yet. It ends when `ending` is cancelled.
    pub(crate) fn new(ending: CancellationToken) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        Self { tracker: TaskTracker::new(), ending, cutting: one(), looking: one(), cuts: Arc::default() }
    }

    /// Stops all work, and waits until every process and temporary file is gone.
    pub(crate) async fn end(&self) {
        self.ending.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Looks at a clip, beside the cut that runs and after other looks. `cancel` stops it.
    ///
    /// # Errors
    /// Those of `work`, and [`ErrorCode::Cancelled`].
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        cancel: CancellationToken,
        work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.after(&self.looking, &cancel, || (), work).await
    }

    /// Makes a short cut while the caller waits, after the cuts before it.
    ///
    /// # Errors
    /// Those of `work`, and [`ErrorCode::Cancelled`].
    pub(crate) async fn cut_now<T: Send + 'static>(
        &self,
        cancel: CancellationToken,
        work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.after(&self.cutting, &cancel, || (), work).await
    }

    /// Begins a cut in the background, as soon as the cuts before it have ended.
    ///
    /// # Errors
    /// [`ErrorCode::QuotaExceeded`] if too many cuts wait.
    pub(crate) fn begin(&self, cutter: Arc<impl Cutter>, order: CutOrder) -> Result<Cut, Failure> {
        let cancel = self.ending.child_token();
        let (sender, status) = watch::channel(JobStatus {
            job_id: String::new(),
            state: State::Waiting,
            percent: 0,
            step: "waiting for other cuts".to_owned(),
            result: None,
            error: None,
        });
        let cut = Cut { status, cancel: cancel.clone() };
        let number = self.cuts().insert(cut.clone())?;
        sender.send_modify(|status| status.job_id = format!("cut-{number}"));
        let work = self.clone();
        self.tracker.spawn(async move {
            let started = || sender.send_modify(|status| status.state = State::Running);
            let progress = sender.clone();
            let cutting = move |stop: &Stop| {
                order.check_unmoved()?;
                let finished = cutter.cut(&order, stop, &mut |step| report(&progress, step))?;
                Ok(CutResult::new(&order.clip, &finished))
            };
            let ended = work.after(&work.cutting, &cancel, started, cutting).await;
            sender.send_modify(|status| finish(status, ended));
        });
        Ok(cut)
    }

    /// The cut with this id.
    ///
    /// # Errors
    /// [`ErrorCode::JobNotFound`].
    pub(crate) fn find(&self, job_id: &str) -> Result<Cut, Failure> {
        let number = job_id.strip_prefix("cut-").and_then(|number| number.parse::<u64>().ok());
        let cuts = self.cuts();
        let found = number.and_then(|number| cuts.by_number.get(&number));
        found.cloned().ok_or_else(|| {
            Failure::new(ErrorCode::JobNotFound, format!("there is no cut {job_id:?}"))
                .in_field("jobId", "a jobId that cut returned since the server started")
        })
    }

    /// Runs `work` on a thread, after the work that holds `slot`. `started` is called before.
    async fn after<T: Send + 'static>(
        &self,
        slot: &Semaphore,
        cancel: &CancellationToken,
        started: impl FnOnce(),
        work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let cancelled = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.ending.cancelled() => {}
            }
        };
        tokio::pin!(cancelled);
        let _held = tokio::select! {
            biased;
            () = &mut cancelled => return Err(Failure::new(ErrorCode::Cancelled, "the work was cancelled")),
            held = slot.acquire() => held,
        };
        started();
        let stop = Stop::default();
        let stop_of_work = stop.clone();
        let mut working = self.tracker.spawn_blocking(move || work(&stop_of_work));
        let ended = tokio::select! {
            ended = &mut working => ended,
            () = &mut cancelled => {
                stop.cancel();
                working.await
            }
        };
        ended.unwrap_or_else(|panic| {
            tracing::error!(%panic, "the work of a tool panicked");
            Err(Failure::new(ErrorCode::InternalError, "the work ended unexpectedly; the log has more"))
        })
    }

    fn cuts(&self) -> MutexGuard<'_, Cuts> {
        // Nothing panics while holding the lock.
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cuts {
    /// Adds a cut, in place of the oldest that has ended if there are many, and returns its number.
    fn insert(&mut self, cut: Cut) -> Result<u64, Failure> {
        if self.by_number.len() >= MAX_CUTS {
            let has_ended = |cut: &Cut| !matches!(cut.status.borrow().state, State::Waiting | State::Running);
            let oldest = self.by_number.iter().find(|(_, cut)| has_ended(cut)).map(|(number, _)| *number);
            let Some(oldest) = oldest else {
                let message = format!("{MAX_CUTS} cuts are waiting");
                return Err(Failure::new(ErrorCode::QuotaExceeded, message).with_hint("Wait until some have ended."));
            };
            self.by_number.remove(&oldest);
        }
        self.last_number += 1;
        self.by_number.insert(self.last_number, cut);
        Ok(self.last_number)
    }
}

/// Writes the step of a cut into its status, if the share or the kind of step has changed.
fn report(status: &watch::Sender<JobStatus>, step: CutStep) {
    let percent = Progress::from(step).percent();
    let text = match step {
        CutStep::Surveying => "measuring the background".to_owned(),
        CutStep::Waiting => "waiting for memory for the model".to_owned(),
        CutStep::Cutting { done, total } => format!("cutting frame {done} of {total}"),
        CutStep::Checking => "checking the files".to_owned(),
    };
    status.send_if_modified(|status| {
        let has_changed = status.step != text;
        (status.percent, status.step) = (percent.max(status.percent), text);
        has_changed
    });
}

fn finish(status: &mut JobStatus, ended: Result<CutResult, Failure>) {
    match ended {
        Ok(result) => {
            (status.state, status.percent, status.step) = (State::Done, 100, "done".to_owned());
            status.result = Some(result);
        }
        Err(failure) => {
            let is_cancelled = failure.code == ErrorCode::Cancelled;
            let (state, step) = if is_cancelled { (State::Cancelled, "cancelled") } else { (State::Failed, "failed") };
            (status.state, status.step) = (state, step.to_owned());
            status.error = Some(failure);
        }
    }
}
