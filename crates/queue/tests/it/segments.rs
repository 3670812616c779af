//! Contract tests of split jobs: segments, their join, and what becomes of both when workers are
//! lost, jobs are cancelled or segments fail.

use std::{num::NonZeroU64, time::Duration};

use clearcut_job::{
    Failure, FailureCode, FencingToken, JobId, JobState, ObjectName, OutputFormat, Progress, Stage, StoredObject,
};
use clearcut_queue::{ClaimedJob, Ending, Finished, JobPart, KeyLimits, QueueDepth, Reaped, SegmentFile, Split};

use crate::{
    conformance::is_lease_lost,
    fixture::{Bench, TTL, input_failure, job, object, outcome, temporary_failure, worker},
    owned_jobs::{claim, second_key},
};

/// A split into segments of as many frames, which took a second to plan.
pub(crate) fn split(id: &JobId, token: FencingToken, frames: &[u64]) -> Split {
    let frames = frames.iter().map(|frames| NonZeroU64::new(*frames).unwrap()).collect();
    Split::new(plan(id, token), frames, 1000).unwrap()
}

pub(crate) fn plan(id: &JobId, token: FencingToken) -> StoredObject {
    object(ObjectName::plan(id, token).as_str(), 10)
}

/// The file of a segment, which took two seconds to cut.
pub(crate) fn segment(id: &JobId, token: FencingToken) -> SegmentFile {
    SegmentFile { object: object(ObjectName::segment(id, token).as_str(), 500), processing_ms: 2000 }
}

/// Submits a job and splits it into segments of as many frames. Returns its id; its plan is that of
/// the first token.
pub(crate) async fn split_job(bench: &Bench, number: u128, frames: &[u64]) -> JobId {
    let id = bench.submit(number).await;
    let claimed = claim(bench).await;
    assert_eq!((&claimed.id, &claimed.part), (&id, &JobPart::Whole));
    bench.queue.split(&id, claimed.token, split(&id, claimed.token, frames)).await.unwrap();
    id
}

pub(crate) async fn finish_segment(bench: &Bench, claimed: &ClaimedJob) -> Finished {
    bench.queue.finish_segment(&claimed.id, claimed.token, segment(&claimed.id, claimed.token)).await.unwrap()
}

pub(crate) fn index(claimed: &ClaimedJob) -> usize {
    let JobPart::Segment { index, .. } = claimed.part else { panic!("{claimed:?}") };
    index
}

pub(crate) async fn claims_nothing(bench: &Bench) -> bool {
    bench.queue.claim(&worker()).await.unwrap().is_none()
}

pub(crate) async fn a_split_job_is_cut_in_segments_and_joined_once(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 20]).await;
    let begun = bench.read(&id).await;
    assert!(begun.state == JobState::Processing && begun.started.is_some(), "{begun:?}");
    let (first, second) = (claim(&bench).await, claim(&bench).await);
    let plan = plan(&id, FencingToken(1));
    assert_eq!(first.part, JobPart::Segment { plan: plan.clone(), index: 0 });
    assert_eq!(second.part, JobPart::Segment { plan: plan.clone(), index: 1 });
    assert_eq!((first.token, second.token), (FencingToken(2), FencingToken(3)));
    assert!(claims_nothing(&bench).await, "the join was claimed before its segments were cut");
    assert_eq!(finish_segment(&bench, &second).await, Finished::Committed);
    assert_eq!(finish_segment(&bench, &second).await, Finished::AlreadyCommitted);
    assert!(claims_nothing(&bench).await, "the join was claimed before its first segment was cut");
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth { queued: 0, leased: 1 });
    finish_segment(&bench, &first).await;
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth { queued: 1, leased: 0 });
    let join = claim(&bench).await;
    let segments = [&first, &second].map(|claimed| segment(&id, claimed.token).object).to_vec();
    assert_eq!((&join.part, join.spent), (&JobPart::Join { plan, segments }, Duration::from_secs(5)));
    assert!(claims_nothing(&bench).await, "the join was claimed twice");
    bench.queue.start(&id, join.token).await.unwrap();
    let ending = Ending::Completed(outcome(1));
    assert_eq!(bench.queue.finish(&id, join.token, ending.clone()).await.unwrap(), Finished::Committed);
    assert_eq!(bench.queue.finish(&id, join.token, ending).await.unwrap(), Finished::AlreadyCommitted);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.outcome), (JobState::Completed, Some(*outcome(1))));
    assert!(claims_nothing(&bench).await);
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth::default());
}

pub(crate) async fn progress_is_the_mean_of_the_segments_by_their_frames(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 30]).await;
    let percent = async || bench.read(&id).await.progress.percent();
    assert_eq!(percent().await, 25);
    let (first, second) = (claim(&bench).await, claim(&bench).await);
    let before = bench.read(&id).await.revision;
    bench.queue.renew(&id, first.token, Progress::within(Stage::Cutting, 0.5)).await.unwrap();
    // A quarter of the frames is half done: an eighth of the 60 per cent from 25 on.
    assert_eq!(percent().await, 32);
    assert!(bench.read(&id).await.revision > before);
    // Progress behind the recorded one, or of another stage, changes nothing.
    bench.queue.renew(&id, first.token, Progress::within(Stage::Loading, 0.5)).await.unwrap();
    assert_eq!(percent().await, 32);
    bench.queue.renew(&id, second.token, Progress::within(Stage::Storing, 1.0)).await.unwrap();
    assert_eq!(percent().await, 77, "no segment is further than cut");
    finish_segment(&bench, &first).await;
    finish_segment(&bench, &second).await;
    let cut = bench.read(&id).await.progress;
    assert_eq!((cut.stage(), cut.percent()), (Stage::Cutting, 85));
    let join = claim(&bench).await;
    bench.queue.renew(&id, join.token, Progress::within(Stage::Storing, 0.5)).await.unwrap();
    assert_eq!(percent().await, 92);
    bench.queue.release(&id, join.token).await.unwrap();
    assert_eq!(percent().await, 92);
}

pub(crate) async fn only_the_claim_of_the_whole_job_splits_it(bench: Bench) {
    let id = bench.submit(1).await;
    let lost = claim(&bench).await.token;
    bench.queue.release(&id, lost).await.unwrap();
    let whole = claim(&bench).await.token;
    assert!(is_lease_lost(bench.queue.split(&id, lost, split(&id, lost, &[1, 1])).await));
    bench.queue.split(&id, whole, split(&id, whole, &[1, 1])).await.unwrap();
    assert!(is_lease_lost(bench.queue.split(&id, whole, split(&id, whole, &[1, 1])).await), "split twice");
    let part = claim(&bench).await;
    assert!(is_lease_lost(bench.queue.split(&id, part.token, split(&id, part.token, &[1, 1])).await));
    // The claim that split the job is over.
    assert!(!bench.queue.is_claimed(&id, whole).await.unwrap());
    assert!(is_lease_lost(bench.queue.renew(&id, whole, Progress::NONE).await));
    assert!(is_lease_lost(bench.queue.finish(&id, whole, Ending::Completed(outcome(1))).await));
}

pub(crate) async fn a_lost_segment_alone_is_cut_again(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10, 10]).await;
    let (lost, kept, done) = (claim(&bench).await, claim(&bench).await, claim(&bench).await);
    finish_segment(&bench, &done).await;
    bench.advance_clock(TTL / 2);
    bench.queue.renew(&id, kept.token, Progress::NONE).await.unwrap();
    bench.advance_clock(TTL / 2);
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), has_failed: false }]);
    let again = claim(&bench).await;
    assert_eq!((index(&again), again.token), (0, FencingToken(5)));
    assert!(claims_nothing(&bench).await, "a segment was given out twice");
    assert!(is_lease_lost(bench.queue.renew(&id, lost.token, Progress::NONE).await));
    bench.queue.renew(&id, kept.token, Progress::NONE).await.unwrap();
    for claimed in [&kept, &again] {
        assert_eq!(finish_segment(&bench, claimed).await, Finished::Committed);
    }
    let JobPart::Join { segments, .. } = claim(&bench).await.part else { panic!("no join") };
    let expected = [&again, &kept, &done].map(|claimed| segment(&id, claimed.token).object);
    assert_eq!(segments, expected);
}

pub(crate) async fn two_lost_workers_of_one_segment_fail_the_job_and_end_all_its_claims(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    let (_, kept) = (claim(&bench).await, claim(&bench).await);
    for has_failed in [false, true] {
        for _ in 0..2 {
            bench.advance_clock(TTL / 2);
            bench.queue.renew(&id, kept.token, Progress::NONE).await.unwrap();
        }
        assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), has_failed }]);
        assert_eq!(bench.queue.claim(&worker()).await.unwrap().is_none(), has_failed);
    }
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.failure.unwrap().code), (JobState::Failed, FailureCode::WorkerLost));
    assert!(is_lease_lost(bench.queue.renew(&id, kept.token, Progress::NONE).await));
    assert!(!bench.queue.is_claimed(&id, kept.token).await.unwrap());
}

pub(crate) async fn parts_lost_at_once_end_the_job_once(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    for expected in [vec![false, false], vec![true]] {
        assert_eq!((index(&claim(&bench).await), index(&claim(&bench).await)), (0, 1));
        bench.advance_clock(TTL);
        let reaped = bench.queue.reap().await.unwrap();
        assert_eq!(reaped.iter().map(|lost| lost.has_failed).collect::<Vec<_>>(), expected);
    }
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.crashes), (JobState::Failed, 0));
    assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth::default());
}

pub(crate) async fn a_lost_join_is_claimed_again_and_a_second_loss_fails_the_job(bench: Bench) {
    let id = split_job(&bench, 1, &[1, 1]).await;
    for _ in 0..2 {
        finish_segment(&bench, &claim(&bench).await).await;
    }
    let lost = claim(&bench).await;
    bench.advance_clock(TTL);
    bench.queue.reap().await.unwrap();
    let again = claim(&bench).await;
    assert_eq!(again.part, lost.part);
    assert!(is_lease_lost(bench.queue.finish(&id, lost.token, Ending::Completed(outcome(1))).await));
    bench.advance_clock(TTL);
    assert_eq!(bench.queue.reap().await.unwrap(), [Reaped { id: id.clone(), has_failed: true }]);
    assert_eq!(bench.read(&id).await.failure.unwrap().code, FailureCode::WorkerLost);
}

pub(crate) async fn a_released_segment_uses_no_attempt_and_keeps_its_progress(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    // More often than a part may fail or lose its worker.
    for _ in 0..4 {
        let claimed = claim(&bench).await;
        assert_eq!(index(&claimed), 0);
        bench.queue.renew(&id, claimed.token, Progress::within(Stage::Cutting, 1.0)).await.unwrap();
        bench.queue.release(&id, claimed.token).await.unwrap();
        let waiting = bench.read(&id).await;
        assert_eq!((waiting.state, waiting.progress.percent()), (JobState::Processing, 55));
        assert_eq!((waiting.attempts, waiting.crashes), (0, 0));
    }
}

pub(crate) async fn a_failing_segment_is_retried_or_fails_the_job_with_its_own_error(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    let (failing, other) = (claim(&bench).await, claim(&bench).await);
    let failed = async |token| bench.queue.finish(&id, token, Ending::Failed(temporary_failure())).await.unwrap();
    assert!(matches!(failed(failing.token).await, Finished::Retrying { .. }));
    assert!(claims_nothing(&bench).await, "claimed again without a pause");
    assert_eq!(bench.read(&id).await.state, JobState::Processing);
    bench.advance_clock(Duration::from_secs(5));
    assert!(matches!(failed(claim(&bench).await.token).await, Finished::Retrying { .. }));
    bench.advance_clock(Duration::from_secs(10));
    let last = claim(&bench).await;
    assert_eq!(index(&last), 0);
    assert_eq!(failed(last.token).await, Finished::Committed);
    assert_eq!(failed(last.token).await, Finished::AlreadyCommitted);
    let ended = bench.read(&id).await;
    assert_eq!((ended.state, ended.failure), (JobState::Failed, Some(temporary_failure())));
    assert!(is_lease_lost(bench.queue.finish(&id, other.token, Ending::Failed(input_failure())).await));

    let id = split_job(&bench, 2, &[10, 10]).await;
    let failing = claim(&bench).await;
    let failure = Failure::new(FailureCode::OutOfMemory, "a process was killed");
    let finished = bench.queue.finish(&id, failing.token, Ending::Failed(input_failure())).await.unwrap();
    assert_eq!(finished, Finished::Committed);
    assert_ne!(Some(&failure), bench.read(&id).await.failure.as_ref());
    assert_eq!(bench.read(&id).await.failure, Some(input_failure()));
}

pub(crate) async fn cancelling_or_removing_a_split_job_ends_every_claim(bench: Bench) {
    for (number, is_removed) in [(1, false), (2, true)] {
        let id = split_job(&bench, number, &[10, 10, 10]).await;
        let (done, running) = (claim(&bench).await, claim(&bench).await);
        finish_segment(&bench, &done).await;
        let planned = plan(&id, FencingToken(1)).name;
        let made = vec![planned, segment(&id, done.token).object.name];
        if is_removed {
            let mut removable = bench.queue.remove(bench.owner, &id).await.unwrap().unwrap();
            removable.retain(|name| name.claim().is_some());
            assert_eq!(removable.len(), 2, "{removable:?}");
            assert!(made.iter().all(|name| removable.contains(name)), "{removable:?}");
        } else {
            let ended = bench.queue.cancel(bench.owner, &id).await.unwrap().unwrap();
            assert_eq!(ended.failure.unwrap().code, FailureCode::Cancelled);
            assert_eq!(bench.queue.forget_expired().await.unwrap(), made);
        }
        assert!(!bench.queue.is_claimed(&id, running.token).await.unwrap());
        assert!(is_lease_lost(bench.queue.renew(&id, running.token, Progress::NONE).await));
        assert!(is_lease_lost(bench.queue.release(&id, running.token).await));
        let late = bench.queue.finish_segment(&id, running.token, segment(&id, running.token)).await;
        assert!(is_lease_lost(late));
        assert!(claims_nothing(&bench).await);
        assert_eq!(bench.queue.referenced_objects(made).await.unwrap(), []);
        assert_eq!(bench.queue.depth().await.unwrap(), QueueDepth::default());
    }
}

pub(crate) async fn a_claim_that_lost_its_segment_changes_nothing(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    let lost = claim(&bench).await;
    bench.advance_clock(TTL);
    bench.queue.reap().await.unwrap();
    let before = bench.read(&id).await;
    // Between the loss and the next claim, and after it.
    for _ in 0..2 {
        let late = bench.queue.finish_segment(&id, lost.token, segment(&id, lost.token)).await;
        assert!(is_lease_lost(late));
        assert!(is_lease_lost(bench.queue.start(&id, lost.token).await));
        assert!(is_lease_lost(bench.queue.renew(&id, lost.token, Progress::within(Stage::Cutting, 1.0)).await));
        assert!(is_lease_lost(bench.queue.finish(&id, lost.token, Ending::Failed(input_failure())).await));
        assert!(is_lease_lost(bench.queue.release(&id, lost.token).await));
        let after = bench.read(&id).await;
        assert_eq!((after.state, after.progress, after.revision), (before.state, before.progress, before.revision));
        claim(&bench).await;
    }
}

pub(crate) async fn a_segment_cannot_complete_the_job_and_the_join_is_no_segment(bench: Bench) {
    let id = split_job(&bench, 1, &[10, 10]).await;
    let first = claim(&bench).await;
    assert!(is_lease_lost(bench.queue.finish(&id, first.token, Ending::Completed(outcome(1))).await));
    finish_segment(&bench, &first).await;
    finish_segment(&bench, &claim(&bench).await).await;
    let join = claim(&bench).await;
    assert!(is_lease_lost(bench.queue.finish_segment(&id, join.token, segment(&id, join.token)).await));
    assert_eq!(bench.read(&id).await.state, JobState::Processing);
}

pub(crate) async fn the_last_two_segments_finished_at_once_open_the_join_once(bench: Bench) {
    for number in 0..20 {
        let id = split_job(&bench, number, &[10, 10]).await;
        let (first, second) = (claim(&bench).await, claim(&bench).await);
        let finished = tokio::join!(finish_segment(&bench, &first), finish_segment(&bench, &second));
        assert_eq!(finished, (Finished::Committed, Finished::Committed));
        let worker = worker();
        let (one, other) = tokio::join!(bench.queue.claim(&worker), bench.queue.claim(&worker));
        let joins: Vec<_> = [one, other].into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(joins.len(), 1, "{joins:?}");
        bench.queue.finish(&id, joins[0].token, Ending::Completed(outcome(number))).await.unwrap();
    }
}

pub(crate) async fn segments_count_as_running_claims_of_their_key(bench: Bench) {
    let other = second_key(&bench).await;
    let id = split_job(&bench, 1, &[1; 6]).await;
    // The other key was never served, so it comes first.
    let mut owners = Vec::new();
    for number in 10..13 {
        bench.queue.submit(job(number, other)).await.unwrap();
    }
    for _ in 0..6 {
        owners.push(claim(&bench).await.owner);
    }
    assert_eq!(owners, [other, bench.owner, other, bench.owner, other, bench.owner]);
    let outlook = bench.queue.outlook(bench.owner, vec![id.clone()]).await.unwrap();
    assert_eq!((outlook.running, outlook.positions), (6, vec![None]));
    // A key at its limit gets none of the three segments that wait.
    let limits = KeyLimits { max_running: Some(3), ..KeyLimits::default() };
    bench.queue.limit_key(bench.owner, limits).await.unwrap();
    assert!(claims_nothing(&bench).await);
    bench.queue.limit_key(bench.owner, KeyLimits::default()).await.unwrap();
    assert_eq!(index(&claim(&bench).await), 3);
}

pub(crate) async fn a_begun_job_is_finished_before_the_next_one_of_its_key(bench: Bench) {
    let first = split_job(&bench, 1, &[1, 1]).await;
    bench.submit(2).await;
    let second = claim(&bench).await;
    assert_eq!(second.id, first, "a segment comes before a job that waits");
    bench.queue.finish(&first, second.token, Ending::Failed(temporary_failure())).await.unwrap();
    assert_eq!(index(&claim(&bench).await), 1);
    // While its segment pauses, the next job is served.
    assert_eq!(claim(&bench).await.id, JobId::from_random(2));
}

pub(crate) async fn plan_and_segments_are_removed_after_the_end(bench: Bench) {
    let id = split_job(&bench, 1, &[1, 1]).await;
    let mut made = vec![plan(&id, FencingToken(1)).name];
    for _ in 0..2 {
        let claimed = claim(&bench).await;
        made.push(segment(&id, claimed.token).object.name);
        finish_segment(&bench, &claimed).await;
    }
    assert_eq!(bench.queue.forget_expired().await.unwrap(), []);
    assert_eq!(bench.queue.referenced_objects(made.clone()).await.unwrap(), made);
    let used = bench.queue.used_bytes(bench.owner).await.unwrap();
    let join = claim(&bench).await;
    bench.queue.finish(&id, join.token, Ending::Completed(outcome(1))).await.unwrap();
    assert_eq!(used, 1000, "plan and segments count against no quota");
    assert_eq!(bench.queue.list_expired().await.unwrap(), made);
    assert_eq!(bench.queue.forget_expired().await.unwrap(), made);
    assert_eq!(bench.queue.forget_expired().await.unwrap(), []);
    assert_eq!(bench.queue.referenced_objects(made).await.unwrap(), []);
    let webm = crate::fixture::output_name(1, OutputFormat::Webm);
    assert_eq!(bench.queue.referenced_objects(vec![webm.clone()]).await.unwrap(), [webm]);
}

pub(crate) async fn a_clock_jump_expires_no_lease_of_a_segment(bench: Bench) {
    let id = split_job(&bench, 1, &[1, 1]).await;
    let (claimed, paused) = (claim(&bench).await, claim(&bench).await);
    bench.queue.finish(&id, paused.token, Ending::Failed(temporary_failure())).await.unwrap();
    bench.advance_clock(Duration::from_hours(1));
    bench.queue.clock_jumped().await.unwrap();
    assert_eq!(bench.queue.reap().await.unwrap(), []);
    bench.clock.set_back(Duration::from_hours(2));
    assert!(claims_nothing(&bench).await);
    bench.queue.clock_jumped().await.unwrap();
    assert_eq!(index(&claim(&bench).await), 1);
    bench.queue.renew(&id, claimed.token, Progress::NONE).await.unwrap();
}
