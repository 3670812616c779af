//! The queue in memory: a model of what every backend promises, for tests.

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
    ClipName, Clock, Failure, FencingToken, JobId, JobState, Move, Outcome, Progress, Stage, UnixMillis, WorkerId,
};

use crate::{
    Claimed, DayUsage, Depth, Ending, Finished, JobRecord, KeyHash, KeyId, KeyLimits, KeyRecord, NewJob, NewKey,
    NextStep, Policy, Queue, QueueError, Reaped, Signals, StorageLimits,
};
use uploads::{RowInput, Upload};

/// The queue as plain maps: the model that says what every backend must do, and a queue for tests. Nothing outlives it.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    policy: Policy,
    signals: Signals,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    jobs: Vec<Row>,
    /// How many jobs there ever were.
    last_seq: i64,
    keys: BTreeMap<KeyId, (KeyHash, KeyRecord)>,
    storage: BTreeMap<KeyId, StorageLimits>,
    uploads: Vec<Upload>,
    webhooks: webhooks::WebhookTables,
    /// The number of the claim that each key was served by last.
    turns: HashMap<KeyId, u64>,
    done: HashMap<(KeyId, String), owned_jobs::Done>,
    usage: Vec<(KeyId, UnixMillis, DayUsage)>,
}

#[derive(Debug, Clone)]
struct Row {
    seq: i64,
    id: JobId,
    owner: KeyId,
    state: JobState,
    request_json: String,
    input: RowInput,
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
    noted: webhooks::Noted,
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
    fn row(&mut self, id: &JobId) -> Option<&mut Row> {
        self.jobs.iter_mut().find(|row| row.id == *id)
    }

    fn leased(&mut self, id: &JobId, token: FencingToken) -> Result<&mut Row, QueueError> {
        self.row(id).filter(|row| row.token == token && row.lease_expires.is_some()).ok_or(QueueError::LeaseLost)
    }
}

impl Row {
    fn go(&mut self, happening: Move) -> Result<(), QueueError> {
        let before = self.state;
        self.state = before.after(happening).ok_or(QueueError::LeaseLost)?;
        self.revision += u64::from(self.state != before);
        Ok(())
    }

    /// Carries out what the policy said of a setback.
    fn step(&mut self, step: NextStep, winner: Option<FencingToken>, now: UnixMillis) -> Result<(), QueueError> {
        self.lease_expires = None;
        match step {
            NextStep::Retry { not_before } => {
                self.not_before = not_before;
                self.go(Move::Requeue)
            }
            NextStep::End(failure) => self.end(Ending::Failed(failure), winner, now),
        }
    }

    /// The only way into a final state, whoever ends the job. `winner` is the claim that says it, `None` where it is not the
    /// worker's word.
    fn end(&mut self, ending: Ending, winner: Option<FencingToken>, now: UnixMillis) -> Result<(), QueueError> {
        match ending {
            Ending::Completed(outcome) => {
                self.go(Move::Complete)?;
                self.outcome = Some(outcome);
                self.outputs_kept = true;
            }
            Ending::Failed(failure) => {
                self.go(Move::Fail)?;
                self.failure = Some(failure);
            }
        }
        self.lease_expires = None;
        self.ended = Some(now);
        self.winner = winner;
        Ok(())
    }

    fn claimed(&self, now: UnixMillis) -> Claimed {
        Claimed {
            owner: self.owner,
            id: self.id.clone(),
            token: self.token,
            request_json: self.request_json.clone(),
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
        Ok(self.tables().row(id).filter(|row| row.owner == owner).map(|row| row.record(&self.policy)))
    }

    async fn claim(&self, _worker: &WorkerId) -> Result<Option<Claimed>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some(next) = tables.next(now, &self.policy) else { return Ok(None) };
        let turn = tables.turns.values().max().map_or(1, |last| last + 1);
        let row = tables.row(&next).ok_or(QueueError::Damaged { what: "line" })?;
        row.go(Move::Claim)?;
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
        let row = tables.leased(id, token)?;
        row.go(Move::Start)?;
        row.started.get_or_insert(now);
        self.signals.call_courier();
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let row = tables.leased(id, token)?;
        row.lease_expires = Some(now.after(self.policy.lease_ttl));
        row.revision += u64::from(progress > row.progress);
        row.progress = row.progress.max(progress);
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        if tables.row(id).is_some_and(|row| row.state.is_final() && row.winner == Some(token)) {
            return Ok(Finished::AlreadyCommitted);
        }
        let row = tables.leased(id, token)?;
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
                row.step(step.clone(), Some(token), now)?;
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
        let row = tables.leased(id, token)?;
        row.go(Move::Requeue)?;
        row.lease_expires = None;
        self.signals.call_watchers(id);
        self.signals.call_worker();
        Ok(())
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let mut expired: Vec<&mut Row> =
            tables.jobs.iter_mut().filter(|row| row.lease_expires.is_some_and(|at| at <= now)).collect();
        expired.sort_by_key(|row| row.lease_expires);
        let mut reaped = Vec::new();
        for row in expired {
            row.crashes += 1;
            let step = self.policy.after_crash(row.crashes, now);
            row.step(step, None, now)?;
            reaped.push(Reaped { id: row.id.clone(), given_up: row.state.is_final() });
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
        tables.webhooks.begin_first_deliveries(now);
        self.signals.call_worker();
        self.signals.call_courier();
        Ok(())
    }

    async fn forget_expired(&self) -> Result<Vec<String>, QueueError> {
        let now = self.clock.now();
        Ok(self.tables().forget(&self.policy, now))
    }

    async fn pointed_to(&self, keys: Vec<String>) -> Result<Vec<String>, QueueError> {
        let tables = self.tables();
        Ok(keys.into_iter().filter(|key| tables.is_pointed_to(key)).collect())
    }

    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        Ok(self.tables().row(id).filter(|row| row.lease_expires.is_some()).map(|row| row.token))
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let tables = self.tables();
        let count = |wanted: fn(JobState) -> bool| tables.jobs.iter().filter(|row| wanted(row.state)).count() as u64;
        Ok(Depth { queued: count(|state| state == JobState::Queued), leased: count(JobState::is_leased) })
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
        Ok(self.tables().keys.values().find(|(known, _)| *known == hash).map(|(_, record)| record.clone()))
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some((_, record)) = tables.keys.get_mut(&id).filter(|(_, record)| record.revoked.is_none()) else {
            return Ok(false);
        };
        record.revoked = Some(now);
        tables.webhooks.stop_all_of(id);
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

fn usage_of(row: &Row, outcome: &Outcome) -> DayUsage {
    DayUsage {
        day: 0,
        jobs: 1,
        frames: outcome.measured.frames,
        input_bytes: row.input.size_bytes,
        output_bytes: outcome.outputs.iter().map(|output| output.size_bytes).sum(),
        processing_ms: outcome.processing_ms,
    }
}
