use std::time::Duration;

/// How the courier works.
#[derive(Debug, Clone, Copy)]
pub struct CourierSettings {
    /// Deliveries under way at once. More reach more slow receivers at the same time, and hold more connections. Default 32.
    pub max_running: usize,
    /// Of these, to one host. Default 4.
    pub max_per_host: u32,
    /// The longest that one attempt may take; well below the lease of a delivery. Default 20 s.
    pub attempt_deadline: Duration,
    /// How long to wait for the first bytes of a reply's body, which decide nothing. Default 1 s.
    pub reply_wait: Duration,
    /// How long the last attempts may take when the courier is told to stop. What does not end is broken off and sent
    /// again by the next start. Default 5 s.
    pub drain_grace: Duration,
    /// How often to look for deliveries that nobody called for. Default 500 ms.
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
