//! Metrics of the courier.

use std::time::Duration;

use clearcut_queue::{AfterAttempt, EventKind};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const ATTEMPTS: &str = "clearcut_webhook_attempts_total";
const ATTEMPT_DURATION: &str = "clearcut_webhook_attempt_duration_seconds";

/// Describes the metrics of this crate to the recorder of the process.
pub fn describe_metrics() {
    describe_counter!(ATTEMPTS, "Attempts at deliveries of webhooks, by kind of event and what follows");
    describe_histogram!(ATTEMPT_DURATION, Unit::Seconds, "Time of an attempt at a delivery of a webhook");
}

/// Counts an attempt at a delivery, after which `next_step` follows.
pub(crate) fn attempted(kind: EventKind, next_step: AfterAttempt, took: Duration) {
    let result = match next_step {
        AfterAttempt::Delivered => "delivered",
        AfterAttempt::Gone => "gone",
        AfterAttempt::RetryIn(_) => "to_be_retried",
        AfterAttempt::GiveUp => "given_up",
    };
    counter!(ATTEMPTS, "event" => kind.name(), "result" => result).increment(1);
    histogram!(ATTEMPT_DURATION).record(took.as_secs_f64());
}
