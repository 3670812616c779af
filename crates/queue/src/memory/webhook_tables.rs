//! Tables of webhooks in the in-memory model: endpoints, `webhookUrl`s of jobs, events and
//! deliveries.

use clearcut_job::{JobId, Progress, UnixMillis};

use crate::{
    AttemptRecord, DeliveryId, DeliveryRecord, DeliveryState, Destination, DisabledReason, EndpointId, EndpointRecord,
    EventKind, EventKinds, JobRecord, JobWebhook, KeyId, QueueError, SigningSecrets, WebhookSecret,
};

#[derive(Debug, Default, Clone)]
pub(super) struct WebhookTables {
    pub(super) endpoints: Vec<EndpointRow>,
    pub(super) urls: Vec<UrlRow>,
    pub(super) events: Vec<EventRow>,
    pub(super) deliveries: Vec<DeliveryRow>,
}

/// Events of a job that have been written.
#[derive(Debug, Default, Clone)]
pub(super) struct NotedEvents {
    pub(super) start: bool,
    pub(super) end: bool,
}

/// The `webhookUrl` of a job.
#[derive(Debug, Clone)]
pub(super) struct UrlRow {
    pub(super) job: JobId,
    pub(super) destination: Destination,
    pub(super) is_gone: bool,
}

#[derive(Debug, Clone)]
pub(super) struct EndpointRow {
    pub(super) id: EndpointId,
    pub(super) owner: KeyId,
    /// `None` marks the implicit endpoint, which uses the `webhookUrl` of each job.
    pub(super) destination: Option<Destination>,
    pub(super) events: EventKinds,
    pub(super) description: String,
    pub(super) secrets: SigningSecrets,
    pub(super) created: UnixMillis,
    pub(super) disabled: Option<(UnixMillis, DisabledReason)>,
}

#[derive(Debug, Clone)]
pub(super) struct EventRow {
    pub(super) owner: KeyId,
    pub(super) job: Option<JobId>,
    pub(super) kind: EventKind,
    pub(super) happened: UnixMillis,
    pub(super) progress: Progress,
    pub(super) revision: u64,
}

#[derive(Debug, Clone)]
pub(super) struct DeliveryRow {
    pub(super) id: DeliveryId,
    pub(super) event: usize,
    pub(super) endpoint: EndpointId,
    pub(super) host: String,
    pub(super) state: DeliveryState,
    pub(super) tries: u32,
    pub(super) due: Option<UnixMillis>,
    pub(super) claim: u64,
    pub(super) leased_until: Option<UnixMillis>,
    pub(super) attempts: Vec<AttemptRecord>,
}

impl EndpointRow {
    pub(super) fn implicit(id: EndpointId, owner: KeyId, secret: WebhookSecret, now: UnixMillis) -> Self {
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

    pub(super) fn record(&self) -> Option<EndpointRecord> {
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
    pub(super) fn finish(&mut self, state: DeliveryState) {
        (self.state, self.due, self.leased_until) = (state, None, None);
    }

    pub(super) fn is_leased(&self, now: UnixMillis) -> bool {
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
    pub(super) fn note_event(&mut self, job: &JobRecord, kind: EventKind, key_is_revoked: bool, now: UnixMillis) {
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

    pub(super) fn destination(&self, endpoint: &EndpointRow, job: Option<&JobId>) -> Option<Destination> {
        let job_url = || self.urls.iter().find(|url| Some(&url.job) == job).map(|url| url.destination.clone());
        endpoint.destination.clone().or_else(job_url)
    }

    pub(super) fn implicit_endpoint(
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
    pub(super) fn endpoint(&mut self, owner: KeyId, id: &EndpointId) -> Option<&mut EndpointRow> {
        self.endpoints.iter_mut().find(|row| row.owner == owner && row.id == *id && row.destination.is_some())
    }

    pub(super) fn endpoint_row(&self, id: &EndpointId) -> Option<&EndpointRow> {
        self.endpoints.iter().find(|row| row.id == *id)
    }

    pub(super) fn claimed_delivery(&mut self, id: &DeliveryId, claim: u64) -> Result<&mut DeliveryRow, QueueError> {
        let found = self.deliveries.iter_mut().find(|row| row.id == *id);
        found.filter(|row| row.claim == claim && row.leased_until.is_some()).ok_or(QueueError::LeaseLost)
    }

    pub(super) fn record(&self, row: &DeliveryRow) -> Option<DeliveryRecord> {
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
    pub(super) fn stop_pending(&mut self, endpoint: &EndpointId, job: Option<&JobId>) {
        let events = &self.events;
        let waiting = self.deliveries.iter_mut().filter(|row| row.due.is_some() && row.endpoint == *endpoint);
        let selected = waiting.filter(|row| job.is_none() || events[row.event].job.as_ref() == job);
        selected.for_each(|row| row.finish(DeliveryState::Stopped));
    }
}
