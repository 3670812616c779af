//! Random histories, played to the model and to a backend at once: every answer and every job must be equal.

use std::{collections::HashSet, time::Duration};

use clearcut_job::{FencingToken, JobId, JobState, Progress, Stage, UnixMillis, UploadId};
use clearcut_queue::{
    AfterAttempt, Answer, Attempt, Ending, EndpointId, EventKind, JobRecord, JobWebhook, KeyId, KeyLimits, Listing,
    NewInput, NewJob, Once, SourceAddress, StorageLimits, UploadRecord,
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    fixture::{Bench, bad_input, endpoint, object, outcome, secret, upstream, webhook, worker},
    uploads::new_upload,
};

const JOBS: u128 = 6;

#[derive(Debug, Clone)]
enum Step {
    Submit(u128),
    Claim,
    Start(u128, Token),
    Renew(u128, Token, usize, f64),
    Complete(u128, Token),
    FailUpstream(u128, Token),
    FailInput(u128, Token),
    Release(u128, Token),
    Reap,
    Forget,
    Upload(u128, Option<u64>),
    Advance(u128, u64, u64),
    Whole(u128, u64),
    Drop(u128),
    SubmitUploaded(u128, u128),
    SubmitAddress(u128),
    KeepInput(u128, Token),
    Limit(Option<u64>, Option<u64>),
    Cancel(u128),
    Remove(u128),
    Retry(u128, u128),
    SubmitOnce(u128, u8, u8),
    SubmitTelling(u128),
    Deliver(AfterAttempt),
    LoseCourier,
    Redeliver(u128),
    Revoke(u128),
    Pass(u64),
}

/// Which token is said: that of the last claim, the one before, or one that was never given.
#[derive(Debug, Clone, Copy)]
enum Token {
    Last,
    Before,
    Next,
}

fn step() -> impl Strategy<Value = Step> {
    let job = || 0..JOBS;
    let said = || prop_oneof![6 => Just(Token::Last), 1 => Just(Token::Before), 1 => Just(Token::Next)];
    prop_oneof![
        2 => job().prop_map(Step::Submit),
        6 => Just(Step::Claim),
        2 => (job(), said()).prop_map(|(job, said)| Step::Start(job, said)),
        3 => (job(), said(), 0..4_usize, 0.0..1.0).prop_map(|(job, said, stage, part)| Step::Renew(job, said, stage, part)),
        2 => (job(), said()).prop_map(|(job, said)| Step::Complete(job, said)),
        2 => (job(), said()).prop_map(|(job, said)| Step::FailUpstream(job, said)),
        1 => (job(), said()).prop_map(|(job, said)| Step::FailInput(job, said)),
        1 => (job(), said()).prop_map(|(job, said)| Step::Release(job, said)),
        3 => Just(Step::Reap),
        1 => Just(Step::Forget),
        1 => (job(), prop::option::of(0..3000_u64)).prop_map(|(upload, length)| Step::Upload(upload, length)),
        1 => (job(), 0..2_u64, 0..3_u64).prop_map(|(upload, from, to)| Step::Advance(upload, from * 500, to * 500)),
        1 => (job(), 0..3000_u64).prop_map(|(upload, size)| Step::Whole(upload, size)),
        1 => job().prop_map(Step::Drop),
        2 => (job(), job()).prop_map(|(job, upload)| Step::SubmitUploaded(job, upload)),
        1 => job().prop_map(Step::SubmitAddress),
        2 => (job(), said()).prop_map(|(job, said)| Step::KeepInput(job, said)),
        1 => (prop::option::of(1..30_u64), prop::option::of(1..9000_u64)).prop_map(|(hours, quota)| Step::Limit(hours, quota)),
        1 => job().prop_map(Step::Cancel),
        1 => job().prop_map(Step::Remove),
        1 => (job(), job()).prop_map(|(job, again)| Step::Retry(job, again)),
        1 => (job(), 0..2_u8, 0..2_u8).prop_map(|(job, key, body)| Step::SubmitOnce(job, key, body)),
        2 => job().prop_map(Step::SubmitTelling),
        4 => prop_oneof![
            3 => Just(AfterAttempt::Delivered),
            3 => Just(AfterAttempt::RetryIn(Duration::from_secs(30))),
            1 => Just(AfterAttempt::GiveUp),
            1 => Just(AfterAttempt::Gone)
        ].prop_map(Step::Deliver),
        1 => Just(Step::LoseCourier),
        1 => job().prop_map(Step::Redeliver),
        1 => (0..20_u128).prop_map(Step::Revoke),
        5 => prop_oneof![1..5_u64, 20..70_u64, 40_000..50_000_u64].prop_map(Step::Pass),
    ]
}

/// The job that a step puts in line.
fn makes(step: &Step) -> Option<u128> {
    match *step {
        Step::Submit(job)
        | Step::SubmitTelling(job)
        | Step::SubmitOnce(job, ..)
        | Step::Retry(_, job)
        | Step::SubmitUploaded(job, _)
        | Step::SubmitAddress(job) => Some(job),
        _ => None,
    }
}

/// Plays one step and says all that came of it.
async fn play(bench: &Bench, step: &Step) -> String {
    let queue = &bench.queue;
    let token = async |job: u128, said: Token| {
        let record = queue.read(owner_of(job, bench), &JobId::from_random(job)).await.unwrap();
        let last = record.map_or(0, |record| record.token.0);
        FencingToken(match said {
            Token::Last => last,
            Token::Before => last.saturating_sub(1),
            Token::Next => last + 1,
        })
    };
    let id = JobId::from_random;
    match *step {
        Step::Submit(job) => {
            format!("{:?}", queue.submit(crate::fixture::job(job, owner_of(job, bench))).await.map_err(|e| e.code()))
        }
        Step::Claim => format!("{:?}", queue.claim(&worker()).await.unwrap()),
        Step::Start(job, said) => format!("{:?}", queue.start(&id(job), token(job, said).await).await.is_ok()),
        Step::Renew(job, said, stage, part) => {
            let progress = Progress::within(Stage::ALL[stage], part);
            format!("{:?}", queue.renew(&id(job), token(job, said).await, progress).await.is_ok())
        }
        Step::Complete(job, said) => {
            format!("{:?}", queue.finish(&id(job), token(job, said).await, Ending::Completed(outcome(job))).await.ok())
        }
        Step::FailUpstream(job, said) => {
            format!("{:?}", queue.finish(&id(job), token(job, said).await, Ending::Failed(upstream())).await.ok())
        }
        Step::FailInput(job, said) => {
            format!("{:?}", queue.finish(&id(job), token(job, said).await, Ending::Failed(bad_input())).await.ok())
        }
        Step::Release(job, said) => format!("{:?}", queue.release(&id(job), token(job, said).await).await.is_ok()),
        Step::Reap => format!("{:?}", queue.reap().await.unwrap()),
        Step::Forget => {
            let mut forgotten = queue.forget_expired().await.unwrap();
            forgotten.sort();
            format!("{forgotten:?}")
        }
        Step::KeepInput(job, said) => {
            let object = object(&format!("uploads/fetched{job}"), 700);
            format!("{:?}", queue.keep_input(&id(job), token(job, said).await, object).await.is_ok())
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
        Step::Retry(job, again) => {
            let retried = queue.retry(owner_of(job, bench), &id(job), id(again)).await;
            format!("{:?}", retried.map_err(|error| error.code()))
        }
        Step::SubmitOnce(job, key, body) => {
            let once = Once { key: key.to_string(), body: body.to_string() };
            let submitted = queue.submit_once(crate::fixture::job(job, owner_of(job, bench)), once).await;
            format!("{:?}", submitted.map_err(|error| error.code()))
        }
        Step::SubmitTelling(job) => {
            let job = NewJob { webhook: Some(webhook("a.example")), ..crate::fixture::job(job, owner_of(job, bench)) };
            let owner = job.owner.0 as u128;
            let fresh = (EndpointId::from_random(owner), secret(owner as u8));
            let job = NewJob { webhook: job.webhook.map(|webhook| JobWebhook { fresh, ..webhook }), ..job };
            format!("{:?}", queue.submit(job).await.map_err(|e| e.code()))
        }
        Step::Deliver(then) => format!("{:?}", take_all(bench, Some(then)).await),
        Step::LoseCourier => format!("{:?}", take_all(bench, None).await),
        Step::Redeliver(job) => {
            let owner = owner_of(job, bench);
            let deliveries = queue.deliveries_of_job(owner, &id(job)).await.unwrap().unwrap_or_default();
            let Some(last) = deliveries.last() else { return String::new() };
            format!("{:?}", queue.redeliver(owner, &id(job), &last.id).await.map_err(|e| e.code()))
        }
        Step::Upload(..)
        | Step::Advance(..)
        | Step::Whole(..)
        | Step::Drop(..)
        | Step::SubmitUploaded(..)
        | Step::SubmitAddress(..) => play_upload(bench, step).await,
        // Seldom, since little happens after it.
        Step::Revoke(key) if key < 2 => format!("{:?}", queue.revoke_key(owner_of(key, bench)).await.unwrap()),
        Step::Revoke(_) => String::new(),
        Step::Pass(secs) => {
            bench.pass(Duration::from_secs(secs));
            String::new()
        }
    }
}

/// Plays one step of an upload, or of a job on one.
async fn play_upload(bench: &Bench, step: &Step) -> String {
    let queue = &bench.queue;
    match *step {
        Step::Upload(upload, length) => {
            format!("{:?}", queue.create_upload(new_upload(upload, owner_of(upload, bench), length)).await.ok())
        }
        Step::Advance(upload, from, to) => {
            format!("{:?}", queue.advance_upload(&UploadId::from_random(upload), from, to, None).await.is_ok())
        }
        Step::Whole(upload, size) => {
            let object = object(&format!("uploads/whole{upload}"), size);
            format!("{:?}", queue.finish_upload(&UploadId::from_random(upload), object).await.ok())
        }
        Step::Drop(upload) => format!("{:?}", queue.drop_upload(&UploadId::from_random(upload)).await.ok()),
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
        _ => unreachable!("{step:?} is no step of an upload"),
    }
}

/// Claims all that is due and records `then` of each, or nothing. What was claimed, in an order that does not tell in which
/// order things of the same moment were noted.
async fn take_all(bench: &Bench, then: Option<AfterAttempt>) -> Vec<String> {
    let mut taken = Vec::new();
    while let Some(next) = bench.queue.claim_delivery(u32::MAX).await.unwrap() {
        taken.push(next);
    }
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    let mut said = Vec::new();
    for next in taken {
        let answer = Answer::Status { status: 200, reply: String::new() };
        let attempt = Attempt { answer, latency: Duration::from_millis(3) };
        let recorded = match then {
            Some(then) => {
                Some(bench.queue.record_attempt(&next.id, next.claim, attempt, then).await.map_err(|e| e.code()))
            }
            None => None,
        };
        said.push(format!("{next:?} {recorded:?}"));
    }
    said
}

/// What was told of each job: of an end once, if its key told anybody when it ended.
async fn told(bench: &Bench) -> String {
    let mut told = String::new();
    for number in 0..JOBS {
        let owner = owner_of(number, bench);
        let deliveries = bench.queue.deliveries_of_job(owner, &JobId::from_random(number)).await.unwrap();
        let ends = |endpoint: bool| {
            let all = deliveries.iter().flatten().filter(|delivery| delivery.kind != EventKind::JobStarted);
            all.filter(|delivery| delivery.endpoint.is_some() == endpoint).count()
        };
        assert!(ends(true) <= 1 && ends(false) <= 1, "an end is told twice: {deliveries:?}");
        told += &format!("{deliveries:?} ");
    }
    told + &format!("{:?}", bench.queue.list_endpoints(bench.owner).await.unwrap())
}

/// Two keys have the jobs between them.
fn owner_of(job: u128, bench: &Bench) -> KeyId {
    if job.is_multiple_of(2) { bench.owner } else { KeyId(bench.owner.0 + 1) }
}

async fn jobs(bench: &Bench) -> Vec<Option<JobRecord>> {
    let mut all = Vec::new();
    for number in 0..JOBS {
        all.push(bench.queue.read(owner_of(number, bench), &JobId::from_random(number)).await.unwrap());
    }
    all
}

/// What counts against the quota of each owner, what would go, and every upload.
async fn stored(bench: &Bench) -> (Vec<u64>, Vec<String>, Vec<Option<UploadRecord>>) {
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

/// What is shown to each owner beside the jobs themselves.
async fn overview(bench: &Bench) -> String {
    let mut overview = String::new();
    for owner in [owner_of(0, bench), owner_of(1, bench)] {
        let listing = Listing { state: None, since: None, after: None, limit: 3 };
        let list = bench.queue.list(owner, listing).await.unwrap();
        let outlook = bench.queue.outlook(owner, (0..JOBS).map(JobId::from_random).collect()).await.unwrap();
        let usage = bench.queue.usage(owner, UnixMillis(0), UnixMillis(i64::MAX)).await.unwrap();
        overview += &format!("{:?} {outlook:?} {usage:?}", list.iter().map(|job| &job.id).collect::<Vec<_>>());
    }
    overview
}

/// What must hold between any two moments of one job's life.
fn check_history(step: &Step, before: Option<&JobRecord>, after: Option<&JobRecord>) -> Result<(), TestCaseError> {
    let (Some(before), Some(after)) = (before, after) else {
        prop_assert!(before.is_none() || matches!(step, Step::Remove(_)), "a job vanished");
        return Ok(());
    };
    let shown = |record: &JobRecord| (record.state, record.progress, record.started, record.ended);
    prop_assert!(after.revision >= before.revision, "the revision went back");
    if shown(before) != shown(after) {
        prop_assert!(after.revision > before.revision, "the revision stood still");
    }
    prop_assert!(after.progress >= before.progress, "progress went back");
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

async fn play_to_both(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (model, backend) = (Bench::memory().await, Bench::sqlite().await);
    for bench in [&model, &backend] {
        bench.queue.create_key(crate::fixture::key("second")).await.unwrap();
        let limits = KeyLimits { max_waiting: Some(2), max_running: Some(1), ..KeyLimits::default() };
        bench.queue.limit_key(owner_of(1, bench), limits).await.unwrap();
        bench.queue.create_endpoint(owner_of(0, bench), endpoint(50, "b.example")).await.unwrap();
    }
    let mut before = jobs(&model).await;
    let mut removed = HashSet::new();
    for step in &steps {
        // Ids are drawn anew; one that is gone does not come back.
        if makes(step).is_some_and(|job| removed.contains(&job)) {
            continue;
        }
        if let Step::Remove(job) = step {
            removed.insert(*job);
        }
        let (expected, found) = (play(&model, step).await, play(&backend, step).await);
        prop_assert_eq!(expected, found, "{:?}", step);
        let after = jobs(&model).await;
        prop_assert_eq!(&after, &jobs(&backend).await, "after {:?}", step);
        prop_assert_eq!(stored(&model).await, stored(&backend).await, "after {:?}", step);
        prop_assert_eq!(model.queue.depth().await.unwrap(), backend.queue.depth().await.unwrap());
        prop_assert_eq!(overview(&model).await, overview(&backend).await, "after {:?}", step);
        prop_assert_eq!(told(&model).await, told(&backend).await, "after {:?}", step);
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
    fn sqlite_answers_every_history_as_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_to_both(steps))?;
    }
}
