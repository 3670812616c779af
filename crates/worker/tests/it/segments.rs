//! Tests of clips that are cut in segments: by several slots, after lost workers, and through
//! cancellations, drains, failures and a full disk.

use std::{
    fs,
    num::NonZeroU64,
    path::PathBuf,
    sync::{Arc, Barrier, Mutex},
    time::Duration,
};

use clearcut_job::{CutStep, Failure, FailureCode, FencingToken, JobId, JobState, ObjectName, WorkerId};
use clearcut_pipeline::Stop;
use clearcut_queue::{JobPart, JobRecord, Split};
use clearcut_worker::{CutOrder, CutOutcome, CutPlan, Cutter, Drain, WorkerSettings};
use futures_util::TryStreamExt as _;

use crate::fixture::{Bench, LEASE_TTL, copy_input};

type Step = dyn Fn(usize, &Stop, &mut dyn FnMut(CutStep)) -> Result<(), Failure> + Send + Sync;

/// Cutter of clips in three segments. Each is a file with its number, written after `step`.
struct SegmentCutter {
    step: Box<Step>,
    /// The numbers of the segments that were cut.
    cut: Arc<Mutex<Vec<usize>>>,
}

const PLAN: &[u8] = br#"{"segments":3}"#;

impl Cutter for SegmentCutter {
    fn cut(&self, order: &CutOrder, _: &Stop, _: &mut (dyn FnMut(CutStep) + Send)) -> Result<CutOutcome, Failure> {
        Ok(copy_input(order))
    }

    fn plan(
        &self,
        _: &CutOrder,
        min_clip: Duration,
        _: &Stop,
        _: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<Option<CutPlan>, Failure> {
        assert_eq!(min_clip, WorkerSettings::default().split_min);
        Ok(Some(CutPlan { json: PLAN.to_vec(), frames: vec![NonZeroU64::new(10).unwrap(); 3] }))
    }

    fn cut_segment(
        &self,
        order: &CutOrder,
        plan: &[u8],
        index: usize,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<(), Failure> {
        assert_eq!((plan, fs::read_to_string(&order.input).unwrap().as_str()), (PLAN, "clip"));
        (self.step)(index, stop, &mut |step| progress(step))?;
        fs::write(order.scratch.join("number"), index.to_string()).unwrap();
        self.cut.lock().unwrap().push(index);
        Ok(())
    }

    fn join(
        &self,
        order: &CutOrder,
        plan: &[u8],
        segments: &[PathBuf],
        _: &Stop,
        _: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        assert_eq!((plan, fs::read_dir(&order.scratch).unwrap().count()), (PLAN, 0));
        let joined: String = segments.iter().map(|folder| fs::read_to_string(folder.join("number")).unwrap()).collect();
        let outcome = copy_input(order);
        fs::write(&outcome.files[0].path, joined).unwrap();
        Ok(outcome)
    }
}

/// Starts a worker with three slots, among peers, that runs `step` in each segment. Returns it with
/// the numbers of the segments that it cuts.
pub(crate) fn start_worker(
    bench: &Bench,
    change: impl FnOnce(&mut WorkerSettings),
    step: impl Fn(usize, &Stop, &mut dyn FnMut(CutStep)) -> Result<(), Failure> + Send + Sync + 'static,
) -> (tokio::task::JoinHandle<()>, Arc<Mutex<Vec<usize>>>) {
    let cut = Arc::new(Mutex::new(Vec::new()));
    let cutter = SegmentCutter { step: Box::new(step), cut: Arc::clone(&cut) };
    let settings = |settings: &mut WorkerSettings| {
        (settings.slots, settings.has_peers) = (3.try_into().unwrap(), true);
        change(settings);
    };
    (bench.start_worker_with(settings, cutter), cut)
}

fn wait_for_stop(stop: &Stop) -> Result<(), Failure> {
    while !stop.is_stopped() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(Failure::new(FailureCode::Cancelled, "it was cancelled"))
}

/// The objects that workers made and that are left.
pub(crate) async fn made_objects(bench: &Bench) -> Vec<String> {
    let objects: Vec<_> = bench.store.list(ObjectName::JOBS).try_collect().await.unwrap();
    objects.into_iter().map(|object| object.name.to_string()).collect()
}

async fn output(bench: &Bench, record: &JobRecord) -> String {
    let name = &record.outcome.as_ref().unwrap().outputs[0].object_name;
    let copy = bench.dir.path().join("output");
    bench.store.fetch(name, &copy).await.unwrap();
    fs::read_to_string(copy).unwrap()
}

/// Splits the job as a worker does that is then lost, or works elsewhere.
async fn split(bench: &Bench, id: &JobId) {
    let claimed = bench.queue.claim(&WorkerId::from_random(7)).await.unwrap().unwrap();
    assert_eq!((&claimed.id, &claimed.part), (id, &JobPart::Whole));
    let mut plan = bench.store.begin(ObjectName::plan(id, claimed.token)).await.unwrap();
    plan.write(PLAN.into()).await.unwrap();
    let frames = vec![NonZeroU64::new(10).unwrap(); 3];
    let split = Split::new(plan.finish().await.unwrap(), frames, 5).unwrap();
    bench.queue.split(id, claimed.token, split).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_cut_side_by_side_and_joined_in_order() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    // All three segments are cut and finished at once.
    let together = Barrier::new(3);
    let (worker, cut) = start_worker(
        &bench,
        |_| {},
        move |index, _, progress| {
            progress(CutStep::Cutting { done: index as u64, total: 10 });
            together.wait();
            Ok(())
        },
    );
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, output(&bench, &record).await.as_str()), (JobState::Completed, "012"));
    bench.stop(worker).await;
    let mut cut = cut.lock().unwrap().clone();
    cut.sort_unstable();
    assert_eq!(cut, [0, 1, 2]);
    // One claim of the whole job, three of segments and one of the join.
    assert_eq!(record.token, FencingToken(5));
    assert_eq!(made_objects(&bench).await, [format!("jobs/{id}/5/webm.webm")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_segment_of_a_lost_worker_is_cut_again() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    split(&bench, &id).await;
    // This claim is never renewed.
    let lost = bench.queue.claim(&WorkerId::from_random(7)).await.unwrap().unwrap();
    assert!(matches!(lost.part, JobPart::Segment { index: 0, .. }), "{lost:?}");
    let (worker, cut) = start_worker(&bench, |_| {}, |_, _, _| Ok(()));
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, output(&bench, &record).await.as_str()), (JobState::Completed, "012"));
    let mut cut = cut.lock().unwrap().clone();
    assert_eq!(cut.last(), Some(&0), "the lost segment is cut after its lease");
    cut.sort_unstable();
    assert_eq!(cut, [0, 1, 2]);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_all_segments_and_removes_what_was_made() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (worker, cut) =
        start_worker(&bench, |_| {}, |index, stop, _| if index == 0 { Ok(()) } else { wait_for_stop(stop) });
    let third = 25 + 60 / 3;
    bench.record_when(&id, |record| record.progress.percent() == third).await;
    bench.queue.cancel(bench.owner, &id).await.unwrap().unwrap();
    bench.stop(worker).await;
    assert_eq!(*cut.lock().unwrap(), [0]);
    assert_eq!(made_objects(&bench).await, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_puts_segments_back_without_counting_an_attempt() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (worker, _) =
        start_worker(&bench, |_| {}, |index, stop, _| if index == 0 { Ok(()) } else { wait_for_stop(stop) });
    bench.record_when(&id, |record| record.progress.percent() > 40).await;
    while bench.queue.depth().await.unwrap().leased != 2 {
        bench.queue.signals().ending(Duration::from_millis(10)).await;
    }
    bench.drain.requeue.cancel();
    bench.stop(worker).await;
    let waiting = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.attempts, waiting.crashes), (JobState::Processing, 0, 0));
    assert_eq!(bench.queue.depth().await.unwrap().queued, 2);

    let bench = Bench { drain: Drain::default(), ..bench };
    let (worker, cut) = start_worker(&bench, |_| {}, |_, _, _| Ok(()));
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, output(&bench, &record).await.as_str()), (JobState::Completed, "012"));
    assert_eq!(cut.lock().unwrap().len(), 2);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_segment_fails_the_job_with_its_error_and_stops_the_others() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let failure = Failure::new(FailureCode::InvalidVideo, "only 3 of 9 frames could be decoded");
    let expected = failure.clone();
    let (worker, cut) = start_worker(
        &bench,
        |_| {},
        move |index, stop, _| if index == 2 { Err(failure.clone()) } else { wait_for_stop(stop) },
    );
    assert_eq!(bench.final_record(&id).await.failure, Some(expected));
    bench.stop(worker).await;
    assert_eq!(*cut.lock().unwrap(), [] as [usize; 0]);
    assert_eq!(made_objects(&bench).await, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_job_and_leaves_nothing() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    split(&bench, &id).await;
    let full = |settings: &mut WorkerSettings| settings.disk_floor_bytes = u64::MAX;
    let (worker, _) = start_worker(&bench, full, |_, stop, _| wait_for_stop(stop));
    let failure = bench.final_record(&id).await.failure.unwrap();
    assert_eq!(failure, Failure::new(FailureCode::InsufficientStorage, "the server's disk is full"));
    bench.stop(worker).await;
    assert_eq!(made_objects(&bench).await, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_counts_what_all_parts_took() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    // Each segment takes less than the deadline, all together more. One slot cuts one after the
    // other.
    let short = |settings: &mut WorkerSettings| {
        (settings.slots, settings.deadline) = (1.try_into().unwrap(), LEASE_TTL * 2);
    };
    let (worker, _) = start_worker(&bench, short, |_, stop, progress| {
        let until = std::time::Instant::now() + LEASE_TTL;
        while std::time::Instant::now() < until && !stop.is_stopped() {
            progress(CutStep::Cutting { done: 1, total: 10 });
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::Timeout);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_cut_whole_where_no_slot_would_be_idle() {
    for (slots, has_peers, split_min, is_split) in
        [(1, false, 60, false), (2, false, 60, true), (1, true, 60, true), (2, true, 0, false)]
    {
        let bench = Bench::new().await;
        let id = bench.submit(1).await;
        let change = |settings: &mut WorkerSettings| {
            (settings.slots, settings.has_peers) = (slots.try_into().unwrap(), has_peers);
            settings.split_min = Duration::from_secs(split_min);
        };
        let (worker, cut) = start_worker(&bench, change, |_, _, _| Ok(()));
        assert_eq!(bench.final_record(&id).await.state, JobState::Completed);
        let cuts = cut.lock().unwrap().len();
        assert_eq!(cuts, if is_split { 3 } else { 0 }, "{slots} slots, peers: {has_peers}, from {split_min} s");
        bench.stop(worker).await;
    }
}
