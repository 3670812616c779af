//! Durable jobs and API keys behind one trait.
//!
//! The API and the worker use the trait [`Queue`]. [`SqliteQueue`] stores the data in one file of a
//! data directory. The feature `memory-model` adds `MemoryQueue`, which implements the same rules with
//! plain maps; the conformance suite tests every backend against this model. [`Policy`] alone, not SQL, decides the next step after a
//! failure or a lost worker.
//!
//! Main rules: a claim raises the job's fencing token, and every later call for the job must carry
//! that token or is refused; an ended job stays ended; an acknowledged change is on the disk.

mod deliveries;
mod endpoints;
mod error;
mod event;
mod fairness;
#[cfg(debug_assertions)]
mod halt;
mod jobs;
mod keys;
mod lock;
#[cfg(feature = "memory-model")]
mod memory;
mod owned_jobs;
mod policy;
mod queue;
mod record;
mod retention;
mod secret;
mod signals;
mod sqlite;
mod uploads;
mod webhook_id;

pub use deliveries::{
    AfterAttempt, Answer, Attempt, AttemptRecord, ClaimedDelivery, Deliveries, DeliveryRecord, DeliveryState, Event,
    NoAnswer,
};
pub use endpoints::{
    Destination, DisabledReason, EndpointChange, EndpointRecord, Endpoints, JobWebhook, MAX_ENDPOINTS, NewEndpoint,
    SECRET_OVERLAP, SecretScope,
};
pub use error::QueueError;
pub use event::{EventKind, EventKinds, ParseEventError};
#[cfg(debug_assertions)]
pub use halt::HaltAt;
pub use jobs::Jobs;
pub use keys::{KeyHash, KeyId, KeyLimits, KeyRecord, Keys, NewKey, StorageLimits};
pub use lock::{DataLock, LockError};
#[cfg(feature = "memory-model")]
pub use memory::MemoryQueue;
pub use owned_jobs::{DayUsage, Idempotency, Listing, OwnedJobs, Place, QueueOutlook, RetryResult, Submission};
pub use policy::{NextStep, Policy};
pub use queue::Queue;
pub use record::{ClaimedJob, Ending, Finished, JobRecord, NewJob, QueueDepth, Reaped};
pub use retention::Retention;
pub use secret::{SigningSecrets, WebhookSecret};
pub use signals::{JobWatch, Signals};
pub use sqlite::SqliteQueue;
pub use uploads::{ClaimedInput, NewInput, NewUpload, SourceAddress, UploadRecord, Uploads};
pub use webhook_id::{DeliveryId, EndpointId, ParseIdError};
