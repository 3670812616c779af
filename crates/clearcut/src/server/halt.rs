//! Test hook of debug builds: a queue that halts forever at one chosen moment, so that a test can
//! kill the server there. Release builds do not contain it.

mod owned_jobs;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, Progress, StoredObject, UploadId, WorkerId};
use clearcut_queue::{
    ClaimedJob, Ending, Finished, JobRecord, KeyHash, KeyId, KeyRecord, NewJob, NewKey, NewUpload, Queue, QueueDepth,
    QueueError, Reaped, Signals, StorageLimits, UploadRecord, Uploads,
};

/// Moment in a job's life at which the server halts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HaltAt {
    /// The outputs are stored, and the queue has no record of them.
    Stored,
    /// The queue has committed the end, and the worker has not received the answer.
    Committed,
    /// The receiver of a webhook has answered 2xx, and the queue has no record of it.
    Delivered,
}

impl HaltAt {
    /// Parses the name of a moment: `stored`, `committed` or `delivered`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "stored" => Some(Self::Stored),
            "committed" => Some(Self::Committed),
            "delivered" => Some(Self::Delivered),
            _ => None,
        }
    }
}

/// Queue that never returns from the call at which it halts.
#[derive(Debug)]
pub(crate) struct HaltingQueue {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) halt_at: HaltAt,
}

impl HaltingQueue {
    async fn halt(&self) -> ! {
        tracing::error!(at = ?self.halt_at, "halted");
        std::future::pending().await
    }
}

#[async_trait]
impl Queue for HaltingQueue {
    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        if self.halt_at == HaltAt::Delivered {
            return self.queue.finish(id, token, ending).await;
        }
        if self.halt_at == HaltAt::Committed {
            self.queue.finish(id, token, ending).await?;
        }
        self.halt().await
    }

    // All other methods delegate to the queue.

    async fn submit(&self, job: NewJob) -> Result<(), QueueError> {
        self.queue.submit(job).await
    }

    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        self.queue.read(owner, id).await
    }

    async fn claim(&self, worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError> {
        self.queue.claim(worker).await
    }

    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        self.queue.start(id, token).await
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        self.queue.renew(id, token, progress).await
    }

    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        self.queue.release(id, token).await
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        self.queue.reap().await
    }

    async fn clock_jumped(&self) -> Result<(), QueueError> {
        self.queue.clock_jumped().await
    }

    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        self.queue.forget_expired().await
    }

    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError> {
        self.queue.referenced_objects(names).await
    }

    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        self.queue.running_claim(id).await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.queue.depth().await
    }

    async fn try_writing(&self) -> Result<(), QueueError> {
        self.queue.try_writing().await
    }

    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        self.queue.create_key(key).await
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        self.queue.list_keys().await
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        self.queue.find_key(hash).await
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        self.queue.revoke_key(id).await
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        self.queue.touch_key(id).await
    }

    fn signals(&self) -> &Signals {
        self.queue.signals()
    }
}

#[async_trait]
impl Uploads for HaltingQueue {
    async fn create_upload(&self, upload: NewUpload) -> Result<UploadRecord, QueueError> {
        self.queue.create_upload(upload).await
    }

    async fn read_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, QueueError> {
        self.queue.read_upload(id).await
    }

    async fn advance_upload(&self, id: &UploadId, from: u64, to: u64, length: Option<u64>) -> Result<(), QueueError> {
        self.queue.advance_upload(id, from, to, length).await
    }

    async fn finish_upload(&self, id: &UploadId, object: StoredObject) -> Result<UploadRecord, QueueError> {
        self.queue.finish_upload(id, object).await
    }

    async fn drop_upload(&self, id: &UploadId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        self.queue.drop_upload(id).await
    }

    async fn keep_input(&self, id: &JobId, token: FencingToken, object: StoredObject) -> Result<(), QueueError> {
        self.queue.keep_input(id, token, object).await
    }

    async fn list_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        self.queue.list_expired().await
    }

    async fn used_bytes(&self, owner: KeyId) -> Result<u64, QueueError> {
        self.queue.used_bytes(owner).await
    }

    async fn check_quota(&self, owner: KeyId, more: u64) -> Result<(), QueueError> {
        self.queue.check_quota(owner, more).await
    }

    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError> {
        self.queue.storage_limits(owner).await
    }

    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError> {
        self.queue.set_storage_limits(owner, limits).await
    }
}
