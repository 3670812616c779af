//! The in-memory backend: the reference model of every backend, and a queue for tests.

mod line;
mod owned_jobs;
mod uploads;
mod webhooks;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use clearcut_job::{
    ClipName, Clock, CutRequest, Failure, FencingToken, JobId, JobState, Move, ObjectName, Outcome, Progress, Stage,
    UnixMillis, WorkerId,
};

use crate::{
    ClaimedJob, DayUsage, Ending, Finished, JobRecord, KeyHash, KeyId, KeyLimits, KeyRecord, NewJob, NewKey, NextStep,
    Policy, Queue, QueueDepth, QueueError, Reaped, Signals, StorageLimits, UploadRecord,
};
use uploads::JobInput;

/// The queue as plain maps: the reference model that every backend must match, and a queue for
/// tests.
///
/// Its data is lost when it is dropped.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    policy: Policy,
    signals: Signals,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    jobs: Vec<JobRow>,
    /// Sequence number of the last job created.
    last_seq: i64,
    keys: BTreeMap<KeyId, (KeyHash, KeyRecord)>,
    storage_limits: BTreeMap<KeyId, StorageLimits>,
    uploads: Vec<UploadRecord>,
    webhooks: webhooks::WebhookTables,
    /// For each API key, the number of the last claim that served it.
    turns: HashMap<KeyId, u64>,
    idempotency_keys: HashMap<(KeyId, String), owned_jobs::IdempotencyRecord>,
    usage: Vec<(KeyId, UnixMillis, DayUsage)>,
}

#[derive(Debug, Clone)]
struct JobRow {
    seq: i64,
    id: JobId,
    owner: KeyId,
    state: JobState,
    request: CutRequest,
    input: JobInput,
    max_retention: Option<Duration>,
    token: FencingToken,
    attempts: u32,
    crashes: u32,
    progress: Progress,
    created: UnixMillis,
    not_before: UnixMillis,
    started: Option<UnixMillis>,
    ended: Option<UnixMillis>,
    winner: Option<FencingToken>,
    failure: Option<Failure>,
    outcome: Option<Outcome>,
    outputs_kept: bool,
    lease_expires: Option<UnixMillis>,
    noted: webhooks::NotedEvents,
    revision: u64,
    retry_of: Option<JobId>,
    clip_name: Option<ClipName>,
}

impl MemoryQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, policy: Policy) -> Self {
        Self { clock, policy, signals: Signals::default(), tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.note_events(&self.policy);
        tables
    }
}

impl Tables {
    fn job(&mut self, id: &JobId) -> Option<&mut JobRow> {
        self.jobs.iter_mut().find(|row| row.id == *id)
    }

    fn leased_job(&mut self, id: &JobId, token: FencingToken) -> Result<&mut JobRow, QueueError> {
        self.job(id).filter(|row| row.token == token && row.lease_expires.is_some()).ok_or(QueueError::LeaseLost)
    }
}

impl JobRow {
    fn apply_move(&mut self, transition: Move) -> Result<(), QueueError> {
        let before = self.state;
        self.state = before.after(transition).ok_or(QueueError::LeaseLost)?;
        self.revision += u64::from(self.state != before);
        Ok(())
    }

    /// Applies the policy's decision after a setback.
    fn apply_step(&mut self, step: NextStep, winner: Option<FencingToken>, now: UnixMillis) -> Result<(), QueueError> {
        self.lease_expires = None;
        match step {
            NextStep::Retry { not_before } => {
                self.not_before = not_before;
                self.apply_move(Move::Requeue)
            }
            NextStep::End(failure) => self.end(Ending::Failed(failure), winner, now),
        }
    }

    /// Ends the job. No other function sets a final state. `winner` is the claim that ends the job;
    /// `None` if no worker ends it.
    fn end(&mut self, ending: Ending, winner: Option<FencingToken>, now: UnixMillis) -> Result<(), QueueError> {
        match ending {
            Ending::Completed(outcome) => {
                self.apply_move(Move::Complete)?;
                self.outcome = Some(outcome);
                self.outputs_kept = true;
            }
            Ending::Failed(failure) => {
                self.apply_move(Move::Fail)?;
                self.failure = Some(failure);
            }
        }
        self.lease_expires = None;
        self.ended = Some(now);
        self.winner = winner;
        Ok(())
    }

    fn claimed(&self, now: UnixMillis) -> ClaimedJob {
        ClaimedJob {
            owner: self.owner,
            id: self.id.clone(),
            token: self.token,
            request: Ok(self.request.clone()),
            input: self.input.claimed(),
            waited: now.since(self.not_before),
        }
    }

    fn expires(&self, policy: &Policy) -> Option<UnixMillis> {
        self.ended.map(|ended| policy.expiry(ended, self.max_retention))
    }

    fn record(&self, policy: &Policy) -> JobRecord {
        JobRecord {
            id: self.id.clone(),
            owner: self.owner,
            state: self.state,
            progress: self.progress,
            created: self.created,
            started: self.started,
            ended: self.ended,
            expires: self.expires(policy),
            attempts: self.attempts,
            crashes: self.crashes,
            token: self.token,
            failure: self.failure.clone(),
            outcome: self.outcome.clone(),
            revision: self.revision,
            retry_of: self.retry_of.clone(),
            clip_name: self.clip_name.clone(),
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
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

    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        let now = self.clock.now();
        Ok(self.tables().forget_expired(&self.policy, now))
    }

    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError> {
        let tables = self.tables();
        Ok(names.into_iter().filter(|name| tables.is_pointed_to(name)).collect())
    }

    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        Ok(self.tables().job(id).filter(|row| row.lease_expires.is_some()).map(|row| row.token))
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let tables = self.tables();
        let count = |matches: fn(JobState) -> bool| tables.jobs.iter().filter(|row| matches(row.state)).count() as u64;
        Ok(QueueDepth { queued: count(|state| state == JobState::Queued), leased: count(JobState::is_leased) })
    }

    async fn try_writing(&self) -> Result<(), QueueError> {
        Ok(())
    }

    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        let mut tables = self.tables();
        if tables.keys.values().any(|(hash, _)| *hash == key.hash) {
            return Err(QueueError::Taken);
        }
        let id = KeyId(tables.keys.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        let record = KeyRecord {
            id,
            name: key.name,
            prefix: key.prefix,
            created: self.clock.now(),
            last_used: None,
            revoked: None,
            limits: KeyLimits::default(),
        };
        tables.keys.insert(id, (key.hash, record.clone()));
        Ok(record)
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        Ok(self.tables().keys.values().map(|(_, record)| record.clone()).collect())
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        Ok(self.tables().keys.values().find(|(stored, _)| *stored == hash).map(|(_, record)| record.clone()))
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some((_, record)) = tables.keys.get_mut(&id).filter(|(_, record)| record.revoked.is_none()) else {
            return Ok(false);
        };
        record.revoked = Some(now);
        tables.webhooks.stop_pending_of_key(id);
        Ok(true)
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        let now = self.clock.now();
        if let Some((_, record)) = self.tables().keys.get_mut(&id) {
            record.last_used = Some(now);
        }
        Ok(())
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}

fn usage_of(row: &JobRow, outcome: &Outcome) -> DayUsage {
    DayUsage {
        day: 0,
        jobs: 1,
        frames: outcome.measured.frames,
        input_bytes: row.input.size_bytes,
        output_bytes: outcome.outputs.iter().map(|output| output.size_bytes).sum(),
        processing_ms: outcome.processing_ms,
    }
}
