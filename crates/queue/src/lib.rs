//! Durable jobs and API keys behind one trait.
//!
//! The API and the worker use the trait [`Queue`]. [`SqliteQueue`] stores the data in one file of a
//! data directory. [`MemoryQueue`] implements the same rules with plain maps; the conformance suite
//! tests every backend against this model. [`Policy`] alone, not SQL, decides the next step after a
//! failure or a lost worker.
//!
//! Main rules: a claim raises the job's fencing token, and every later call for the job must carry
//! that token or is refused; an ended job stays ended; an acknowledged change is on the disk.

mod error;
mod event;
mod fairness;
#[cfg(debug_assertions)]
mod halt;
mod jitter;
mod key;
mod lock;
mod memory;
mod owned_jobs;
mod policy;
mod record;
mod secret;
mod signals;
mod sqlite;
mod traits;
mod uploads;
mod webhook;
mod webhooks;

pub use error::QueueError;
pub use event::{EventKind, EventKinds, ParseEventError};
#[cfg(debug_assertions)]
pub use halt::HaltAt;
pub use jitter::jitter;
pub use key::{KeyHash, KeyId, KeyLimits, KeyRecord, NewKey};
pub use lock::{DataLock, LockError};
pub use memory::MemoryQueue;
pub use owned_jobs::{DayUsage, Idempotency, Listing, OwnedJobs, Place, QueueOutlook, RetryResult, Submission};
pub use policy::{NextStep, Policy};
pub use record::{ClaimedJob, Ending, Finished, JobRecord, NewJob, QueueDepth, Reaped};
pub use secret::{SigningSecrets, WebhookSecret};
pub use signals::{JobWatch, Signals};
pub use sqlite::SqliteQueue;
pub use traits::Queue;
pub use uploads::{ClaimedInput, NewInput, NewUpload, SourceAddress, StorageLimits, UploadRecord, Uploads};
pub use webhook::{
    AfterAttempt, Answer, Attempt, AttemptRecord, ClaimedDelivery, DeliveryId, DeliveryRecord, DeliveryState,
    Destination, DisabledReason, EndpointChange, EndpointId, EndpointRecord, Event, JobWebhook, MAX_ENDPOINTS,
    NewEndpoint, NoAnswer, ParseIdError, SECRET_OVERLAP, SecretScope,
};
pub use webhooks::Webhooks;
