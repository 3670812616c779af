//! Progress of a cut: the counters of its encoders, and the detection of a stall.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Progress counters of all encoders. Shared by all threads of a cut.
#[derive(Debug)]
pub(crate) struct Counters {
    taken: Vec<AtomicU64>,
    checked: AtomicU64,
}

impl Counters {
    pub(crate) fn new(encoders: usize) -> Self {
        Self { taken: (0..encoders).map(|_| AtomicU64::new(0)).collect(), checked: AtomicU64::new(0) }
    }

    /// Records that encoder number `encoder` took a frame.
    pub(crate) fn count_taken(&self, encoder: usize) {
        self.taken[encoder].fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a frame of an output was read back.
    pub(crate) fn count_checked(&self) {
        self.checked.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of frames that the slowest encoder has taken.
    pub(crate) fn min_taken(&self) -> u64 {
        self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// Total number of recorded steps, for detecting a stall.
    pub(crate) fn steps(&self) -> u64 {
        let taken: u64 = self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).sum();
        taken + self.checked.load(Ordering::Relaxed)
    }
}

/// Detects that a cut makes no progress.
#[derive(Debug)]
pub(crate) struct StallTimer {
    last_steps: u64,
    since: Instant,
    limit: Duration,
}

impl StallTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { last_steps: 0, since: Instant::now(), limit }
    }

    /// Whether `steps` has been the same for longer than the limit.
    pub(crate) fn has_stalled(&mut self, steps: u64) -> bool {
        if steps != self.last_steps {
            (self.last_steps, self.since) = (steps, Instant::now());
        }
        self.since.elapsed() > self.limit
    }
}
