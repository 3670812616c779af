//! Settings of the worker, and the signals that stop it.

use std::{num::NonZeroUsize, time::Duration};

use clearcut_outbound::DownloadLimits;
use clearcut_queue::Policy;
use clearcut_store::DEFAULT_DISK_FLOOR_BYTES;
use tokio_util::sync::CancellationToken;

/// Limits and intervals of a worker.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Number of concurrent cuts. Each uses several threads and processes of its own. Default 1.
    pub slots: NonZeroUsize,
    /// Lease duration. Must equal the queue's. Default: the queue's default.
    pub lease_ttl: Duration,
    /// Deadline of one cut, over all its segments. Default 1 h.
    pub deadline: Duration,
    /// Length from which the cut of a clip is split among workers that would otherwise be idle;
    /// zero never splits one. Default 1 min.
    pub split_min: Duration,
    /// Whether workers on other machines take jobs from the same queue. Default no.
    pub has_peers: bool,
    /// Longest time that a cut may make no progress. Default 3 min.
    pub stall_limit: Duration,
    /// Shortest interval between two writes of progress. Each is a write to the disk; a short clip
    /// is cut in a second. Default 200 ms.
    pub progress_interval: Duration,
    /// Polling interval for cancellations by other processes. Those of this process are signaled at
    /// once. Default 500 ms.
    pub cancel_interval: Duration,
    /// Shortest polling interval of an idle slot for jobs that were not signaled. Default 1 s.
    pub poll_interval: Duration,
    /// Limits on size, time and retries of transfers from addresses.
    pub download: DownloadLimits,
    /// Free bytes on the data disk below which no clip is fetched. Default
    /// [`DEFAULT_DISK_FLOOR_BYTES`].
    pub disk_floor_bytes: u64,
    /// Interval between two sweeps for expired objects and orphans. Default 10 min.
    pub sweep_interval: Duration,
    /// Age from which an object that no job points to is removed. Default 24 h.
    pub orphan_age: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            slots: NonZeroUsize::MIN,
            lease_ttl: Policy::default().lease_ttl,
            deadline: Duration::from_hours(1),
            split_min: Duration::from_mins(1),
            has_peers: false,
            stall_limit: Duration::from_mins(3),
            progress_interval: Duration::from_millis(200),
            cancel_interval: Duration::from_millis(500),
            poll_interval: Duration::from_secs(1),
            download: DownloadLimits::default(),
            disk_floor_bytes: DEFAULT_DISK_FLOOR_BYTES,
            sweep_interval: Duration::from_mins(10),
            orphan_age: Duration::from_hours(24),
        }
    }
}

/// Signals that stop a worker.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Claim no further jobs, and finish the running ones.
    pub stop_claiming: CancellationToken,
    /// Requeue the running jobs now.
    pub requeue: CancellationToken,
}
