use async_trait::async_trait;
use clearcut_job::{JobId, JobState, UnixMillis};

use crate::{JobRecord, KeyId, KeyLimits, NewJob, QueueError};

/// What the owner of jobs may ask of them, beside submitting and reading.
///
/// A job of another owner is no job here: every method that names one answers as if it had never been.
#[async_trait]
pub trait OwnedJobs: Send + Sync + std::fmt::Debug {
    /// Puts a job in line, once however often it is sent under the same key.
    ///
    /// # Errors
    /// [`QueueError::OtherBody`] if the key was used for something else within [`crate::Policy::idempotency_span`]; else as
    /// for [`crate::Queue::submit`].
    async fn submit_once(&self, job: NewJob, once: Once) -> Result<Submission, QueueError>;

    /// Whether something was submitted under the key `once` of `owner` that is not to be done twice.
    async fn was_submitted(&self, owner: KeyId, once: &str) -> Result<bool, QueueError>;

    /// The jobs of `owner` that `listing` asks for, newest first. Those that are submitted meanwhile come before the first
    /// page and move no other.
    async fn list(&self, owner: KeyId, listing: Listing) -> Result<Vec<JobRecord>, QueueError>;

    /// Ends the job as cancelled, whoever has it, and returns it; a job that has ended already is returned as it is.
    async fn cancel(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Forgets the job, which is cancelled before if it runs. Returns the keys of objects that nothing points to any more;
    /// they can be removed. What the job cost stays on the account.
    async fn remove(&self, owner: KeyId, id: &JobId) -> Result<Option<Vec<String>>, QueueError>;

    /// Puts the work of `id`, which failed or was cancelled, in line again as the job `again`, which must be freshly drawn.
    /// Its `webhookUrl` is told of this one, too.
    ///
    /// # Errors
    /// As for [`crate::Queue::submit`].
    async fn retry(&self, owner: KeyId, id: &JobId, again: JobId) -> Result<Retrial, QueueError>;

    /// Where those of `jobs` stand that are waiting.
    async fn outlook(&self, owner: KeyId, jobs: Vec<JobId>) -> Result<Outlook, QueueError>;

    /// What the jobs of `owner` cost that ended in `from..until`, by day, oldest first. Days without any are left out.
    async fn usage(&self, owner: KeyId, from: UnixMillis, until: UnixMillis) -> Result<Vec<DayUsage>, QueueError>;

    /// Changes what the key `id` may do; `false` if there is none.
    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError>;
}

/// That a submit is to be done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The word that the owner chose for this submit.
    pub key: String,
    /// What identifies the body: equal for equal bodies alone.
    pub body: String,
}

/// What came of submitting once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Submission {
    /// The job is in line.
    Accepted,
    /// The same was submitted before, as this job. Of the new one nothing is kept.
    Before(JobId),
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those that were accepted at this moment or later.
    pub since: Option<UnixMillis>,
    /// Only those that come after this place, which is the last of the page before.
    pub after: Option<Place>,
    /// How many at most.
    pub limit: u32,
}

/// The place of a job among all of its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was accepted.
    pub created: UnixMillis,
    /// Its name, for those of the same moment.
    pub id: JobId,
}

/// What came of trying a job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retrial {
    /// The new job is in line.
    Accepted,
    /// There is no such job of this owner.
    Missing,
    /// It has not failed: it waits, runs, or completed.
    NotFailed(JobState),
    /// Its input is kept no more.
    InputGone,
}

/// What waiting jobs have before them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// For each job that was asked for, its place in the order in which jobs will be claimed if no other comes, from 1;
    /// `None` where it does not wait.
    pub positions: Vec<Option<u64>>,
    /// Jobs in the hands of workers.
    pub running: u64,
    /// How long a job took lately, in milliseconds; `None` where none has completed.
    pub mean_processing_ms: Option<u64>,
}

/// What a cancelled job says.
pub(crate) const CANCELLED: &str = "the job was cancelled";

/// How many of the last completed jobs [`Outlook::mean_processing_ms`] is of.
pub(crate) const RECENT_JOBS: usize = 20;

/// What jobs cost that ended on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayUsage {
    /// The day, in whole days since 1970-01-01 UTC.
    pub day: i64,
    /// Jobs that completed.
    pub jobs: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes of clips.
    pub input_bytes: u64,
    /// Bytes of outputs.
    pub output_bytes: u64,
    /// How long the cuts took, in milliseconds.
    pub processing_ms: u64,
}
