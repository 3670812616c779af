use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clearcut_outbound::DownloadLimits;
use tokio_util::sync::CancellationToken;

/// How the worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Cuts at once. Each uses several threads and processes of its own. Default 1.
    pub slots: NonZeroUsize,
    /// The folder for files of running cuts. Its contents are removed at the start.
    pub scratch: PathBuf,
    /// The time of a lease; the same that the queue goes by. Default 60 s.
    pub lease_ttl: Duration,
    /// The longest that one cut may take. Default 1 h.
    pub deadline: Duration,
    /// The longest that a cut may stand still. Default 3 min.
    pub stall_limit: Duration,
    /// How often progress is written at most. Each time is a write to the disk; a short clip is cut in a second. Default 200 ms.
    pub progress_interval: Duration,
    /// How often to look whether the owner has cancelled the job, where nobody of this process says so. Default 500 ms.
    pub cancel_interval: Duration,
    /// How often an idle worker looks for jobs that nobody called it for. Default 1 s.
    pub poll_interval: Duration,
    /// How much, how long and how often clips are fetched from addresses.
    pub download: DownloadLimits,
    /// Free bytes on the data disk below which no clip is fetched. Default 1 GiB.
    pub disk_floor_bytes: u64,
    /// How often what has expired and orphans are looked for. Default 10 min.
    pub sweep_interval: Duration,
    /// How old an object must be, that no job points to, before it is removed. Default 24 h.
    pub orphan_age: Duration,
}

impl WorkerSettings {
    /// The defaults, with files of running cuts in `scratch`.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            slots: NonZeroUsize::MIN,
            scratch,
            lease_ttl: Duration::from_mins(1),
            deadline: Duration::from_hours(1),
            stall_limit: Duration::from_mins(3),
            progress_interval: Duration::from_millis(200),
            cancel_interval: Duration::from_millis(500),
            poll_interval: Duration::from_secs(1),
            download: DownloadLimits::default(),
            disk_floor_bytes: 1 << 30,
            sweep_interval: Duration::from_mins(10),
            orphan_age: Duration::from_hours(24),
        }
    }
}

/// How a worker is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Take no further jobs, finish the ones at hand.
    pub stop_claiming: CancellationToken,
    /// Put the jobs at hand back in line, now.
    pub put_back: CancellationToken,
}
