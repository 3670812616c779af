//! Durable jobs and API keys behind one trait.
//!
//! [`Queue`] is what the API and the worker see. [`SqliteQueue`] keeps it in one file of a data directory, [`MemoryQueue`] is
//! the same rules as plain maps: the model that the conformance suite holds every backend against. What a failure or a lost
//! worker leads to is decided in one place, [`Policy`], and not in SQL.
//!
//! The rules, in short: a claim raises the job's fencing token, and every later word about the job says that token or is
//! refused; a job that ended stays ended; what was acknowledged is on the disk.

mod error;
mod event;
mod fairness;
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
pub use key::{KeyHash, KeyId, KeyLimits, KeyRecord, NewKey};
pub use lock::{DataLock, LockError};
pub use memory::MemoryQueue;
pub use owned_jobs::{DayUsage, Listing, Once, Outlook, OwnedJobs, Place, Retrial, Submission};
pub use policy::{NextStep, Policy};
pub use record::{Claimed, Depth, Ending, Finished, InputPointer, JobRecord, NewJob, Reaped};
pub use secret::{SigningSecrets, WebhookSecret};
pub use signals::{JobWatch, Signals};
pub use sqlite::SqliteQueue;
pub use traits::Queue;
pub use uploads::{ClaimedInput, NewInput, NewUpload, SourceAddress, StorageLimits, UploadRecord, Uploads};
pub use webhook::{
    AfterAttempt, Answer, Attempt, AttemptRecord, ClaimedDelivery, DeliveryId, DeliveryRecord, DeliveryState,
    Destination, DisabledReason, EndpointChange, EndpointId, EndpointRecord, Event, JobWebhook, MAX_ENDPOINTS,
    NewEndpoint, NoAnswer, ParseNameError, SECRET_OVERLAP, SecretOf,
};
pub use webhooks::Webhooks;
