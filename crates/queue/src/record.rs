//! Jobs as they enter and leave the queue: new, stored, claimed and ended.

use std::time::Duration;

use clearcut_job::{
    ClipName, Failure, FencingToken, JobId, JobKind, JobRequest, JobState, Outcome, PersistedRequestError, Progress,
    UnixMillis,
};

use crate::{ClaimedInput, JobPart, JobWebhook, KeyId, NewInput};

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// New random id.
    pub id: JobId,
    /// API key that submits the job.
    pub owner: KeyId,
    /// What is requested.
    pub request: JobRequest,
    /// Source of the input.
    pub input: NewInput,
    /// Name of the input.
    pub clip_name: Option<ClipName>,
    /// The job's `webhookUrl`, notified in addition to the endpoints of the key.
    pub webhook: Option<JobWebhook>,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Id of the job.
    pub id: JobId,
    /// API key that submitted the job.
    pub owner: KeyId,
    /// Kind of the job.
    pub kind: JobKind,
    /// State in the job's life cycle.
    pub state: JobState,
    /// Furthest progress reached so far.
    pub progress: Progress,
    /// Time at which the job was accepted.
    pub created: UnixMillis,
    /// Time at which a worker first started the job.
    pub started: Option<UnixMillis>,
    /// Time at which the job ended.
    pub ended: Option<UnixMillis>,
    /// Number of failed attempts, whatever their cause. Lost workers count in `crashes` instead.
    /// The parts of a split job count both for themselves.
    pub attempts: u32,
    /// Number of workers that were lost while they had the job.
    pub crashes: u32,
    /// Last fencing token issued for the job.
    pub token: FencingToken,
    /// Cause of the failure of a failed job.
    pub failure: Option<Failure>,
    /// Time at which input and outputs expire; set once the job has ended.
    pub expires: Option<UnixMillis>,
    /// Result of a completed job.
    pub outcome: Option<Outcome>,
    /// Counter that rises whenever the state, the progress or another visible field changes.
    pub revision: u64,
    /// Job that this job retries.
    pub retry_of: Option<JobId>,
    /// Name of the clip.
    pub clip_name: Option<ClipName>,
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

/// A job, or a part of a split one, claimed by a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// API key that submitted the job.
    pub owner: KeyId,
    /// Id of the job.
    pub id: JobId,
    /// Fencing token, required by every later call for this claim.
    pub token: FencingToken,
    /// What is requested. An error if this version cannot read it; the worker then fails the job.
    pub request: Result<JobRequest, PersistedRequestError>,
    /// Source of the input.
    pub input: ClaimedInput,
    /// What of the job is claimed.
    pub part: JobPart,
    /// Time for which the job or the part was ready before this claim.
    pub waited: std::time::Duration,
    /// Time that the finished parts of the job took their workers.
    pub spent: std::time::Duration,
}

/// Result with which a worker ends a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The outputs are in the store.
    Completed(Box<Outcome>),
    /// The job has no outputs.
    Failed(Failure),
}

/// Effect of [`crate::Jobs::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// This call wrote the end.
    Committed,
    /// An earlier call of the same claim had written the end; nothing changed.
    AlreadyCommitted,
    /// The failure is retried; the job waits again.
    Retrying {
        /// Earliest time of the next claim.
        not_before: UnixMillis,
    },
}

/// A job, or a part of a split one, taken back because its worker is considered lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaped {
    /// Id of the job.
    pub id: JobId,
    /// Whether the job has failed. Otherwise it or its part waits again.
    pub has_failed: bool,
}

/// What waits in the queue, for those who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueGauges {
    /// Number of unfinished jobs.
    pub depth: QueueDepth,
    /// How long the job or part that waits longest could have been claimed; `None` if none waits, or if
    /// all that wait are due later.
    pub longest_wait: Option<Duration>,
    /// Leases that have expired and were not taken back yet.
    pub expired_leases: u64,
    /// Deliveries of webhooks that wait or are under way.
    pub pending_deliveries: u64,
}

/// Number of unfinished jobs. Each part of a split job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Jobs and parts that wait for a worker.
    pub queued: u64,
    /// Jobs and parts claimed by workers.
    pub leased: u64,
}
