//! Contract tests of jobs, leases, retention and API keys.

use std::{collections::HashSet, time::Duration};

use clearcut_job::{
    FailureCode, FencingToken, JobId, JobKind, JobState, ObjectName, OutputFormat, Progress, Stage, UnixMillis,
    WorkerId,
};
use clearcut_queue::{Ending, Finished, NewJob, QueueDepth, QueueError, QueueGauges, Reaped};

use crate::fixture::{
    Bench, TTL, image_outcome, image_request, input_failure, job, key, object_name, outcome, output_name,
    temporary_failure, worker,
};

/// Creates one test for each function of a suite and each backend.
macro_rules! conformance_tests {
    ($suite:ident: $($test:ident),* $(,)?) => {
        mod memory { $(#[tokio::test] async fn $test() {
            crate::$suite::$test(crate::fixture::Bench::memory().await).await;
        })* }
        mod sqlite { $(#[tokio::test] async fn $test() {
            crate::$suite::$test(crate::fixture::Bench::sqlite().await).await;
        })* }
        mod postgres { $(#[tokio::test] async fn $test() {
            crate::$suite::$test(crate::fixture::Bench::postgres().await).await;
        })* }
    };
}
pub(crate) use conformance_tests;

#[expect(clippy::needless_pass_by_value, reason = "takes what a call returns")]
pub(crate) fn is_lease_lost<T: std::fmt::Debug>(result: Result<T, QueueError>) -> bool {
    matches!(result, Err(QueueError::LeaseLost))
}

pub(crate) async fn jobs_are_claimed_in_submission_order(bench: Bench) {
    let ids = [bench.submit(5).await, bench.submit(3).await, bench.submit(4).await];
    for id in &ids {
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!((&claimed.id, claimed.token), (id, FencingToken(1)));
        assert_eq!(bench.read(id).await.state, JobState::Submitted);
    }
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
}

pub(crate) async fn the_gauges_measure_what_waits(bench: Bench) {
    assert_eq!(bench.queue.gauges().await.unwrap(), QueueGauges::default());
    bench.submit_with_webhook(1, "a.example").await;
    bench.submit(2).await;
    bench.advance_clock(Duration::from_secs(7));
    let waiting = QueueGauges {
        depth: QueueDepth { queued: 2, leased: 0 },
        longest_wait: Some(Duration::from_secs(7)),
        ..QueueGauges::default()
    };
    assert_eq!(bench.queue.gauges().await.unwrap(), waiting);
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.start(&claimed.id, claimed.token).await.unwrap();
    let running = QueueGauges { depth: QueueDepth { queued: 1, leased: 1 }, pending_deliveries: 1, ..waiting };
    assert_eq!(bench.queue.gauges().await.unwrap(), running);
    bench.advance_clock(TTL);
    let late = QueueGauges { longest_wait: Some(Duration::from_secs(7) + TTL), expired_leases: 1, ..running };
    assert_eq!(bench.queue.gauges().await.unwrap(), late);
}

pub(crate) async fn a_job_is_visible_only_to_its_own_api_key(bench: Bench) {
    let other = bench.queue.create_key(key("second")).await.unwrap().id;
    let id = bench.submit(1).await;
    assert!(bench.queue.read(bench.owner, &id).await.unwrap().is_some());
    assert!(bench.queue.read(other, &id).await.unwrap().is_none());
}

pub(crate) async fn a_duplicate_job_id_or_key_hash_is_refused(bench: Bench) {
    bench.submit(1).await;
    assert!(matches!(bench.queue.submit(job(1, bench.owner)).await, Err(QueueError::Taken)));
    assert!(matches!(bench.queue.create_key(key("first")).await, Err(QueueError::Taken)));
}

pub(crate) async fn every_claim_raises_the_token_and_a_release_does_not_lower_it(bench: Bench) {
    let id = bench.submit(1).await;
    for round in 1..=5 {
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!(claimed.token, FencingToken(round));
        assert!(bench.queue.is_claimed(&id, FencingToken(round)).await.unwrap());
        bench.queue.release(&id, claimed.token).await.unwrap();
        assert!(!bench.queue.is_claimed(&id, FencingToken(round)).await.unwrap());
    }
}

pub(crate) async fn a_forward_clock_jump_expires_no_lease(bench: Bench) {
    let id = bench.submit(1).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.advance_clock(Duration::from_hours(1));
    bench.queue.clock_jumped().await.unwrap();
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    bench.advance_clock(TTL / 2);
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    // The restarted lease expires as usual.
    bench.advance_clock(TTL / 2);
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), has_failed: false }]);
    assert!(is_lease_lost(bench.queue.renew(&id, claimed.token, Progress::within(Stage::Loading, 0.0)).await));
}

pub(crate) async fn a_backward_clock_jump_delays_no_job_and_no_first_delivery(bench: Bench) {
    let first = bench.submit_with_webhook(1, "a.example").await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.finish(&first, claimed.token, Ending::Failed(input_failure())).await.unwrap();
    let waiting = bench.submit(2).await;
    // A backoff set by the policy remains.
    let paused = bench.submit(3).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(claimed.id, waiting);
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.finish(&paused, claimed.token, Ending::Failed(temporary_failure())).await.unwrap();
    bench.queue.clock_jumped().await.unwrap();
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
    let late = bench.submit(4).await;
    bench.clock.set_back(Duration::from_hours(1));
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
    assert!(bench.queue.claim_delivery(4).await.unwrap().is_none());
    bench.queue.clock_jumped().await.unwrap();
    let mut ready = Vec::new();
    while let Some(claimed) = bench.queue.claim(&worker()).await.unwrap() {
        ready.push(claimed.id);
    }
    ready.sort();
    let mut expected = [paused, late];
    expected.sort();
    assert_eq!(ready, expected);
    assert!(bench.queue.claim_delivery(4).await.unwrap().is_some());
    // Its lease also restarted with the new clock.
    bench.advance_clock(TTL);
    assert!(bench.queue.reap().await.unwrap().contains(&Reaped { id: waiting, has_failed: false }));
}

pub(crate) async fn a_stale_token_is_rejected_by_every_operation(bench: Bench) {
    let id = bench.submit(1).await;
    let old = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.advance_clock(TTL);
    bench.queue.reap().await.unwrap();
    // The old token is also invalid between the reaping and the next claim.
    assert!(is_lease_lost(bench.queue.renew(&id, old, Progress::NONE).await));
    assert!(is_lease_lost(bench.queue.finish(&id, old, Ending::Completed(outcome(1))).await));
    let new = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let before = bench.read(&id).await;
    assert!(is_lease_lost(bench.queue.start(&id, old).await));
    assert!(is_lease_lost(bench.queue.renew(&id, old, Progress::within(Stage::Storing, 1.0)).await));
    assert!(is_lease_lost(bench.queue.finish(&id, old, Ending::Failed(input_failure())).await));
    assert!(is_lease_lost(bench.queue.release(&id, old).await));
    assert_eq!(bench.read(&id).await, before);
    assert_eq!(bench.queue.finish(&id, new, Ending::Completed(outcome(1))).await.unwrap(), Finished::Committed);
}

pub(crate) async fn a_renewed_lease_outlives_its_first_ttl(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    for _ in 0..4 {
        bench.advance_clock(TTL / 2);
        bench.queue.renew(&id, token, Progress::NONE).await.unwrap();
        assert_eq!(bench.queue.reap().await.unwrap(), []);
    }
    bench.advance_clock(TTL.saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    bench.advance_clock(Duration::from_millis(1));
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id, has_failed: false }]);
}

pub(crate) async fn one_expired_lease_retries_the_job_and_a_second_fails_it_as_worker_lost(bench: Bench) {
    let id = bench.submit(1).await;
    for has_failed in [false, true] {
        let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
        bench.queue.start(&id, token).await.unwrap();
        bench.advance_clock(TTL);
        assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), has_failed }]);
    }
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.crashes, ended.attempts), (JobState::Failed, 2, 0));
    assert_eq!(ended.failure.unwrap().code, FailureCode::WorkerLost);
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
}

pub(crate) async fn an_input_failure_ends_the_job_at_once(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.finish(&id, token, Ending::Failed(input_failure())).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.failure), (JobState::Failed, Some(input_failure())));
}

pub(crate) async fn a_temporary_failure_is_tried_three_times_with_backoff(bench: Bench) {
    let id = bench.submit(1).await;
    for attempt in 1..=2 {
        let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
        let finished = bench.queue.finish(&id, token, Ending::Failed(temporary_failure())).await.unwrap();
        assert!(matches!(finished, Finished::Retrying { .. }), "attempt {attempt}: {finished:?}");
        assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None, "claimed again without a pause");
        bench.advance_clock(Duration::from_secs(10));
    }
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.finish(&id, token, Ending::Failed(temporary_failure())).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Failed, 3));
}

pub(crate) async fn crashes_and_attempts_are_counted_separately(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.finish(&id, token, Ending::Failed(temporary_failure())).await.unwrap();
    bench.advance_clock(TTL);
    bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.advance_clock(TTL);
    bench.queue.reap().await.unwrap();
    let waiting = bench.read(&id).await;
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Queued, 1, 1));
}

pub(crate) async fn a_released_job_uses_no_attempt(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.start(&id, token).await.unwrap();
    bench.queue.release(&id, token).await.unwrap();
    let waiting = bench.read(&id).await;
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Queued, 0, 0));
    assert_eq!(bench.queue.claim(&worker()).await.unwrap().unwrap().id, id);
}

pub(crate) async fn finishing_twice_is_idempotent(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let ending = Ending::Completed(outcome(1));
    assert_eq!(bench.queue.finish(&id, token, ending.clone()).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    bench.advance_clock(TTL);
    assert_eq!(bench.queue.finish(&id, token, ending).await.unwrap(), Finished::AlreadyCommitted);
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn no_later_operation_changes_an_ended_job(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.finish(&id, token, Ending::Failed(input_failure())).await.unwrap();
    let ended = bench.read(&id).await;
    for late_token in [token, FencingToken(0), FencingToken(2)] {
        assert!(is_lease_lost(bench.queue.start(&id, late_token).await));
        assert!(is_lease_lost(bench.queue.renew(&id, late_token, Progress::NONE).await));
        assert!(is_lease_lost(bench.queue.release(&id, late_token).await));
        assert_eq!(
            is_lease_lost(bench.queue.finish(&id, late_token, Ending::Completed(outcome(1))).await),
            late_token != token
        );
    }
    bench.advance_clock(TTL * 10);
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn progress_never_decreases_even_when_a_job_restarts(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let half = Progress::within(Stage::Cutting, 0.5);
    bench.queue.renew(&id, token, half).await.unwrap();
    bench.queue.renew(&id, token, Progress::within(Stage::Loading, 0.5)).await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
    bench.advance_clock(TTL);
    bench.queue.reap().await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.renew(&id, token, Progress::within(Stage::Loading, 0.0)).await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
}

pub(crate) async fn the_outcome_reads_back_as_committed(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.advance_clock(Duration::from_secs(2));
    bench.queue.start(&id, token).await.unwrap();
    bench.advance_clock(Duration::from_secs(3));
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let ended = bench.read(&id).await;
    assert_eq!(ended.outcome, Some(*outcome(1)));
    assert_eq!(ended.started.map(|at| at.since(ended.created).as_secs()), Some(2));
    assert_eq!(ended.ended.map(|at| at.since(ended.created).as_secs()), Some(5));
}

pub(crate) async fn a_job_of_images_keeps_its_kind_and_the_list_of_its_images(bench: Bench) {
    let clip = bench.submit(1).await;
    bench.queue.submit(NewJob { request: image_request().into(), ..job(2, bench.owner) }).await.unwrap();
    let id = JobId::from_random(2);
    assert_eq!((bench.read(&clip).await.kind, bench.read(&id).await.kind), (JobKind::Video, JobKind::Image));
    bench.queue.claim(&worker()).await.unwrap();
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!((&claimed.id, claimed.request), (&id, Ok(image_request().into())));
    let committed = image_outcome(2);
    let ending = Ending::Completed(committed.clone());
    assert_eq!(bench.queue.finish(&id, claimed.token, ending).await.unwrap(), Finished::Committed);
    assert_eq!(bench.read(&id).await.outcome, Some(*committed));
    let day = bench.queue.usage(bench.owner, UnixMillis(0), UnixMillis(i64::MAX)).await.unwrap();
    assert_eq!((day[0].jobs, day[0].frames), (1, 1));
}

pub(crate) async fn inputs_and_outputs_expire_together_after_their_retention(bench: Bench) {
    let id = bench.submit(1).await;
    let objects: Vec<ObjectName> =
        vec![output_name(1, OutputFormat::StackedAlpha), output_name(1, OutputFormat::Webm), object_name("uploads/1")];
    bench.advance_clock(Duration::from_hours(48));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.read(&id).await.expires, None);
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.referenced_objects(objects.clone()).await.unwrap(), objects[2..]);
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let ended = bench.read(&id).await;
    assert_eq!(ended.expires.unwrap().since(ended.ended.unwrap()), Duration::from_hours(24));
    bench.advance_clock(Duration::from_hours(24).saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.queue.referenced_objects(objects.clone()).await.unwrap(), objects);
    bench.advance_clock(Duration::from_millis(1));
    assert_eq!(bench.queue.list_expired().await.unwrap(), objects, "listing changes nothing");
    assert_eq!(bench.queue.forget_expired().await.unwrap(), objects);
    assert_eq!(bench.queue.referenced_objects(objects).await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.queue.list_expired().await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn a_key_can_be_revoked_only_once_and_reads_as_revoked(bench: Bench) {
    let made = bench.queue.create_key(key("second")).await.unwrap();
    bench.queue.touch_key(made.id).await.unwrap();
    assert!(bench.queue.revoke_key(made.id).await.unwrap());
    assert!(!bench.queue.revoke_key(made.id).await.unwrap());
    let found = bench.queue.find_key(key("second").hash).await.unwrap().unwrap();
    assert!(found.revoked.is_some() && found.last_used.is_some());
    assert_eq!(bench.queue.find_key(key("third").hash).await.unwrap(), None);
    assert_eq!(bench.queue.list_keys().await.unwrap().len(), 2);
}

pub(crate) async fn concurrent_workers_never_claim_the_same_job(bench: Bench) {
    const JOBS: usize = 200;
    for number in 0..JOBS {
        bench.submit(number as u128).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for random in 0..8 {
        let queue = bench.queue.clone();
        workers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(claimed) = queue.claim(&WorkerId::from_random(random)).await.unwrap() {
                mine.push(claimed.id);
            }
            mine
        });
    }
    let claimed = workers.join_all().await.concat();
    assert_eq!((claimed.len(), claimed.iter().collect::<HashSet<_>>().len()), (JOBS, JOBS));
}
