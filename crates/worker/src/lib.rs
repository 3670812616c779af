//! Worker: claims jobs, fetches their clips, cuts them, stores the outputs and records the end.
//!
//! The cut itself comes in as a [`Cutter`], so this crate handles leases and deadlines but no
//! pixels. While a cut runs, the worker renews its lease every quarter of the lease duration. If no
//! renewal succeeds for three quarters of the duration, the worker gives the job up itself, before
//! another worker may take it. The entry point is [`run`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use clearcut_job::{Failure, FailureCode, Progress, SystemClock};
//! use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
//! use clearcut_queue::{MemoryQueue, Policy};
//! use clearcut_store::Store;
//! use clearcut_worker::{CancelFlag, CutOrder, CutOutcome, Cutter, Drain, Worker, WorkerSettings};
//!
//! /// Makes the cuts; this one refuses every clip.
//! #[derive(Debug)]
//! struct Refuse;
//!
//! impl Cutter for Refuse {
//!     fn cut(
//!         &self,
//!         _: &CutOrder,
//!         _: &CancelFlag,
//!         _: &mut dyn FnMut(Progress),
//!     ) -> Result<CutOutcome, Failure> {
//!         Err(Failure::new(FailureCode::InvalidVideo, "the file has no video stream"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let clock = Arc::new(SystemClock);
//! let worker = Worker {
//!     queue: Arc::new(MemoryQueue::new(clock.clone(), Policy::default())),
//!     store: Store::local(&folder.path().join("objects"))?,
//!     outbound: Outbound::new(AddressPolicy::default(), Timeouts::default())?,
//!     cutter: Arc::new(Refuse),
//!     clock,
//!     settings: WorkerSettings::new(folder.path().join("scratch")),
//! };
//! let drain = Drain::default();
//! let running = tokio::spawn(clearcut_worker::run(worker, drain.clone()));
//! drain.stop_claiming.cancel(); // Ends when the running jobs have ended.
//! running.await??;
//! # Ok(())
//! # }
//! ```

mod cancel;
mod cutter;
mod fetch;
mod housekeeping;
mod keeper;
mod run;
mod settings;
mod work;

pub use cancel::CancelFlag;
pub use cutter::{CutFile, CutOrder, CutOutcome, Cutter};
pub use housekeeping::{list_orphans, remove_expired, sweep_orphans};
pub use run::{Worker, run};
pub use settings::{Drain, WorkerSettings};
