//! The pace of an API key's requests, as processes of one database share it.
//!
//! A limit of N requests per minute is a bucket of N tokens that refills evenly. All that is kept of
//! it is the time at which it is full again.

use std::time::Duration;

/// Period of a limit. An empty bucket is full again after it.
pub const PACE_WINDOW: Duration = Duration::from_mins(1);

/// State of a limit after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Whether the request is within the limit. One that is not costs nothing.
    pub is_granted: bool,
    /// Time until the bucket is full.
    pub full_in: Duration,
}

impl Pace {
    /// Time between two requests at the limit.
    #[must_use]
    pub fn interval(per_minute: u32) -> Duration {
        PACE_WINDOW / per_minute.max(1)
    }
}
