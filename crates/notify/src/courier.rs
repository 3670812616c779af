//! Main loop of the courier: claims due deliveries, sends them, and records the results.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{Clock, error_line};
use clearcut_outbound::Outbound;
use clearcut_queue::{ClaimedDelivery, Queue, QueueError, idle_interval};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{CourierSettings, DescribeJob, metrics, retry_schedule::after_attempt, send::send};

/// Number of tries to record an outcome, and the pause between them. Together they stay well below
/// the lease of a delivery.
const RECORD_TRIES: u32 = 5;
const RECORD_PAUSE: Duration = Duration::from_secs(1);

/// Dependencies and settings of a courier.
#[derive(Debug)]
pub struct Courier {
    /// Source of deliveries.
    pub queue: Arc<dyn Queue>,
    /// Client that connects to receivers.
    pub outbound: Outbound,
    /// Serializer of jobs in payloads.
    pub describe: Arc<dyn DescribeJob>,
    /// Wall clock, for signatures.
    pub clock: Arc<dyn Clock>,
    /// Limits and intervals.
    pub settings: CourierSettings,
}

/// Delivers until `stop` is cancelled. Then sends the deliveries that are already due and lets
/// attempts end, within the grace period.
pub async fn run(courier: Courier, stop: CancellationToken) {
    let courier = Arc::new(courier);
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        if running.len() >= courier.settings.max_running {
            tokio::select! { () = stop.cancelled() => {}, _ = running.join_next() => {} }
            continue;
        }
        let asked = Instant::now();
        match courier.queue.claim_delivery(courier.settings.max_per_host).await {
            Ok(Some(delivery)) => {
                running.spawn(deliver(Arc::clone(&courier), delivery));
            }
            Ok(None) => wait_for_work(&courier, &mut running, &stop, asked.elapsed()).await,
            Err(error) => {
                tracing::error!(error = error_line(&error), "a delivery could not be claimed");
                wait_for_work(&courier, &mut running, &stop, asked.elapsed()).await;
            }
        }
    }
    let ending = async {
        // Events from the time of the drain are delivered before the server ends.
        while running.len() < courier.settings.max_running
            && let Ok(Some(delivery)) = courier.queue.claim_delivery(courier.settings.max_per_host).await
        {
            running.spawn(deliver(Arc::clone(&courier), delivery));
        }
        while running.join_next().await.is_some() {}
    };
    if timeout(courier.settings.drain_grace, ending).await.is_err() {
        tracing::warn!(under_way = running.len(), "deliveries in flight are aborted and will be sent again");
        running.shutdown().await;
    }
}

/// Waits until there may be work: a signal, the end of an attempt that frees a slot of its host, or
/// the next poll. The last one took `polled`.
async fn wait_for_work(courier: &Courier, running: &mut JoinSet<()>, stop: &CancellationToken, polled: Duration) {
    let interval = idle_interval(polled, courier.settings.poll_interval);
    tokio::select! {
        () = stop.cancelled() => {}
        () = courier.queue.signals().delivery(interval) => {}
        Some(_) = running.join_next() => {}
    }
}

/// Makes one attempt and records its outcome.
async fn deliver(courier: Arc<Courier>, delivery: ClaimedDelivery) {
    let (describe, clock) = (courier.describe.as_ref(), courier.clock.as_ref());
    let began = Instant::now();
    let (attempt, verdict) = send(&delivery, &courier.outbound, describe, clock, &courier.settings).await;
    let next_step = after_attempt(&delivery.id, delivery.event.kind, delivery.tries, verdict);
    metrics::attempted(delivery.event.kind, next_step, began.elapsed());
    let (id, kind, tries) = (&delivery.id, delivery.event.kind, delivery.tries);
    tracing::info!(%id, %kind, tries, answer = ?attempt.answer, then = ?next_step, "delivery");
    for _ in 0..RECORD_TRIES {
        let recorded = courier.queue.record_attempt(id, delivery.claim, attempt.clone(), next_step);
        match timeout(courier.settings.attempt_deadline, recorded).await {
            Ok(Ok(())) => return,
            Ok(Err(QueueError::LeaseLost)) => break,
            Ok(Err(error)) => tracing::warn!(%id, error = error_line(&error), "an attempt could not be recorded"),
            Err(_) => tracing::warn!(%id, "an attempt could not be recorded in time"),
        }
        sleep(RECORD_PAUSE).await;
    }
    tracing::warn!(%id, "the outcome of an attempt is lost; a delivery that is still pending is sent again");
}
