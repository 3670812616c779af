//! Lease keeper of a running job: sends heartbeats and reports when the work has to stop.

use std::time::{Duration, Instant};

use clearcut_job::{Progress, error_line};
use clearcut_queue::{ClaimedJob, Queue, QueueError};
use clearcut_store::Store;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::WorkerSettings;

/// Reason why work on a job has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The claim is over: the lease is lost, or the job was cancelled or removed. Nothing more is
    /// written about it.
    LeaseLost,
    /// The cut exceeded its deadline.
    Deadline,
    /// The cut made no progress for too long.
    Stalled,
    /// The disk is almost full.
    DiskFull,
    /// The process is about to end.
    Requeue,
}

/// Renews the lease on a job until that fails or the work has to stop, and returns the reason.
/// Durations are measured on the monotonic clock, so a jump of the wall clock has no effect and a
/// process that was suspended notices how long it was away.
///
/// Each report shows that the work goes on, also one that repeats the progress: a long transfer
/// stays at one percentage, and a cut may wait for its turn.
pub(crate) async fn keep_lease(
    (queue, store): (&dyn Queue, &Store),
    claimed: &ClaimedJob,
    settings: &WorkerSettings,
    mut reports: watch::Receiver<Progress>,
    requeue: &CancellationToken,
) -> StopReason {
    let (ttl, began) = (settings.lease_ttl, Instant::now());
    let fence = ttl * 3 / 4;
    let (mut renewed, mut last_activity, mut last_write) = (began, began, began);
    let mut last_progress = *reports.borrow();
    // Sees each report once, whichever of them `reports` has seen.
    let mut activity = reports.clone();
    let mut watch = queue.signals().watch(&claimed.id);
    loop {
        let heartbeat_in = (ttl / 4).saturating_sub(last_write.elapsed());
        let progress_pause = settings.progress_interval.saturating_sub(last_write.elapsed());
        let write_due = tokio::select! {
            () = requeue.cancelled() => return StopReason::Requeue,
            () = sleep(heartbeat_in) => true,
            () = new_progress(&mut reports, last_progress, progress_pause) => true,
            () = watch.changed(settings.cancel_interval) => false,
        };
        if is_disk_almost_full(store, settings).await {
            return StopReason::DiskFull;
        }
        // A read only, which costs no write: this process or another one may have cancelled or
        // removed the job.
        if !write_due {
            if is_claim_over(queue, claimed, settings.cancel_interval).await {
                return StopReason::LeaseLost;
            }
            continue;
        }
        last_progress = *reports.borrow_and_update();
        if activity.has_changed().unwrap_or(false) {
            activity.mark_unchanged();
            last_activity = Instant::now();
        }
        // Of a split job, the finished parts count.
        if claimed.spent + began.elapsed() >= settings.deadline {
            return StopReason::Deadline;
        }
        if last_activity.elapsed() >= settings.stall_limit {
            return StopReason::Stalled;
        }
        // Checked before the renewal: a process that was suspended for long must stop at once.
        if renewed.elapsed() >= fence {
            return StopReason::LeaseLost;
        }
        let sent = Instant::now();
        last_write = sent;
        let renewal = tokio::time::timeout(
            fence.saturating_sub(renewed.elapsed()),
            queue.renew(&claimed.id, claimed.token, last_progress),
        );
        match renewal.await {
            Ok(Ok(())) => renewed = sent,
            Ok(Err(QueueError::LeaseLost)) | Err(_) => return StopReason::LeaseLost,
            Ok(Err(error)) => {
                tracing::warn!(job = %claimed.id, error = error_line(&error), "a heartbeat could not be recorded");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Whether less than half of the disk floor is free. Uploads and transfers leave the floor free for
/// running jobs. Half of it is reserved for the database, which every job and every client needs.
async fn is_disk_almost_full(store: &Store, settings: &WorkerSettings) -> bool {
    matches!(store.free_bytes().await, Ok(Some(free)) if free < settings.disk_floor_bytes / 2)
}

/// Waits until the progress differs from `before`, and then for `pause`.
async fn new_progress(reports: &mut watch::Receiver<Progress>, before: Progress, pause: Duration) {
    drop(reports.wait_for(|now| *now != before).await);
    sleep(pause).await;
}

/// Whether the claim no longer runs. Returns `false` if the database does not answer within
/// `limit`.
async fn is_claim_over(queue: &dyn Queue, claimed: &ClaimedJob, limit: Duration) -> bool {
    let answer = tokio::time::timeout(limit, queue.is_claimed(&claimed.id, claimed.token)).await;
    matches!(answer, Ok(Ok(false)))
}

/// Pause after a failed heartbeat.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
