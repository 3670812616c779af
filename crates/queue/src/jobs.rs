//! The trait [`Jobs`]: the life of a job from its submit to its end.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, Progress, WorkerId};

use crate::{ClaimedJob, Ending, Finished, JobRecord, KeyId, NewJob, QueueDepth, QueueError, QueueGauges, Reaped};

/// Jobs as their submitters and the workers use them.
#[async_trait]
pub trait Jobs: Send + Sync + std::fmt::Debug {
    /// Enqueues a job.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if its id is in use; [`QueueError::TooManyQueuedJobs`] if the owner
    /// has the maximum number of waiting jobs; [`QueueError::NoSuchUpload`] or
    /// [`QueueError::UploadUnfinished`] if its upload is not a complete one of the same API key;
    /// [`QueueError::QuotaExceeded`] if its input would exceed the API key's quota.
    async fn submit(&self, job: NewJob) -> Result<(), QueueError>;

    /// Reads the job `id` of `owner`. `None` if it does not exist or has another owner.
    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Claims a job, or a part of a split one, for `worker`, for one lease. The API key with the
    /// fewest running claims comes first, then the one served longest ago. Its split jobs come
    /// before its other ones, the oldest first; of the others, the one that has been ready longest.
    /// A key with its maximum number of running claims is skipped.
    async fn claim(&self, worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError>;

    /// Marks the job as started by its worker. Has no effect on a job that has started.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim; so for all methods
    /// that take a token.
    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// Heartbeat of the worker: restarts the lease and records progress. Progress behind the
    /// recorded one is ignored.
    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError>;

    /// Ends a job: writes state, outputs and usage at once. Idempotent, so a worker may call it
    /// again if it does not know whether the first call succeeded. A part of a split job may fail;
    /// only the join completes the job.
    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError>;

    /// Puts a claimed job or part back as if it had not been claimed. Its token stays used.
    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// Takes back the jobs and parts whose leases have expired. Every process does this; there is
    /// no leader.
    async fn reap(&self) -> Result<Vec<Reaped>, QueueError>;

    /// Corrects times after a jump of this machine's clock. Does nothing if the database tells the
    /// time. All job leases restart. Jobs that would wait
    /// longer than the maximum backoff, and first delivery attempts in the future, are due now.
    async fn clock_jumped(&self) -> Result<(), QueueError>;

    /// Whether the claim of `id` with `token` runs. Unreferenced files of any other claim are
    /// garbage.
    async fn is_claimed(&self, id: &JobId, token: FencingToken) -> Result<bool, QueueError>;

    /// Counts what waits and what is claimed.
    async fn depth(&self) -> Result<QueueDepth, QueueError>;

    /// Measures what waits, for those who watch the queue.
    async fn gauges(&self) -> Result<QueueGauges, QueueError>;
}
