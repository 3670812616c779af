//! Settings of the courier: concurrency, deadlines and intervals.

use std::time::Duration;

/// Limits and intervals of a courier.
#[derive(Debug, Clone, Copy)]
pub struct CourierSettings {
    /// Number of concurrent attempts. A higher value serves more slow receivers at the same time
    /// and holds more connections. Default 32.
    pub max_running: usize,
    /// Number of concurrent attempts per host. Default 4.
    pub max_per_host: u32,
    /// Deadline of one attempt. Must stay well below the lease of a delivery. Default 20 s.
    pub attempt_deadline: Duration,
    /// Timeout for the first bytes of a reply's body, which is only recorded. Default 1 s.
    pub reply_wait: Duration,
    /// Grace period for the last attempts when the courier stops. Attempts that take longer are
    /// aborted, and the next start sends them again. Default 5 s.
    pub drain_grace: Duration,
    /// Shortest polling interval for deliveries that were not signaled. Default 500 ms.
    pub poll_interval: Duration,
}

impl Default for CourierSettings {
    fn default() -> Self {
        Self {
            max_running: 32,
            max_per_host: 4,
            attempt_deadline: Duration::from_secs(20),
            reply_wait: Duration::from_secs(1),
            drain_grace: Duration::from_secs(5),
            poll_interval: Duration::from_millis(500),
        }
    }
}
