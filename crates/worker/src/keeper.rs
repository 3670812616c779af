use std::time::{Duration, Instant};

use clearcut_job::Progress;
use clearcut_queue::{Claimed, Queue, QueueError};
use clearcut_store::Store;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::WorkerSettings;

/// What the work tells its keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkProgress {
    /// How far it is.
    pub(crate) progress: Progress,
    /// Bytes that have come, or how often the cut said where it is: they move while the per cent of a long transfer stands, or
    /// while a cut waits for its turn.
    pub(crate) moved: u64,
}

impl From<Progress> for WorkProgress {
    fn from(progress: Progress) -> Self {
        Self { progress, moved: 0 }
    }
}

/// Why work on a job has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Another worker may have the job: say no more about it.
    LeaseLost,
    /// It took longer than a cut may take.
    Deadline,
    /// It stood still.
    Stalled,
    /// It fills the disk.
    NoRoom,
    /// The process is about to end.
    PutBack,
}

/// Keeps the lease on a job until it cannot or must not be kept, and says why. Spans are measured on the monotonic clock, so
/// that a machine whose clock jumps or a process that was halted notices how long it was away.
pub(crate) async fn keep(
    (queue, store): (&dyn Queue, &Store),
    claimed: &Claimed,
    settings: &WorkerSettings,
    mut told: watch::Receiver<WorkProgress>,
    put_back: &CancellationToken,
) -> Stopped {
    let (ttl, began) = (settings.lease_ttl, Instant::now());
    let fence = ttl * 3 / 4;
    let (mut renewed, mut moved, mut written) = (began, began, began);
    let mut last_seen = *told.borrow();
    let mut watch = queue.signals().watch(&claimed.id);
    loop {
        // The next moment at which something is due, whatever happens in between.
        let beat = (ttl / 4).saturating_sub(written.elapsed());
        let quiet = settings.progress_interval.saturating_sub(written.elapsed());
        let due = tokio::select! {
            () = put_back.cancelled() => return Stopped::PutBack,
            () = sleep(beat) => true,
            () = news(&mut told, last_seen.progress, quiet) => true,
            () = watch.changed(settings.cancel_interval) => false,
        };
        if is_short_of_room(store, settings).await {
            return Stopped::NoRoom;
        }
        // Only looked at, which costs no write: the owner may have cancelled or removed the job, here or elsewhere.
        if !due {
            if is_taken_away(queue, claimed, settings.cancel_interval).await {
                return Stopped::LeaseLost;
            }
            continue;
        }
        let seen = *told.borrow_and_update();
        if seen != last_seen {
            (last_seen, moved) = (seen, Instant::now());
        }
        if began.elapsed() >= settings.deadline {
            return Stopped::Deadline;
        }
        if moved.elapsed() >= settings.stall_limit {
            return Stopped::Stalled;
        }
        // Looked at before asking: a process that was halted for long must not do another thing in the meantime.
        if renewed.elapsed() >= fence {
            return Stopped::LeaseLost;
        }
        let asked = Instant::now();
        written = asked;
        let answer = tokio::time::timeout(
            fence.saturating_sub(renewed.elapsed()),
            queue.renew(&claimed.id, claimed.token, seen.progress),
        );
        match answer.await {
            Ok(Ok(())) => renewed = asked,
            Ok(Err(QueueError::LeaseLost)) | Err(_) => return Stopped::LeaseLost,
            Ok(Err(error)) => {
                tracing::warn!(job = %claimed.id, ?error, "a heartbeat was not taken");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Whether less than half of the floor is free. What comes in leaves the floor to the jobs at hand; the other half is the database's, which
/// every job and every client waits for.
async fn is_short_of_room(store: &Store, settings: &WorkerSettings) -> bool {
    matches!(store.free_bytes().await, Ok(Some(free)) if free < settings.disk_floor_bytes / 2)
}

/// Waits until there is progress that was not told, and then for `quiet`.
async fn news(told: &mut watch::Receiver<WorkProgress>, before: Progress, quiet: Duration) {
    drop(told.wait_for(|now| now.progress != before).await);
    sleep(quiet).await;
}

/// Whether the claim is known to run no more. A database that does not answer `within` that time says nothing.
async fn is_taken_away(queue: &dyn Queue, claimed: &Claimed, within: Duration) -> bool {
    let asked = tokio::time::timeout(within, queue.running_claim(&claimed.id)).await;
    matches!(asked, Ok(Ok(running)) if running != Some(claimed.token))
}

/// The pause after a heartbeat that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
