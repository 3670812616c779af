//! Main loop of the worker: slots that take one job after the other, and the maintenance tasks
//! beside them.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{Clock, UnixMillis, WorkerId, error_line};
use clearcut_queue::{idle_interval, wake_spread};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Cutter, Drain, Worker, metrics, remove_expired,
    scratch::{KeptClip, Scratch},
    sweep_orphans,
    work::{MachineState, work_on},
};

/// Works on jobs until `drain` stops it and the last job has ended.
///
/// # Errors
/// If the scratch folder cannot be used.
pub async fn run<C: Cutter>(worker: Worker<C>, drain: Drain) -> io::Result<()> {
    let scratch = Scratch::open(&worker.scratch)?;
    let worker = Arc::new(worker);
    let id = WorkerId::from_random(getrandom::u64().map_err(io::Error::other)?);
    let mut maintenance = JoinSet::new();
    maintenance.spawn(rescue(Arc::clone(&worker), Arc::clone(&scratch)));
    maintenance.spawn(sweep(Arc::clone(&worker)));
    let mut slots = JoinSet::new();
    for _ in 0..worker.settings.slots.get() {
        slots.spawn(run_slot(Arc::clone(&worker), Arc::clone(&scratch), id.clone(), drain.clone()));
    }
    while slots.join_next().await.is_some() {}
    // Rescue and sweep can be aborted at any point.
    maintenance.shutdown().await;
    Ok(())
}

/// Takes back the jobs of lost workers and removes what expired, without working on jobs, until
/// `drain` stops it. For a process that shares its queue with workers elsewhere.
///
/// # Errors
/// If the scratch folder cannot be used.
pub async fn maintain<C: Cutter>(worker: Worker<C>, drain: Drain) -> io::Result<()> {
    let scratch = Scratch::open(&worker.scratch)?;
    let worker = Arc::new(worker);
    tokio::select! {
        () = rescue(Arc::clone(&worker), scratch) => {}
        () = sweep(worker) => {}
        () = drain.stop_claiming.cancelled() => {}
    }
    Ok(())
}

/// Shortest and longest backoff of a slot after a job that found the machine short of resources.
/// The backoff doubles with each such job in a row.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Claims and works on one job after the other until claiming stops. Between two parts of one job,
/// its clip is kept.
async fn run_slot<C: Cutter>(worker: Arc<Worker<C>>, scratch: Arc<Scratch>, id: WorkerId, drain: Drain) {
    let (mut pause, mut kept) = (Duration::ZERO, None::<KeptClip>);
    while !drain.stop_claiming.is_cancelled() {
        let asked = Instant::now();
        let claimed = worker.queue.claim(&id).await;
        // The clip is of no use to another job, and a slot that idles may do so for long.
        let clip = kept.take().filter(|clip| matches!(&claimed, Ok(Some(claimed)) if clip.is_of(&claimed.id)));
        match claimed {
            Ok(Some(claimed)) => {
                let machine;
                (machine, kept) = work_on((&worker, &scratch), (claimed, clip), &drain).await;
                match machine {
                    MachineState::Ready => pause = Duration::ZERO,
                    MachineState::Short => {
                        pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                        tokio::select! { () = drain.stop_claiming.cancelled() => {}, () = sleep(pause) => {} }
                    }
                }
            }
            Ok(None) => wait_for_work(&worker, &drain, asked.elapsed()).await,
            Err(error) => {
                tracing::error!(error = error_line(&error), "a job could not be claimed");
                wait_for_work(&worker, &drain, asked.elapsed()).await;
            }
        }
    }
}

/// Waits until there may be a job, after a poll that took `polled`.
async fn wait_for_work<C>(worker: &Worker<C>, drain: &Drain, polled: Duration) {
    let wait = async {
        worker.queue.signals().work(idle_interval(polled, worker.settings.poll_interval)).await;
        let share = getrandom::u32().map_or(0.0, |drawn| f64::from(drawn) / f64::from(u32::MAX));
        sleep(wake_spread(polled).mul_f64(share)).await;
    };
    tokio::select! { () = drain.stop_claiming.cancelled() => {}, () = wait => {} }
}

/// Largest difference between wall clock and monotonic clock from one check to the next. More is a
/// jump; a machine that slept counts as one.
const MAX_DRIFT: Duration = Duration::from_secs(1);

/// Detector of jumps of the wall clock, by which leases expire.
struct ClockWatch {
    wall: UnixMillis,
    monotonic: Instant,
}

impl ClockWatch {
    fn new(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: Instant::now() }
    }

    /// Whether the wall clock has jumped since the last check.
    fn has_jumped(&mut self, clock: &dyn Clock) -> bool {
        let before = std::mem::replace(self, Self::new(clock));
        let expected = before.wall.after(self.monotonic - before.monotonic);
        self.wall.since(expected).max(expected.since(self.wall)) > MAX_DRIFT
    }
}

/// Takes back the jobs of lost workers, including this one's, and removes scratch folders that
/// ended claims left on this machine.
async fn rescue<C: Cutter>(worker: Arc<Worker<C>>, scratch: Arc<Scratch>) {
    let mut watch = ClockWatch::new(worker.clock.as_ref());
    let mut jumped = false;
    loop {
        // Checked before the leases: after a jump, expired leases do not mean lost workers.
        jumped |= watch.has_jumped(worker.clock.as_ref());
        if jumped {
            tracing::warn!("the clock has jumped; all leases are renewed");
            match worker.queue.clock_jumped().await {
                Ok(()) => jumped = false,
                Err(error) => tracing::error!(
                    error = error_line(&error),
                    "due times could not be corrected after a jump of the clock"
                ),
            }
        }
        match worker.queue.reap().await {
            Ok(reaped) => {
                for lost in reaped {
                    metrics::reaped(lost.has_failed);
                    tracing::warn!(job = %lost.id, has_failed = lost.has_failed, "the worker of a job was lost");
                }
            }
            Err(error) => tracing::error!(error = error_line(&error), "the search for lost workers failed"),
        }
        scratch.clear_leftovers();
        sleep(worker.settings.lease_ttl / 8).await;
    }
}

/// Removes expired objects, orphans and old staging files, again and again.
async fn sweep<C: Cutter>(worker: Arc<Worker<C>>) {
    loop {
        match remove_expired(worker.queue.as_ref(), &worker.store).await {
            Ok(0) => {}
            Ok(removed) => {
                metrics::removed("expired", removed);
                tracing::info!(removed, "objects past their retention were removed");
            }
            Err(error) => tracing::warn!(error = error_line(&error), "expired objects could not be removed"),
        }
        let age = worker.settings.orphan_age;
        match sweep_orphans(worker.queue.as_ref(), &worker.store, worker.clock.as_ref(), age).await {
            Ok(0) => {}
            Ok(removed) => {
                metrics::removed("orphan", removed);
                tracing::info!(removed, "objects that no job points to were removed");
            }
            Err(error) => tracing::warn!(error = error_line(&error), "the sweep for orphans failed"),
        }
        if let Err(error) = worker.store.sweep_staging(age).await {
            tracing::warn!(error = error_line(&error), "staging files could not be swept");
        }
        sleep(worker.settings.sweep_interval).await;
    }
}
