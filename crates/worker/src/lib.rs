//! Worker: claims jobs, fetches their clips, cuts them, stores the outputs and records the end.
//!
//! A [`Cutter`] makes the cuts: the [`PipelineCutter`] on a server. While a cut runs, the worker
//! renews its lease every quarter of the lease duration. If no renewal succeeds for three quarters
//! of the duration, the worker gives the job up itself, before another worker may take it. The
//! entry point is [`run`].
//!
//! [`Previews`] makes previews beside the jobs, without lease or queue, while a client waits.

mod cutter;
mod failure;
mod fetch;
mod housekeeping;
mod keeper;
mod pipeline_cutter;
mod previews;
mod run;
mod settings;
mod work;
mod worker;

pub use cutter::{CutFile, CutOrder, CutOutcome, Cutter};
pub use housekeeping::{list_orphans, remove_expired, sweep_orphans};
pub use pipeline_cutter::PipelineCutter;
pub use previews::{FrameCutter, PipelineFrameCutter, Previews};
pub use run::run;
pub use settings::{Drain, WorkerSettings};
pub use worker::Worker;
