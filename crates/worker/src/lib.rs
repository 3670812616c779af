//! Worker: claims jobs, fetches their clips, cuts them, stores the outputs and records the end.
//!
//! The cut itself comes in as a [`Cutter`], so this crate handles leases and deadlines but no
//! pixels. While a cut runs, the worker renews its lease every quarter of the lease duration. If no
//! renewal succeeds for three quarters of the duration, the worker gives the job up itself, before
//! another worker may take it. The entry point is [`run`].

mod cutter;
mod fetch;
mod housekeeping;
mod keeper;
mod run;
mod settings;
mod work;

pub use cutter::{CutFile, CutOrder, CutOutcome, Cutter};
pub use housekeeping::{list_orphans, remove_expired, sweep_orphans};
pub use run::{Worker, run};
pub use settings::{Drain, WorkerSettings};
