//! Tests of the worker's guarantees about its jobs, with a fake cutter that each test defines.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fetched;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use clearcut_job::{
    Clock, CutMethod, CutRequest, CutStep, Failure, FailureCode, FencingToken, Formats, FpsChoice, Hints, JobId,
    JobState, KeyColorChoice, MeasuredClip, MethodChoice, ObjectName, OutputFormat, Quality, ShadowChoice, Speed,
    SystemClock, Tolerance, UnixMillis,
};
use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
use clearcut_pipeline::Stop;
use clearcut_queue::{
    JobRecord, KeyHash, KeyId, MemoryQueue, NewInput, NewJob, NewKey, OwnedJobs as _, Policy, Queue, SqliteQueue,
};
use clearcut_store::Store;
use clearcut_worker::{CutFile, CutOrder, CutOutcome, Cutter, Drain, Worker, WorkerSettings, run};
use tokio::task::JoinHandle;

type Cut = dyn Fn(&CutOrder, &Stop, &mut dyn FnMut(CutStep)) -> Result<CutOutcome, Failure> + Send + Sync;

/// Cutter that calls a closure.
struct FakeCutter(Box<Cut>);

impl Cutter for FakeCutter {
    fn cut(&self, order: &CutOrder, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<CutOutcome, Failure> {
        (self.0)(order, stop, progress)
    }
}

/// Copies the input to one output file.
fn copy_input(order: &CutOrder) -> CutOutcome {
    let path = order.scratch.join("out.webm");
    fs::write(&path, fs::read(&order.input).unwrap()).unwrap();
    let measured = MeasuredClip {
        width: 2,
        height: 2,
        frames: 1,
        fps: 1.0,
        duration_secs: 1.0,
        method: CutMethod::ChromaKey,
        reason: None,
        model: None,
        background: None,
        report: None,
    };
    CutOutcome { measured, files: vec![CutFile { format: OutputFormat::Webm, path }] }
}

/// Works without progress until it is stopped. Like a cut, it looks for the stop at each step.
fn work_until_stopped(stop: &Stop) -> Result<CutOutcome, Failure> {
    while !stop.is_stopped() {
        thread::sleep(Duration::from_millis(1));
    }
    Err(Failure::new(FailureCode::Cancelled, "it was cancelled"))
}

/// System clock plus an offset in milliseconds.
#[derive(Debug, Default)]
struct OffsetClock(AtomicI64);

impl Clock for OffsetClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

/// Queue, store and scratch folder of one test.
struct Bench {
    clock: Arc<OffsetClock>,
    queue: Arc<dyn Queue>,
    store: Store,
    owner: KeyId,
    dir: tempfile::TempDir,
    drain: Drain,
}

const LEASE_TTL: Duration = Duration::from_secs(1);

impl Bench {
    async fn new() -> Self {
        let policy = Policy { lease_ttl: LEASE_TTL, ..Policy::default() };
        let clock = Arc::new(OffsetClock::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), policy));
        Self { clock, ..Self::with_queue(queue, tempfile::tempdir().unwrap()).await }
    }

    async fn on_disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q.db");
        let queue = SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap();
        Self::with_queue(Arc::new(queue), dir).await
    }

    async fn with_queue(queue: Arc<dyn Queue>, dir: tempfile::TempDir) -> Self {
        let store = Store::local(&dir.path().join("objects")).unwrap();
        let key = NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("k") };
        let owner = queue.create_key(key).await.unwrap().id;
        Self { clock: Arc::default(), queue, store, owner, dir, drain: Drain::default() }
    }

    async fn submit(&self, number: u128) -> JobId {
        let mut upload = self.store.begin(ObjectName::upload(number)).await.unwrap();
        upload.write("clip".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        self.submit_with(number, NewInput::Stored(stored)).await
    }

    async fn submit_with(&self, number: u128, input: NewInput) -> JobId {
        let request = CutRequest {
            formats: Formats::from(OutputFormat::Webm),
            method: MethodChoice::Auto,
            key_color: KeyColorChoice::Auto,
            tolerance: Tolerance::default(),
            shadow: ShadowChoice::default(),
            hints: Hints::default(),
            fps: FpsChoice::Source,
            size: None,
            quality: Quality::default(),
            speed: Speed::default(),
            keeps_audio: true,
        };
        let id = JobId::from_random(number);
        self.queue
            .submit(NewJob { id: id.clone(), owner: self.owner, request, input, clip_name: None, webhook: None })
            .await
            .unwrap();
        id
    }

    /// Starts a worker with `cut` as its cutter.
    fn start_worker(
        &self,
        change: impl FnOnce(&mut WorkerSettings),
        cut: impl Fn(&CutOrder, &Stop, &mut dyn FnMut(CutStep)) -> Result<CutOutcome, Failure> + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        let mut settings = WorkerSettings {
            lease_ttl: LEASE_TTL,
            progress_interval: Duration::from_millis(20),
            poll_interval: Duration::from_millis(50),
            disk_floor_bytes: 0,
            ..WorkerSettings::default()
        };
        change(&mut settings);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let loopback = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
        let outbound = Outbound::new(loopback, Timeouts::default()).unwrap();
        let (queue, store) = (self.queue.clone(), self.store.clone());
        let (cutter, scratch) = (Arc::new(FakeCutter(Box::new(cut))), self.dir.path().join("scratch"));
        let worker = Worker { queue, store, outbound, cutter, clock, scratch, settings };
        let drain = self.drain.clone();
        tokio::spawn(async move { run(worker, drain).await.unwrap() })
    }

    async fn final_record(&self, id: &JobId) -> JobRecord {
        self.record_when(id, |record| record.state.is_final()).await
    }

    async fn record_when(&self, id: &JobId, holds: impl Fn(&JobRecord) -> bool) -> JobRecord {
        let matching = async {
            loop {
                let record = self.queue.read(self.owner, id).await.unwrap().unwrap();
                if holds(&record) {
                    return record;
                }
                self.queue.signals().ending(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), matching).await.unwrap()
    }

    async fn stop(&self, worker: JoinHandle<()>) {
        self.drain.stop_claiming.cancel();
        tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();
        assert_eq!(fs::read_dir(self.dir.path().join("scratch")).unwrap().count(), 0, "scratch folders are left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_stored_under_the_fencing_token_and_the_input_is_kept() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    let record = bench.final_record(&id).await;
    assert_eq!(record.state, JobState::Completed);
    let output = &record.outcome.unwrap().outputs[0];
    assert_eq!((output.object_name.as_str(), output.size_bytes), (format!("jobs/{id}/1/webm.webm").as_str(), 4));
    bench.stop(worker).await;
    assert!(bench.store.head(&output.object_name).await.is_ok());
    assert!(bench.store.head(&ObjectName::upload(1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_longer_than_its_lease_keeps_the_lease_and_reports_progress() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (resume, resumed) = mpsc::sync_channel(1);
    let resumed = std::sync::Mutex::new(resumed);
    let worker = bench.start_worker(
        |_| {},
        move |order, _, progress| {
            progress(CutStep::Cutting { done: 1, total: 2 });
            resumed.lock().unwrap().recv().unwrap();
            Ok(copy_input(order))
        },
    );
    bench.record_when(&id, |record| record.progress.percent() == 55).await;
    // No progress for four lease durations, while the reaper of this worker runs.
    tokio::time::timeout(LEASE_TTL * 4, bench.final_record(&id)).await.unwrap_err();
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.crashes, record.token.0), (JobState::Completed, 0, 1));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_cut_is_ended_although_heartbeats_continue() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = LEASE_TTL * 2;
    let worker = bench.start_worker(stall, |_, stop, _| work_until_stopped(stop));
    let record = bench.final_record(&id).await;
    assert_eq!((record.failure.unwrap().code, record.crashes), (FailureCode::Timeout, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_reports_that_it_waits_does_not_count_as_stalled() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (resume, wait) = mpsc::sync_channel(1);
    let wait = std::sync::Mutex::new(wait);
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = LEASE_TTL * 2;
    let worker = bench.start_worker(stall, move |order, _, progress| {
        while wait.lock().unwrap().recv_timeout(LEASE_TTL / 8).is_err() {
            progress(CutStep::Waiting);
        }
        Ok(copy_input(order))
    });
    tokio::time::timeout(LEASE_TTL * 6, bench.final_record(&id)).await.unwrap_err();
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.crashes), (JobState::Completed, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_past_its_deadline_is_ended() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let deadline = |settings: &mut WorkerSettings| settings.deadline = LEASE_TTL;
    let worker = bench.start_worker(deadline, |_, stop, _| work_until_stopped(stop));
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::Timeout);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_writes_nothing_about_the_job() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |_, stop, _| work_until_stopped(stop));
    let claimed = bench.record_when(&id, |record| record.state == JobState::Processing).await;
    // Simulates another process that found the lease expired and requeued the job.
    bench.queue.release(&id, claimed.token).await.unwrap();
    bench.drain.stop_claiming.cancel();
    tokio::time::timeout(Duration::from_secs(10), worker).await.unwrap().unwrap();
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.failure), (JobState::Queued, None));
}

/// Cancels a running job with `cancel` and waits for the end of its cut, which must come before the
/// next heartbeat.
async fn cancel_running(change: impl FnOnce(&mut WorkerSettings), cancel: impl AsyncFnOnce(&Bench, &JobId)) {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (sender, scratch_exists) = tokio::sync::oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let long_lease = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_hours(1);
        change(settings);
    };
    let worker = bench.start_worker(long_lease, move |order, stop, _| {
        let ended = work_until_stopped(stop);
        sender.lock().unwrap().take().unwrap().send(order.scratch.exists()).unwrap();
        ended
    });
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    cancel(&bench, &id).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), scratch_exists).await.unwrap().unwrap());
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_or_removing_a_job_ends_its_cut_at_once() {
    let never = |settings: &mut WorkerSettings| settings.cancel_interval = Duration::from_hours(1);
    cancel_running(never, async |bench, id| {
        bench.queue.cancel(bench.owner, id).await.unwrap().unwrap();
    })
    .await;
    cancel_running(never, async |bench, id| {
        bench.queue.remove(bench.owner, id).await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_by_another_process_ends_the_cut_soon() {
    cancel_running(
        |_| {},
        async |bench, id| {
            let path = bench.dir.path().join("q.db");
            let other = SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap();
            other.cancel(bench.owner, id).await.unwrap().unwrap();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_a_job_cancelled_during_its_cut_are_removed() {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (cancelling, owner) = (bench.queue.clone(), bench.owner);
    let (runtime, job) = (tokio::runtime::Handle::current(), id.clone());
    let worker = bench.start_worker(
        |settings| settings.cancel_interval = Duration::from_hours(1),
        move |order, _, _| {
            runtime.block_on(cancelling.cancel(owner, &job)).unwrap().unwrap();
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::Cancelled);
    bench.stop(worker).await;
    let output = ObjectName::output(&id, clearcut_job::FencingToken(1), OutputFormat::Webm);
    assert!(bench.store.head(&output).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_runs_out_of_time_requeues_the_job_without_counting_an_attempt() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |_, stop, _| work_until_stopped(stop));
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    bench.drain.stop_claiming.cancel();
    bench.drain.requeue.cancel();
    bench.stop(worker).await;
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Queued, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_panics_fails_its_job_and_the_worker_continues() {
    let bench = Bench::new().await;
    let (bad, good) = (bench.submit(1).await, bench.submit(2).await);
    let bad_id = bad.to_string();
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            assert!(!order.scratch.to_string_lossy().contains(&bad_id), "a simulated bug");
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&bad).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    assert_eq!(bench.final_record(&good).await.state, JobState::Completed);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_takes_no_job_from_its_worker() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (resume, resumed) = mpsc::sync_channel(1);
    let resumed = std::sync::Mutex::new(resumed);
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            resumed.lock().unwrap().recv().unwrap();
            Ok(copy_input(order))
        },
    );
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    for hours in [1, 30, -1, 1] {
        bench.clock.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
        // Longer than the interval between two searches for lost workers.
        tokio::time::sleep(LEASE_TTL / 3).await;
    }
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.token, record.crashes), (JobState::Completed, FencingToken(1), 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_clip_fails_its_job() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    bench.store.delete(&ObjectName::upload(1)).await.unwrap();
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    bench.stop(worker).await;
}

/// A heartbeat in flight when its job ends must not block the database's only writer.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_in_flight_do_not_block_the_database_when_their_job_ends() {
    let bench = Bench::on_disk().await;
    let mut jobs = Vec::new();
    for number in 0..150 {
        jobs.push(bench.submit(number).await);
    }
    let restless = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_mins(1);
        settings.progress_interval = Duration::ZERO;
    };
    let worker = bench.start_worker(restless, |order, _, progress| {
        progress(CutStep::Cutting { done: 1, total: 2 });
        Ok(copy_input(order))
    });
    for id in &jobs {
        assert_eq!(bench.final_record(id).await.state, JobState::Completed);
    }
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_job_on_a_machine_short_of_resources_is_requeued_without_counting_an_attempt() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let tries = Mutex::new(0);
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries < 3 {
                return Err(Failure::new(FailureCode::ShortOfResources, "no file descriptor is free"));
            }
            Ok(copy_input(order))
        },
    );
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Completed, 0, 0));
    assert!(record.token.0 >= 3, "{:?}", record.token);
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_scratch_folder_left_by_an_ended_claim_is_removed_later() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let leftover = bench.dir.path().join("scratch").join(format!("{}-7", JobId::from_random(99)));
    let created = leftover.clone();
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            fs::create_dir_all(created.join("cut")).unwrap();
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&id).await.state, JobState::Completed);
    let removal = async {
        while leftover.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), removal).await.unwrap();
    bench.stop(worker).await;
}
