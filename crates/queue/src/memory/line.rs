//! Waiting jobs of the in-memory model: submit, limits, and the choice of the next job.

use clearcut_job::{FencingToken, JobId, JobRequest, JobState, Progress, UnixMillis};

use super::{
    parts::{Held, PartState},
    tables::{JobInput, JobRow, Tables},
    webhook_tables::NotedEvents,
};
use crate::{KeyId, KeyLimits, NewJob, Policy, QueueError};

impl Tables {
    pub(super) fn submit(&mut self, job: NewJob, policy: &Policy, now: UnixMillis) -> Result<(), QueueError> {
        self.check_waiting_limit(job.owner, policy)?;
        let input = self.admit_input(policy, job.owner, job.input, now)?;
        self.insert_job(job.id.clone(), job.owner, job.request, input, now)?.clip_name = job.clip_name;
        if let Some(webhook) = job.webhook {
            self.webhooks.insert_job_url(job.owner, &job.id, webhook, now);
        }
        Ok(())
    }

    /// Fails if `owner` has the maximum number of waiting jobs.
    pub(super) fn check_waiting_limit(&self, owner: KeyId, policy: &Policy) -> Result<(), QueueError> {
        let limit = self.key_limits(owner).max_waiting.unwrap_or(policy.max_waiting);
        let waiting = self.waiting_jobs().filter(|row| row.owner == owner).count();
        if waiting < limit as usize { Ok(()) } else { Err(QueueError::TooManyQueuedJobs { limit }) }
    }

    fn key_limits(&self, owner: KeyId) -> KeyLimits {
        self.keys.get(&owner).map_or_else(KeyLimits::default, |(_, record)| record.limits)
    }

    pub(super) fn insert_job(
        &mut self,
        id: JobId,
        owner: KeyId,
        request: JobRequest,
        input: JobInput,
        now: UnixMillis,
    ) -> Result<&mut JobRow, QueueError> {
        if self.job(&id).is_some() {
            return Err(QueueError::Taken);
        }
        let max_retention = self.storage_limits(owner).max_retention;
        self.last_seq += 1;
        let seq = self.last_seq;
        self.jobs.push(JobRow {
            seq,
            id,
            owner,
            state: JobState::Queued,
            request,
            input,
            max_retention,
            token: FencingToken::default(),
            attempts: 0,
            crashes: 0,
            progress: Progress::NONE,
            created: now,
            not_before: now,
            started: None,
            ended: None,
            winner: None,
            failure: None,
            outcome: None,
            outputs_kept: false,
            lease_expires: None,
            parts: Vec::new(),
            noted: NotedEvents::default(),
            revision: 1,
            retry_of: None,
            clip_name: None,
        });
        self.jobs.last_mut().ok_or(QueueError::Taken)
    }

    /// Finds what is claimed next, a job or a part of a split one. The API key with the fewest
    /// running claims comes first, then the one served longest ago. Its split jobs come before its
    /// other ones, the oldest first; of the others, the one that has been ready longest.
    pub(super) fn next_claim(&self, now: UnixMillis, policy: &Policy) -> Option<(JobId, Held)> {
        let may_run = |owner| {
            self.running_claims(owner) < self.key_limits(owner).max_running.unwrap_or(policy.max_running) as usize
        };
        let turn = |row: &JobRow| (self.running_claims(row.owner), self.turns.get(&row.owner).copied().unwrap_or(0));
        let rows = || self.jobs.iter().filter(|row| may_run(row.owner));
        let parts = rows().flat_map(|row| (0..row.parts.len()).map(move |place| (row, place)));
        let ready = parts.filter(|(row, place)| {
            let part = &row.parts[*place];
            part.state == PartState::Waiting && part.not_before <= now
        });
        let part = ready.min_by_key(|(row, place)| (turn(row), row.seq, *place));
        let waiting = rows().filter(|row| row.state == JobState::Queued && row.not_before <= now);
        let job = waiting.min_by_key(|row| (turn(row), row.not_before, row.seq));
        match (part, job) {
            (Some((split, _)), Some(job)) if turn(job) < turn(split) => Some((job.id.clone(), Held::Whole)),
            (Some((split, place)), _) => Some((split.id.clone(), Held::Part(place))),
            (None, job) => job.map(|job| (job.id.clone(), Held::Whole)),
        }
    }
}
