//! What every backend of the queue promises, held against each of them and against the model.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod conformance;
mod fixture;
mod model;
mod speed;
mod webhooks;

use conformance::sentences;

sentences! {
    submitted_jobs_are_claimed_in_the_order_in_which_they_came,
    a_job_is_read_by_its_own_key_alone,
    an_id_that_is_taken_is_refused,
    every_claim_raises_the_token_and_no_release_lowers_it,
    the_old_token_of_a_reclaimed_job_changes_nothing,
    a_lease_that_is_renewed_outlives_its_first_span,
    a_lease_that_runs_out_once_is_tried_again_and_twice_fails_as_worker_lost,
    a_failure_of_the_asker_ends_the_job_at_once,
    a_failure_of_another_machine_is_tried_three_times_with_pauses,
    crashes_and_attempts_are_counted_apart,
    a_drained_job_has_used_no_attempt,
    finishing_twice_is_safe_and_changes_nothing,
    an_ended_job_stays_ended_whatever_is_said,
    progress_never_goes_back_not_even_when_a_job_starts_again,
    the_outcome_reads_back_as_it_was_committed,
    inputs_are_forgotten_after_the_end_and_outputs_after_their_retention,
    a_revoked_key_reads_as_revoked_and_is_revoked_once,
    many_workers_never_get_the_same_job
}
