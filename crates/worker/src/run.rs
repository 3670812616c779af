//! The worker: slots that take jobs one after the other, and what keeps house beside them.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{Clock, UnixMillis, WorkerId};
use clearcut_outbound::Outbound;
use clearcut_queue::Queue;
use clearcut_store::{Store, empty_folder};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Cutter, Drain, WorkerSettings,
    housekeeping::clear_scratch,
    sweep_orphans, tidy,
    work::{Machine, work_on},
};

/// What a worker works with.
#[derive(Debug)]
pub struct Worker<C> {
    /// Where jobs come from.
    pub queue: Arc<dyn Queue>,
    /// Where clips come from and outputs go.
    pub store: Store,
    /// Fetches clips from addresses.
    pub outbound: Outbound,
    /// What makes the cuts.
    pub cutter: Arc<C>,
    /// What time it is, for the age of objects.
    pub clock: Arc<dyn Clock>,
    /// How to work.
    pub settings: WorkerSettings,
}

/// Works on jobs until told to stop and the last one has ended.
///
/// # Errors
/// If the scratch folder cannot be used.
pub async fn run<C: Cutter>(worker: Worker<C>, drain: Drain) -> io::Result<()> {
    empty_folder(&worker.settings.scratch)?;
    let worker = Arc::new(worker);
    let id = WorkerId::from_random(getrandom::u64().map_err(io::Error::other)?);
    let mut keeping = JoinSet::new();
    keeping.spawn(rescue(Arc::clone(&worker)));
    keeping.spawn(sweep(Arc::clone(&worker)));
    let mut slots = JoinSet::new();
    for _ in 0..worker.settings.slots.get() {
        slots.spawn(fill_slot(Arc::clone(&worker), id.clone(), drain.clone()));
    }
    while slots.join_next().await.is_some() {}
    // Rescue and sweep hold nothing; they end with the worker.
    keeping.shutdown().await;
    Ok(())
}

/// How long a slot takes no job after one that found the machine short of something; doubled each time in a row.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One job after the other.
async fn fill_slot<C: Cutter>(worker: Arc<Worker<C>>, id: WorkerId, drain: Drain) {
    let mut pause = Duration::ZERO;
    while !drain.stop_claiming.is_cancelled() {
        match worker.queue.claim(&id).await {
            Ok(Some(claimed)) => match work_on(&worker, claimed, &drain).await {
                Machine::Ready => pause = Duration::ZERO,
                Machine::Short => {
                    pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                    tokio::select! { () = drain.stop_claiming.cancelled() => {}, () = sleep(pause) => {} }
                }
            },
            Ok(None) => wait_for_work(&worker, &drain).await,
            Err(error) => {
                tracing::error!(?error, "the queue could not be asked for work");
                wait_for_work(&worker, &drain).await;
            }
        }
    }
}

async fn wait_for_work<C>(worker: &Worker<C>, drain: &Drain) {
    tokio::select! {
        () = drain.stop_claiming.cancelled() => {}
        () = worker.queue.signals().work(worker.settings.poll_interval) => {}
    }
}

/// How far the wall clock may be ahead of the monotonic one, or behind it, between two looks: more is a jump, also that of a machine that slept.
const JUMP: Duration = Duration::from_secs(1);

/// Notices that the wall clock, by which leases end, has jumped.
struct ClockWatch {
    wall: UnixMillis,
    monotonic: Instant,
}

impl ClockWatch {
    fn new(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: Instant::now() }
    }

    /// Whether it has jumped since the last look.
    fn has_jumped(&mut self, clock: &dyn Clock) -> bool {
        let before = std::mem::replace(self, Self::new(clock));
        let expected = before.wall.after(self.monotonic - before.monotonic);
        self.wall.since(expected).max(expected.since(self.wall)) > JUMP
    }
}

/// Takes back the jobs of lost workers, this one's own included, and removes what ended claims left on this machine.
async fn rescue<C: Cutter>(worker: Arc<Worker<C>>) {
    let mut watch = ClockWatch::new(worker.clock.as_ref());
    let mut jumped = false;
    loop {
        // Before the leases are looked at: their holders are not lost.
        jumped |= watch.has_jumped(worker.clock.as_ref());
        if jumped {
            tracing::warn!("the clock has jumped; leases begin anew");
            match worker.queue.clock_jumped().await {
                Ok(()) => jumped = false,
                Err(error) => tracing::error!(?error, "what the jump of the clock put wrong could not be set right"),
            }
        }
        match worker.queue.reap().await {
            Ok(reaped) => {
                for lost in reaped {
                    tracing::warn!(job = %lost.id, given_up = lost.given_up, "the worker of a job was lost");
                }
            }
            Err(error) => tracing::error!(?error, "lost workers could not be looked for"),
        }
        if let Err(error) = clear_scratch(worker.queue.as_ref(), &worker.settings.scratch).await {
            tracing::warn!(?error, "scratch folders could not be looked through");
        }
        sleep(worker.settings.lease_ttl / 8).await;
    }
}

async fn sweep<C: Cutter>(worker: Arc<Worker<C>>) {
    loop {
        match tidy(worker.queue.as_ref(), &worker.store).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "objects past their retention were removed"),
            Err(error) => tracing::warn!(?error, "what has expired could not be looked up"),
        }
        let age = worker.settings.orphan_age;
        match sweep_orphans(worker.queue.as_ref(), &worker.store, worker.clock.as_ref(), age).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "objects that no job points to were removed"),
            Err(error) => tracing::warn!(?error, "the sweep was cut short"),
        }
        if let Err(error) = worker.store.sweep_staging(age).await {
            tracing::warn!(?error, "staging files could not be swept");
        }
        sleep(worker.settings.sweep_interval).await;
    }
}
