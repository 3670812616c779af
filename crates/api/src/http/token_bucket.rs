//! Token buckets: the state of a rate limit.

use std::time::{Duration, Instant};

use clearcut_queue::{PACE_WINDOW, Pace};

/// Period of a limit. An empty bucket is full again after it.
pub(crate) const WINDOW: Duration = PACE_WINDOW;

/// Class of requests that shares one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Policy {
    /// Requests that queue a job or process an image.
    Submits,
    /// Previews, which create no job but cost as much as a small one.
    Previews,
    /// All other requests.
    Requests,
}

impl Policy {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Submits => "submits",
            Self::Previews => "previews",
            Self::Requests => "requests",
        }
    }
}

/// Token bucket: refilled evenly, full after a minute without requests.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    refilled_at: Instant,
}

impl Bucket {
    pub(crate) fn full(per_minute: u32, now: Instant) -> Self {
        Self { tokens: f64::from(per_minute), refilled_at: now }
    }

    pub(crate) fn take(&mut self, policy: Policy, per_minute: u32, now: Instant) -> Allowance {
        let (capacity, per_sec) = (f64::from(per_minute), f64::from(per_minute) / WINDOW.as_secs_f64());
        let elapsed = now.saturating_duration_since(self.refilled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * per_sec).min(capacity);
        self.refilled_at = now;
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        let secs_to = |tokens: f64| ((tokens - self.tokens).max(0.0) / per_sec).ceil() as u64;
        Allowance {
            policy,
            per_minute,
            remaining: self.tokens as u64,
            full_in_secs: secs_to(capacity),
            retry_after_secs: (!granted).then(|| secs_to(1.0).max(1)),
        }
    }
}

/// State of a limit after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) policy: Policy,
    /// Requests allowed per minute.
    pub(crate) per_minute: u32,
    /// Requests allowed now.
    pub(crate) remaining: u64,
    /// Seconds until the bucket is full.
    pub(crate) full_in_secs: u64,
    /// Seconds until the next request is allowed. Set only if this request exceeds the limit.
    pub(crate) retry_after_secs: Option<u64>,
}

impl Allowance {
    /// The state of a limit that the processes of a database share.
    pub(crate) fn of_pace(policy: Policy, per_minute: u32, pace: Pace) -> Self {
        let interval = Pace::interval(per_minute);
        let remaining = WINDOW.saturating_sub(pace.full_in).as_nanos() / interval.as_nanos().max(1);
        let secs = |span: Duration| span.as_secs_f64().ceil() as u64;
        let next_in = (pace.full_in + interval).saturating_sub(WINDOW);
        Self {
            policy,
            per_minute,
            remaining: remaining as u64,
            full_in_secs: secs(pace.full_in),
            retry_after_secs: (!pace.is_granted).then(|| secs(next_in).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_limit_reports_as_one_of_this_process() {
        let now = Instant::now();
        let mut bucket = Bucket::full(60, now);
        let own = bucket.take(Policy::Submits, 60, now);
        let pace = |is_granted, secs| Pace { is_granted, full_in: Duration::from_secs(secs) };
        assert_eq!(Allowance::of_pace(Policy::Submits, 60, pace(true, 1)), own);
        for _ in 0..59 {
            bucket.take(Policy::Submits, 60, now);
        }
        let refused = bucket.take(Policy::Submits, 60, now);
        assert_eq!(Allowance::of_pace(Policy::Submits, 60, pace(false, 60)), refused);
    }

    #[test]
    fn a_bucket_allows_a_minutes_requests_at_once_and_then_refills_evenly() {
        let start = Instant::now();
        let mut bucket = Bucket::full(60, start);
        let mut take = |secs: f64| bucket.take(Policy::Submits, 60, start + Duration::from_secs_f64(secs));
        for left in (0..60).rev() {
            let allowance = take(0.0);
            assert_eq!((allowance.remaining, allowance.retry_after_secs), (left, None));
            assert_eq!(allowance.full_in_secs, 60 - left);
        }
        assert_eq!(take(0.0).retry_after_secs, Some(1));
        assert_eq!(take(0.9).retry_after_secs, Some(1));
        assert_eq!(take(1.0).retry_after_secs, None);
        assert_eq!(take(1.0).retry_after_secs, Some(1));
        // After a day the bucket holds no more than its capacity.
        assert_eq!(take(86_400.0).remaining, 59);
    }

    #[test]
    fn an_empty_slow_bucket_reports_the_time_to_wait() {
        let now = Instant::now();
        let mut bucket = Bucket::full(2, now);
        let mut take = || bucket.take(Policy::Submits, 2, now).retry_after_secs;
        assert_eq!([take(), take(), take()], [None, None, Some(30)]);
    }
}
