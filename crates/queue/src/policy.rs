use std::time::Duration;

use clearcut_job::{Failure, FailureCode, Fault, JobId, UnixMillis};
use sha2::{Digest as _, Sha256};

/// How long things last in the queue and how often they are tried.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How long a claim holds without a word from the worker. Shorter finds lost workers sooner, longer forgives longer
    /// pauses of the machine. Default 60 s.
    pub lease_ttl: Duration,
    /// How many tries a job has whose failures are another machine's fault. Default 3.
    pub max_attempts: u32,
    /// How many workers may vanish with a job before it is given up. Default 2.
    pub max_crashes: u32,
    /// How often the server may end with a job, killed, before that counts as the job's doing. Default 3.
    pub max_restarts: u32,
    /// The pause before the second try; doubled for each further one. Default 5 s.
    pub backoff: Duration,
    /// The longest pause between tries. Default 5 min.
    pub backoff_cap: Duration,
    /// How long inputs and outputs are kept after the end of a job; a key may have less. Default 24 h.
    pub retention: Duration,
    /// How long an upload may take to become whole. Default 24 h.
    pub upload_ttl: Duration,
    /// Bytes that a key may keep, unless it has a quota of its own; `None` for any number. Default none.
    pub quota_bytes: Option<u64>,
    /// How long a delivery is its courier's: longer than an attempt may take, and as long as the delivery waits if its
    /// courier dies. Default 60 s.
    pub delivery_lease: Duration,
    /// How many jobs of one key run at once, where the key has no number of its own. Default: as many as there are workers.
    pub max_running: u32,
    /// How many jobs of one key wait at once, where the key has no number of its own. Default 10,000.
    pub max_waiting: u32,
    /// How long a submit is not done twice under one idempotency key. Default 24 h.
    pub idempotency_span: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_ttl: Duration::from_mins(1),
            max_attempts: 3,
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

/// What becomes of a job after a setback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// It waits until then and is tried again.
    Retry {
        /// Not claimed before this moment.
        not_before: UnixMillis,
    },
    /// It has failed.
    End(Failure),
}

impl Policy {
    /// When what ended or became whole at `moment` is forgotten, if its key keeps things for `max_retention` at most.
    #[must_use]
    pub fn expiry(&self, moment: UnixMillis, max_retention: Option<Duration>) -> UnixMillis {
        moment.after(self.retention.min(max_retention.unwrap_or(self.retention)))
    }

    /// What becomes of job `id` after its worker reported `failure`, which was try number `attempts` (from 1).
    #[must_use]
    pub fn after_failure(&self, id: &JobId, failure: Failure, attempts: u32, now: UnixMillis) -> NextStep {
        match failure.code.fault() {
            Fault::Upstream if attempts < self.max_attempts => {
                NextStep::Retry { not_before: now.after(self.pause(id, attempts)) }
            }
            Fault::Input | Fault::Host | Fault::Upstream => NextStep::End(failure),
        }
    }

    /// What becomes of a job after the lease of its worker ran out for the `crashes`th time (from 1).
    #[must_use]
    pub fn after_crash(&self, crashes: u32, now: UnixMillis) -> NextStep {
        if crashes < self.max_crashes {
            return NextStep::Retry { not_before: now };
        }
        let message = format!("the worker was lost {crashes} times while it had this job");
        NextStep::End(Failure::new(FailureCode::WorkerLost, message))
    }

    /// What becomes of a job that the server had when it was killed, for the `restarts`th time (from 1).
    #[must_use]
    pub fn after_restart(&self, restarts: u32, now: UnixMillis) -> NextStep {
        if restarts < self.max_restarts {
            return NextStep::Retry { not_before: now };
        }
        let message = format!("the server ended {restarts} times while it had this job");
        NextStep::End(Failure::new(FailureCode::WorkerLost, message))
    }

    /// Doubling, capped, and spread over the upper half of the span so that jobs that failed together do not return
    /// together. The spread comes from the id and the attempt: the same job always waits the same.
    fn pause(&self, id: &JobId, attempts: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(self.backoff_cap);
        let digest = Sha256::new().chain_update(id.as_str()).chain_update(attempts.to_le_bytes()).finalize();
        let spread = f64::from(u16::from_le_bytes([digest[0], digest[1]])) / f64::from(u16::MAX);
        doubled.mul_f64(0.5 + spread / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn after(code: FailureCode, attempts: u32, random: u128) -> NextStep {
        Policy::default().after_failure(&JobId::from_random(random), Failure::new(code, "x"), attempts, NOW)
    }

    #[test]
    fn what_the_asker_or_this_machine_got_wrong_is_not_tried_again() {
        for code in FailureCode::ALL.iter().filter(|code| code.fault() != Fault::Upstream) {
            assert_eq!(after(*code, 1, 7), NextStep::End(Failure::new(*code, "x")));
        }
    }

    #[test]
    fn what_another_machine_got_wrong_is_tried_three_times() {
        assert!(matches!(after(FailureCode::StorageUnavailable, 1, 7), NextStep::Retry { .. }));
        assert!(matches!(after(FailureCode::StorageUnavailable, 2, 7), NextStep::Retry { .. }));
        assert!(matches!(after(FailureCode::StorageUnavailable, 3, 7), NextStep::End(_)));
    }

    #[test]
    fn pauses_double_and_jobs_that_failed_together_spread() {
        let pause = |attempts, random| match after(FailureCode::StorageUnavailable, attempts, random) {
            NextStep::Retry { not_before } => not_before.since(NOW).as_millis(),
            NextStep::End(_) => panic!("not tried again"),
        };
        let firsts: std::collections::HashSet<_> = (0..50).map(|random| pause(1, random)).collect();
        assert!(firsts.len() > 40, "{firsts:?}");
        assert!(firsts.iter().all(|millis| (2500..=5000).contains(millis)), "{firsts:?}");
        assert!((0..50).all(|random| (5000..=10_000).contains(&pause(2, random))));
    }

    #[test]
    fn the_second_lost_worker_ends_the_job() {
        let policy = Policy::default();
        assert_eq!(policy.after_crash(1, NOW), NextStep::Retry { not_before: NOW });
        let NextStep::End(failure) = policy.after_crash(2, NOW) else { panic!("tried again") };
        assert_eq!(failure.code, FailureCode::WorkerLost);
    }

    #[test]
    fn a_server_that_is_killed_twice_costs_its_job_nothing() {
        let policy = Policy::default();
        for restarts in 1..3 {
            assert_eq!(policy.after_restart(restarts, NOW), NextStep::Retry { not_before: NOW });
        }
        assert!(
            matches!(policy.after_restart(3, NOW), NextStep::End(failure) if failure.code == FailureCode::WorkerLost)
        );
    }
}
