//! How often slots and couriers without work ask for it. All processes of a database ask for
//! themselves, so each asks the more rarely, the longer the database takes to answer.

use std::time::Duration;

/// Shortest interval of polls, in times that the last one took: 500 idle slots keep one connection
/// busy at most.
const INTERVAL_IN_POLLS: u32 = 500;

/// Longest interval of polls.
const LONGEST_INTERVAL: Duration = Duration::from_secs(10);

/// Span over which the slots that one signal woke are spread, in times that their last poll took.
const SPREAD_IN_POLLS: u32 = 10;

/// Time until an idle slot or courier polls again, if no signal wakes it. Its last poll took
/// `polled`; the result is `shortest` to 10 s.
#[must_use]
pub fn idle_interval(polled: Duration, shortest: Duration) -> Duration {
    polled.saturating_mul(INTERVAL_IN_POLLS).min(LONGEST_INTERVAL).max(shortest)
}

/// Longest time that a slot waits after a signal woke it. A signal wakes a slot of every process,
/// and one of them gets the job; each waits for a random part of this time.
#[must_use]
pub fn wake_spread(polled: Duration) -> Duration {
    polled.saturating_mul(SPREAD_IN_POLLS).min(LONGEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_slots_poll_the_more_rarely_the_longer_it_takes() {
        let interval = |micros| idle_interval(Duration::from_micros(micros), Duration::from_secs(1));
        assert_eq!(interval(200), Duration::from_secs(1));
        assert_eq!(interval(4000), Duration::from_secs(2));
        assert_eq!(interval(9_000_000), LONGEST_INTERVAL);
        let rare = Duration::from_mins(1);
        assert_eq!(idle_interval(Duration::ZERO, rare), rare);
    }
}
