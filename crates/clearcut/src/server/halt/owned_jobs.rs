//! Owner-facing job methods of the halting queue. All of them delegate to the queue.

use async_trait::async_trait;
use clearcut_job::{JobId, ObjectName, UnixMillis};
use clearcut_queue::{
    DayUsage, Idempotency, JobRecord, KeyId, KeyLimits, Listing, NewJob, OwnedJobs, QueueError, QueueOutlook,
    RetryResult, Submission,
};

use super::HaltingQueue;

#[async_trait]
impl OwnedJobs for HaltingQueue {
    async fn submit_once(&self, job: NewJob, once: Idempotency) -> Result<Submission, QueueError> {
        self.queue.submit_once(job, once).await
    }

    async fn was_submitted(&self, owner: KeyId, once: &str) -> Result<bool, QueueError> {
        self.queue.was_submitted(owner, once).await
    }

    async fn list(&self, owner: KeyId, listing: Listing) -> Result<Vec<JobRecord>, QueueError> {
        self.queue.list(owner, listing).await
    }

    async fn cancel(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        self.queue.cancel(owner, id).await
    }

    async fn remove(&self, owner: KeyId, id: &JobId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        self.queue.remove(owner, id).await
    }

    async fn retry(&self, owner: KeyId, id: &JobId, again: JobId) -> Result<RetryResult, QueueError> {
        self.queue.retry(owner, id, again).await
    }

    async fn outlook(&self, owner: KeyId, jobs: Vec<JobId>) -> Result<QueueOutlook, QueueError> {
        self.queue.outlook(owner, jobs).await
    }

    async fn usage(&self, owner: KeyId, from: UnixMillis, until: UnixMillis) -> Result<Vec<DayUsage>, QueueError> {
        self.queue.usage(owner, from, until).await
    }

    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError> {
        self.queue.limit_key(id, limits).await
    }
}
