//! The trait [`Webhooks`] for the in-memory model. One long file, so that its tables and operations
//! can be read side by side with the schema.

use async_trait::async_trait;
use clearcut_job::{JobId, JobState, Progress, UnixMillis};

use super::{MemoryQueue, Tables};
use crate::{
    AfterAttempt, Attempt, AttemptRecord, ClaimedDelivery, DeliveryId, DeliveryRecord, DeliveryState, Destination,
    DisabledReason, EndpointChange, EndpointId, EndpointRecord, Event, EventKind, EventKinds, JobRecord, JobWebhook,
    KeyId, MAX_ENDPOINTS, NewEndpoint, Policy, QueueError, SECRET_OVERLAP, SecretScope, SigningSecrets, WebhookSecret,
    Webhooks, webhook::TEST_RETENTION,
};

#[derive(Debug, Default, Clone)]
pub(super) struct WebhookTables {
    endpoints: Vec<EndpointRow>,
    urls: Vec<UrlRow>,
    events: Vec<EventRow>,
    deliveries: Vec<DeliveryRow>,
}

/// Events of a job that have been written.
#[derive(Debug, Default, Clone)]
pub(super) struct NotedEvents {
    start: bool,
    end: bool,
}

/// The `webhookUrl` of a job.
#[derive(Debug, Clone)]
struct UrlRow {
    job: JobId,
    destination: Destination,
    is_gone: bool,
}

#[derive(Debug, Clone)]
struct EndpointRow {
    id: EndpointId,
    owner: KeyId,
    /// `None` marks the implicit endpoint, which uses the `webhookUrl` of each job.
    destination: Option<Destination>,
    events: EventKinds,
    description: String,
    secrets: SigningSecrets,
    created: UnixMillis,
    disabled: Option<(UnixMillis, DisabledReason)>,
}

#[derive(Debug, Clone)]
struct EventRow {
    owner: KeyId,
    job: Option<JobId>,
    kind: EventKind,
    happened: UnixMillis,
    progress: Progress,
    revision: u64,
}

#[derive(Debug, Clone)]
struct DeliveryRow {
    id: DeliveryId,
    event: usize,
    endpoint: EndpointId,
    host: String,
    state: DeliveryState,
    tries: u32,
    due: Option<UnixMillis>,
    claim: u64,
    leased_until: Option<UnixMillis>,
    attempts: Vec<AttemptRecord>,
}

impl EndpointRow {
    fn implicit(id: EndpointId, owner: KeyId, secret: WebhookSecret, now: UnixMillis) -> Self {
        Self {
            id,
            owner,
            destination: None,
            events: EventKinds::all(),
            description: String::new(),
            secrets: SigningSecrets { current: secret, previous: None },
            created: now,
            disabled: None,
        }
    }

    fn record(&self) -> Option<EndpointRecord> {
        Some(EndpointRecord {
            id: self.id.clone(),
            url: self.destination.as_ref()?.url.clone(),
            events: self.events.clone(),
            description: self.description.clone(),
            created: self.created,
            disabled: self.disabled,
            rotating_until: self.secrets.previous.as_ref().map(|(_, until)| *until),
        })
    }
}

impl DeliveryRow {
    fn finish(&mut self, state: DeliveryState) {
        (self.state, self.due, self.leased_until) = (state, None, None);
    }

    fn is_leased(&self, now: UnixMillis) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }
}

impl WebhookTables {
    /// Stores the `webhookUrl` of a new job.
    pub(super) fn insert_job_url(&mut self, owner: KeyId, job: &JobId, webhook: JobWebhook, now: UnixMillis) {
        let (id, secret) = webhook.fresh;
        self.implicit_endpoint(owner, id, secret, now);
        self.urls.push(UrlRow { job: job.clone(), destination: webhook.destination, is_gone: false });
    }

    /// Makes first attempts due that lie in the future because the clock was set back.
    pub(super) fn make_first_attempts_due(&mut self, now: UnixMillis) {
        let first = self.deliveries.iter_mut().filter(|row| row.tries == 0 && row.leased_until.is_none());
        for row in first {
            row.due = row.due.map(|due| due.min(now));
        }
    }

    /// Writes an event of a job, with a delivery for each endpoint that subscribes to it.
    fn note_event(&mut self, job: &JobRecord, kind: EventKind, key_is_revoked: bool, now: UnixMillis) {
        let (job_id, progress, revision) = (Some(job.id.clone()), job.progress, job.revision);
        self.events.push(EventRow { owner: job.owner, job: job_id, kind, happened: now, progress, revision });
        if key_is_revoked {
            return;
        }
        for endpoint in self.endpoints.iter().filter(|row| row.owner == job.owner && row.events.contains(kind)) {
            let destination = self.destination(endpoint, Some(&job.id));
            let is_gone = || self.urls.iter().any(|url| url.job == job.id && url.is_gone);
            let is_active = endpoint.disabled.is_none() && (endpoint.destination.is_some() || !is_gone());
            let Some(destination) = destination.filter(|_| is_active) else { continue };
            self.deliveries.push(DeliveryRow {
                id: DeliveryId::derive(&job.id, kind, &endpoint.id),
                event: self.events.len() - 1,
                endpoint: endpoint.id.clone(),
                host: destination.host,
                state: DeliveryState::Pending,
                tries: 0,
                due: Some(now),
                claim: 0,
                leased_until: None,
                attempts: Vec::new(),
            });
        }
    }

    /// Deletes the deliveries and the `webhookUrl` of a job.
    pub(super) fn forget_job(&mut self, job: &JobId) {
        let events = &self.events;
        self.deliveries.retain(|row| events[row.event].job.as_ref() != Some(job));
        self.urls.retain(|url| url.job != *job);
    }

    /// Copies the `webhookUrl` of `job` to its retry.
    pub(super) fn copy_job_url(&mut self, job: &JobId, retry_id: &JobId) {
        let copies = self.urls.iter().filter(|url| url.job == *job);
        let copies: Vec<_> = copies.map(|url| UrlRow { job: retry_id.clone(), ..url.clone() }).collect();
        self.urls.extend(copies);
    }

    /// Stops all pending deliveries of a revoked API key.
    pub(super) fn stop_pending_of_key(&mut self, owner: KeyId) {
        let events = &self.events;
        let waiting = self.deliveries.iter_mut().filter(|row| row.due.is_some() && events[row.event].owner == owner);
        waiting.for_each(|row| row.finish(DeliveryState::Stopped));
    }

    fn destination(&self, endpoint: &EndpointRow, job: Option<&JobId>) -> Option<Destination> {
        let job_url = || self.urls.iter().find(|url| Some(&url.job) == job).map(|url| url.destination.clone());
        endpoint.destination.clone().or_else(job_url)
    }

    fn implicit_endpoint(
        &mut self,
        owner: KeyId,
        id: EndpointId,
        secret: WebhookSecret,
        now: UnixMillis,
    ) -> &mut EndpointRow {
        let found = self.endpoints.iter().position(|row| row.owner == owner && row.destination.is_none());
        let place = found.unwrap_or_else(|| {
            self.endpoints.push(EndpointRow::implicit(id, owner, secret, now));
            self.endpoints.len() - 1
        });
        &mut self.endpoints[place]
    }

    /// Finds an endpoint that its owner created, so never the implicit one.
    fn endpoint(&mut self, owner: KeyId, id: &EndpointId) -> Option<&mut EndpointRow> {
        self.endpoints.iter_mut().find(|row| row.owner == owner && row.id == *id && row.destination.is_some())
    }

    fn endpoint_row(&self, id: &EndpointId) -> Option<&EndpointRow> {
        self.endpoints.iter().find(|row| row.id == *id)
    }

    fn claimed_delivery(&mut self, id: &DeliveryId, claim: u64) -> Result<&mut DeliveryRow, QueueError> {
        let found = self.deliveries.iter_mut().find(|row| row.id == *id);
        found.filter(|row| row.claim == claim && row.leased_until.is_some()).ok_or(QueueError::LeaseLost)
    }

    fn record(&self, row: &DeliveryRow) -> Option<DeliveryRecord> {
        let (endpoint, event) = (self.endpoint_row(&row.endpoint)?, &self.events[row.event]);
        Some(DeliveryRecord {
            id: row.id.clone(),
            kind: event.kind,
            happened: event.happened,
            endpoint: endpoint.destination.is_some().then(|| endpoint.id.clone()),
            url: self.destination(endpoint, event.job.as_ref())?.url,
            state: row.state,
            due: row.due,
            attempts: row.attempts.clone(),
        })
    }

    /// Stops the pending deliveries to an endpoint, or only those of one job.
    fn stop_pending(&mut self, endpoint: &EndpointId, job: Option<&JobId>) {
        let events = &self.events;
        let waiting = self.deliveries.iter_mut().filter(|row| row.due.is_some() && row.endpoint == *endpoint);
        let selected = waiting.filter(|row| job.is_none() || events[row.event].job.as_ref() == job);
        selected.for_each(|row| row.finish(DeliveryState::Stopped));
    }
}

impl Tables {
    /// Writes the events of jobs since the last access to the tables. The model derives them from
    /// the states of the jobs, so that no path into a state can miss its event.
    pub(super) fn note_events(&mut self, policy: &Policy) {
        for row in &mut self.jobs {
            let key = self.keys.get(&row.owner);
            let revoked = key.is_some_and(|(_, key)| key.revoked.is_some());
            if let Some(started) = row.started.filter(|_| !row.noted.start) {
                row.noted.start = true;
                self.webhooks.note_event(&row.record(policy), EventKind::JobStarted, revoked, started);
            }
            if let Some(ended) = row.ended.filter(|_| !row.noted.end) {
                row.noted.end = true;
                let completed = row.state == JobState::Completed;
                let kind = if completed { EventKind::JobCompleted } else { EventKind::JobFailed };
                self.webhooks.note_event(&row.record(policy), kind, revoked, ended);
            }
        }
    }

    /// Builds the event with its job as it was. For a start, the fields written by the end are left
    /// out.
    fn event(&self, row: &EventRow, policy: &Policy) -> Event {
        let found = row.job.as_ref().and_then(|id| self.jobs.iter().find(|job| job.id == *id));
        let record = found.map(|job| job.record(policy));
        let job = record
            .map(|job| if row.kind == EventKind::JobStarted { job.at_start(row.progress, row.revision) } else { job });
        Event { kind: row.kind, happened: row.happened, job }
    }

    fn owns_job(&self, owner: KeyId, job: &JobId) -> bool {
        self.jobs.iter().any(|row| row.id == *job && row.owner == owner)
    }
}

impl JobRecord {
    /// Returns the record as it was when the job started.
    pub(crate) fn at_start(self, progress: Progress, revision: u64) -> Self {
        Self {
            state: JobState::Processing,
            progress,
            revision,
            ended: None,
            expires: None,
            failure: None,
            outcome: None,
            ..self
        }
    }
}

#[async_trait]
impl Webhooks for MemoryQueue {
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError> {
        let webhooks = &mut self.tables().webhooks;
        let of_owner = webhooks.endpoints.iter().filter(|row| row.owner == owner && row.destination.is_some());
        if of_owner.count() >= MAX_ENDPOINTS {
            return Err(QueueError::TooManyEndpoints);
        }
        let row = EndpointRow {
            destination: Some(endpoint.destination),
            events: endpoint.events,
            description: endpoint.description,
            ..EndpointRow::implicit(endpoint.id, owner, endpoint.secret, self.clock.now())
        };
        webhooks.endpoints.push(row.clone());
        row.record().ok_or(QueueError::Damaged { what: "url" })
    }

    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError> {
        let tables = self.tables();
        let of_owner = tables.webhooks.endpoints.iter().filter(|row| row.owner == owner);
        Ok(of_owner.filter_map(EndpointRow::record).collect())
    }

    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let Some(row) = webhooks.endpoint(owner, id) else { return Ok(None) };
        row.events = change.events.unwrap_or(row.events.clone());
        row.description = change.description.unwrap_or(row.description.clone());
        row.disabled = match change.enabled {
            None => row.disabled,
            Some(true) => None,
            Some(false) => row.disabled.or(Some((now, DisabledReason::Owner))),
        };
        let new_host = change.destination.as_ref().map(|destination| destination.host.clone());
        row.destination = change.destination.or(row.destination.take());
        let record = row.record();
        if let Some(host) = new_host {
            let waiting = webhooks.deliveries.iter_mut().filter(|row| row.endpoint == *id && row.due.is_some());
            waiting.for_each(|row| row.host.clone_from(&host));
        }
        if change.enabled == Some(false) {
            webhooks.stop_pending(id, None);
        }
        Ok(record)
    }

    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError> {
        let webhooks = &mut self.tables().webhooks;
        if webhooks.endpoint(owner, id).is_none() {
            return Ok(false);
        }
        webhooks.deliveries.retain(|row| row.endpoint != *id);
        webhooks.endpoints.retain(|row| row.id != *id);
        Ok(true)
    }

    async fn read_secrets(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        Ok(match scope {
            SecretScope::Endpoint(id) => webhooks.endpoint(owner, &id).map(|row| row.secrets.clone()),
            SecretScope::Jobs { fresh: id } => Some(webhooks.implicit_endpoint(owner, id, fresh, now).secrets.clone()),
        })
    }

    async fn rotate_secret(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let row = match scope {
            SecretScope::Endpoint(id) => webhooks.endpoint(owner, &id),
            SecretScope::Jobs { fresh: id } => Some(webhooks.implicit_endpoint(owner, id, fresh.clone(), now)),
        };
        let Some(row) = row else { return Ok(None) };
        if row.secrets.current != fresh {
            row.secrets = row.secrets.clone().rotated(fresh, now.after(SECRET_OVERLAP));
        }
        Ok(Some(row.secrets.clone()))
    }

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
