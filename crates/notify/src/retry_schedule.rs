//! Retry schedule of deliveries: pauses between attempts, jitter and `Retry-After`.

use std::time::Duration;

use clearcut_job::UnixMillis;
use clearcut_queue::{AfterAttempt, DeliveryId, EventKind, jitter};

/// Pauses between the attempts of one delivery, in seconds: ten attempts over a little more than
/// three days.
const PAUSES_SECS: [u64; 9] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/// Longest pause that a receiver may request with `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Meaning of the answer to an attempt for further attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 2xx.
    Delivered,
    /// 410.
    Gone,
    /// Anything else, or no answer; with the receiver's `Retry-After`.
    Retry(Option<Duration>),
}

/// Next step of the delivery `id` after attempt number `attempt` (from 1). A test event is not
/// retried, because its sender waits for the result.
pub(crate) fn after_attempt(id: &DeliveryId, kind: EventKind, attempt: u32, verdict: Verdict) -> AfterAttempt {
    let retry_after = match verdict {
        Verdict::Delivered => return AfterAttempt::Delivered,
        Verdict::Gone => return AfterAttempt::Gone,
        Verdict::Retry(pause) => pause.unwrap_or_default().min(MAX_RETRY_AFTER),
    };
    match PAUSES_SECS.get(attempt.saturating_sub(1) as usize) {
        Some(secs) if kind != EventKind::Test => {
            // Lengthened by up to a fifth.
            let pause = Duration::from_secs(*secs).mul_f64(1.0 + jitter(id.as_str(), attempt) / 5.0);
            AfterAttempt::RetryIn(pause.max(retry_after))
        }
        _ => AfterAttempt::GiveUp,
    }
}

/// Pause that a `Retry-After` header requests: a number of seconds, or a date.
pub(crate) fn parse_retry_after(retry_after: &str, now: UnixMillis) -> Option<Duration> {
    if let Ok(secs) = retry_after.trim().parse() {
        return Some(Duration::from_secs(secs));
    }
    let date = httpdate::parse_http_date(retry_after.trim()).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixMillis::default().after(since_epoch).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Verdict = Verdict::Retry(None);

    fn after(attempt: u32, random: u128, verdict: Verdict) -> AfterAttempt {
        after_attempt(&DeliveryId::from_random(random), EventKind::JobFailed, attempt, verdict)
    }

    #[test]
    fn ten_attempts_are_made_over_a_little_more_than_three_days() {
        let pauses: Vec<_> = (1..=10).map(|attempt| after(attempt, 1, RETRY)).collect();
        assert_eq!(pauses[9], AfterAttempt::GiveUp);
        let mut total = Duration::ZERO;
        for (pause, secs) in pauses.iter().zip(PAUSES_SECS) {
            let AfterAttempt::RetryIn(pause) = pause else { panic!("no retry") };
            let shortest = Duration::from_secs(secs);
            assert!(*pause >= shortest && *pause <= shortest.mul_f64(1.2), "{pause:?}");
            total += *pause;
        }
        assert!((75..=91).contains(&(total.as_secs() / 3600)), "{total:?}");
    }

    #[test]
    fn jitter_differs_between_deliveries_and_is_deterministic_for_each() {
        let all: std::collections::HashSet<_> =
            (0..50).map(|random| format!("{:?}", after(2, random, RETRY))).collect();
        assert!(all.len() > 40, "{all:?}");
        assert_eq!(after(2, 7, RETRY), after(2, 7, RETRY));
    }

    #[test]
    fn retry_after_lengthens_a_pause_and_never_shortens_it() {
        let retry_after = |secs| Verdict::Retry(Some(Duration::from_secs(secs)));
        assert_eq!(after(1, 1, retry_after(600)), AfterAttempt::RetryIn(Duration::from_mins(10)));
        assert_eq!(after(2, 1, retry_after(1)), after(2, 1, RETRY));
        assert_eq!(after(1, 1, retry_after(1 << 40)), AfterAttempt::RetryIn(Duration::from_hours(24)));
        assert_eq!(after(10, 1, retry_after(5)), AfterAttempt::GiveUp);
    }

    #[test]
    fn a_test_event_is_not_retried() {
        let after = |verdict| after_attempt(&DeliveryId::from_random(1), EventKind::Test, 1, verdict);
        assert_eq!(after(RETRY), AfterAttempt::GiveUp);
        assert_eq!(after(Verdict::Delivered), AfterAttempt::Delivered);
    }

    #[test]
    fn retry_after_is_parsed_as_seconds_or_as_a_date() {
        let now = UnixMillis(784_111_777_000);
        assert_eq!(parse_retry_after(" 120 ", now), Some(Duration::from_mins(2)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_mins(1)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", now), Some(Duration::ZERO));
        for text in ["", "-5", "soon", "1e9", "99999999999999999999999"] {
            assert_eq!(parse_retry_after(text, now), None, "{text}");
        }
    }
}
