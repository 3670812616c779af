//! What every backend of the queue promises about jobs and their leases.

use std::{collections::HashSet, time::Duration};

use clearcut_job::{FailureCode, FencingToken, JobState, Progress, Stage, WorkerId};
use clearcut_queue::{Ending, Finished, QueueError, Reaped};

use crate::fixture::{Bench, TTL, bad_input, job, key, outcome, upstream, worker};

/// Makes one test for each sentence and backend.
macro_rules! sentences {
    ($suite:ident: $($sentence:ident),* $(,)?) => {
        mod memory { $(#[tokio::test] async fn $sentence() {
            crate::$suite::$sentence(crate::fixture::Bench::memory().await).await;
        })* }
        mod sqlite { $(#[tokio::test] async fn $sentence() {
            crate::$suite::$sentence(crate::fixture::Bench::sqlite().await).await;
        })* }
    };
}
pub(crate) use sentences;

#[expect(clippy::needless_pass_by_value, reason = "takes what a call returns")]
fn lost<T: std::fmt::Debug>(result: Result<T, QueueError>) -> bool {
    matches!(result, Err(QueueError::LeaseLost))
}

pub(crate) async fn submitted_jobs_are_claimed_in_the_order_in_which_they_came(bench: Bench) {
    let ids = [bench.submit(5).await, bench.submit(3).await, bench.submit(4).await];
    for id in &ids {
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!((&claimed.id, claimed.token), (id, FencingToken(1)));
        assert_eq!(bench.read(id).await.state, JobState::Submitted);
    }
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
}

pub(crate) async fn a_job_is_read_by_its_own_key_alone(bench: Bench) {
    let other = bench.queue.create_key(key("second")).await.unwrap().id;
    let id = bench.submit(1).await;
    assert!(bench.queue.read(bench.owner, &id).await.unwrap().is_some());
    assert!(bench.queue.read(other, &id).await.unwrap().is_none());
}

pub(crate) async fn an_id_that_is_taken_is_refused(bench: Bench) {
    bench.submit(1).await;
    assert!(matches!(bench.queue.submit(job(1, bench.owner)).await, Err(QueueError::Taken)));
    assert!(matches!(bench.queue.create_key(key("first")).await, Err(QueueError::Taken)));
}

pub(crate) async fn every_claim_raises_the_token_and_no_release_lowers_it(bench: Bench) {
    let id = bench.submit(1).await;
    for round in 1..=5 {
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!(claimed.token, FencingToken(round));
        assert_eq!(bench.queue.running_claim(&id).await.unwrap(), Some(FencingToken(round)));
        bench.queue.release(&id, claimed.token).await.unwrap();
        assert_eq!(bench.queue.running_claim(&id).await.unwrap(), None);
    }
}

pub(crate) async fn a_clock_that_jumps_ahead_costs_no_lease(bench: Bench) {
    let id = bench.submit(1).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.pass(Duration::from_hours(1));
    bench.queue.clock_jumped().await.unwrap();
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    bench.pass(TTL / 2);
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    // It begins anew, and ends.
    bench.pass(TTL / 2);
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), given_up: false }]);
    assert!(lost(bench.queue.renew(&id, claimed.token, Progress::within(Stage::Loading, 0.0)).await));
}

pub(crate) async fn a_clock_that_is_set_back_keeps_no_job_and_no_first_delivery_waiting(bench: Bench) {
    let first = bench.submit_with_webhook(1, "a.example").await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.finish(&first, claimed.token, Ending::Failed(bad_input())).await.unwrap();
    let waiting = bench.submit(2).await;
    // A pause that a policy set stays.
    let paused = bench.submit(3).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(claimed.id, waiting);
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.finish(&paused, claimed.token, Ending::Failed(upstream())).await.unwrap();
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
    // Its lease was the old clock's.
    bench.pass(TTL);
    assert!(bench.queue.reap().await.unwrap().contains(&Reaped { id: waiting, given_up: false }));
}

pub(crate) async fn the_old_token_of_a_reclaimed_job_changes_nothing(bench: Bench) {
    let id = bench.submit(1).await;
    let old = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.pass(TTL);
    bench.queue.reap().await.unwrap();
    // Between the reaper and the next claim the old worker has nothing to say either.
    assert!(lost(bench.queue.renew(&id, old, Progress::NONE).await));
    assert!(lost(bench.queue.finish(&id, old, Ending::Completed(outcome(1))).await));
    let new = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let before = bench.read(&id).await;
    assert!(lost(bench.queue.start(&id, old).await));
    assert!(lost(bench.queue.renew(&id, old, Progress::within(Stage::Storing, 1.0)).await));
    assert!(lost(bench.queue.finish(&id, old, Ending::Failed(bad_input())).await));
    assert!(lost(bench.queue.release(&id, old).await));
    assert_eq!(bench.read(&id).await, before);
    assert_eq!(bench.queue.finish(&id, new, Ending::Completed(outcome(1))).await.unwrap(), Finished::Committed);
}

pub(crate) async fn a_lease_that_is_renewed_outlives_its_first_span(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    for _ in 0..4 {
        bench.pass(TTL / 2);
        bench.queue.renew(&id, token, Progress::NONE).await.unwrap();
        assert_eq!(bench.queue.reap().await.unwrap(), []);
    }
    bench.pass(TTL.saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id, given_up: false }]);
}

pub(crate) async fn a_lease_that_runs_out_once_is_tried_again_and_twice_fails_as_worker_lost(bench: Bench) {
    let id = bench.submit(1).await;
    for given_up in [false, true] {
        let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
        bench.queue.start(&id, token).await.unwrap();
        bench.pass(TTL);
        assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), given_up }]);
    }
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.crashes, ended.attempts), (JobState::Failed, 2, 0));
    assert_eq!(ended.failure.unwrap().code, FailureCode::WorkerLost);
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
}

pub(crate) async fn a_failure_of_the_asker_ends_the_job_at_once(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.finish(&id, token, Ending::Failed(bad_input())).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.failure), (JobState::Failed, Some(bad_input())));
}

pub(crate) async fn a_failure_of_another_machine_is_tried_three_times_with_pauses(bench: Bench) {
    let id = bench.submit(1).await;
    for attempt in 1..=2 {
        let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
        let finished = bench.queue.finish(&id, token, Ending::Failed(upstream())).await.unwrap();
        assert!(matches!(finished, Finished::Retrying { .. }), "attempt {attempt}: {finished:?}");
        assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None, "claimed again without a pause");
        bench.pass(Duration::from_secs(10));
    }
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.finish(&id, token, Ending::Failed(upstream())).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Failed, 3));
}

pub(crate) async fn crashes_and_attempts_are_counted_apart(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.finish(&id, token, Ending::Failed(upstream())).await.unwrap();
    bench.pass(TTL);
    bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.pass(TTL);
    bench.queue.reap().await.unwrap();
    let waiting = bench.read(&id).await;
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Queued, 1, 1));
}

pub(crate) async fn a_drained_job_has_used_no_attempt(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.start(&id, token).await.unwrap();
    bench.queue.release(&id, token).await.unwrap();
    let waiting = bench.read(&id).await;
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Queued, 0, 0));
    assert_eq!(bench.queue.claim(&worker()).await.unwrap().unwrap().id, id);
}

pub(crate) async fn finishing_twice_is_safe_and_changes_nothing(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let ending = Ending::Completed(outcome(1));
    assert_eq!(bench.queue.finish(&id, token, ending.clone()).await.unwrap(), Finished::Committed);
    let ended = bench.read(&id).await;
    bench.pass(TTL);
    assert_eq!(bench.queue.finish(&id, token, ending).await.unwrap(), Finished::AlreadyCommitted);
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn an_ended_job_stays_ended_whatever_is_said(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.finish(&id, token, Ending::Failed(bad_input())).await.unwrap();
    let ended = bench.read(&id).await;
    for said in [token, FencingToken(0), FencingToken(2)] {
        assert!(lost(bench.queue.start(&id, said).await));
        assert!(lost(bench.queue.renew(&id, said, Progress::NONE).await));
        assert!(lost(bench.queue.release(&id, said).await));
        assert_eq!(lost(bench.queue.finish(&id, said, Ending::Completed(outcome(1))).await), said != token);
    }
    bench.pass(TTL * 10);
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn progress_never_goes_back_not_even_when_a_job_starts_again(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    let half = Progress::within(Stage::Cutting, 0.5);
    bench.queue.renew(&id, token, half).await.unwrap();
    bench.queue.renew(&id, token, Progress::within(Stage::Loading, 0.5)).await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
    bench.pass(TTL);
    bench.queue.reap().await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.renew(&id, token, Progress::within(Stage::Loading, 0.0)).await.unwrap();
    assert_eq!(bench.read(&id).await.progress, half);
}

pub(crate) async fn the_outcome_reads_back_as_it_was_committed(bench: Bench) {
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.pass(Duration::from_secs(2));
    bench.queue.start(&id, token).await.unwrap();
    bench.pass(Duration::from_secs(3));
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let ended = bench.read(&id).await;
    assert_eq!(ended.outcome, Some(outcome(1)));
    assert_eq!(ended.started.map(|at| at.since(ended.created).as_secs()), Some(2));
    assert_eq!(ended.ended.map(|at| at.since(ended.created).as_secs()), Some(5));
}

pub(crate) async fn inputs_and_outputs_are_forgotten_together_after_their_retention(bench: Bench) {
    let id = bench.submit(1).await;
    let objects: Vec<String> = ["jobs/1/1/cut.mp4", "jobs/1/1/cut.webm", "uploads/1"].map(String::from).into();
    bench.pass(Duration::from_hours(48));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<String>::new());
    assert_eq!(bench.read(&id).await.expires, None);
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    assert_eq!(bench.queue.pointed_to(objects.clone()).await.unwrap(), objects[2..]);
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let ended = bench.read(&id).await;
    assert_eq!(ended.expires.unwrap().since(ended.ended.unwrap()), Duration::from_hours(24));
    bench.pass(Duration::from_hours(24).saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<String>::new());
    assert_eq!(bench.queue.pointed_to(objects.clone()).await.unwrap(), objects);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.queue.list_expired().await.unwrap(), objects, "looking changes nothing");
    assert_eq!(bench.queue.forget_expired().await.unwrap(), objects);
    assert_eq!(bench.queue.pointed_to(objects).await.unwrap(), Vec::<String>::new());
    assert_eq!(bench.queue.list_expired().await.unwrap(), Vec::<String>::new());
    assert_eq!(bench.read(&id).await, ended);
}

pub(crate) async fn a_revoked_key_reads_as_revoked_and_is_revoked_once(bench: Bench) {
    let made = bench.queue.create_key(key("second")).await.unwrap();
    bench.queue.touch_key(made.id).await.unwrap();
    assert!(bench.queue.revoke_key(made.id).await.unwrap());
    assert!(!bench.queue.revoke_key(made.id).await.unwrap());
    let found = bench.queue.find_key(key("second").hash).await.unwrap().unwrap();
    assert!(found.revoked.is_some() && found.last_used.is_some());
    assert_eq!(bench.queue.find_key(key("third").hash).await.unwrap(), None);
    assert_eq!(bench.queue.list_keys().await.unwrap().len(), 2);
}

pub(crate) async fn many_workers_never_get_the_same_job(bench: Bench) {
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
