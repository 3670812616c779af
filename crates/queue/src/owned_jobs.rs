//! The trait [`OwnedJobs`]: idempotent submits, lists, cancel, remove, retry, positions and usage.

use async_trait::async_trait;
use clearcut_job::{JobId, JobState, ObjectName, UnixMillis};

use crate::{ClaimedInput, JobRecord, KeyId, NewJob, QueueError};

/// Operations of a job's owner beyond plain submitting and reading.
///
/// Every method treats a job of another owner as missing.
#[async_trait]
pub trait OwnedJobs: Send + Sync + std::fmt::Debug {
    /// Enqueues a job at most once per idempotency key.
    ///
    /// # Errors
    /// [`QueueError::IdempotencyMismatch`] if the idempotency key was used with another body within
    /// [`crate::Policy::idempotency_span`]; else as for [`crate::Jobs::submit`].
    async fn submit_once(&self, job: NewJob, once: Idempotency) -> Result<Submission, QueueError>;

    /// Checks whether `owner` submitted a job under `idempotency_key` within
    /// [`crate::Policy::idempotency_span`].
    async fn was_submitted(&self, owner: KeyId, idempotency_key: &str) -> Result<bool, QueueError>;

    /// Lists the jobs of `owner` selected by `listing`, newest first. Jobs submitted meanwhile come
    /// before the first page and do not shift other pages.
    async fn list(&self, owner: KeyId, listing: Listing) -> Result<Vec<JobRecord>, QueueError>;

    /// Ends the job as cancelled, even while a worker has it. Returns the job; an ended one
    /// unchanged.
    async fn cancel(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Deletes the job; cancels it first if it has not ended. Returns the names of the objects that
    /// no row points to any more; they can be removed. The job's usage stays recorded.
    async fn remove(&self, owner: KeyId, id: &JobId) -> Result<Option<Vec<ObjectName>>, QueueError>;

    /// Retries the failed or cancelled job `id` as a new job with the new random id `retry_id`. The
    /// new job has the same `webhookUrl`.
    ///
    /// # Errors
    /// As for [`crate::Jobs::submit`].
    async fn retry(&self, owner: KeyId, id: &JobId, retry_id: JobId) -> Result<RetryResult, QueueError>;

    /// Finds the input of the job: [`ClaimedInput::Lost`] once it has been deleted.
    async fn find_input(&self, owner: KeyId, id: &JobId) -> Result<Option<ClaimedInput>, QueueError>;

    /// Reads the queue positions of the waiting ones of `jobs`, and the load of the queue.
    async fn outlook(&self, owner: KeyId, jobs: Vec<JobId>) -> Result<QueueOutlook, QueueError>;

    /// Sums the usage of the completed jobs of `owner` that ended in `from..until`, by day, oldest
    /// first. Days without such jobs are omitted.
    async fn usage(&self, owner: KeyId, from: UnixMillis, until: UnixMillis) -> Result<Vec<DayUsage>, QueueError>;
}

/// Idempotency data of a submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Idempotency key, chosen by the owner for this submit.
    pub key: String,
    /// Fingerprint of the request body: equal only for equal bodies.
    pub body: String,
}

/// Result of [`OwnedJobs::submit_once`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Submission {
    /// The job is enqueued.
    Accepted,
    /// The same body was submitted before, as this job. The new job is discarded.
    Before(JobId),
}

/// Filter and page of a job list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs accepted at this time or later.
    pub since: Option<UnixMillis>,
    /// Only jobs accepted before this time.
    pub until: Option<UnixMillis>,
    /// Only jobs after this place, the last one of the previous page.
    pub after: Option<Place>,
    /// Maximum number of jobs.
    pub limit: u32,
}

/// Place of a job in the list of all jobs of its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Time at which the job was accepted.
    pub created: UnixMillis,
    /// Id of the job, which orders jobs accepted at the same time.
    pub id: JobId,
}

/// Result of [`OwnedJobs::retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryResult {
    /// The new job is enqueued.
    Accepted,
    /// The owner has no such job.
    Missing,
    /// The job has not failed: it waits, runs or has completed.
    NotFailed(JobState),
    /// The job's input has been deleted.
    InputGone,
}

/// Queue positions and load, from which a start time can be estimated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueOutlook {
    /// For each requested job, its position, from 1, in the order in which jobs will be claimed if
    /// no other job arrives and none is split; `None` if the job does not wait.
    pub positions: Vec<Option<u64>>,
    /// Number of jobs, and parts of split ones, claimed by workers.
    pub running: u64,
    /// Mean processing time of recent jobs, in milliseconds; `None` if no job has completed.
    pub mean_processing_ms: Option<u64>,
}

/// Failure message of a cancelled job.
pub(crate) const CANCELLED: &str = "the job was cancelled";

/// Number of last completed jobs averaged in [`QueueOutlook::mean_processing_ms`].
pub(crate) const RECENT_JOBS: usize = 20;

/// Usage of the jobs that completed on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayUsage {
    /// Day, in whole days since 1970-01-01 UTC.
    pub day: i64,
    /// Completed jobs.
    pub jobs: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes of clips.
    pub input_bytes: u64,
    /// Bytes of outputs.
    pub output_bytes: u64,
    /// Processing time of the cuts, in milliseconds.
    pub processing_ms: u64,
}
