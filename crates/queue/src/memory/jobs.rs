//! The trait [`Jobs`] for the in-memory model.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, Move, Outcome, Progress, Stage, UnixMillis, WorkerId};

use super::{
    MemoryQueue,
    parts::{Held, PartState},
    tables::JobRow,
};
use crate::{
    ClaimedJob, DayUsage, Ending, Finished, JobRecord, Jobs, KeyId, NewJob, NextStep, QueueDepth, QueueError,
    QueueGauges, Reaped,
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
        let Some((next, held)) = tables.next_claim(now, &self.policy) else { return Ok(None) };
        let turn = tables.turns.values().max().map_or(1, |last| last + 1);
        let row = tables.job(&next).ok_or(QueueError::Damaged { what: "line" })?;
        row.token.0 += 1;
        let (token, expires) = (row.token, now.after(self.policy.lease_ttl));
        match held {
            Held::Whole => {
                row.apply_move(Move::Claim)?;
                row.progress = row.progress.max(Progress::within(Stage::Waiting, 1.0));
                row.lease_expires = Some(expires);
            }
            Held::Part(place) => row.parts[place].state = PartState::Claimed { token, expires },
        }
        let (owner, claimed) = (row.owner, row.claimed(held, now));
        tables.turns.insert(owner, turn);
        self.signals.call_watchers(&next);
        Ok(Some(claimed))
    }

    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let (row, _) = tables.held(id, token)?;
        row.apply_move(Move::Start)?;
        row.started.get_or_insert(now);
        self.signals.call_courier();
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let (row, held) = tables.held(id, token)?;
        let expires = now.after(self.policy.lease_ttl);
        let reached = match held {
            Held::Whole => {
                row.lease_expires = Some(expires);
                &mut row.progress
            }
            Held::Part(place) => {
                row.parts[place].state = PartState::Claimed { token, expires };
                &mut row.parts[place].progress
            }
        };
        row.revision += u64::from(progress > *reached);
        *reached = progress.max(*reached);
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        if tables.job(id).is_some_and(|row| row.state.is_final() && row.winner == Some(token)) {
            return Ok(Finished::AlreadyCommitted);
        }
        let (row, held) = tables.held(id, token)?;
        match ending {
            Ending::Completed(_) if row.is_segment(held) => return Err(QueueError::LeaseLost),
            Ending::Completed(outcome) => {
                let usage = usage_of(row, &outcome);
                let owner = row.owner;
                row.end(Ending::Completed(outcome), Some(token), now)?;
                tables.usage.push((owner, now, usage));
            }
            Ending::Failed(failure) => {
                let (attempts, _) = row.counters(held);
                *attempts += 1;
                let step = self.policy.after_failure(id, failure, *attempts, now);
                row.apply_step(held, step.clone(), Some(token), now)?;
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
        let (row, held) = tables.held(id, token)?;
        row.requeue(held, None)?;
        self.signals.call_watchers(id);
        self.signals.call_worker();
        Ok(())
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let mut expired: Vec<(UnixMillis, i64, FencingToken, JobId)> = Vec::new();
        for row in &tables.jobs {
            let claims = row.claims().filter(|(_, expires)| *expires <= now);
            expired.extend(claims.map(|(token, expires)| (expires, row.seq, token, row.id.clone())));
        }
        expired.sort();
        let mut reaped = Vec::new();
        for (_, _, token, id) in expired {
            // The loss of another part may have ended the job.
            let Ok((row, held)) = tables.held(&id, token) else { continue };
            let (_, crashes) = row.counters(held);
            *crashes += 1;
            let step = self.policy.after_crash(*crashes, now);
            row.apply_step(held, step, None, now)?;
            reaped.push(Reaped { id, has_failed: row.state.is_final() });
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
            let (restarted, latest) = (now.after(self.policy.lease_ttl), now.after(self.policy.backoff_cap));
            row.lease_expires = row.lease_expires.map(|_| restarted);
            if row.not_before > latest {
                row.not_before = now;
            }
            for part in &mut row.parts {
                if let PartState::Claimed { expires, .. } = &mut part.state {
                    *expires = restarted;
                }
                if part.state == PartState::Waiting && part.not_before > latest {
                    part.not_before = now;
                }
            }
        }
        tables.webhooks.make_first_attempts_due(now);
        self.signals.call_worker();
        self.signals.call_courier();
        Ok(())
    }

    async fn is_claimed(&self, id: &JobId, token: FencingToken) -> Result<bool, QueueError> {
        Ok(self.tables().held(id, token).is_ok())
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let tables = self.tables();
        let parts = tables.jobs.iter().flat_map(|row| &row.parts);
        let waiting_parts = parts.filter(|part| part.state == PartState::Waiting).count();
        let queued = (tables.waiting_jobs().count() + waiting_parts) as u64;
        Ok(QueueDepth { queued, leased: tables.jobs.iter().map(|row| row.claims().count() as u64).sum() })
    }

    async fn gauges(&self) -> Result<QueueGauges, QueueError> {
        let depth = self.depth().await?;
        let now = self.clock.now();
        let tables = self.tables();
        let parts = || tables.jobs.iter().flat_map(|row| &row.parts);
        let waiting = parts().filter(|part| part.state == PartState::Waiting).map(|part| part.not_before);
        let ready = tables.waiting_jobs().map(|row| row.not_before).chain(waiting).min();
        let leases = tables.jobs.iter().flat_map(JobRow::claims).map(|(_, expires)| expires);
        Ok(QueueGauges {
            depth,
            longest_wait: ready.filter(|ready| *ready <= now).map(|ready| now.since(ready)),
            expired_leases: leases.filter(|expires| *expires <= now).count() as u64,
            pending_deliveries: tables.webhooks.deliveries.iter().filter(|row| row.due.is_some()).count() as u64,
        })
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
