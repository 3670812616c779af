//! The trait [`Jobs`] for the in-memory model.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, JobState, Move, Outcome, Progress, Stage, WorkerId};

use super::{MemoryQueue, tables::JobRow};
use crate::{
    ClaimedJob, DayUsage, Ending, Finished, JobRecord, Jobs, KeyId, NewJob, NextStep, QueueDepth, QueueError, Reaped,
};

#[async_trait]
impl Jobs for MemoryQueue {
    async fn submit(&self, job: NewJob) -> Result<(), QueueError> {
        let now = self.clock.now();
        self.tables().submit(job, &self.policy, now)?;
        self.signals.call_worker();
        Ok(())
    }

    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        Ok(self.tables().job(id).filter(|row| row.owner == owner).map(|row| row.record(&self.policy)))
    }

    async fn claim(&self, _worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some(next) = tables.next_job(now, &self.policy) else { return Ok(None) };
        let turn = tables.turns.values().max().map_or(1, |last| last + 1);
        let row = tables.job(&next).ok_or(QueueError::Damaged { what: "line" })?;
        row.apply_move(Move::Claim)?;
        row.token.0 += 1;
        row.progress = row.progress.max(Progress::within(Stage::Waiting, 1.0));
        row.lease_expires = Some(now.after(self.policy.lease_ttl));
        let (owner, claimed) = (row.owner, row.claimed(now));
        tables.turns.insert(owner, turn);
        self.signals.call_watchers(&next);
        Ok(Some(claimed))
    }

    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let row = tables.leased_job(id, token)?;
        row.apply_move(Move::Start)?;
        row.started.get_or_insert(now);
        self.signals.call_courier();
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let row = tables.leased_job(id, token)?;
        row.lease_expires = Some(now.after(self.policy.lease_ttl));
        row.revision += u64::from(progress > row.progress);
        row.progress = row.progress.max(progress);
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        if tables.job(id).is_some_and(|row| row.state.is_final() && row.winner == Some(token)) {
            return Ok(Finished::AlreadyCommitted);
        }
        let row = tables.leased_job(id, token)?;
        match ending {
            Ending::Completed(outcome) => {
                let usage = usage_of(row, &outcome);
                let owner = row.owner;
                row.end(Ending::Completed(outcome), Some(token), now)?;
                tables.usage.push((owner, now, usage));
            }
            Ending::Failed(failure) => {
                row.attempts += 1;
                let step = self.policy.after_failure(id, failure, row.attempts, now);
                row.apply_step(step.clone(), Some(token), now)?;
                self.signals.call_watchers(id);
                if let NextStep::Retry { not_before } = step {
                    return Ok(Finished::Retrying { not_before });
                }
            }
        }
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        Ok(Finished::Committed)
    }

    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let mut tables = self.tables();
        let row = tables.leased_job(id, token)?;
        row.apply_move(Move::Requeue)?;
        row.lease_expires = None;
        self.signals.call_watchers(id);
        self.signals.call_worker();
        Ok(())
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let mut expired: Vec<&mut JobRow> =
            tables.jobs.iter_mut().filter(|row| row.lease_expires.is_some_and(|at| at <= now)).collect();
        expired.sort_by_key(|row| row.lease_expires);
        let mut reaped = Vec::new();
        for row in expired {
            row.crashes += 1;
            let step = self.policy.after_crash(row.crashes, now);
            row.apply_step(step, None, now)?;
            reaped.push(Reaped { id: row.id.clone(), has_failed: row.state.is_final() });
            self.signals.call_watchers(&row.id);
            self.signals.call_worker();
        }
        self.signals.call_waiters();
        Ok(reaped)
    }

    async fn clock_jumped(&self) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        for row in &mut tables.jobs {
            row.lease_expires = row.lease_expires.map(|_| now.after(self.policy.lease_ttl));
            if row.not_before > now.after(self.policy.backoff_cap) {
                row.not_before = now;
            }
        }
        tables.webhooks.make_first_attempts_due(now);
        self.signals.call_worker();
        self.signals.call_courier();
        Ok(())
    }

    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        Ok(self.tables().job(id).filter(|row| row.lease_expires.is_some()).map(|row| row.token))
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let tables = self.tables();
        let count = |matches: fn(JobState) -> bool| tables.jobs.iter().filter(|row| matches(row.state)).count() as u64;
        Ok(QueueDepth { queued: count(|state| state == JobState::Queued), leased: count(JobState::is_leased) })
    }
}

fn usage_of(row: &JobRow, outcome: &Outcome) -> DayUsage {
    DayUsage {
        day: 0,
        jobs: 1,
        frames: outcome.measured.frames(),
        input_bytes: row.input.size_bytes,
        output_bytes: outcome.outputs.iter().map(|output| output.size_bytes).sum(),
        processing_ms: outcome.processing_ms,
    }
}
