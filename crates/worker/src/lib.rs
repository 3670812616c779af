//! Claims jobs, cuts them, stores the outputs and finishes.
//!
//! The cut itself comes in as a [`Cutter`], so that this crate knows leases and deadlines and nothing of pixels. While a cut
//! runs, its lease is kept: renewed every quarter of its time, and given up by the worker itself when it could not be renewed
//! for three quarters, before anyone else may take the job. [`run`] is the plot.

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
pub use housekeeping::{list_orphans, sweep_orphans, tidy};
pub use run::{Worker, run};
pub use settings::{Drain, WorkerSettings};
