//! What a worker works with: queue, store, network, cutter, clock and settings.

use std::{path::PathBuf, sync::Arc};

use clearcut_job::Clock;
use clearcut_outbound::Outbound;
use clearcut_queue::Queue;
use clearcut_store::Store;

use crate::WorkerSettings;

/// Dependencies and settings of a worker.
#[derive(Debug)]
pub struct Worker<C> {
    /// Source of jobs.
    pub queue: Arc<dyn Queue>,
    /// Store of clips and outputs.
    pub store: Store,
    /// Client that fetches clips from addresses.
    pub outbound: Outbound,
    /// Maker of the cuts.
    pub cutter: Arc<C>,
    /// Wall clock, for the age of objects.
    pub clock: Arc<dyn Clock>,
    /// Folder for the files of running cuts. Its contents are removed at the start.
    pub scratch: PathBuf,
    /// Limits and intervals.
    pub settings: WorkerSettings,
}
