//! The trait [`Retention`]: which objects rows point to, and which have expired.

use async_trait::async_trait;
use clearcut_job::ObjectName;

use crate::QueueError;

/// Expiry of inputs, outputs and uploads.
///
/// Rows (jobs, parts and uploads) point to objects. An object may be removed once no row points to
/// it.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Deletes the pointers to inputs and outputs past their retention, expired uploads, and the
    /// parts of ended jobs, at most 1,000 of each at a time. Returns the names of objects that no
    /// row points to any more; they can be removed.
    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError>;

    /// Returns those of `names` that a job, a part or an upload points to.
    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError>;

    /// Lists all objects that repeated calls of [`Self::forget_expired`] would return.
    /// Changes nothing.
    async fn list_expired(&self) -> Result<Vec<ObjectName>, QueueError>;
}
