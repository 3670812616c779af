//! Durable jobs and API keys behind one trait.
//!
//! The API and the worker use the trait [`Queue`]. [`SqliteQueue`] stores the data in one file of a
//! data directory. The feature `memory-model` adds `MemoryQueue`, which implements the same rules
//! with plain maps; the conformance suite tests every backend against this model. [`Policy`] alone,
//! not SQL, decides the next step after a failure or a lost worker.
//!
//! Main rules: a claim raises the job's fencing token, and every later call for the job must carry
//! that token or is refused; an ended job stays ended; an acknowledged change is on the disk.
//! [`Segments`] splits the job of a long clip, so that several workers cut it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use clearcut_job::{
//!     ClipName, CutRequest, Failure, FailureCode, JobId, JobState, ObjectName, OutputFormat,
//!     Sha256Hex, StoredObject, SystemClock, WorkerId,
//! };
//! use clearcut_queue::{
//!     Ending, Jobs as _, KeyHash, Keys as _, NewInput, NewJob, NewKey, OwnedJobs as _, Policy,
//!     QueueError, SqliteQueue,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), QueueError> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let folder = folder.path();
//! let (file, clock) = (folder.join("jobs.db"), Arc::new(SystemClock));
//! let queue = SqliteQueue::open(&file, clock, Policy::default()).await?;
//! let hash = KeyHash::of("the secret key");
//! let key = NewKey { name: "studio".into(), prefix: "hc_abcd".into(), hash };
//! let owner = queue.create_key(key).await?.id;
//! let request = CutRequest::new(OutputFormat::Webm).into();
//! let sha256 = "ab".repeat(32).parse::<Sha256Hex>().expect("64 hexadecimal digits");
//! let clip = StoredObject { name: ObjectName::upload(1), size_bytes: 1000, sha256 };
//! let id = JobId::from_random(1);
//! let (clip_name, input) = (ClipName::of_file("clip.mp4"), NewInput::Stored(clip));
//! queue.submit(NewJob { id: id.clone(), owner, request, clip_name, input, webhook: None }).await?;
//!
//! // A worker takes the job. Its token is part of every later call.
//! let claimed = queue.claim(&WorkerId::from_random(1)).await?.expect("a job is waiting");
//! queue.start(&id, claimed.token).await?;
//! let failure = Failure::new(FailureCode::InvalidVideo, "the file has no video stream");
//! queue.finish(&id, claimed.token, Ending::Failed(failure)).await?;
//!
//! let job = queue.read(owner, &id).await?.expect("the job exists");
//! assert_eq!(job.state, JobState::Failed);
//! # Ok(())
//! # }
//! ```

#![expect(clippy::duplicate_mod, reason = "`sql` is compiled once for each database, with the types of its driver")]

mod deliveries;
mod endpoints;
mod error;
mod event;
mod fairness;
#[cfg(debug_assertions)]
mod halt;
mod idle;
mod jitter;
mod jobs;
mod keys;
mod lock;
#[cfg(feature = "memory-model")]
mod memory;
mod owned_jobs;
mod pace;
mod policy;
mod postgres;
mod queue;
mod record;
mod retention;
mod schema;
mod secret;
mod segments;
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
pub use idle::{idle_interval, wake_spread};
pub use jitter::jitter;
pub use jobs::Jobs;
pub use keys::{KeyHash, KeyId, KeyLimits, KeyRecord, Keys, NewKey, StorageLimits};
pub use lock::{DataLock, LockError};
#[cfg(feature = "memory-model")]
pub use memory::MemoryQueue;
pub use owned_jobs::{DayUsage, Idempotency, Listing, OwnedJobs, Place, QueueOutlook, RetryResult, Submission};
pub use pace::{PACE_WINDOW, Pace};
pub use policy::{NextStep, Policy};
pub use postgres::{ConnectFault, DatabaseAddress, PostgresQueue, TimeSource};
pub use queue::Queue;
pub use record::{ClaimedJob, Ending, Finished, JobRecord, NewJob, QueueDepth, QueueGauges, Reaped};
pub use retention::Retention;
pub use schema::Schema;
pub use secret::{SigningSecrets, WebhookSecret};
pub use segments::{JobPart, SegmentFile, Segments, Split};
pub use signals::{JobWatch, Signals};
pub use sqlite::SqliteQueue;
pub use uploads::{ClaimedInput, NewInput, NewUpload, SourceAddress, UploadRecord, Uploads};
pub use webhook_id::{DeliveryId, EndpointId, ParseIdError};
