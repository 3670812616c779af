//! The trait [`Queue`]: the contract of every backend with the API and the workers.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, Progress, WorkerId};

use crate::{
    ClaimedJob, Ending, Finished, JobRecord, KeyHash, KeyId, KeyRecord, NewJob, NewKey, OwnedJobs, QueueDepth,
    QueueError, Reaped, Signals, Uploads, Webhooks,
};

/// Durable jobs and API keys; [`Webhooks`] is a supertrait.
///
/// Every method is one transaction, and its effect is on the disk when it returns. The queue reads
/// its own clock; callers pass no current time. Any number of processes may call at once if the
/// backend supports several.
#[async_trait]
pub trait Queue: OwnedJobs + Uploads + Webhooks {
    /// Enqueues a job.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if its id is in use; [`QueueError::TooManyQueuedJobs`] if the owner has
    /// the maximum number of waiting jobs; [`QueueError::NoSuchUpload`] or
    /// [`QueueError::UploadUnfinished`] if its upload is not a complete one of the same API key;
    /// [`QueueError::QuotaExceeded`] if its input would exceed the API key's quota.
    async fn submit(&self, job: NewJob) -> Result<(), QueueError>;

    /// Reads the job `id` of `owner`. `None` if it does not exist or has another owner.
    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Claims a job for `worker`, for one lease. The API key with the fewest running jobs comes
    /// first, then the one served longest ago; of its jobs, the one that has been ready longest.
    /// A key with its maximum number of running jobs is skipped.
    async fn claim(&self, worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError>;

    /// Marks the job as started by its worker.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim; so for all methods
    /// that take a token.
    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// Heartbeat of the worker: restarts the lease and records progress. Progress behind the
    /// recorded one is ignored.
    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError>;

    /// Ends a job: writes state, outputs and usage at once. Idempotent, so a worker may call it
    /// again if it does not know whether the first call succeeded.
    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError>;

    /// Puts a claimed job back as if it had not been claimed. Its token stays used.
    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// Takes back the jobs whose leases have expired. Every process does this; there is no
    /// leader.
    async fn reap(&self) -> Result<Vec<Reaped>, QueueError>;

    /// Corrects times after a jump of the clock. All job leases restart. Jobs that would wait
    /// longer than the maximum backoff, and first delivery attempts in the future, are due now.
    async fn clock_jumped(&self) -> Result<(), QueueError>;

    /// Deletes the pointers to inputs and outputs past their retention, and expired uploads, at
    /// most 1,000 of each at a time. Returns the names of objects that no row points to any more;
    /// they can be removed.
    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError>;

    /// Returns those of `names` that a job or an upload points to.
    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError>;

    /// Reads the token of the running claim of `id`, if any. Unreferenced files of any other claim
    /// are garbage.
    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError>;

    /// Counts the waiting and the claimed jobs.
    async fn depth(&self) -> Result<QueueDepth, QueueError>;

    /// Checks that the queue can write, by writing a meaningless value to the disk.
    ///
    /// # Errors
    /// [`QueueError::DiskFull`], [`QueueError::ReadOnly`], or any other error of the write.
    async fn try_writing(&self) -> Result<(), QueueError>;

    /// Stores a new API key.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if the hash is in use.
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError>;

    /// Lists all API keys, oldest first.
    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError>;

    /// Finds the API key with that hash, revoked or not.
    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError>;

    /// Revokes an API key and stops the pending deliveries of its jobs; `false` if there is no such
    /// key or it was revoked before.
    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError>;

    /// Records that an API key was used now.
    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError>;

    /// Wake-up signals within this process.
    fn signals(&self) -> &Signals;
}
