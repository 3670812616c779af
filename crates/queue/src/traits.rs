//! What a queue promises to whoever submits jobs and to workers.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, Progress, WorkerId};

use crate::{
    Claimed, Depth, Ending, Finished, JobRecord, KeyHash, KeyId, KeyRecord, NewJob, NewKey, OwnedJobs, QueueError,
    Reaped, Signals, Uploads, Webhooks,
};

/// Durable jobs and API keys, with [`Webhooks`] beside them.
///
/// Every method is one transaction, and what it returned for is on the disk. Time is the queue's own: no caller says what
/// time it is. Any number of processes may call at once where the backend allows several.
#[async_trait]
pub trait Queue: OwnedJobs + Uploads + Webhooks {
    /// Puts a job in line.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if its id is in use; [`QueueError::LineFull`] if the owner has as many in line as it may have; [`QueueError::NoSuchUpload`] or [`QueueError::UploadUnfinished`] if its
    /// upload is no whole one of the same key; [`QueueError::QuotaExceeded`] if the key may not keep so much.
    async fn submit(&self, job: NewJob) -> Result<(), QueueError>;

    /// What is known of the job `id` of `owner`; `None` for a job of anyone else, too.
    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError>;

    /// Hands a job to `worker`, for one lease: of the key that has the fewest running and was served longest ago, the job
    /// that has been ready the longest. A key that has as many running as it may have is passed over.
    async fn claim(&self, worker: &WorkerId) -> Result<Option<Claimed>, QueueError>;

    /// The worker begins.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim; so for all methods that take one.
    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// The worker lives and is this far: the lease begins anew. Progress that lies behind what was said before is ignored.
    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError>;

    /// Ends a job: state, outputs and usage at once. Saying it again is safe, also for a worker that does not know whether
    /// it was heard.
    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError>;

    /// Puts a job back in line as if it had not been claimed, except that the token stays used.
    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError>;

    /// Takes the jobs back whose lease ran out. Every process does this; none has to.
    async fn reap(&self) -> Result<Vec<Reaped>, QueueError>;

    /// Sets right what a jump of the clock has put wrong: leases begin anew, and jobs and first deliveries that would wait for longer than
    /// any pause lasts are due now.
    async fn clock_jumped(&self) -> Result<(), QueueError>;

    /// Forgets where inputs and outputs lie that are past their retention, and the uploads that expired, at most 1,000 of
    /// each: the keys returned are pointed to no more, and their objects can be removed.
    async fn forget_expired(&self) -> Result<Vec<String>, QueueError>;

    /// Those of `keys` that some job or upload points to.
    async fn pointed_to(&self, keys: Vec<String>) -> Result<Vec<String>, QueueError>;

    /// The token of a claim of `id` that runs now, if one does: work of any other claim is waste.
    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError>;

    /// How much there is to do.
    async fn depth(&self) -> Result<Depth, QueueError>;

    /// Whether what is said now would be kept: writes something of no meaning, on the disk.
    ///
    /// # Errors
    /// [`QueueError::DiskFull`], [`QueueError::ReadOnly`], or whatever else keeps the queue from writing.
    async fn try_writing(&self) -> Result<(), QueueError>;

    /// Keeps a new API key.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if the hash is in use.
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError>;

    /// All keys, oldest first.
    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError>;

    /// The key with that hash, revoked or not.
    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError>;

    /// Revokes a key, and stops what waits to be told of its jobs; `false` if there is none or it was revoked before.
    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError>;

    /// Notes that a key was used now.
    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError>;

    /// Wake-up calls within this process.
    fn signals(&self) -> &Signals;
}
