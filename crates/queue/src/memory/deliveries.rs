//! The trait [`Deliveries`] for the in-memory model.

use async_trait::async_trait;
use clearcut_job::{JobId, Progress, UnixMillis};

use super::{
    MemoryQueue,
    webhook_tables::{DeliveryRow, EventRow},
};
use crate::{
    AfterAttempt, Attempt, AttemptRecord, ClaimedDelivery, Deliveries, DeliveryId, DeliveryRecord, DeliveryState,
    DisabledReason, EndpointId, EventKind, KeyId, QueueError, deliveries::TEST_RETENTION,
};

#[async_trait]
impl Deliveries for MemoryQueue {
    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let Some(row) = webhooks.endpoint(owner, endpoint) else { return Ok(None) };
        if row.disabled.is_some() {
            return Err(QueueError::EndpointDisabled);
        }
        let host = row.destination.iter().map(|destination| destination.host.clone()).collect();
        let events = &webhooks.events;
        let is_old = |event: &EventRow| event.job.is_none() && event.happened <= now.before(TEST_RETENTION);
        webhooks.deliveries.retain(|row| !is_old(&events[row.event]));
        let (kind, progress) = (EventKind::Test, Progress::NONE);
        webhooks.events.push(EventRow { owner, job: None, kind, happened: now, progress, revision: 0 });
        webhooks.deliveries.push(DeliveryRow {
            id,
            event: webhooks.events.len() - 1,
            endpoint: endpoint.clone(),
            host,
            state: DeliveryState::Pending,
            tries: 0,
            due: Some(now),
            claim: 0,
            leased_until: None,
            attempts: Vec::new(),
        });
        self.signals.call_courier();
        Ok(webhooks.deliveries.last().and_then(|row| webhooks.record(row)))
    }

    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let tables = self.tables();
        if !tables.owns_job(owner, job) {
            return Ok(None);
        }
        let webhooks = &tables.webhooks;
        let of_job = webhooks.deliveries.iter().filter(|row| webhooks.events[row.event].job.as_ref() == Some(job));
        Ok(Some(of_job.filter_map(|row| webhooks.record(row)).collect()))
    }

    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let webhooks = &mut self.tables().webhooks;
        if webhooks.endpoint(owner, endpoint).is_none() {
            return Ok(None);
        }
        let newest = webhooks.deliveries.iter().rev().filter(|row| row.endpoint == *endpoint).take(100);
        Ok(Some(newest.filter_map(|row| webhooks.record(row)).collect()))
    }

    async fn redeliver(
        &self,
        owner: KeyId,
        job: &JobId,
        id: &DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let now = self.clock.now();
        let tables = &mut *self.tables();
        let is_owned = tables.owns_job(owner, job);
        let webhooks = &mut tables.webhooks;
        let (events, endpoints) = (&webhooks.events, &webhooks.endpoints);
        let mut of_job = webhooks.deliveries.iter_mut().filter(|row| events[row.event].job.as_ref() == Some(job));
        let Some(row) = of_job.find(|row| is_owned && row.id == *id) else { return Ok(None) };
        if endpoints.iter().any(|endpoint| endpoint.id == row.endpoint && endpoint.disabled.is_some()) {
            return Err(QueueError::EndpointDisabled);
        }
        if row.leased_until.is_none() {
            (row.state, row.tries, row.due) = (DeliveryState::Pending, 0, Some(now));
        }
        self.signals.call_courier();
        let found = webhooks.deliveries.iter().find(|row| row.id == *id);
        Ok(found.and_then(|row| webhooks.record(row)))
    }

    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        let now = self.clock.now();
        let tables = &mut *self.tables();
        let webhooks = &mut tables.webhooks;
        let running =
            |host: &str| webhooks.deliveries.iter().filter(|row| row.host == host && row.is_leased(now)).count();
        let due = webhooks.deliveries.iter().enumerate().filter(|(_, row)| row.due.is_some_and(|due| due <= now));
        let claimable = due.filter(|(_, row)| running(&row.host) < max_per_host as usize);
        let Some((place, _)) = claimable.min_by_key(|(place, row)| (running(&row.host), row.due, *place)) else {
            return Ok(None);
        };
        let lease_ends = now.after(self.policy.delivery_lease);
        let row = &mut webhooks.deliveries[place];
        row.claim += 1;
        (row.due, row.leased_until) = (Some(lease_ends), Some(lease_ends));
        let row = &tables.webhooks.deliveries[place];
        let event = tables.event(&tables.webhooks.events[row.event], &self.policy);
        let damaged = QueueError::Damaged { what: "endpoint" };
        let Some(endpoint) = tables.webhooks.endpoint_row(&row.endpoint) else { return Err(damaged) };
        let job = event.job.as_ref().map(|job| &job.id);
        Ok(Some(ClaimedDelivery {
            id: row.id.clone(),
            claim: row.claim,
            tries: row.tries + 1,
            owner: endpoint.owner,
            destination: tables.webhooks.destination(endpoint, job).ok_or(damaged)?,
            secrets: endpoint.secrets.clone(),
            event,
        }))
    }

    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        next_step: AfterAttempt,
    ) -> Result<(), QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let row = webhooks.claimed_delivery(id, claim)?;
        let began = UnixMillis(now.0 - attempt.latency.as_millis() as i64);
        row.attempts.push(AttemptRecord { began, attempt });
        row.tries += 1;
        match next_step {
            AfterAttempt::Delivered => row.finish(DeliveryState::Delivered),
            AfterAttempt::GiveUp => row.finish(DeliveryState::Failed),
            AfterAttempt::RetryIn(delay) => (row.due, row.leased_until) = (Some(now.after(delay)), None),
            AfterAttempt::Gone => {
                row.finish(DeliveryState::Stopped);
                let (endpoint, event) = (row.endpoint.clone(), row.event);
                let job = webhooks.events[event].job.clone();
                let explicit_endpoint =
                    webhooks.endpoints.iter_mut().find(|row| row.id == endpoint && row.destination.is_some());
                if let Some(row) = explicit_endpoint {
                    row.disabled.get_or_insert((now, DisabledReason::Gone));
                    webhooks.stop_pending(&endpoint, None);
                } else {
                    let urls = webhooks.urls.iter_mut().filter(|url| Some(&url.job) == job.as_ref());
                    urls.for_each(|url| url.is_gone = true);
                    webhooks.stop_pending(&endpoint, job.as_ref());
                }
            }
        }
        Ok(())
    }

    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let row = webhooks.claimed_delivery(id, claim)?;
        (row.due, row.leased_until) = (Some(now), None);
        self.signals.call_courier();
        Ok(())
    }
}
