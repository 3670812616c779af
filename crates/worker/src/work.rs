//! Life of one claim, of a whole job or of a part: it is attempted while its lease is kept, and
//! what the attempt came to is recorded.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{Failure, FailureCode, error_line};
use clearcut_queue::{ClaimedJob, Ending, Finished, JobPart, QueueError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    Cutter, Drain, Worker,
    attempt::{Attempt, Attempted},
    failure::DISK_FULL,
    housekeeping::{clear_outputs, remove_expired},
    keeper::{StopReason, keep_lease},
    metrics,
    reporter::Reporter,
    scratch::{KeptClip, Scratch},
};

/// Pause before a failed write to the queue is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Longest time to try to record that a stopped job has ended or is requeued.
const FINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// State of the machine as found by the job that just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineState {
    /// Enough resources for a job.
    Ready,
    /// Short of file descriptors, processes or memory at the moment. The next job would fail alike.
    Short,
}

/// What became of a claim, for log and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Completed,
    Failed(FailureCode),
    /// An attempt failed, and another one follows.
    ToBeRetried,
    Split,
    SegmentCut,
    /// Put back: its plan is of another version.
    PlanRefused,
    LeaseLost,
    Requeued,
    /// It could not be put back; its lease will expire.
    NotRequeued,
    /// Its result could not be recorded; its lease will expire.
    NotRecorded,
}

impl Ended {
    /// The name in log and metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::ToBeRetried => "to_be_retried",
            Self::Split => "split",
            Self::SegmentCut => "segment_cut",
            Self::PlanRefused => "plan_refused",
            Self::LeaseLost => "lease_lost",
            Self::Requeued => "requeued",
            Self::NotRequeued => "not_requeued",
            Self::NotRecorded => "not_recorded",
        }
    }

    /// The code of a failure; else an empty text.
    const fn code(self) -> &'static str {
        match self {
            Self::Failed(code) => code.name(),
            _ => "",
        }
    }
}

/// Works on what is claimed until the result is recorded or the claim is given up, and removes its
/// files from this machine, but for the clip if others of its parts wait. `kept` is the clip of the
/// job, if it is there already.
pub(crate) async fn work_on<C: Cutter>(
    (worker, scratch): (&Worker<C>, &Arc<Scratch>),
    (claimed, kept): (ClaimedJob, Option<KeptClip>),
    drain: &Drain,
) -> (MachineState, Option<KeptClip>) {
    let began = Instant::now();
    let part = describe(&claimed.part);
    let waited_ms = claimed.waited.as_millis() as u64;
    tracing::info!(job = %claimed.id, token = %claimed.token, part, waited_ms, "claimed");
    metrics::claimed(claimed.waited);
    let (ended, machine, kept) = run_to_end((worker, scratch), (&claimed, kept), drain).await;
    clear_outputs(worker.queue.as_ref(), &worker.store, &claimed).await;
    // The end of a split job leaves plan and segments. So does a cancellation, which its workers
    // notice.
    if claimed.part != JobPart::Whole
        && let Err(error) = remove_expired(worker.queue.as_ref(), &worker.store).await
    {
        tracing::warn!(job = %claimed.id, error = error_line(&error), "plan and segments are left for the sweep");
    }
    let (name, code, took) = (ended.name(), ended.code(), began.elapsed());
    tracing::info!(job = %claimed.id, token = %claimed.token, took_ms = took.as_millis() as u64, ended = name, code, "ended");
    metrics::ended(&claimed.part, (name, code), took);
    (machine, kept)
}

/// What is claimed, for the log.
fn describe(part: &JobPart) -> String {
    match part {
        JobPart::Whole => "whole".to_owned(),
        JobPart::Segment { index, .. } => format!("segment {index}"),
        JobPart::Join { .. } => "join".to_owned(),
        JobPart::Lost => "lost".to_owned(),
    }
}

/// Attempts what is claimed and keeps its lease until the result is recorded or the claim is given
/// up. Returns what became of it, and the clip for the next part.
///
/// The keeper ends with this function. A keeper that outlives it without being polled could block
/// the database's only writer halfway through a heartbeat.
async fn run_to_end<C: Cutter>(
    (worker, scratch): (&Worker<C>, &Arc<Scratch>),
    (claimed, kept): (&ClaimedJob, Option<KeptClip>),
    drain: &Drain,
) -> (Ended, MachineState, Option<KeptClip>) {
    let (reporter, reports) = Reporter::new();
    let stop = CancellationToken::new();
    let queue = worker.queue.as_ref();
    let keeper = keep_lease((queue, &worker.store), claimed, &worker.settings, reports, &drain.requeue);
    let work = Attempt::new(worker, scratch.folder_of(claimed), claimed, &stop, &reporter).make(kept);
    tokio::pin!(work, keeper);
    let (attempted, kept) = tokio::select! {
        (attempted, kept) = &mut work => (Ok(attempted), kept),
        reason = &mut keeper => {
            stop.cancel();
            // The cut ends soon after it was stopped. Its files cannot be removed before.
            drop((&mut work).await);
            (Err(reason), None)
        }
    };
    reporter.end();
    let ended = match attempted {
        // A shortage is not the clip's fault: the job is requeued and no attempt is counted.
        Ok(Attempted::Ended(Ending::Failed(failure))) if failure.code == FailureCode::ShortOfResources => {
            tracing::warn!(job = %claimed.id, "the machine is short of files, processes or memory");
            return (requeue(worker, claimed).await, MachineState::Short, None);
        }
        Ok(attempted) => {
            let recording = record(worker, claimed, attempted);
            tokio::pin!(recording);
            tokio::select! {
                ended = &mut recording => ended,
                // The work is done; only its result has to be recorded. A claim that is over may be so by
                // the very commit whose answer is awaited; else the queue refuses the result.
                _ = &mut keeper => {
                    let recorded = tokio::time::timeout(FINAL_WRITE_TIMEOUT, recording).await;
                    recorded.unwrap_or(Ended::NotRecorded)
                }
            }
        }
        Err(StopReason::LeaseLost) => Ended::LeaseLost,
        Err(StopReason::Requeue) => requeue(worker, claimed).await,
        Err(StopReason::Deadline) => record(worker, claimed, timeout("the cut exceeded its time limit")).await,
        Err(StopReason::DiskFull) => {
            let failure = Failure::new(FailureCode::InsufficientStorage, DISK_FULL);
            record(worker, claimed, Attempted::Ended(Ending::Failed(failure))).await
        }
        Err(StopReason::Stalled) => record(worker, claimed, timeout("the cut made no progress for too long")).await,
    };
    (ended, MachineState::Ready, kept)
}

fn timeout(message: &str) -> Attempted {
    Attempted::Ended(Ending::Failed(Failure::new(FailureCode::Timeout, message)))
}

/// Records what the attempt came to, and retries until that succeeds or the lease is lost.
async fn record<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, attempted: Attempted) -> Ended {
    loop {
        match try_recording(worker, claimed, &attempted).await {
            Ok(ended) => return ended,
            Err(QueueError::LeaseLost) => return Ended::LeaseLost,
            Err(error) => {
                tracing::warn!(job = %claimed.id, error = error_line(&error), "the result could not be recorded");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

async fn try_recording<C: Cutter>(
    worker: &Worker<C>,
    ClaimedJob { id, token, .. }: &ClaimedJob,
    attempted: &Attempted,
) -> Result<Ended, QueueError> {
    let ending = match attempted {
        Attempted::Ended(ending) => ending,
        Attempted::Planned(split) => {
            worker.queue.split(id, *token, split.clone()).await?;
            return Ok(Ended::Split);
        }
        Attempted::SegmentCut(segment) => {
            worker.queue.finish_segment(id, *token, segment.clone()).await?;
            return Ok(Ended::SegmentCut);
        }
        Attempted::PlanRefused => {
            tracing::warn!(job = %id, "another version made the plan; run the same version on every machine");
            let removable = worker.queue.refuse_plan(id, *token).await?;
            if let Err(error) = worker.store.delete_all(&removable).await {
                tracing::warn!(job = %id, error = error_line(&error), "plan and segments are left for the sweep");
            }
            return Ok(Ended::PlanRefused);
        }
    };
    Ok(match (worker.queue.finish(id, *token, ending.clone()).await?, ending) {
        (Finished::Retrying { .. }, _) => Ended::ToBeRetried,
        (_, Ending::Completed(outcome)) => {
            metrics::made(outcome);
            Ended::Completed
        }
        (_, Ending::Failed(failure)) => Ended::Failed(failure.code),
    })
}

/// Requeues what is claimed, and retries for [`FINAL_WRITE_TIMEOUT`] at most.
async fn requeue<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob) -> Ended {
    let until = Instant::now() + FINAL_WRITE_TIMEOUT;
    loop {
        match worker.queue.release(&claimed.id, claimed.token).await {
            Ok(()) => return Ended::Requeued,
            Err(QueueError::LeaseLost) => return Ended::LeaseLost,
            Err(error) if Instant::now() < until => {
                tracing::warn!(job = %claimed.id, error = error_line(&error), "the job could not be requeued");
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(job = %claimed.id, error = error_line(&error), "the job could not be requeued; its lease will expire");
                return Ended::NotRequeued;
            }
        }
    }
}
