//! Tables of the in-memory model, and the changes of one job.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use clearcut_job::{
    ClipName, Failure, FencingToken, JobId, JobRequest, JobState, Move, Outcome, Progress, StoredObject, UnixMillis,
};

use super::{
    parts::{Held, PartRow, PartState},
    webhook_tables::{NotedEvents, WebhookTables},
};
use crate::{
    ClaimedInput, ClaimedJob, DayUsage, Ending, JobPart, JobRecord, KeyHash, KeyId, KeyRecord, NextStep, Policy,
    QueueError, SourceAddress, StorageLimits, UploadRecord,
};

#[derive(Debug, Default, Clone)]
pub(super) struct Tables {
    pub(super) jobs: Vec<JobRow>,
    /// Sequence number of the last job created.
    pub(super) last_seq: i64,
    pub(super) keys: BTreeMap<KeyId, (KeyHash, KeyRecord)>,
    pub(super) storage_limits: BTreeMap<KeyId, StorageLimits>,
    pub(super) uploads: Vec<UploadRecord>,
    pub(super) webhooks: WebhookTables,
    /// For each API key, the number of the last claim that served it.
    pub(super) turns: HashMap<KeyId, u64>,
    pub(super) idempotency_keys: HashMap<(KeyId, String), IdempotencyRecord>,
    pub(super) usage: Vec<(KeyId, UnixMillis, DayUsage)>,
}

#[derive(Debug, Clone)]
pub(super) struct JobRow {
    pub(super) seq: i64,
    pub(super) id: JobId,
    pub(super) owner: KeyId,
    pub(super) state: JobState,
    pub(super) request: JobRequest,
    pub(super) input: JobInput,
    pub(super) max_retention: Option<Duration>,
    pub(super) token: FencingToken,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) progress: Progress,
    pub(super) created: UnixMillis,
    pub(super) not_before: UnixMillis,
    pub(super) started: Option<UnixMillis>,
    pub(super) ended: Option<UnixMillis>,
    pub(super) winner: Option<FencingToken>,
    pub(super) failure: Option<Failure>,
    pub(super) outcome: Option<Outcome>,
    pub(super) outputs_kept: bool,
    pub(super) lease_expires: Option<UnixMillis>,
    /// Parts of a split job: its segments and last the join. Empty if the job is whole.
    pub(super) parts: Vec<PartRow>,
    pub(super) noted: NotedEvents,
    pub(super) revision: u64,
    pub(super) retry_of: Option<JobId>,
    pub(super) clip_name: Option<ClipName>,
}

/// A submit under an idempotency key.
#[derive(Debug, Clone)]
pub(super) struct IdempotencyRecord {
    pub(super) body: String,
    pub(super) job: JobId,
    pub(super) at: UnixMillis,
}

/// The input of a job as stored.
#[derive(Debug, Clone)]
pub(super) struct JobInput {
    pub(super) object: Option<StoredObject>,
    pub(super) address: Option<SourceAddress>,
    /// Size of the object, kept after its deletion; 0 before it is fetched.
    pub(super) size_bytes: u64,
}

impl From<StoredObject> for JobInput {
    fn from(object: StoredObject) -> Self {
        Self { size_bytes: object.size_bytes, object: Some(object), address: None }
    }
}

impl JobInput {
    /// Whether the input has been deleted.
    pub(super) const fn is_gone(&self) -> bool {
        self.object.is_none() && self.address.is_none()
    }

    /// The input as a claim reports it.
    pub(super) fn claimed(&self) -> ClaimedInput {
        match (&self.address, &self.object) {
            (Some(address), _) => ClaimedInput::Address(address.clone()),
            (None, Some(object)) => ClaimedInput::Stored(object.clone()),
            (None, None) => ClaimedInput::Lost,
        }
    }
}

impl Tables {
    pub(super) fn job(&mut self, id: &JobId) -> Option<&mut JobRow> {
        self.jobs.iter_mut().find(|row| row.id == *id)
    }

    pub(super) fn leased_job(&mut self, id: &JobId, token: FencingToken) -> Result<&mut JobRow, QueueError> {
        self.job(id).filter(|row| row.token == token && row.lease_expires.is_some()).ok_or(QueueError::LeaseLost)
    }
}

impl JobRow {
    pub(super) fn apply_move(&mut self, transition: Move) -> Result<(), QueueError> {
        let before = self.state;
        self.state = before.after(transition).ok_or(QueueError::LeaseLost)?;
        self.revision += u64::from(self.state != before);
        Ok(())
    }

    /// Applies the policy's decision after a setback of what is `held`.
    pub(super) fn apply_step(
        &mut self,
        held: Held,
        step: NextStep,
        winner: Option<FencingToken>,
        now: UnixMillis,
    ) -> Result<(), QueueError> {
        match step {
            NextStep::Retry { not_before } => self.requeue(held, Some(not_before)),
            NextStep::End(failure) => self.end(Ending::Failed(failure), winner, now),
        }
    }

    /// Puts what is `held` back to wait. `not_before` of `None` keeps its ready time.
    pub(super) fn requeue(&mut self, held: Held, not_before: Option<UnixMillis>) -> Result<(), QueueError> {
        match held {
            Held::Whole => {
                self.lease_expires = None;
                self.not_before = not_before.unwrap_or(self.not_before);
                self.apply_move(Move::Requeue)
            }
            Held::Part(place) => {
                self.requeue_part(place, not_before);
                Ok(())
            }
        }
    }

    /// Ends the job. No other function sets a final state. `winner` is the claim that ends the job;
    /// `None` if no worker ends it.
    pub(super) fn end(
        &mut self,
        ending: Ending,
        winner: Option<FencingToken>,
        now: UnixMillis,
    ) -> Result<(), QueueError> {
        self.progress = self.visible_progress();
        match ending {
            Ending::Completed(outcome) => {
                self.apply_move(Move::Complete)?;
                self.outcome = Some(*outcome);
                self.outputs_kept = true;
            }
            Ending::Failed(failure) => {
                self.apply_move(Move::Fail)?;
                self.failure = Some(failure);
            }
        }
        self.lease_expires = None;
        for part in &mut self.parts {
            part.state = PartState::Done;
        }
        self.ended = Some(now);
        self.winner = winner;
        Ok(())
    }

    /// The claim of what is `held`, as its worker gets it.
    pub(super) fn claimed(&self, held: Held, now: UnixMillis) -> ClaimedJob {
        let objects = || self.parts.iter().map(|part| part.object.clone()).collect();
        let (part, ready) = match held {
            Held::Whole => (JobPart::Whole, self.not_before),
            Held::Part(place) => (JobPart::at(place, objects()), self.parts[place].not_before),
        };
        let spent_ms = self.parts.iter().map(|part| part.processing_ms).sum();
        ClaimedJob {
            owner: self.owner,
            id: self.id.clone(),
            token: self.token,
            request: Ok(self.request.clone()),
            input: self.input.claimed(),
            part,
            waited: now.since(ready),
            spent: Duration::from_millis(spent_ms),
        }
    }

    pub(super) fn expires(&self, policy: &Policy) -> Option<UnixMillis> {
        self.ended.map(|ended| policy.expiry(ended, self.max_retention))
    }

    pub(super) fn record(&self, policy: &Policy) -> JobRecord {
        JobRecord {
            id: self.id.clone(),
            owner: self.owner,
            kind: self.request.kind(),
            state: self.state,
            progress: self.visible_progress(),
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
