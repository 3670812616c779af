use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Where a cut is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Headers are read and the background is measured.
    Surveying,
    /// The model waits for memory that other cuts hold; said again and again while it does.
    Waiting,
    /// Frames are decoded, matted and encoded.
    Cutting {
        /// Frames that the slowest encoder has taken.
        done: u64,
        /// Frames there will be, as far as the headers tell.
        total: u64,
    },
    /// All frames are with the encoders; files are being finished and read back.
    Checking,
}

/// Counts how far each encoder is; the slowest counts. Shared by all threads of a cut.
#[derive(Debug)]
pub(crate) struct Counters {
    taken: Vec<AtomicU64>,
    finished: AtomicU64,
}

impl Counters {
    pub(crate) fn new(encoders: usize) -> Self {
        Self { taken: (0..encoders).map(|_| AtomicU64::new(0)).collect(), finished: AtomicU64::new(0) }
    }

    /// Encoder number `encoder` took another frame.
    pub(crate) fn took_one(&self, encoder: usize) {
        self.taken[encoder].fetch_add(1, Ordering::Relaxed);
    }

    /// Another frame of another output was read back.
    pub(crate) fn checked_one(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// Frames that the slowest encoder has taken.
    pub(crate) fn done(&self) -> u64 {
        self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// Rises with every step that anything makes: for noticing a stall.
    pub(crate) fn heartbeat(&self) -> u64 {
        let taken: u64 = self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).sum();
        taken + self.finished.load(Ordering::Relaxed)
    }
}

/// Notices that nothing moves.
#[derive(Debug)]
pub(crate) struct StallTimer {
    last_beat: u64,
    since: Instant,
    limit: Duration,
}

impl StallTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { last_beat: 0, since: Instant::now(), limit }
    }

    /// Whether `beat` has been the same for longer than the limit.
    pub(crate) fn has_stalled(&mut self, beat: u64) -> bool {
        if beat != self.last_beat {
            (self.last_beat, self.since) = (beat, Instant::now());
        }
        self.since.elapsed() > self.limit
    }
}
