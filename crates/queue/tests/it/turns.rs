//! Contract tests of turns, limits and positions of API keys in the queue.

use std::time::Duration;

use clearcut_job::JobId;
use clearcut_queue::{Ending, KeyId, KeyLimits, QueueError, Submission};

use crate::fixture::{Bench, job, key, outcome, worker};
use crate::owned_jobs::{claim, fail, once, second_key};

pub(crate) async fn a_key_at_its_waiting_limit_is_refused_new_jobs_but_not_repeated_submits(bench: Bench) {
    let limits = KeyLimits { max_waiting: Some(2), ..KeyLimits::default() };
    assert!(bench.queue.limit_key(bench.owner, limits).await.unwrap());
    assert_eq!(bench.queue.find_key(key("first").hash).await.unwrap().unwrap().limits, limits);
    bench.queue.submit_once(job(1, bench.owner), once("k", "a")).await.unwrap();
    let cancelled = bench.submit(2).await;
    bench.queue.cancel(bench.owner, &cancelled).await.unwrap();
    bench.submit(3).await;
    let is_limit_error = |result| matches!(result, Err(QueueError::TooManyQueuedJobs { limit: 2 }));
    assert!(is_limit_error(bench.queue.submit(job(4, bench.owner)).await));
    assert!(is_limit_error(bench.queue.retry(bench.owner, &cancelled, JobId::from_random(4)).await.map(drop)));
    assert!(is_limit_error(bench.queue.submit_once(job(4, bench.owner), once("l", "a")).await.map(drop)));
    let before = bench.queue.submit_once(job(4, bench.owner), once("k", "a")).await.unwrap();
    assert_eq!(before, Submission::Before(JobId::from_random(1)));
    claim(&bench).await;
    bench.submit(4).await;
    assert!(!bench.queue.limit_key(KeyId(99), limits).await.unwrap());
}

pub(crate) async fn a_key_with_a_thousand_jobs_does_not_starve_a_key_with_one(bench: Bench) {
    let other = second_key(&bench).await;
    for number in 0..1000 {
        bench.submit(number).await;
    }
    fail(&bench, &claim(&bench).await.id).await;
    bench.queue.submit(job(5000, other)).await.unwrap();
    assert_eq!(claim(&bench).await.id, JobId::from_random(5000));
}

pub(crate) async fn keys_take_turns_and_the_key_with_fewer_running_jobs_comes_first(bench: Bench) {
    let other = second_key(&bench).await;
    for number in 0..4 {
        bench.submit(number).await;
        bench.queue.submit(job(100 + number, other)).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(claim(&bench).await.id);
    }
    assert_eq!(order, [0, 100, 1, 101].map(JobId::from_random));
    // The other key has no running jobs now, so it is served twice.
    for number in [100, 101] {
        bench.queue.cancel(other, &JobId::from_random(number)).await.unwrap();
    }
    assert_eq!(claim(&bench).await.id, JobId::from_random(102));
    assert_eq!(claim(&bench).await.id, JobId::from_random(103));
    assert_eq!(claim(&bench).await.id, JobId::from_random(2));
}

pub(crate) async fn a_key_never_exceeds_its_running_limit(bench: Bench) {
    let limits = KeyLimits { max_running: Some(2), ..KeyLimits::default() };
    bench.queue.limit_key(bench.owner, limits).await.unwrap();
    for number in 0..3 {
        bench.submit(number).await;
    }
    let (first, _) = (claim(&bench).await, claim(&bench).await);
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
    bench.queue.finish(&first.id, first.token, Ending::Completed(outcome(0))).await.unwrap();
    assert_eq!(claim(&bench).await.id, JobId::from_random(2));
}

pub(crate) async fn jobs_are_claimed_in_the_order_of_their_positions(bench: Bench) {
    let keys = [bench.owner, second_key(&bench).await, bench.queue.create_key(key("third")).await.unwrap().id];
    let mut jobs = Vec::new();
    for (number, key_index) in (0..).zip([0, 0, 1, 0, 0, 1, 2, 0, 2, 2, 2, 2, 0]) {
        bench.queue.submit(job(number, keys[key_index])).await.unwrap();
        jobs.push((JobId::from_random(number), keys[key_index]));
        if number == 4 {
            // Gives the keys different claim histories.
            for _ in 0..2 {
                let id = claim(&bench).await.id;
                let (id, owner) = jobs.iter().find(|job| job.0 == id).unwrap();
                bench.queue.cancel(*owner, id).await.unwrap();
            }
        }
    }
    let mut places = Vec::new();
    for (id, owner) in &jobs {
        let outlook = bench.queue.outlook(*owner, vec![id.clone()]).await.unwrap();
        places.extend(outlook.positions[0].map(|place| (place, id.clone())));
    }
    places.sort();
    assert_eq!(places.iter().map(|place| place.0).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
    for (place, id) in places {
        let claimed = claim(&bench).await;
        assert_eq!(claimed.id, id, "place {place}");
        bench.queue.finish(&id, claimed.token, Ending::Completed(outcome(9))).await.unwrap();
    }
}

pub(crate) async fn the_outlook_reports_the_mean_of_recent_processing_times(bench: Bench) {
    assert_eq!(bench.queue.outlook(bench.owner, Vec::new()).await.unwrap(), clearcut_queue::QueueOutlook::default());
    for number in 0..25_u64 {
        let id = bench.submit(number.into()).await;
        let token = claim(&bench).await.token;
        let mut outcome = outcome(number.into());
        outcome.processing_ms = 1000 * number;
        bench.advance_clock(Duration::from_secs(1));
        bench.queue.finish(&id, token, Ending::Completed(outcome)).await.unwrap();
    }
    bench.submit(100).await;
    claim(&bench).await;
    // The mean of the last twenty jobs, 5 to 24.
    let outlook = bench.queue.outlook(bench.owner, Vec::new()).await.unwrap();
    assert_eq!((outlook.running, outlook.mean_processing_ms), (1, Some(14_500)));
}
