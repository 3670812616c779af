//! The trait [`Queue`]: the contract of every backend with the API, the workers and the courier.

use async_trait::async_trait;

use crate::{
    Deliveries, Endpoints, Jobs, KeyId, Keys, OwnedJobs, Pace, QueueError, Retention, Segments, Signals, Uploads,
};

/// Durable jobs, uploads, API keys and webhooks: all methods of a backend, by topic.
///
/// Every method is one transaction, and its effect is on the disk when it returns. The queue reads
/// its own clock; callers pass no current time. Any number of processes may call at once if the
/// backend supports several.
#[async_trait]
pub trait Queue: Jobs + Segments + OwnedJobs + Uploads + Retention + Keys + Endpoints + Deliveries {
    /// Checks that the queue can write, by writing a meaningless value to the disk.
    ///
    /// # Errors
    /// [`QueueError::DiskFull`], [`QueueError::ReadOnly`], or any other error of the write.
    async fn try_writing(&self) -> Result<(), QueueError>;

    /// Counts a request of the API key `owner` against its limit `name`, for all processes of the
    /// database. `None` if this process alone uses it, and counts by itself.
    async fn count_request(
        &self,
        _owner: KeyId,
        _name: &'static str,
        _per_minute: u32,
    ) -> Result<Option<Pace>, QueueError> {
        Ok(None)
    }

    /// Wake-up signals within this process.
    fn signals(&self) -> &Signals;
}
