//! Worker: claims jobs, fetches their clips and images, cuts them, stores the outputs and records
//! the end.
//!
//! A [`Cutter`] makes the cuts: the [`PipelineCutter`] on a server. While a cut runs, the worker
//! renews its lease every quarter of the lease duration. If no renewal succeeds for three quarters
//! of the duration, the worker gives the job up itself, before another worker may take it. The
//! entry point is [`run`]. A long clip can be cut by several workers: one plans segments, each is
//! claimed and cut like a job of its own, and one worker joins them.
//!
//! [`Previews`] and [`Images`] work beside the jobs, without lease or queue, while a client waits.
//!
//! ```
//! use std::sync::Arc;
//!
//! use clearcut_job::{CutStep, Failure, FailureCode, SystemClock};
//! use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
//! use clearcut_pipeline::Stop;
//! use clearcut_queue::{Policy, SqliteQueue};
//! use clearcut_store::Store;
//! use clearcut_worker::{CutOrder, CutOutcome, Cutter, Drain, Worker, WorkerSettings};
//!
//! /// Makes the cuts; this one refuses every clip.
//! #[derive(Debug)]
//! struct Refuse;
//!
//! impl Cutter for Refuse {
//!     fn cut(
//!         &self,
//!         _: &CutOrder,
//!         _: &Stop,
//!         _: &mut (dyn FnMut(CutStep) + Send),
//!     ) -> Result<CutOutcome, Failure> {
//!         Err(Failure::new(FailureCode::InvalidVideo, "the file has no video stream"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let clock = Arc::new(SystemClock);
//! let file = folder.path().join("jobs.db");
//! let worker = Worker {
//!     queue: Arc::new(SqliteQueue::open(&file, clock.clone(), Policy::default()).await?),
//!     store: Store::local(&folder.path().join("objects"))?,
//!     outbound: Outbound::new(AddressPolicy::default(), Timeouts::default())?,
//!     cutter: Arc::new(Refuse),
//!     clock,
//!     scratch: folder.path().join("scratch"),
//!     settings: WorkerSettings::default(),
//! };
//! let drain = Drain::default();
//! let running = tokio::spawn(clearcut_worker::run(worker, drain.clone()));
//! drain.stop_claiming.cancel(); // Ends when the running jobs have ended.
//! running.await??;
//! # Ok(())
//! # }
//! ```

mod attempt;
mod cutter;
mod failure;
mod fetch_background;
mod fetch_clip;
mod housekeeping;
mod image_batch;
mod image_bundle;
mod images;
mod interactive;
mod keeper;
mod metrics;
mod pipeline_cutter;
mod previews;
mod reporter;
mod scratch;
mod segment_archive;
mod settings;
mod slots;
mod transfer;
mod turns;
mod work;
mod worker;
mod zip_options;

pub use crate::metrics::describe_metrics;
pub use cutter::{CutFile, CutOrder, CutOutcome, CutPlan, Cutter};
pub use housekeeping::{list_orphans, remove_expired, sweep_orphans};
pub use images::{ImageTools, Images};
pub use pipeline_cutter::PipelineCutter;
pub use previews::{FrameCutter, PipelineFrameCutter, Previews};
pub use settings::{Drain, WorkerSettings};
pub use slots::{maintain, run};
pub use transfer::Transfer;
pub use worker::Worker;
