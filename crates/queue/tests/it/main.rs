//! What every backend of the queue promises, held against each of them and against the model.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod conformance;
mod fixture;
mod model;
mod owned_jobs;
mod speed;
mod uploads;
mod webhooks;

use conformance::sentences;

sentences! {
    conformance:
    submitted_jobs_are_claimed_in_the_order_in_which_they_came,
    a_job_is_read_by_its_own_key_alone,
    an_id_that_is_taken_is_refused,
    every_claim_raises_the_token_and_no_release_lowers_it,
    the_old_token_of_a_reclaimed_job_changes_nothing,
    a_lease_that_is_renewed_outlives_its_first_span,
    a_clock_that_jumps_ahead_costs_no_lease,
    a_clock_that_is_set_back_keeps_no_job_and_no_first_delivery_waiting,
    a_lease_that_runs_out_once_is_tried_again_and_twice_fails_as_worker_lost,
    a_failure_of_the_asker_ends_the_job_at_once,
    a_failure_of_another_machine_is_tried_three_times_with_pauses,
    crashes_and_attempts_are_counted_apart,
    a_drained_job_has_used_no_attempt,
    finishing_twice_is_safe_and_changes_nothing,
    an_ended_job_stays_ended_whatever_is_said,
    progress_never_goes_back_not_even_when_a_job_starts_again,
    the_outcome_reads_back_as_it_was_committed,
    inputs_and_outputs_are_forgotten_together_after_their_retention,
    a_revoked_key_reads_as_revoked_and_is_revoked_once,
    many_workers_never_get_the_same_job
}

mod owned {
    crate::conformance::sentences! { owned_jobs:
        lists_are_newest_first_and_of_one_key_alone,
        pages_hold_every_job_once_although_new_ones_come_in_between,
        lists_can_be_of_one_state_and_of_a_time,
        a_cancelled_job_has_failed_whether_it_waited_or_ran,
        a_job_that_ended_is_not_cancelled_any_more,
        a_job_of_another_key_is_no_job,
        a_removed_job_is_gone_with_its_pointers_and_its_cost_stays,
        a_running_job_can_be_removed_and_its_worker_is_heard_no_more,
        a_failed_job_is_tried_again_as_a_new_one_and_stays_failed,
        what_has_not_failed_or_has_no_input_any_more_is_not_tried_again,
    a_job_whose_clip_could_not_be_fetched_is_tried_again_while_its_address_is_kept,
    a_removed_job_leaves_the_clip_to_its_upload,
        the_same_submit_is_done_once_for_a_day,
        the_idempotency_keys_of_two_api_keys_are_apart,
        a_hundred_duplicates_at_once_make_one_job,
        a_full_line_takes_no_job_but_says_again_what_it_took,
        a_key_with_a_thousand_jobs_does_not_starve_one_with_a_single_job,
        keys_take_turns_and_the_one_with_fewer_running_jobs_comes_first,
        a_key_has_no_more_jobs_running_than_it_may_have,
        jobs_are_claimed_in_the_order_of_their_positions,
        the_outlook_knows_how_long_jobs_took_lately,
        the_revision_rises_with_all_that_is_shown_and_with_nothing_else,
        usage_is_counted_by_day_and_by_key
    }
}

mod told {
    crate::conformance::sentences! { webhooks:
        every_way_to_an_end_tells_it_once,
        a_start_is_told_once_however_often_a_job_starts,
        a_late_event_tells_the_moment_in_which_it_happened,
        an_endpoint_is_told_what_it_asked_for_and_of_its_own_key_alone,
        a_delivery_keeps_its_name_over_retries_and_redeliveries,
        two_couriers_never_have_the_same_delivery_at_once,
        a_courier_that_dies_leaves_its_delivery_to_the_next,
        a_pause_is_kept_and_attempts_are_remembered,
        gone_disables_the_endpoint_and_stops_what_waits,
        gone_from_the_url_of_a_job_stops_this_job_alone,
        a_disabled_endpoint_is_told_nothing_until_it_is_enabled,
        one_host_with_many_deliveries_delays_no_other,
        a_secret_rotates_with_an_overlap_of_a_day,
        the_secret_for_jobs_is_made_once,
        a_revoked_key_is_told_nothing_more,
        a_key_has_so_many_endpoints_and_no_more,
        a_moved_endpoint_gets_what_waits_at_its_new_address,
        a_test_event_reaches_one_endpoint_and_is_of_no_job,
        nothing_of_another_key_is_seen_or_changed,
        a_job_that_is_tried_again_tells_the_same_url,
        a_removed_job_takes_its_deliveries_with_it
    }
}
