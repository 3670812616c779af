//! Contract tests of a job owner's operations: lists, cancel, remove, retry, idempotency, usage.

use std::{collections::HashSet, time::Duration};

use clearcut_job::{ClipName, FailureCode, JobId, JobState, ObjectName, OutputFormat, Progress, Stage, UnixMillis};
use clearcut_queue::{
    ClaimedInput, DayUsage, Ending, Finished, Idempotency, JobRecord, KeyId, Listing, NewInput, NewJob, Place,
    QueueError, RetryResult, SourceAddress, Submission,
};

use crate::{
    fixture::{
        Bench, TTL, input_failure, job, key, object, object_name, outcome, output_name, temporary_failure, worker,
    },
    uploads::new_upload,
};

pub(crate) async fn second_key(bench: &Bench) -> KeyId {
    bench.queue.create_key(key("second")).await.unwrap().id
}

pub(crate) async fn claim(bench: &Bench) -> clearcut_queue::ClaimedJob {
    bench.queue.claim(&worker()).await.unwrap().unwrap()
}

pub(crate) async fn fail(bench: &Bench, id: &JobId) {
    let token = bench.read(id).await.token;
    bench.queue.finish(id, token, Ending::Failed(input_failure())).await.unwrap();
}

async fn listed_ids(bench: &Bench, listing: Listing) -> Vec<JobId> {
    let jobs = bench.queue.list(bench.owner, listing).await.unwrap();
    jobs.into_iter().map(|record| record.id).collect()
}

fn page(limit: u32, after: Option<Place>) -> Listing {
    Listing { state: None, since: None, until: None, after, limit }
}

pub(crate) fn once(key: &str, body: &str) -> Idempotency {
    Idempotency { key: key.into(), body: body.into() }
}

pub(crate) async fn lists_are_newest_first_and_contain_only_the_keys_own_jobs(bench: Bench) {
    let other = second_key(&bench).await;
    let first = bench.submit(1).await;
    bench.advance_clock(Duration::from_secs(1));
    bench.queue.submit(job(2, other)).await.unwrap();
    let third = bench.submit(3).await;
    assert_eq!(listed_ids(&bench, page(10, None)).await, [third.clone(), first.clone()]);
    assert_eq!(
        bench.queue.list(bench.owner, page(10, None)).await.unwrap(),
        [bench.read(&third).await, bench.read(&first).await]
    );
}

pub(crate) async fn pages_list_every_job_once_while_new_jobs_arrive(bench: Bench) {
    let mut before = HashSet::new();
    for number in 0..25 {
        before.insert(bench.submit(number).await);
        bench.advance_clock(Duration::from_millis(u64::from(number % 3 == 0)));
    }
    let (mut seen, mut after) = (Vec::new(), None);
    for number in 100.. {
        let jobs = bench.queue.list(bench.owner, page(4, after)).await.unwrap();
        let Some(last) = jobs.last() else { break };
        after = Some(Place { created: last.created, id: last.id.clone() });
        seen.extend(jobs.into_iter().map(|record| record.id));
        bench.advance_clock(Duration::from_millis(1));
        bench.submit(number).await;
    }
    assert_eq!((seen.len(), seen.into_iter().collect::<HashSet<_>>()), (25, before));
}

pub(crate) async fn lists_can_be_filtered_by_state_and_time(bench: Bench) {
    let old = bench.submit(1).await;
    bench.advance_clock(Duration::from_secs(10));
    let since = bench.read(&old).await.created.after(Duration::from_secs(10));
    let (young, waiting) = (bench.submit(2).await, bench.submit(3).await);
    for id in [&old, &young] {
        claim(&bench).await;
        fail(&bench, id).await;
    }
    let listing = |state, since| Listing { state, since, until: None, after: None, limit: 10 };
    assert_eq!(listed_ids(&bench, listing(Some(JobState::Queued), None)).await, [waiting]);
    assert_eq!(listed_ids(&bench, listing(Some(JobState::Failed), None)).await, [young.clone(), old.clone()]);
    assert_eq!(listed_ids(&bench, listing(Some(JobState::Failed), Some(since))).await, [young]);
    let until = |until, after| Listing { state: None, since: None, until: Some(until), after, limit: 10 };
    assert_eq!(listed_ids(&bench, until(since, None)).await, std::slice::from_ref(&old));
    let place = async |id: &JobId| Some(Place { created: bench.read(id).await.created, id: id.clone() });
    let all = bench.queue.list(bench.owner, page(10, None)).await.unwrap();
    for after in [None, place(&all[0].id).await, place(&all[1].id).await, place(&old).await] {
        let is_behind = |record: &&JobRecord| {
            let own = Place { created: record.created, id: record.id.clone() };
            after.as_ref().is_none_or(|after| own < *after)
        };
        for end in [since, since.after(Duration::from_millis(1))] {
            let expected =
                all.iter().filter(|record| record.created < end).filter(is_behind).map(|record| record.id.clone());
            assert_eq!(listed_ids(&bench, until(end, after.clone())).await, expected.collect::<Vec<_>>(), "{after:?}");
        }
    }
    assert_eq!(listed_ids(&bench, listing(Some(JobState::Completed), None)).await, []);
}

pub(crate) async fn cancelling_a_waiting_or_running_job_fails_it(bench: Bench) {
    let (running, waiting) = (bench.submit(1).await, bench.submit(2).await);
    let token = claim(&bench).await.token;
    bench.queue.start(&running, token).await.unwrap();
    for id in [&running, &waiting] {
        let cancelled = bench.queue.cancel(bench.owner, id).await.unwrap().unwrap();
        assert_eq!(
            (cancelled.state, cancelled.failure.clone().unwrap().code),
            (JobState::Failed, FailureCode::Cancelled)
        );
        assert_eq!(bench.queue.cancel(bench.owner, id).await.unwrap().unwrap(), cancelled, "cancelled twice");
        assert_eq!(bench.read(id).await, cancelled);
        assert!(!bench.queue.is_claimed(id, token).await.unwrap());
    }
    assert_eq!(bench.queue.claim(&worker()).await.unwrap(), None);
    let late = bench.queue.finish(&running, token, Ending::Completed(outcome(1))).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
    assert!(matches!(bench.queue.renew(&running, token, Progress::NONE).await, Err(QueueError::LeaseLost)));
}

pub(crate) async fn cancelling_an_ended_job_changes_nothing(bench: Bench) {
    let id = bench.submit(1).await;
    let token = claim(&bench).await.token;
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let ended = bench.read(&id).await;
    assert_eq!(bench.queue.cancel(bench.owner, &id).await.unwrap(), Some(ended));
}

pub(crate) async fn a_job_of_another_key_is_treated_as_missing(bench: Bench) {
    let other = second_key(&bench).await;
    let id = bench.submit(1).await;
    assert_eq!(bench.queue.cancel(other, &id).await.unwrap(), None);
    assert_eq!(bench.queue.remove(other, &id).await.unwrap(), None);
    assert_eq!(bench.queue.retry(other, &id, JobId::from_random(2)).await.unwrap(), RetryResult::Missing);
    assert_eq!(bench.queue.outlook(other, vec![id.clone()]).await.unwrap().positions, [None]);
    assert_eq!(bench.queue.list(other, page(10, None)).await.unwrap(), []);
    assert_eq!(bench.read(&id).await.state, JobState::Queued);
}

pub(crate) async fn removing_a_job_removes_its_pointers_and_keeps_its_usage(bench: Bench) {
    let id = bench.submit(1).await;
    let token = claim(&bench).await.token;
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let mut keys = bench.queue.remove(bench.owner, &id).await.unwrap().unwrap();
    keys.sort();
    let outputs = [OutputFormat::StackedAlpha, OutputFormat::Webm].map(|format| output_name(1, format));
    assert_eq!(keys, [outputs.as_slice(), &[object_name("uploads/1")]].concat());
    assert_eq!(bench.queue.referenced_objects(keys).await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.queue.read(bench.owner, &id).await.unwrap(), None);
    assert_eq!(bench.queue.remove(bench.owner, &id).await.unwrap(), None);
    assert_eq!(usage(&bench).await.iter().map(|day| day.jobs).sum::<u64>(), 1);
}

pub(crate) async fn removing_a_running_job_revokes_its_lease(bench: Bench) {
    let id = bench.submit(1).await;
    let token = claim(&bench).await.token;
    assert_eq!(bench.queue.remove(bench.owner, &id).await.unwrap(), Some(vec![object_name("uploads/1")]));
    assert!(!bench.queue.is_claimed(&id, token).await.unwrap());
    let late = bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
    assert_eq!(bench.queue.depth().await.unwrap(), clearcut_queue::QueueDepth::default());
}

pub(crate) async fn retrying_a_failed_job_creates_a_new_job_and_leaves_the_old_one_failed(bench: Bench) {
    let id = bench.submit(1).await;
    bench.queue.cancel(bench.owner, &id).await.unwrap();
    let (ended, again) = (bench.read(&id).await, JobId::from_random(2));
    assert_eq!(bench.queue.retry(bench.owner, &id, again.clone()).await.unwrap(), RetryResult::Accepted);
    assert_eq!(bench.read(&id).await, ended);
    assert_eq!(bench.read(&again).await.retry_of, Some(id.clone()));
    let name = ClipName::of_file("clip.mp4");
    assert!(name.is_some() && ended.clip_name == name && bench.read(&again).await.clip_name == name);
    let claimed = claim(&bench).await;
    assert_eq!((&claimed.id, claimed.input), (&again, ClaimedInput::Stored(object("uploads/1", 1000))));
    assert_eq!(claimed.request, Ok(job(1, bench.owner).request));
    // The input is released with the last job that uses it.
    bench.advance_clock(Duration::from_hours(48));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<ObjectName>::new());
    bench.queue.cancel(bench.owner, &again).await.unwrap();
    bench.advance_clock(Duration::from_hours(48));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), [object_name("uploads/1")]);
}

pub(crate) async fn the_input_of_a_job_is_found_by_its_owner_until_it_is_deleted(bench: Bench) {
    let other = second_key(&bench).await;
    let id = bench.submit(1).await;
    let stored = Some(ClaimedInput::Stored(object("uploads/1", 1000)));
    assert_eq!(bench.queue.find_input(bench.owner, &id).await.unwrap(), stored);
    assert_eq!(bench.queue.find_input(other, &id).await.unwrap(), None);
    bench.queue.cancel(bench.owner, &id).await.unwrap();
    assert_eq!(bench.queue.find_input(bench.owner, &id).await.unwrap(), stored);
    bench.advance_clock(Duration::from_hours(48));
    bench.queue.forget_expired().await.unwrap();
    assert_eq!(bench.queue.find_input(bench.owner, &id).await.unwrap(), Some(ClaimedInput::Lost));
}

pub(crate) async fn a_job_with_an_unfetched_clip_can_be_retried_until_its_address_expires(bench: Bench) {
    let address = SourceAddress("https://example.com/clip".into());
    let first = NewJob { input: NewInput::Address(address.clone()), ..job(1, bench.owner) };
    let id = first.id.clone();
    bench.queue.submit(first).await.unwrap();
    claim(&bench).await;
    fail(&bench, &id).await;
    let (again, late) = (JobId::from_random(2), JobId::from_random(3));
    assert_eq!(bench.queue.retry(bench.owner, &id, again).await.unwrap(), RetryResult::Accepted);
    assert_eq!(bench.queue.find_input(bench.owner, &id).await.unwrap(), Some(ClaimedInput::Address(address.clone())));
    assert_eq!(claim(&bench).await.input, ClaimedInput::Address(address));
    bench.advance_clock(Duration::from_hours(24));
    bench.queue.forget_expired().await.unwrap();
    assert_eq!(bench.queue.retry(bench.owner, &id, late).await.unwrap(), RetryResult::InputGone);
}

pub(crate) async fn removing_a_job_keeps_the_object_of_its_upload(bench: Bench) {
    let upload = new_upload(1, bench.owner, Some(1000));
    let upload = bench.queue.create_upload(upload).await.unwrap().id;
    bench.queue.finish_upload(&upload, object("uploads/whole", 1000)).await.unwrap();
    let job = NewJob { input: NewInput::Uploaded(upload.clone()), ..job(1, bench.owner) };
    let id = job.id.clone();
    bench.queue.submit(job).await.unwrap();
    assert_eq!(bench.queue.remove(bench.owner, &id).await.unwrap(), Some(Vec::new()));
    assert_eq!(bench.queue.drop_upload(&upload).await.unwrap(), Some(vec![object_name("uploads/whole")]));
}

pub(crate) async fn a_job_is_not_retried_if_it_has_not_failed_or_its_input_is_gone(bench: Bench) {
    let (id, again) = (bench.submit(1).await, JobId::from_random(2));
    let retry = async || bench.queue.retry(bench.owner, &id, again.clone()).await.unwrap();
    assert_eq!(retry().await, RetryResult::NotFailed(JobState::Queued));
    claim(&bench).await;
    assert_eq!(retry().await, RetryResult::NotFailed(JobState::Submitted));
    fail(&bench, &id).await;
    bench.advance_clock(Duration::from_hours(24));
    bench.queue.forget_expired().await.unwrap();
    assert_eq!(retry().await, RetryResult::InputGone);
    assert_eq!(bench.queue.read(bench.owner, &again).await.unwrap(), None);
}

pub(crate) async fn an_idempotency_key_holds_for_a_day(bench: Bench) {
    let submit = async |number, once| bench.queue.submit_once(job(number, bench.owner), once).await;
    let is_known = async || bench.queue.was_submitted(bench.owner, "k").await.unwrap();
    assert!(!is_known().await);
    assert_eq!(submit(1, once("k", "a")).await.unwrap(), Submission::Accepted);
    assert!(is_known().await && !bench.queue.was_submitted(KeyId(99), "k").await.unwrap());
    bench.advance_clock(Duration::from_hours(24).saturating_sub(Duration::from_millis(1)));
    assert_eq!(submit(2, once("k", "a")).await.unwrap(), Submission::Before(JobId::from_random(1)));
    assert!(matches!(submit(2, once("k", "b")).await, Err(QueueError::IdempotencyMismatch)));
    assert_eq!(bench.queue.read(bench.owner, &JobId::from_random(2)).await.unwrap(), None);
    assert_eq!(submit(3, once("l", "b")).await.unwrap(), Submission::Accepted);
    assert!(is_known().await);
    bench.advance_clock(Duration::from_millis(1));
    assert!(!is_known().await);
    assert_eq!(submit(4, once("k", "b")).await.unwrap(), Submission::Accepted);
}

pub(crate) async fn idempotency_keys_are_scoped_to_the_api_key(bench: Bench) {
    let other = second_key(&bench).await;
    for (number, owner) in [(1, bench.owner), (2, other)] {
        let submitted = bench.queue.submit_once(job(number, owner), once("k", &number.to_string())).await.unwrap();
        assert_eq!(submitted, Submission::Accepted);
    }
}

pub(crate) async fn a_hundred_concurrent_duplicates_create_one_job(bench: Bench) {
    let mut submits = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (queue, job) = (bench.queue.clone(), job(number, bench.owner));
        submits.spawn(async move { queue.submit_once(job, once("k", "a")).await.unwrap() });
    }
    let answers = submits.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Submission::Accepted).count(), 1);
    let before: HashSet<_> = answers.iter().filter(|answer| **answer != Submission::Accepted).collect();
    assert_eq!((before.len(), bench.queue.depth().await.unwrap().queued), (1, 1));
}

pub(crate) async fn the_revision_rises_exactly_when_a_visible_field_changes(bench: Bench) {
    let id = bench.submit(1).await;
    let mut last = bench.read(&id).await.revision;
    let mut revision_increase = async || {
        let before = std::mem::replace(&mut last, bench.read(&id).await.revision);
        last - before
    };
    for _ in 0..2 {
        let token = claim(&bench).await.token;
        assert_eq!(revision_increase().await, 1, "claimed");
        bench.queue.start(&id, token).await.unwrap();
        assert_eq!(revision_increase().await, 1, "started");
        bench.queue.start(&id, token).await.unwrap();
        bench.queue.renew(&id, token, Progress::NONE).await.unwrap();
        assert_eq!(revision_increase().await, 0, "nothing happened");
        bench.advance_clock(TTL / 2);
        bench.queue.finish(&id, token, Ending::Failed(temporary_failure())).await.unwrap();
        assert_eq!(revision_increase().await, 1, "put back");
        bench.advance_clock(Duration::from_mins(1));
    }
    let token = claim(&bench).await.token;
    assert_eq!(revision_increase().await, 1);
    for part in [0.25, 0.25, 0.1, 0.5] {
        bench.queue.renew(&id, token, Progress::within(Stage::Cutting, part)).await.unwrap();
    }
    assert_eq!(revision_increase().await, 2, "two steps forward");
    let ended = bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    assert_eq!((ended, revision_increase().await), (Finished::Committed, 1));
}

async fn usage(bench: &Bench) -> Vec<DayUsage> {
    bench.queue.usage(bench.owner, UnixMillis(0), UnixMillis(i64::MAX)).await.unwrap()
}

pub(crate) async fn usage_is_summed_by_day_and_by_key(bench: Bench) {
    let other = second_key(&bench).await;
    // The clock stands at 2023-11-14 22:13:20.
    for (number, owner) in [(1, bench.owner), (2, bench.owner), (3, other), (4, bench.owner)] {
        bench.queue.submit(job(number, owner)).await.unwrap();
        let claimed = claim(&bench).await;
        bench.advance_clock(Duration::from_mins(if number == 4 { 107 } else { 0 }));
        bench.queue.finish(&claimed.id, claimed.token, Ending::Completed(outcome(number))).await.unwrap();
    }
    let day = |day, jobs| DayUsage {
        day,
        jobs,
        frames: 24 * jobs,
        input_bytes: 1000 * jobs,
        output_bytes: 154 * jobs,
        processing_ms: 1234 * jobs,
    };
    assert_eq!(usage(&bench).await, [day(19_675, 2), day(19_676, 1)]);
    let midnight = UnixMillis(19_676 * 86_400_000);
    assert_eq!(bench.queue.usage(bench.owner, UnixMillis(0), midnight).await.unwrap(), [day(19_675, 2)]);
    assert_eq!(bench.queue.usage(bench.owner, midnight, UnixMillis(i64::MAX)).await.unwrap(), [day(19_676, 1)]);
}
