use std::time::Duration;

use clearcut_job::UnixMillis;
use clearcut_queue::{AfterAttempt, DeliveryId, EventKind};
use sha2::{Digest as _, Sha256};

/// The pauses between the attempts of one delivery, in seconds: ten attempts over a little more than three days.
const PAUSES_SECS: [u64; 9] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/// The longest that a receiver may put a delivery off with `Retry-After`.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// What the answer to an attempt says about further ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 2xx.
    Delivered,
    /// 410.
    Gone,
    /// Anything else, or no answer; with the receiver's own wish when to come again.
    NotNow(Option<Duration>),
}

/// What becomes of the delivery `id` after attempt number `tries` (from 1). A test is tried once: somebody is watching.
pub(crate) fn after_attempt(id: &DeliveryId, kind: EventKind, tries: u32, verdict: Verdict) -> AfterAttempt {
    let wish = match verdict {
        Verdict::Delivered => return AfterAttempt::Delivered,
        Verdict::Gone => return AfterAttempt::Gone,
        Verdict::NotNow(wish) => wish.unwrap_or_default().min(LONGEST_WISH),
    };
    match PAUSES_SECS.get(tries.saturating_sub(1) as usize) {
        Some(secs) if kind != EventKind::Test => {
            AfterAttempt::RetryIn(spread(id, tries, Duration::from_secs(*secs)).max(wish))
        }
        _ => AfterAttempt::GiveUp,
    }
}

/// The pause, up to a fifth longer, so that deliveries that failed together do not return together. The spread comes from the
/// name and the attempt: the same delivery always waits the same.
fn spread(id: &DeliveryId, tries: u32, pause: Duration) -> Duration {
    let digest = Sha256::new().chain_update(id.as_str()).chain_update(tries.to_le_bytes()).finalize();
    let spread = f64::from(u16::from_le_bytes([digest[0], digest[1]])) / f64::from(u16::MAX);
    pause.mul_f64(1.0 + spread / 5.0)
}

/// How long a receiver asks to be left alone: a number of seconds, or a date.
pub(crate) fn wished_pause(retry_after: &str, now: UnixMillis) -> Option<Duration> {
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

    const AGAIN: Verdict = Verdict::NotNow(None);

    fn after(tries: u32, random: u128, verdict: Verdict) -> AfterAttempt {
        after_attempt(&DeliveryId::from_random(random), EventKind::JobFailed, tries, verdict)
    }

    #[test]
    fn ten_attempts_are_made_over_a_little_more_than_three_days() {
        let pauses: Vec<_> = (1..=10).map(|tries| after(tries, 1, AGAIN)).collect();
        assert_eq!(pauses[9], AfterAttempt::GiveUp);
        let mut total = Duration::ZERO;
        for (pause, secs) in pauses.iter().zip(PAUSES_SECS) {
            let AfterAttempt::RetryIn(pause) = pause else { panic!("given up early") };
            let shortest = Duration::from_secs(secs);
            assert!(*pause >= shortest && *pause <= shortest.mul_f64(1.2), "{pause:?}");
            total += *pause;
        }
        assert!((75..=91).contains(&(total.as_secs() / 3600)), "{total:?}");
    }

    #[test]
    fn deliveries_that_failed_together_return_apart_and_each_always_alike() {
        let all: std::collections::HashSet<_> =
            (0..50).map(|random| format!("{:?}", after(2, random, AGAIN))).collect();
        assert!(all.len() > 40, "{all:?}");
        assert_eq!(after(2, 7, AGAIN), after(2, 7, AGAIN));
    }

    #[test]
    fn a_receivers_wish_lengthens_a_pause_and_never_shortens_it() {
        let wish = |secs| Verdict::NotNow(Some(Duration::from_secs(secs)));
        assert_eq!(after(1, 1, wish(600)), AfterAttempt::RetryIn(Duration::from_mins(10)));
        assert_eq!(after(2, 1, wish(1)), after(2, 1, AGAIN));
        assert_eq!(after(1, 1, wish(1 << 40)), AfterAttempt::RetryIn(Duration::from_hours(24)));
        assert_eq!(after(10, 1, wish(5)), AfterAttempt::GiveUp);
    }

    #[test]
    fn a_test_is_tried_once() {
        let after = |verdict| after_attempt(&DeliveryId::from_random(1), EventKind::Test, 1, verdict);
        assert_eq!(after(AGAIN), AfterAttempt::GiveUp);
        assert_eq!(after(Verdict::Delivered), AfterAttempt::Delivered);
    }

    #[test]
    fn wishes_are_read_as_seconds_and_as_dates() {
        let now = UnixMillis(784_111_777_000);
        assert_eq!(wished_pause(" 120 ", now), Some(Duration::from_mins(2)));
        assert_eq!(wished_pause("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_mins(1)));
        assert_eq!(wished_pause("Sun, 06 Nov 1994 08:40:37 GMT", now), Some(Duration::ZERO));
        for text in ["", "-5", "soon", "1e9", "99999999999999999999999"] {
            assert_eq!(wished_pause(text, now), None, "{text}");
        }
    }
}
