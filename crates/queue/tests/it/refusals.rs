//! Contract tests of parts whose plan a worker cannot read, because another version made it. Two
//! refusals make a job start over.

use std::time::Duration;

use clearcut_job::{FailureCode, FencingToken, JobId, JobState, Progress, Stage};
use clearcut_queue::{ClaimedJob, JobPart, QueueDepth};

use crate::{
    conformance::is_lease_lost,
    fixture::Bench,
    owned_jobs::claim,
    segments::{claims_nothing, finish_segment, index, plan, segment, split, split_job},
};

/// Longer than any backoff.
const LONG: Duration = Duration::from_mins(5);

/// Refuses the first segment, twice.
async fn refuse_twice(bench: &Bench) -> ClaimedJob {
    let first = claim(bench).await;
    assert_eq!(bench.queue.refuse_plan(&first.id, first.token).await.unwrap(), []);
    bench.advance_clock(LONG);
    let second = claim(bench).await;
    assert_eq!((index(&first), index(&second)), (0, 0));
    second
}

pub(crate) async fn a_part_whose_plan_was_refused_waits_for_another_worker(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    let refused = claim(&bench).await;
    bench.queue.renew(&id, refused.token, Progress::within(Stage::Cutting, 0.5)).await.unwrap();
    assert_eq!(bench.queue.refuse_plan(&id, refused.token).await.unwrap(), []);
    assert!(is_lease_lost(bench.queue.renew(&id, refused.token, Progress::NONE).await));
    let other = claim(&bench).await;
    assert_eq!(index(&other), 1);
    assert!(claims_nothing(&bench).await, "claimed again without a pause");
    bench.advance_clock(Duration::from_secs(5));
    let again = claim(&bench).await;
    assert_eq!(index(&again), 0);
    let job = bench.read(&id).await;
    assert_eq!((job.state, job.attempts, job.crashes), (JobState::Processing, 0, 0));
    for claimed in [&other, &again] {
        finish_segment(&bench, claimed).await;
    }
    assert!(matches!(claim(&bench).await.part, JobPart::Join { .. }));
}

pub(crate) async fn a_job_whose_plan_no_worker_reads_is_planned_again(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10, 10]).await;
    let refused = refuse_twice(&bench).await;
    let (done, running) = (claim(&bench).await, claim(&bench).await);
    finish_segment(&bench, &done).await;
    let before = bench.read(&id).await;
    let removable = bench.queue.refuse_plan(&id, refused.token).await.unwrap();
    assert_eq!(removable, [segment(&id, done.token).object.name, plan(&id, FencingToken(1)).name]);
    assert_eq!(bench.queue.referenced_objects(removable).await.unwrap(), []);
    let waiting = bench.read(&id).await;
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Queued, 1, 0));
    assert!(waiting.progress == before.progress && waiting.revision > before.revision, "{waiting:?}");
    assert!(!bench.queue.is_claimed(&id, running.token).await.unwrap());
    let late = bench.queue.finish_segment(&id, running.token, segment(&id, running.token)).await;
    assert!(is_lease_lost(late));
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth { queued: 1, leased: 0 });
    assert!(claims_nothing(&bench).await, "planned again without a pause");
    bench.advance_clock(LONG);
    let whole = claim(&bench).await;
    assert_eq!(whole.part, JobPart::Whole);
    bench.queue.split(&id, whole.token, split(&id, whole.token, &[10, 10])).await.unwrap();
    let part = claim(&bench).await;
    assert_eq!(part.part, JobPart::Segment { plan: plan(&id, whole.token), index: 0 });
}

pub(crate) async fn a_job_that_starts_over_too_often_fails(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    for attempts in 1..=3 {
        let refused = refuse_twice(&bench).await;
        let removable = bench.queue.refuse_plan(&id, refused.token).await.unwrap();
        assert_eq!((bench.read(&id).await.attempts, removable.is_empty()), (attempts, attempts == 3));
        if attempts < 3 {
            bench.advance_clock(LONG);
            let whole = claim(&bench).await;
            bench.queue.split(&id, whole.token, split(&id, whole.token, &[10, 10])).await.unwrap();
        }
    }
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.failure.unwrap().code), (JobState::Failed, FailureCode::ProcessingFailed));
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth::default());
    assert_eq!(bench.queue.forget_expired().await.unwrap().len(), 1, "the plan");
}

pub(crate) async fn only_the_claim_of_a_part_refuses_its_plan(bench: Bench) {
    let id = bench.submit(1).await;
    let whole = claim(&bench).await;
    assert!(is_lease_lost(bench.queue.refuse_plan(&id, whole.token).await));
    bench.queue.split(&id, whole.token, split(&id, whole.token, &[1, 1])).await.unwrap();
    assert!(is_lease_lost(bench.queue.refuse_plan(&id, whole.token).await));
    let part = claim(&bench).await;
    assert!(is_lease_lost(bench.queue.refuse_plan(&JobId::from_random(9), part.token).await));
    bench.queue.refuse_plan(&id, part.token).await.unwrap();
    assert!(is_lease_lost(bench.queue.refuse_plan(&id, part.token).await), "refused twice");
}
