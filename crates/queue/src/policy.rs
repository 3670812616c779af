//! Retry and expiry rules: leases, attempts, backoff, retention and limits, the same for every
//! backend.

use std::time::Duration;

use clearcut_job::{Failure, FailureCode, Fault, JobId, UnixMillis};

use crate::jitter;

/// Durations and retry limits of the queue.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Lease duration. A job whose worker sends no heartbeat for this long is taken back. A shorter
    /// lease detects lost workers sooner; a longer one tolerates longer pauses of the machine.
    /// Default 60 s.
    pub lease_ttl: Duration,
    /// Maximum number of attempts of a job whose failures may pass. Default 3.
    pub max_attempts: u32,
    /// Number of refusals of a part, by workers that cannot read its plan, after which its job starts
    /// over. Default 6: with the backoff, two to three minutes, in which a worker that can read it may
    /// have a place.
    pub max_refusals: u32,
    /// Number of lost workers after which their job fails. Default 2.
    pub max_crashes: u32,
    /// Number of server crashes during a job after which the job is blamed and fails. Default 3.
    pub max_restarts: u32,
    /// Backoff before the second attempt, doubled for each further attempt. Default 5 s.
    pub backoff: Duration,
    /// Maximum backoff. Default 5 min.
    pub backoff_cap: Duration,
    /// Retention of inputs and outputs after the end of a job; an API key may have less. Default 24
    /// h.
    pub retention: Duration,
    /// Maximum time from the creation of an upload to its completion. Default 24 h.
    pub upload_ttl: Duration,
    /// Storage quota in bytes of an API key without its own quota; `None` for no limit. Default
    /// none.
    pub quota_bytes: Option<u64>,
    /// Lease duration of a delivery. Must exceed the timeout of an attempt. The delivery of a dead
    /// courier waits this long for its next claim. Default 60 s.
    pub delivery_lease: Duration,
    /// Maximum number of running jobs and parts of an API key without its own limit. Default: as
    /// many as there are workers.
    pub max_running: u32,
    /// Maximum number of waiting jobs of an API key without its own limit. Default 10,000.
    pub max_waiting: u32,
    /// Lifetime of an idempotency key. Default 24 h.
    pub idempotency_span: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_ttl: Duration::from_mins(1),
            max_attempts: 3,
            max_refusals: 6,
            max_crashes: 2,
            max_restarts: 3,
            backoff: Duration::from_secs(5),
            backoff_cap: Duration::from_mins(5),
            retention: Duration::from_hours(24),
            upload_ttl: Duration::from_hours(24),
            quota_bytes: None,
            delivery_lease: Duration::from_mins(1),
            max_running: u32::MAX,
            max_waiting: 10_000,
            idempotency_span: Duration::from_hours(24),
        }
    }
}

/// Next step of a job after a setback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// The job waits and is tried again.
    Retry {
        /// Earliest time of the next claim.
        not_before: UnixMillis,
    },
    /// The job has failed.
    End(Failure),
}

impl Policy {
    /// Computes the expiry of the files of a job that ended, or of an upload that was completed, at
    /// `moment`. `max_retention` is the limit of its API key.
    #[must_use]
    pub fn expiry(&self, moment: UnixMillis, max_retention: Option<Duration>) -> UnixMillis {
        moment.after(self.retention.min(max_retention.unwrap_or(self.retention)))
    }

    /// Decides the next step of the job `id` after its worker reported `failure` in attempt number
    /// `attempts` (from 1).
    #[must_use]
    pub fn after_failure(&self, id: &JobId, failure: Failure, attempts: u32, now: UnixMillis) -> NextStep {
        match failure.code.fault() {
            Fault::Temporary if attempts < self.max_attempts => {
                NextStep::Retry { not_before: now.after(self.backoff_delay(id, attempts)) }
            }
            Fault::Input | Fault::Host | Fault::Temporary => NextStep::End(failure),
        }
    }

    /// Decides when a part of the job `id` may be claimed again after a worker could not read its plan.
    /// It is attempt number `attempts` (from 1) of the part. `None` if it seems that no worker can read
    /// the plan: the job has to start over.
    #[must_use]
    pub fn after_refusal(&self, id: &JobId, attempts: u32, now: UnixMillis) -> Option<UnixMillis> {
        (attempts < self.max_refusals).then(|| now.after(self.backoff_delay(id, attempts)))
    }

    /// Decides the next step of the job `id` after no worker could read its plan, in attempt number
    /// `attempts` (from 1) of the job.
    #[must_use]
    pub fn after_unread_plan(&self, id: &JobId, attempts: u32, now: UnixMillis) -> NextStep {
        if attempts < self.max_attempts {
            return NextStep::Retry { not_before: now.after(self.backoff_delay(id, attempts)) };
        }
        let message = "the workers of the server cannot read each other's plans of the cut";
        NextStep::End(Failure::new(FailureCode::ProcessingFailed, message))
    }

    /// Decides the next step of a job after its lease expired for the `crashes`th time (from 1).
    #[must_use]
    pub fn after_crash(&self, crashes: u32, now: UnixMillis) -> NextStep {
        if crashes < self.max_crashes {
            return NextStep::Retry { not_before: now };
        }
        let message = format!("the worker was lost {crashes} times while running this job");
        NextStep::End(Failure::new(FailureCode::WorkerLost, message))
    }

    /// Decides the next step of a job that was claimed when the server crashed, for the
    /// `restarts`th time (from 1).
    #[must_use]
    pub fn after_restart(&self, restarts: u32, now: UnixMillis) -> NextStep {
        if restarts < self.max_restarts {
            return NextStep::Retry { not_before: now };
        }
        let message = format!("the server stopped unexpectedly {restarts} times while running this job");
        NextStep::End(Failure::new(FailureCode::WorkerLost, message))
    }

    /// Computes the backoff: doubled per attempt, capped, and spread over the upper half of the
    /// span.
    fn backoff_delay(&self, id: &JobId, attempts: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(self.backoff_cap);
        doubled.mul_f64(0.5 + jitter(id.as_str(), attempts) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn next_step(code: FailureCode, attempts: u32, random: u128) -> NextStep {
        Policy::default().after_failure(&JobId::from_random(random), Failure::new(code, "x"), attempts, NOW)
    }

    #[test]
    fn input_and_host_failures_are_not_retried() {
        for code in FailureCode::ALL.iter().filter(|code| code.fault() != Fault::Temporary) {
            assert_eq!(next_step(*code, 1, 7), NextStep::End(Failure::new(*code, "x")));
        }
    }

    #[test]
    fn temporary_failures_are_tried_three_times() {
        assert!(matches!(next_step(FailureCode::StorageUnavailable, 1, 7), NextStep::Retry { .. }));
        assert!(matches!(next_step(FailureCode::StorageUnavailable, 2, 7), NextStep::Retry { .. }));
        assert!(matches!(next_step(FailureCode::StorageUnavailable, 3, 7), NextStep::End(_)));
    }

    #[test]
    fn backoff_doubles_and_jobs_that_failed_together_get_different_delays() {
        let delay = |attempts, random| match next_step(FailureCode::StorageUnavailable, attempts, random) {
            NextStep::Retry { not_before } => not_before.since(NOW).as_millis(),
            NextStep::End(_) => panic!("not retried"),
        };
        let firsts: std::collections::HashSet<_> = (0..50).map(|random| delay(1, random)).collect();
        assert!(firsts.len() > 40, "{firsts:?}");
        assert!(firsts.iter().all(|millis| (2500..=5000).contains(millis)), "{firsts:?}");
        assert!((0..50).all(|random| (5000..=10_000).contains(&delay(2, random))));
    }

    #[test]
    fn the_second_lost_worker_ends_the_job() {
        let policy = Policy::default();
        assert_eq!(policy.after_crash(1, NOW), NextStep::Retry { not_before: NOW });
        let NextStep::End(failure) = policy.after_crash(2, NOW) else { panic!("retried") };
        assert_eq!(failure.code, FailureCode::WorkerLost);
    }

    #[test]
    fn a_job_survives_two_server_crashes_and_fails_at_the_third() {
        let policy = Policy::default();
        for restarts in 1..3 {
            assert_eq!(policy.after_restart(restarts, NOW), NextStep::Retry { not_before: NOW });
        }
        assert!(
            matches!(policy.after_restart(3, NOW), NextStep::End(failure) if failure.code == FailureCode::WorkerLost)
        );
    }
}
