//! The random steps of the model-based test.

use std::time::Duration;

use clearcut_job::FencingToken;
use clearcut_queue::AfterAttempt;
use proptest::prelude::*;

/// Number of jobs in a history.
pub(crate) const JOBS: u128 = 6;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Submit(u128),
    Claim,
    Start(u128, TokenChoice),
    Renew(u128, TokenChoice, usize, f64),
    Complete(u128, TokenChoice),
    FailTemporarily(u128, TokenChoice),
    FailInput(u128, TokenChoice),
    Release(u128, TokenChoice),
    Split(u128, TokenChoice, u64),
    FinishSegment(u128, TokenChoice),
    RefusePlan(u128, TokenChoice),
    Reap,
    Forget,
    CreateUpload(u128, Option<u64>),
    AdvanceUpload(u128, u64, u64),
    FinishUpload(u128, u64),
    DropUpload(u128),
    SubmitUploaded(u128, u128),
    SubmitAddress(u128),
    KeepInput(u128, TokenChoice),
    Limit(Option<u64>, Option<u64>),
    Cancel(u128),
    Remove(u128),
    Retry(u128, u128),
    SubmitOnce(u128, u8, u8),
    SubmitWithWebhook(u128),
    Deliver(AfterAttempt),
    LoseCourier,
    Redeliver(u128),
    Revoke(u128),
    AdvanceClock(u64),
}

/// Token that a step uses: that of the last claim, one of the two before it, or one that was never
/// issued.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenChoice {
    Last,
    Before,
    Earlier,
    Next,
}

impl TokenChoice {
    /// The chosen token, where `last` is that of the last claim.
    pub(crate) fn of(self, last: u64) -> FencingToken {
        FencingToken(match self {
            Self::Last => last,
            Self::Before => last.saturating_sub(1),
            Self::Earlier => last.saturating_sub(2),
            Self::Next => last + 1,
        })
    }
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let job = || 0..JOBS;
    let token = || {
        prop_oneof![
            6 => Just(TokenChoice::Last),
            2 => Just(TokenChoice::Before),
            1 => Just(TokenChoice::Earlier),
            1 => Just(TokenChoice::Next)
        ]
    };
    prop_oneof![
        2 => job().prop_map(Step::Submit),
        6 => Just(Step::Claim),
        2 => (job(), token()).prop_map(|(job, token)| Step::Start(job, token)),
        3 => (job(), token(), 0..4_usize, 0.0..1.0).prop_map(|(job, token, stage, part)| Step::Renew(job, token, stage, part)),
        2 => (job(), token()).prop_map(|(job, token)| Step::Complete(job, token)),
        2 => (job(), token()).prop_map(|(job, token)| Step::FailTemporarily(job, token)),
        1 => (job(), token()).prop_map(|(job, token)| Step::FailInput(job, token)),
        1 => (job(), token()).prop_map(|(job, token)| Step::Release(job, token)),
        3 => (job(), token(), 1..4_u64).prop_map(|(job, token, frames)| Step::Split(job, token, frames)),
        6 => (job(), token()).prop_map(|(job, token)| Step::FinishSegment(job, token)),
        3 => (job(), token()).prop_map(|(job, token)| Step::RefusePlan(job, token)),
        3 => Just(Step::Reap),
        1 => Just(Step::Forget),
        1 => (job(), prop::option::of(0..3000_u64)).prop_map(|(upload, length)| Step::CreateUpload(upload, length)),
        1 => (job(), 0..2_u64, 0..3_u64).prop_map(|(upload, from, to)| Step::AdvanceUpload(upload, from * 500, to * 500)),
        1 => (job(), 0..3000_u64).prop_map(|(upload, size)| Step::FinishUpload(upload, size)),
        1 => job().prop_map(Step::DropUpload),
        2 => (job(), job()).prop_map(|(job, upload)| Step::SubmitUploaded(job, upload)),
        1 => job().prop_map(Step::SubmitAddress),
        2 => (job(), token()).prop_map(|(job, token)| Step::KeepInput(job, token)),
        1 => (prop::option::of(1..30_u64), prop::option::of(1..9000_u64)).prop_map(|(hours, quota)| Step::Limit(hours, quota)),
        1 => job().prop_map(Step::Cancel),
        1 => job().prop_map(Step::Remove),
        1 => (job(), job()).prop_map(|(job, retry)| Step::Retry(job, retry)),
        1 => (job(), 0..2_u8, 0..2_u8).prop_map(|(job, key, body)| Step::SubmitOnce(job, key, body)),
        2 => job().prop_map(Step::SubmitWithWebhook),
        4 => prop_oneof![
            3 => Just(AfterAttempt::Delivered),
            3 => Just(AfterAttempt::RetryIn(Duration::from_secs(30))),
            1 => Just(AfterAttempt::GiveUp),
            1 => Just(AfterAttempt::Gone)
        ].prop_map(Step::Deliver),
        1 => Just(Step::LoseCourier),
        1 => job().prop_map(Step::Redeliver),
        1 => (0..20_u128).prop_map(Step::Revoke),
        5 => prop_oneof![1..5_u64, 20..70_u64, 40_000..50_000_u64].prop_map(Step::AdvanceClock),
    ]
}

/// Returns the job that a step submits, if any.
pub(crate) fn submitted_job(step: &Step) -> Option<u128> {
    match *step {
        Step::Submit(job)
        | Step::SubmitWithWebhook(job)
        | Step::SubmitOnce(job, ..)
        | Step::Retry(_, job)
        | Step::SubmitUploaded(job, _)
        | Step::SubmitAddress(job) => Some(job),
        _ => None,
    }
}
