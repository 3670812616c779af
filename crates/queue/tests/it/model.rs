//! Model-based tests: random histories run against the in-memory model and a database. Every
//! result and every job must be equal.

use std::{collections::HashSet, time::Duration};

use clearcut_job::{JobId, JobState, ObjectName, Progress, Stage, UnixMillis, UploadId};
use clearcut_queue::{
    AfterAttempt, Answer, Attempt, Ending, EndpointId, EventKind, Idempotency, JobRecord, JobWebhook, KeyId, KeyLimits,
    Listing, NewInput, NewJob, SourceAddress, StorageLimits, UploadRecord,
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    fixture::{Bench, endpoint, input_failure, object, outcome, secret, temporary_failure, webhook, worker},
    segments::{segment, split},
    step::{JOBS, Step, TokenChoice, step, submitted_job},
    uploads::new_upload,
};

/// Runs one step and returns its whole result as text.
#[expect(clippy::too_many_lines, reason = "a list of the steps, one arm for each")]
async fn play(bench: &Bench, step: &Step) -> String {
    let queue = &bench.queue;
    let token = async |job: u128, choice: TokenChoice| {
        let record = queue.read(owner_of(job, bench), &JobId::from_random(job)).await.unwrap();
        choice.of(record.map_or(0, |record| record.token.0))
    };
    let id = JobId::from_random;
    match *step {
        Step::Submit(job) => {
            format!("{:?}", queue.submit(crate::fixture::job(job, owner_of(job, bench))).await.map_err(|e| e.code()))
        }
        Step::Claim => format!("{:?}", queue.claim(&worker()).await.unwrap()),
        Step::Start(job, choice) => format!("{:?}", queue.start(&id(job), token(job, choice).await).await.is_ok()),
        Step::Renew(job, choice, stage, part) => {
            let progress = Progress::within(Stage::ALL[stage], part);
            format!("{:?}", queue.renew(&id(job), token(job, choice).await, progress).await.is_ok())
        }
        Step::Complete(job, choice) => {
            format!(
                "{:?}",
                queue.finish(&id(job), token(job, choice).await, Ending::Completed(outcome(job))).await.ok()
            )
        }
        Step::FailTemporarily(job, choice) => {
            format!(
                "{:?}",
                queue.finish(&id(job), token(job, choice).await, Ending::Failed(temporary_failure())).await.ok()
            )
        }
        Step::FailInput(job, choice) => {
            format!(
                "{:?}",
                queue.finish(&id(job), token(job, choice).await, Ending::Failed(input_failure())).await.ok()
            )
        }
        Step::Release(job, choice) => format!("{:?}", queue.release(&id(job), token(job, choice).await).await.is_ok()),
        Step::Split(job, choice, frames) => {
            let (id, token) = (id(job), token(job, choice).await);
            format!("{:?}", queue.split(&id, token, split(&id, token, &[frames, 2])).await.is_ok())
        }
        Step::FinishSegment(job, choice) => {
            let (id, token) = (id(job), token(job, choice).await);
            format!("{:?}", queue.finish_segment(&id, token, segment(&id, token)).await.ok())
        }
        Step::RefusePlan(job, choice) => {
            format!("{:?}", queue.refuse_plan(&id(job), token(job, choice).await).await.ok())
        }
        Step::Reap => format!("{:?}", queue.reap().await.unwrap()),
        Step::Forget => {
            let mut forgotten = queue.forget_expired().await.unwrap();
            forgotten.sort();
            format!("{forgotten:?}")
        }
        Step::KeepInput(job, choice) => {
            let object = object(&format!("uploads/fetched{job}"), 700);
            format!("{:?}", queue.keep_input(&id(job), token(job, choice).await, object).await.is_ok())
        }
        Step::Limit(hours, quota_bytes) => {
            let limits = StorageLimits { max_retention: hours.map(Duration::from_hours), quota_bytes };
            format!("{:?}", queue.set_storage_limits(bench.owner, limits).await)
        }
        Step::Cancel(job) => format!("{:?}", queue.cancel(owner_of(job, bench), &id(job)).await.unwrap()),
        Step::Remove(job) => {
            let mut keys = queue.remove(owner_of(job, bench), &id(job)).await.unwrap();
            if let Some(keys) = &mut keys {
                keys.sort();
            }
            format!("{keys:?}")
        }
        Step::Retry(job, retry) => {
            let retried = queue.retry(owner_of(job, bench), &id(job), id(retry)).await;
            format!("{:?}", retried.map_err(|error| error.code()))
        }
        Step::SubmitOnce(job, key, body) => {
            let once = Idempotency { key: key.to_string(), body: body.to_string() };
            let submitted = queue.submit_once(crate::fixture::job(job, owner_of(job, bench)), once).await;
            format!("{:?}", submitted.map_err(|error| error.code()))
        }
        Step::SubmitWithWebhook(job) => {
            let job = NewJob { webhook: Some(webhook("a.example")), ..crate::fixture::job(job, owner_of(job, bench)) };
            let owner = job.owner.0 as u128;
            let fresh = (EndpointId::from_random(owner), secret(owner as u8));
            let job = NewJob { webhook: job.webhook.map(|webhook| JobWebhook { fresh, ..webhook }), ..job };
            format!("{:?}", queue.submit(job).await.map_err(|e| e.code()))
        }
        Step::Deliver(next_step) => format!("{:?}", attempt_all_due(bench, Some(next_step)).await),
        Step::LoseCourier => format!("{:?}", attempt_all_due(bench, None).await),
        Step::Redeliver(job) => {
            let owner = owner_of(job, bench);
            let deliveries = queue.deliveries_of_job(owner, &id(job)).await.unwrap().unwrap_or_default();
            let Some(last) = deliveries.last() else { return String::new() };
            format!("{:?}", queue.redeliver(owner, &id(job), &last.id).await.map_err(|e| e.code()))
        }
        Step::CreateUpload(..)
        | Step::AdvanceUpload(..)
        | Step::FinishUpload(..)
        | Step::DropUpload(..)
        | Step::SubmitUploaded(..)
        | Step::SubmitAddress(..) => play_upload(bench, step).await,
        // Rare, since little happens after a revocation.
        Step::Revoke(key) if key < 2 => format!("{:?}", queue.revoke_key(owner_of(key, bench)).await.unwrap()),
        Step::Revoke(_) => String::new(),
        Step::AdvanceClock(secs) => {
            bench.advance_clock(Duration::from_secs(secs));
            String::new()
        }
    }
}

/// Runs one step of an upload, or a submit of a job with an upload or a URL.
async fn play_upload(bench: &Bench, step: &Step) -> String {
    let queue = &bench.queue;
    match *step {
        Step::CreateUpload(upload, length) => {
            format!("{:?}", queue.create_upload(new_upload(upload, owner_of(upload, bench), length)).await.ok())
        }
        Step::AdvanceUpload(upload, from, to) => {
            format!("{:?}", queue.advance_upload(&UploadId::from_random(upload), from, to, None).await.is_ok())
        }
        Step::FinishUpload(upload, size) => {
            let object = object(&format!("uploads/whole{upload}"), size);
            format!("{:?}", queue.finish_upload(&UploadId::from_random(upload), object).await.ok())
        }
        Step::DropUpload(upload) => format!("{:?}", queue.drop_upload(&UploadId::from_random(upload)).await.ok()),
        Step::SubmitUploaded(job, upload) => {
            let input = NewInput::Uploaded(UploadId::from_random(upload));
            format!(
                "{:?}",
                queue.submit(NewJob { input, ..crate::fixture::job(job, owner_of(job, bench)) }).await.is_ok()
            )
        }
        Step::SubmitAddress(job) => {
            let input = NewInput::Address(SourceAddress(format!("http://example.com/{job}")));
            format!(
                "{:?}",
                queue.submit(NewJob { input, ..crate::fixture::job(job, owner_of(job, bench)) }).await.is_ok()
            )
        }
        _ => unreachable!("{step:?} is not an upload step"),
    }
}

/// Claims all due deliveries and records `next_step` for each of them, or nothing.
///
/// Returns the claims sorted by id, because the backends may write events of the same time in
/// different orders.
async fn attempt_all_due(bench: &Bench, next_step: Option<AfterAttempt>) -> Vec<String> {
    let mut claimed = Vec::new();
    while let Some(next) = bench.queue.claim_delivery(u32::MAX).await.unwrap() {
        claimed.push(next);
    }
    claimed.sort_by(|a, b| a.id.cmp(&b.id));
    let mut results = Vec::new();
    for next in claimed {
        let answer = Answer::Status { status: 200, reply: String::new() };
        let attempt = Attempt { answer, latency: Duration::from_millis(3) };
        let recorded = match next_step {
            Some(next_step) => {
                Some(bench.queue.record_attempt(&next.id, next.claim, attempt, next_step).await.map_err(|e| e.code()))
            }
            None => None,
        };
        results.push(format!("{next:?} {recorded:?}"));
    }
    results
}

/// Returns the deliveries of each job, and the endpoints.
///
/// Checks that each end has at most one delivery to the endpoint and one to the job's `webhookUrl`.
async fn webhook_state(bench: &Bench) -> String {
    let mut state = String::new();
    for number in 0..JOBS {
        let owner = owner_of(number, bench);
        let deliveries = bench.queue.deliveries_of_job(owner, &JobId::from_random(number)).await.unwrap();
        let count_ends = |to_endpoint: bool| {
            let all = deliveries.iter().flatten().filter(|delivery| delivery.kind != EventKind::JobStarted);
            all.filter(|delivery| delivery.endpoint.is_some() == to_endpoint).count()
        };
        assert!(count_ends(true) <= 1 && count_ends(false) <= 1, "an end has two deliveries: {deliveries:?}");
        state += &format!("{deliveries:?} ");
    }
    state + &format!("{:?}", bench.queue.list_endpoints(bench.owner).await.unwrap())
}

/// Distributes the jobs between two API keys.
fn owner_of(job: u128, bench: &Bench) -> KeyId {
    if job.is_multiple_of(2) { bench.owner } else { KeyId(bench.owner.0 + 1) }
}

async fn job_records(bench: &Bench) -> Vec<Option<JobRecord>> {
    let mut all = Vec::new();
    for number in 0..JOBS {
        all.push(bench.queue.read(owner_of(number, bench), &JobId::from_random(number)).await.unwrap());
    }
    all
}

/// Returns the used bytes of each owner, the expired objects and every upload.
async fn storage_state(bench: &Bench) -> (Vec<u64>, Vec<ObjectName>, Vec<Option<UploadRecord>>) {
    let mut uploads = Vec::new();
    for number in 0..4 {
        uploads.push(bench.queue.read_upload(&UploadId::from_random(number)).await.unwrap());
    }
    let mut expired = bench.queue.list_expired().await.unwrap();
    expired.sort();
    let mut used = Vec::new();
    for owner in [owner_of(0, bench), owner_of(1, bench)] {
        used.push(bench.queue.used_bytes(owner).await.unwrap());
    }
    (used, expired, uploads)
}

/// Returns the lists, the outlook and the usage of each owner.
async fn overview(bench: &Bench) -> String {
    let mut overview = String::new();
    for owner in [owner_of(0, bench), owner_of(1, bench)] {
        let listing = Listing { state: None, since: None, until: None, after: None, limit: 3 };
        let list = bench.queue.list(owner, listing).await.unwrap();
        let outlook = bench.queue.outlook(owner, (0..JOBS).map(JobId::from_random).collect()).await.unwrap();
        let usage = bench.queue.usage(owner, UnixMillis(0), UnixMillis(i64::MAX)).await.unwrap();
        overview += &format!("{:?} {outlook:?} {usage:?}", list.iter().map(|job| &job.id).collect::<Vec<_>>());
    }
    overview
}

/// Checks the invariants between two consecutive states of one job.
fn check_history(step: &Step, before: Option<&JobRecord>, after: Option<&JobRecord>) -> Result<(), TestCaseError> {
    let (Some(before), Some(after)) = (before, after) else {
        prop_assert!(before.is_none() || matches!(step, Step::Remove(_)), "a job disappeared");
        return Ok(());
    };
    let visible = |record: &JobRecord| (record.state, record.progress, record.started, record.ended);
    prop_assert!(after.revision >= before.revision, "the revision decreased");
    if visible(before) != visible(after) {
        prop_assert!(after.revision > before.revision, "the revision did not rise");
    }
    prop_assert!(after.progress >= before.progress, "progress decreased");
    prop_assert!(after.token >= before.token, "the token was reset");
    prop_assert!(after.attempts >= before.attempts && after.attempts <= 3, "attempts {}", after.attempts);
    prop_assert!(after.crashes >= before.crashes && after.crashes <= 2, "crashes {}", after.crashes);
    if before.state.is_final() {
        prop_assert_eq!(after, before, "an ended job changed");
    }
    prop_assert_eq!(after.failure.is_some(), after.state == JobState::Failed);
    prop_assert_eq!(after.outcome.is_some(), after.state == JobState::Completed);
    Ok(())
}

/// Plays `steps` on the model and on the backend that `bench` makes.
fn compare_histories(steps: Vec<Step>, bench: impl AsyncFnOnce() -> Bench) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { compare(steps, Bench::memory().await, bench().await).await })
}

async fn compare(steps: Vec<Step>, model: Bench, backend: Bench) -> Result<(), TestCaseError> {
    for bench in [&model, &backend] {
        bench.queue.create_key(crate::fixture::key("second")).await.unwrap();
        let limits = KeyLimits { max_waiting: Some(2), max_running: Some(1), ..KeyLimits::default() };
        bench.queue.limit_key(owner_of(1, bench), limits).await.unwrap();
        bench.queue.create_endpoint(owner_of(0, bench), endpoint(50, "b.example")).await.unwrap();
    }
    let mut before = job_records(&model).await;
    let mut removed = HashSet::new();
    for step in &steps {
        // New jobs have new ids: the id of a removed job is never used again.
        if submitted_job(step).is_some_and(|job| removed.contains(&job)) {
            continue;
        }
        if let Step::Remove(job) = step {
            removed.insert(*job);
        }
        let (expected, found) = (play(&model, step).await, play(&backend, step).await);
        prop_assert_eq!(expected, found, "{:?}", step);
        let after = job_records(&model).await;
        prop_assert_eq!(&after, &job_records(&backend).await, "after {:?}", step);
        prop_assert_eq!(storage_state(&model).await, storage_state(&backend).await, "after {:?}", step);
        prop_assert_eq!(model.queue.gauges().await.unwrap(), backend.queue.gauges().await.unwrap());
        prop_assert_eq!(overview(&model).await, overview(&backend).await, "after {:?}", step);
        prop_assert_eq!(webhook_state(&model).await, webhook_state(&backend).await, "after {:?}", step);
        for (before, after) in before.iter().zip(&after) {
            check_history(step, before.as_ref(), after.as_ref())?;
        }
        before = after;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_matches_the_model_on_every_random_history(steps in prop::collection::vec(step(), 1..80)) {
        compare_histories(steps, Bench::sqlite)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn postgres_matches_the_model_on_every_random_history(steps in prop::collection::vec(step(), 1..80)) {
        compare_histories(steps, Bench::postgres)?;
    }
}
