//! Tests of the queue's contract, run against SQLite, PostgreSQL and the in-memory model.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod broken_link;
mod conformance;
mod damage;
mod databases;
mod endpoints;
mod fixture;
mod model;
mod owned_jobs;
mod refusals;
mod segments;
mod shared;
mod speed;
mod step;
mod turns;
mod uploads;
mod webhooks;

use conformance::conformance_tests;

conformance_tests! {
    conformance:
    jobs_are_claimed_in_submission_order,
    a_job_is_visible_only_to_its_own_api_key,
    a_duplicate_job_id_or_key_hash_is_refused,
    every_claim_raises_the_token_and_a_release_does_not_lower_it,
    a_stale_token_is_rejected_by_every_operation,
    a_renewed_lease_outlives_its_first_ttl,
    a_forward_clock_jump_expires_no_lease,
    a_backward_clock_jump_delays_no_job_and_no_first_delivery,
    one_expired_lease_retries_the_job_and_a_second_fails_it_as_worker_lost,
    an_input_failure_ends_the_job_at_once,
    a_temporary_failure_is_tried_three_times_with_backoff,
    crashes_and_attempts_are_counted_separately,
    a_released_job_uses_no_attempt,
    finishing_twice_is_idempotent,
    no_later_operation_changes_an_ended_job,
    progress_never_decreases_even_when_a_job_restarts,
    the_outcome_reads_back_as_committed,
    a_job_of_images_keeps_its_kind_and_the_list_of_its_images,
    inputs_and_outputs_expire_together_after_their_retention,
    a_key_can_be_revoked_only_once_and_reads_as_revoked,
    the_gauges_measure_what_waits,
    concurrent_workers_never_claim_the_same_job
}

mod owned_job_tests {
    crate::conformance::conformance_tests! { owned_jobs:
        lists_are_newest_first_and_contain_only_the_keys_own_jobs,
        pages_list_every_job_once_while_new_jobs_arrive,
        lists_can_be_filtered_by_state_and_time,
        cancelling_a_waiting_or_running_job_fails_it,
        cancelling_an_ended_job_changes_nothing,
        a_job_of_another_key_is_treated_as_missing,
        removing_a_job_removes_its_pointers_and_keeps_its_usage,
        removing_a_running_job_revokes_its_lease,
        retrying_a_failed_job_creates_a_new_job_and_leaves_the_old_one_failed,
        a_job_is_not_retried_if_it_has_not_failed_or_its_input_is_gone,
        the_input_of_a_job_is_found_by_its_owner_until_it_is_deleted,
        a_job_with_an_unfetched_clip_can_be_retried_until_its_address_expires,
        removing_a_job_keeps_the_object_of_its_upload,
        an_idempotency_key_holds_for_a_day,
        idempotency_keys_are_scoped_to_the_api_key,
        a_hundred_concurrent_duplicates_create_one_job,
        the_revision_rises_exactly_when_a_visible_field_changes,
        usage_is_summed_by_day_and_by_key
    }
}

mod webhook_tests {
    crate::conformance::conformance_tests! { webhooks:
        every_path_to_an_end_creates_one_end_event,
        a_job_creates_one_start_event_however_often_it_starts,
        a_late_event_shows_the_job_as_it_was_when_it_happened,
        an_endpoint_receives_only_its_chosen_events_of_its_own_key,
        a_delivery_keeps_its_id_across_retries_and_redeliveries,
        two_couriers_never_hold_the_same_delivery,
        a_dead_couriers_delivery_is_claimed_again_after_its_lease,
        retry_delays_are_observed_and_attempts_are_recorded,
        a_410_from_a_job_url_stops_only_that_job,
        a_host_with_many_deliveries_does_not_delay_other_hosts,
        a_revoked_key_receives_no_more_deliveries,
        a_retried_job_notifies_the_same_url,
        removing_a_job_removes_its_deliveries
    }
}

mod turn_tests {
    crate::conformance::conformance_tests! { turns:
        a_key_at_its_waiting_limit_is_refused_new_jobs_but_not_repeated_submits,
        a_key_with_a_thousand_jobs_does_not_starve_a_key_with_one,
        keys_take_turns_and_the_key_with_fewer_running_jobs_comes_first,
        a_key_never_exceeds_its_running_limit,
        jobs_are_claimed_in_the_order_of_their_positions,
        the_outlook_reports_the_mean_of_recent_processing_times
    }
}

mod segment_tests {
    crate::conformance::conformance_tests! { segments:
        a_split_job_is_cut_in_segments_and_joined_once,
        progress_is_the_mean_of_the_segments_by_their_frames,
        only_the_claim_of_the_whole_job_splits_it,
        a_lost_segment_alone_is_cut_again,
        two_lost_workers_of_one_segment_fail_the_job_and_end_all_its_claims,
        parts_lost_at_once_end_the_job_once,
        a_lost_join_is_claimed_again_and_a_second_loss_fails_the_job,
        a_released_segment_uses_no_attempt_and_keeps_its_progress,
        a_failing_segment_is_retried_or_fails_the_job_with_its_own_error,
        cancelling_or_removing_a_split_job_ends_every_claim,
        a_claim_that_lost_its_segment_changes_nothing,
        a_segment_cannot_complete_the_job_and_the_join_is_no_segment,
        the_last_two_segments_finished_at_once_open_the_join_once,
        segments_count_as_running_claims_of_their_key,
        a_begun_job_is_finished_before_the_next_one_of_its_key,
        plan_and_segments_are_removed_after_the_end,
        a_clock_jump_expires_no_lease_of_a_segment
    }
}

mod refusal_tests {
    crate::conformance::conformance_tests! { refusals:
        a_part_whose_plan_was_refused_waits_for_another_worker,
        a_job_whose_plan_no_worker_reads_is_planned_again,
        a_job_that_starts_over_too_often_fails,
        only_the_claim_of_a_part_refuses_its_plan
    }
}

mod endpoint_tests {
    crate::conformance::conformance_tests! { endpoints:
        a_410_disables_the_endpoint_and_stops_its_pending_deliveries,
        a_disabled_endpoint_receives_nothing_until_it_is_enabled,
        a_rotated_secret_overlaps_the_previous_one_for_a_day,
        the_secret_for_job_urls_is_created_once,
        the_number_of_endpoints_per_key_is_limited,
        pending_deliveries_follow_an_endpoint_to_its_new_url,
        a_test_event_reaches_one_endpoint_and_belongs_to_no_job,
        webhooks_of_another_key_are_neither_visible_nor_changeable
    }
}
