//! Durable jobs and API keys behind one trait.
//!
//! The API and the worker use the trait [`Queue`]. [`SqliteQueue`] stores the data in one file of a
//! data directory. [`MemoryQueue`] implements the same rules with plain maps; the conformance suite
//! tests every backend against this model. [`Policy`] alone, not SQL, decides the next step after a
//! failure or a lost worker.
//!
//! Main rules: a claim raises the job's fencing token, and every later call for the job must carry
//! that token or is refused; an ended job stays ended; an acknowledged change is on the disk.
//!
//! ```
//! use std::sync::Arc;
//!
//! use clearcut_job::{
//!     ClipName, Failure, FailureCode, Formats, JobId, JobState, OutputFormat, Sha256Hex,
//!     SystemClock, WorkerId,
//! };
//! # use clearcut_job::{
//! #     CutRequest, FpsChoice, Hints, KeyColorChoice, MethodChoice, Quality, ShadowChoice, Speed,
//! #     Tolerance,
//! # };
//! use clearcut_queue::{
//!     Ending, InputPointer, KeyHash, MemoryQueue, NewInput, NewJob, NewKey, Policy, Queue,
//!     QueueError,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), QueueError> {
//! let queue = MemoryQueue::new(Arc::new(SystemClock), Policy::default());
//! let hash = KeyHash::of("the secret key");
//! let key = NewKey { name: "studio".into(), prefix: "hc_abcd".into(), hash };
//! let owner = queue.create_key(key).await?.id;
//! # let request = CutRequest {
//! #     formats: Formats::from(OutputFormat::Webm),
//! #     method: MethodChoice::Auto,
//! #     key_color: KeyColorChoice::Auto,
//! #     tolerance: Tolerance::default(),
//! #     shadow: ShadowChoice::default(),
//! #     hints: Hints::default(),
//! #     fps: FpsChoice::Source,
//! #     size: None,
//! #     quality: Quality::default(),
//! #     speed: Speed::default(),
//! #     keeps_audio: true,
//! # };
//! let sha256 = Sha256Hex("ab".repeat(32));
//! let clip = InputPointer { object_name: "uploads/1".into(), size_bytes: 1000, sha256 };
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
