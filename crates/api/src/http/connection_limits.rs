//! Limits on connections: their number and their timeouts.

use std::time::Duration;

/// Limits on connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Maximum number of connections. A few more wait in a queue; they get `SERVER_BUSY` if no slot
    /// becomes free, or if their address has its maximum. Default 2048.
    pub max_connections: usize,
    /// Maximum number of connections per address. Default: three quarters of `max_connections`. Set
    /// it to `max_connections` behind a proxy, whose connections all come from one address.
    pub max_per_address: usize,
    /// Timeout for the head of a request, and for an idle connection. Default 15 s.
    pub header_timeout: Duration,
    /// Timeout for a client that reads little or nothing of a reply. Default 60 s: a paused player
    /// stops reading and later continues with a range request.
    pub write_timeout: Duration,
    /// Grace period for running requests when the server stops. Default 5 s.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::with_connections(2048)
    }
}

impl ConnectionLimits {
    /// The default limits for another number of connections.
    #[must_use]
    pub fn with_connections(max_connections: usize) -> Self {
        Self {
            max_connections,
            max_per_address: (max_connections / 4 * 3).max(1),
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(5),
        }
    }
}
