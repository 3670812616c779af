use clearcut_job::{FencingToken, JobId, JobState, Progress, UnixMillis};

use super::{Row, RowInput, Tables, webhooks::Noted};
use crate::{KeyId, KeyLimits, NewJob, Policy, QueueError};

impl Tables {
    pub(super) fn submit(&mut self, job: NewJob, policy: &Policy, now: UnixMillis) -> Result<(), QueueError> {
        self.check_line(job.owner, policy)?;
        let input = self.admit_input(policy, job.owner, job.input, now)?;
        self.push(job.id.clone(), job.owner, job.request.to_json(), input, now)?.clip_name = job.clip_name;
        if let Some(webhook) = job.webhook {
            self.webhooks.keep_url(job.owner, &job.id, webhook, now);
        }
        Ok(())
    }

    /// Refuses if `owner` has as many jobs in line as it may have.
    pub(super) fn check_line(&self, owner: KeyId, policy: &Policy) -> Result<(), QueueError> {
        let limit = self.limits(owner).max_waiting.unwrap_or(policy.max_waiting);
        let waiting = self.waiting().filter(|row| row.owner == owner).count();
        if waiting < limit as usize { Ok(()) } else { Err(QueueError::LineFull { limit }) }
    }

    fn limits(&self, owner: KeyId) -> KeyLimits {
        self.keys.get(&owner).map_or_else(KeyLimits::default, |(_, record)| record.limits)
    }

    pub(super) fn push(
        &mut self,
        id: JobId,
        owner: KeyId,
        request_json: String,
        input: RowInput,
        now: UnixMillis,
    ) -> Result<&mut Row, QueueError> {
        if self.row(&id).is_some() {
            return Err(QueueError::Taken);
        }
        let max_retention = self.storage(owner).max_retention;
        self.last_seq += 1;
        let seq = self.last_seq;
        self.jobs.push(Row {
            seq,
            id,
            owner,
            state: JobState::Queued,
            request_json,
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
            noted: Noted::default(),
            revision: 1,
            retry_of: None,
            clip_name: None,
        });
        self.jobs.last_mut().ok_or(QueueError::Taken)
    }

    /// The job to be claimed next: of the key that has the fewest running and was served longest ago, the one that has been
    /// ready the longest.
    pub(super) fn next(&self, now: UnixMillis, policy: &Policy) -> Option<JobId> {
        let running = |owner| self.jobs.iter().filter(|row| row.owner == owner && row.lease_expires.is_some()).count();
        let may_run = |owner| running(owner) < self.limits(owner).max_running.unwrap_or(policy.max_running) as usize;
        let turn = |owner| self.turns.get(&owner).copied().unwrap_or(0);
        let ready = self.waiting().filter(|row| row.not_before <= now && may_run(row.owner));
        ready.min_by_key(|row| (running(row.owner), turn(row.owner), row.not_before, row.seq)).map(|row| row.id.clone())
    }
}
