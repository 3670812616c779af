//! The trait [`OwnedJobs`] for the in-memory model.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clearcut_job::{Failure, FailureCode, JobId, JobState, ObjectName, UnixMillis};

use super::{
    MemoryQueue,
    tables::{IdempotencyRecord, JobRow, Tables},
};
use crate::{
    ClaimedInput, DayUsage, Ending, Idempotency, JobRecord, KeyId, Listing, NewJob, OwnedJobs, Place, QueueError,
    QueueOutlook, RetryResult, Submission,
    fairness::{Backlog, position},
    owned_jobs::{CANCELLED, RECENT_JOBS},
};

const DAY_MILLIS: i64 = 86_400_000;

#[async_trait]
impl OwnedJobs for MemoryQueue {
    async fn submit_once(&self, job: NewJob, once: Idempotency) -> Result<Submission, QueueError> {
        let now = self.clock.now();
        let too_old = now.before(self.policy.idempotency_span);
        let mut tables = self.tables();
        tables.idempotency_keys.retain(|_, record| record.at > too_old);
        let scoped_key = (job.owner, once.key);
        if let Some(record) = tables.idempotency_keys.get(&scoped_key) {
            let is_same_body = record.body == once.body;
            return if is_same_body {
                Ok(Submission::Before(record.job.clone()))
            } else {
                Err(QueueError::IdempotencyMismatch)
            };
        }
        let id = job.id.clone();
        tables.submit(job, &self.policy, now)?;
        tables.idempotency_keys.insert(scoped_key, IdempotencyRecord { body: once.body, job: id, at: now });
        self.signals.call_worker();
        Ok(Submission::Accepted)
    }

    async fn was_submitted(&self, owner: KeyId, idempotency_key: &str) -> Result<bool, QueueError> {
        let too_old = self.clock.now().before(self.policy.idempotency_span);
        Ok(self
            .tables()
            .idempotency_keys
            .get(&(owner, idempotency_key.to_owned()))
            .is_some_and(|record| record.at > too_old))
    }

    async fn list(&self, owner: KeyId, listing: Listing) -> Result<Vec<JobRecord>, QueueError> {
        let tables = self.tables();
        let place = |row: &JobRow| Place { created: row.created, id: row.id.clone() };
        let mut jobs: Vec<&JobRow> = tables.jobs.iter().filter(|row| row.owner == owner).collect();
        jobs.retain(|row| listing.state.is_none_or(|state| row.state == state));
        jobs.retain(|row| listing.since.is_none_or(|since| row.created >= since));
        jobs.retain(|row| listing.until.is_none_or(|until| row.created < until));
        jobs.retain(|row| listing.after.as_ref().is_none_or(|after| place(row) < *after));
        jobs.sort_by_key(|row| std::cmp::Reverse(place(row)));
        Ok(jobs.into_iter().take(listing.limit as usize).map(|row| row.record(&self.policy)).collect())
    }

    async fn cancel(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some(row) = tables.owned_job(owner, id) else { return Ok(None) };
        if row.cancel(now)? {
            self.signals.call_watchers(id);
            self.signals.call_waiters();
        }
        Ok(Some(row.record(&self.policy)))
    }

    async fn remove(&self, owner: KeyId, id: &JobId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        let mut tables = self.tables();
        let Some(place) = tables.jobs.iter().position(|row| row.owner == owner && row.id == *id) else {
            return Ok(None);
        };
        let row = tables.jobs.remove(place);
        tables.webhooks.forget_job(id);
        let outputs = row.outcome.iter().filter(|_| row.outputs_kept).flat_map(|outcome| &outcome.outputs);
        let mut removable: Vec<ObjectName> = outputs.map(|output| output.object_name.clone()).collect();
        removable.extend(row.parts.into_iter().filter_map(|part| part.object).map(|object| object.name));
        let input = row.input.object.map(|object| object.name);
        removable.extend(input.filter(|name| !tables.is_pointed_to(name)));
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        Ok(Some(removable))
    }

    async fn retry(&self, owner: KeyId, id: &JobId, retry_id: JobId) -> Result<RetryResult, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some(row) = tables.owned_job(owner, id) else { return Ok(RetryResult::Missing) };
        if row.state != JobState::Failed {
            return Ok(RetryResult::NotFailed(row.state));
        }
        if row.input.is_gone() {
            return Ok(RetryResult::InputGone);
        }
        let (request, input, clip_name) = (row.request.clone(), row.input.clone(), row.clip_name.clone());
        tables.check_waiting_limit(owner, &self.policy)?;
        tables.admit_bytes(&self.policy, owner, 0)?;
        let row = tables.insert_job(retry_id.clone(), owner, request, input, now)?;
        (row.retry_of, row.clip_name) = (Some(id.clone()), clip_name);
        tables.webhooks.copy_job_url(id, &retry_id);
        self.signals.call_worker();
        Ok(RetryResult::Accepted)
    }

    async fn find_input(&self, owner: KeyId, id: &JobId) -> Result<Option<ClaimedInput>, QueueError> {
        let mut tables = self.tables();
        Ok(tables.owned_job(owner, id).map(|row| row.input.claimed()))
    }

    async fn outlook(&self, owner: KeyId, jobs: Vec<JobId>) -> Result<QueueOutlook, QueueError> {
        let mut tables = self.tables();
        let backlogs = tables.backlogs();
        let mut positions = Vec::with_capacity(jobs.len());
        for id in &jobs {
            let waiting = tables.owned_job(owner, id).filter(|row| row.state == JobState::Queued);
            let own_place = waiting.map(|row| (row.not_before, row.seq));
            let places = tables.waiting_jobs().filter(|row| row.owner == owner).map(|row| (row.not_before, row.seq));
            positions.push(
                own_place.map(|own_place| {
                    position(&backlogs, owner, places.filter(|place| *place < own_place).count() as u64)
                }),
            );
        }
        let running = tables.jobs.iter().map(|row| row.claims().count() as u64).sum();
        let mut spans: Vec<(UnixMillis, u64)> =
            tables.usage.iter().map(|(_, ended, usage)| (*ended, usage.processing_ms)).collect();
        spans.sort_by_key(|span| std::cmp::Reverse(*span));
        spans.truncate(RECENT_JOBS);
        let total: u64 = spans.iter().map(|(_, millis)| millis).sum();
        Ok(QueueOutlook { positions, running, mean_processing_ms: total.checked_div(spans.len() as u64) })
    }

    async fn usage(&self, owner: KeyId, from: UnixMillis, until: UnixMillis) -> Result<Vec<DayUsage>, QueueError> {
        let mut days: BTreeMap<i64, DayUsage> = BTreeMap::new();
        for (usage_owner, ended, usage) in &self.tables().usage {
            if *usage_owner != owner || *ended < from || *ended >= until {
                continue;
            }
            let day = ended.0.div_euclid(DAY_MILLIS);
            let sum = days.entry(day).or_insert(DayUsage { day, ..DayUsage::default() });
            sum.jobs += 1;
            sum.frames += usage.frames;
            sum.input_bytes += usage.input_bytes;
            sum.output_bytes += usage.output_bytes;
            sum.processing_ms += usage.processing_ms;
        }
        Ok(days.into_values().collect())
    }
}

impl Tables {
    fn owned_job(&mut self, owner: KeyId, id: &JobId) -> Option<&mut JobRow> {
        self.job(id).filter(|row| row.owner == owner)
    }

    pub(super) fn waiting_jobs(&self) -> impl Iterator<Item = &JobRow> {
        self.jobs.iter().filter(|row| row.state == JobState::Queued)
    }

    fn backlogs(&self) -> Vec<Backlog> {
        let mut backlogs: Vec<Backlog> = Vec::new();
        for row in self.waiting_jobs() {
            let first = (row.not_before, row.seq);
            if let Some(backlog) = backlogs.iter_mut().find(|backlog| backlog.owner == row.owner) {
                backlog.waiting += 1;
                backlog.first = backlog.first.min(first);
            } else {
                let turn = self.turns.get(&row.owner).copied().unwrap_or(0);
                backlogs.push(Backlog { owner: row.owner, waiting: 1, turn, first });
            }
        }
        backlogs
    }
}

impl JobRow {
    /// Ends the job as cancelled. Returns `false` if it had ended before.
    fn cancel(&mut self, now: UnixMillis) -> Result<bool, QueueError> {
        if self.state.is_final() {
            return Ok(false);
        }
        self.end(Ending::Failed(Failure::new(FailureCode::Cancelled, CANCELLED)), None, now)?;
        Ok(true)
    }
}
