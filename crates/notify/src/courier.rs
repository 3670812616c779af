use std::{sync::Arc, time::Duration};

use clearcut_job::Clock;
use clearcut_outbound::Outbound;
use clearcut_queue::{ClaimedDelivery, Queue, QueueError};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{CourierSettings, DescribeJob, schedule::after_attempt, send::send};

/// How often an outcome is said that the queue did not take, and the pause before each further time. Together they stay well
/// below the lease of a delivery.
const RECORD_TRIES: u32 = 5;
const RECORD_PAUSE: Duration = Duration::from_secs(1);

/// What a courier works with.
#[derive(Debug)]
pub struct Courier {
    /// Where deliveries come from.
    pub queue: Arc<dyn Queue>,
    /// What reaches receivers.
    pub outbound: Outbound,
    /// How a job reads on the wire.
    pub describe: Arc<dyn DescribeJob>,
    /// What time it is, for signatures.
    pub clock: Arc<dyn Clock>,
    /// How to work.
    pub settings: CourierSettings,
}

/// Delivers until told to stop; then sends what is due already, and lets attempts end, within a grace.
pub async fn run(courier: Courier, stop: CancellationToken) {
    let courier = Arc::new(courier);
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        if running.len() >= courier.settings.max_running {
            tokio::select! { () = stop.cancelled() => {}, _ = running.join_next() => {} }
            continue;
        }
        match courier.queue.claim_delivery(courier.settings.max_per_host).await {
            Ok(Some(delivery)) => {
                running.spawn(deliver(Arc::clone(&courier), delivery));
            }
            Ok(None) => wait(&courier, &mut running, &stop).await,
            Err(error) => {
                tracing::error!(?error, "the queue could not be asked for deliveries");
                wait(&courier, &mut running, &stop).await;
            }
        }
    }
    let ending = async {
        // What happened while the server drained is told before it ends.
        while running.len() < courier.settings.max_running
            && let Ok(Some(delivery)) = courier.queue.claim_delivery(courier.settings.max_per_host).await
        {
            running.spawn(deliver(Arc::clone(&courier), delivery));
        }
        while running.join_next().await.is_some() {}
    };
    if timeout(courier.settings.drain_grace, ending).await.is_err() {
        tracing::warn!(under_way = running.len(), "deliveries are broken off, to be sent again");
        running.shutdown().await;
    }
}

/// Until there may be something to do: a call, the end of an attempt that made room at its host, or a while.
async fn wait(courier: &Courier, running: &mut JoinSet<()>, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = courier.queue.signals().delivery(courier.settings.poll_interval) => {}
        Some(_) = running.join_next() => {}
    }
}

async fn deliver(courier: Arc<Courier>, delivery: ClaimedDelivery) {
    let (describe, clock) = (courier.describe.as_ref(), courier.clock.as_ref());
    let (attempt, verdict) = send(&delivery, &courier.outbound, describe, clock, &courier.settings).await;
    let then = after_attempt(&delivery.id, delivery.event.kind, delivery.tries, verdict);
    let (id, kind, tries) = (&delivery.id, delivery.event.kind, delivery.tries);
    tracing::info!(%id, %kind, tries, answer = ?attempt.answer, ?then, "delivery");
    for _ in 0..RECORD_TRIES {
        let recorded = courier.queue.record_attempt(id, delivery.claim, attempt.clone(), then);
        match timeout(courier.settings.attempt_deadline, recorded).await {
            Ok(Ok(())) => return,
            Ok(Err(QueueError::LeaseLost)) => break,
            Ok(Err(error)) => tracing::warn!(%id, ?error, "an attempt could not be recorded"),
            Err(_) => tracing::warn!(%id, "an attempt could not be recorded in time"),
        }
        sleep(RECORD_PAUSE).await;
    }
    tracing::warn!(%id, "the outcome of an attempt is lost; the delivery is sent again if it still waits");
}
