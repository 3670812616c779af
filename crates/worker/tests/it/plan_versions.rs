//! Tests of split jobs whose plan another version made.

use std::{
    fs,
    num::NonZeroU64,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use clearcut_job::{CutStep, Failure, JobState};
use clearcut_pipeline::Stop;
use clearcut_queue::Policy;
use clearcut_worker::{CutOrder, CutOutcome, CutPlan, Cutter};

use crate::{
    fixture::{Bench, LEASE_TTL, copy_input},
    segments::made_objects,
};

/// What the cutters of all versions have done.
#[derive(Default)]
struct Done {
    plans: AtomicU32,
    refusals: AtomicU32,
}

/// Cutter that reads a plan or not, as workers of several versions do.
struct VersionCutter<F> {
    done: Arc<Done>,
    /// Whether the plan can be read, after as many plans and refusals.
    can_read: F,
}

impl<F: Fn(u32, u32) -> bool + Send + Sync + 'static> Cutter for VersionCutter<F> {
    fn cut(&self, order: &CutOrder, _: &Stop, _: &mut (dyn FnMut(CutStep) + Send)) -> Result<CutOutcome, Failure> {
        Ok(copy_input(order))
    }

    fn plan(
        &self,
        _: &CutOrder,
        _: Duration,
        _: &Stop,
        _: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<Option<CutPlan>, Failure> {
        self.done.plans.fetch_add(1, Ordering::SeqCst);
        Ok(Some(CutPlan { json: b"{}".to_vec(), frames: vec![NonZeroU64::MIN; 2] }))
    }

    fn can_read(&self, _: &[u8]) -> bool {
        let can_read =
            (self.can_read)(self.done.plans.load(Ordering::SeqCst), self.done.refusals.load(Ordering::SeqCst));
        self.done.refusals.fetch_add(u32::from(!can_read), Ordering::SeqCst);
        can_read
    }

    fn cut_segment(
        &self,
        order: &CutOrder,
        _: &[u8],
        index: usize,
        _: &Stop,
        _: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<(), Failure> {
        fs::write(order.scratch.join("number"), index.to_string()).unwrap();
        Ok(())
    }

    fn join(
        &self,
        order: &CutOrder,
        _: &[u8],
        _: &[PathBuf],
        _: &Stop,
        _: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        Ok(copy_input(order))
    }
}

/// Runs a job to its end. Returns the plans, the refusals and the failed attempts.
async fn run_job(can_read: impl Fn(u32, u32) -> bool + Send + Sync + 'static) -> (u32, u32, u32) {
    let backoff = Duration::from_millis(20);
    let policy = Policy { lease_ttl: LEASE_TTL, backoff, max_refusals: 3, ..Policy::default() };
    let bench = Bench::with_policy(policy).await;
    let id = bench.submit(1).await;
    let done = Arc::new(Done::default());
    let cutter = VersionCutter { done: Arc::clone(&done), can_read };
    let worker = bench.start_worker_with(|settings| settings.has_peers = true, cutter);
    let record = bench.final_record(&id).await;
    bench.stop(worker).await;
    assert_eq!((record.state, record.crashes), (JobState::Completed, 0), "{record:?}");
    assert_eq!(made_objects(&bench).await.len(), 1, "plan and segments are left");
    (done.plans.load(Ordering::SeqCst), done.refusals.load(Ordering::SeqCst), record.attempts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_plan_a_worker_cannot_read_is_cut_by_another_one() {
    assert_eq!(run_job(|_, refusals| refusals >= 2).await, (1, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_no_worker_can_read_is_made_again() {
    let (plans, refusals, attempts) = run_job(|plans, _| plans >= 2).await;
    // The two segments are refused in turn, until one of them was three times.
    assert!(
        (plans, attempts) == (2, 1) && (3..=5).contains(&refusals),
        "{plans} plans, {refusals} refusals, {attempts} attempts"
    );
}
