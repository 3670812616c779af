//! What a worker promises about the jobs it has, with a cutter that does what each test wants.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod fetched;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use clearcut_job::{
    Clock, CutMethod, CutRequest, Failure, FailureCode, FencingToken, Formats, FpsChoice, Hints, JobId, JobState,
    KeyChoice, Measured, MethodChoice, OutputFormat, Progress, Quality, ShadowChoice, Speed, Stage, SystemClock,
    Tolerance, UnixMillis,
};
use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
use clearcut_queue::{
    InputPointer, JobRecord, KeyHash, KeyId, MemoryQueue, NewInput, NewJob, NewKey, OwnedJobs as _, Policy, Queue,
    SqliteQueue,
};
use clearcut_store::{ObjectName, Store};
use clearcut_worker::{CancelFlag, CutFile, CutOrder, CutOutcome, Cutter, Drain, Worker, WorkerSettings, run};
use tokio::task::JoinHandle;

type Cut = dyn Fn(&CutOrder, &CancelFlag, &mut dyn FnMut(Progress)) -> Result<CutOutcome, Failure> + Send + Sync;

/// A cutter that is a closure.
struct Fake(Box<Cut>);

impl Cutter for Fake {
    fn cut(
        &self,
        order: &CutOrder,
        cancel: &CancelFlag,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<CutOutcome, Failure> {
        (self.0)(order, cancel, progress)
    }
}

/// Writes one small file.
fn easy(order: &CutOrder) -> CutOutcome {
    let path = order.scratch.join("out.webm");
    fs::write(&path, fs::read(&order.input).unwrap()).unwrap();
    let measured = Measured {
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

/// Waits, as a cut with a hung child does, until it is told to end.
fn hang(cancel: &CancelFlag) -> Result<CutOutcome, Failure> {
    let (wake, woken) = mpsc::sync_channel(1);
    cancel.on_cancel(move || {
        let _ = wake.send(());
    });
    let _ = woken.recv();
    Err(Failure::new(FailureCode::Cancelled, "it was told to end"))
}

/// The clock of the machine, set ahead at times.
#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

struct Bench {
    clock: Arc<SetClock>,
    queue: Arc<dyn Queue>,
    store: Store,
    owner: KeyId,
    dir: tempfile::TempDir,
    drain: Drain,
}

const TTL: Duration = Duration::from_secs(1);

impl Bench {
    async fn new() -> Self {
        let policy = Policy { lease_ttl: TTL, ..Policy::default() };
        let clock = Arc::new(SetClock::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), policy));
        Self { clock, ..Self::over(queue, tempfile::tempdir().unwrap()).await }
    }

    async fn on_disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q.db");
        let queue = SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap();
        Self::over(Arc::new(queue), dir).await
    }

    async fn over(queue: Arc<dyn Queue>, dir: tempfile::TempDir) -> Self {
        let store = Store::local(&dir.path().join("objects")).unwrap();
        let key = NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("k") };
        let owner = queue.create_key(key).await.unwrap().id;
        Self { clock: Arc::default(), queue, store, owner, dir, drain: Drain::default() }
    }

    async fn submit(&self, number: u128) -> JobId {
        let mut upload = self.store.begin(ObjectName::upload(number)).await.unwrap();
        upload.write("clip".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        let input = InputPointer { key: stored.name.to_string(), size_bytes: stored.size_bytes, sha256: stored.sha256 };
        self.submit_with(number, NewInput::Stored(input)).await
    }

    async fn submit_with(&self, number: u128, input: NewInput) -> JobId {
        let request = CutRequest {
            formats: Formats::from(OutputFormat::Webm),
            method: MethodChoice::Auto,
            key: KeyChoice::Auto,
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

    /// Starts a worker with `cut`.
    fn work(
        &self,
        change: impl FnOnce(&mut WorkerSettings),
        cut: impl Fn(&CutOrder, &CancelFlag, &mut dyn FnMut(Progress)) -> Result<CutOutcome, Failure>
        + Send
        + Sync
        + 'static,
    ) -> JoinHandle<()> {
        let mut settings = WorkerSettings {
            lease_ttl: TTL,
            progress_interval: Duration::from_millis(20),
            poll_interval: Duration::from_millis(50),
            disk_floor_bytes: 0,
            ..WorkerSettings::new(self.dir.path().join("scratch"))
        };
        change(&mut settings);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let loopback = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
        let outbound = Outbound::new(loopback, Timeouts::default()).unwrap();
        let (queue, store) = (self.queue.clone(), self.store.clone());
        let worker = Worker { queue, store, outbound, cutter: Arc::new(Fake(Box::new(cut))), clock, settings };
        let drain = self.drain.clone();
        tokio::spawn(async move { run(worker, drain).await.unwrap() })
    }

    async fn end_of(&self, id: &JobId) -> JobRecord {
        self.when(id, |record| record.state.is_final()).await
    }

    async fn when(&self, id: &JobId, holds: impl Fn(&JobRecord) -> bool) -> JobRecord {
        let look = async {
            loop {
                let record = self.queue.read(self.owner, id).await.unwrap().unwrap();
                if holds(&record) {
                    return record;
                }
                self.queue.signals().ending(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.unwrap()
    }

    async fn stop(&self, worker: JoinHandle<()>) {
        self.drain.stop_claiming.cancel();
        tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();
        assert_eq!(fs::read_dir(self.dir.path().join("scratch")).unwrap().count(), 0, "scratch is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_stored_under_its_token_and_its_input_is_kept() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.work(|_| {}, |order, _, _| Ok(easy(order)));
    let record = bench.end_of(&id).await;
    assert_eq!(record.state, JobState::Completed);
    let output = &record.outcome.unwrap().outputs[0];
    assert_eq!((output.key.clone(), output.size_bytes), (format!("jobs/{id}/1/webm.webm"), 4));
    bench.stop(worker).await;
    assert!(bench.store.head(&output.key.parse().unwrap()).await.is_ok());
    assert!(bench.store.head(&ObjectName::upload(1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_much_longer_than_a_lease_keeps_it_and_tells_its_progress() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (go_on, may_go_on) = mpsc::sync_channel(1);
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let worker = bench.work(
        |_| {},
        move |order, _, progress| {
            progress(Progress::within(Stage::Cutting, 0.5));
            may_go_on.lock().unwrap().recv().unwrap();
            Ok(easy(order))
        },
    );
    bench.when(&id, |record| record.progress.percent() == 55).await;
    // Four leases long nothing moves; the reaper of this worker runs all the while.
    tokio::time::timeout(TTL * 4, bench.end_of(&id)).await.unwrap_err();
    go_on.send(()).unwrap();
    let record = bench.end_of(&id).await;
    assert_eq!((record.state, record.crashes, record.token.0), (JobState::Completed, 0, 1));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_stands_still_is_ended_although_its_heart_beats() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = TTL * 2;
    let worker = bench.work(stall, |_, cancel, _| hang(cancel));
    let record = bench.end_of(&id).await;
    assert_eq!((record.failure.unwrap().code, record.crashes), (FailureCode::Timeout, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_says_that_it_waits_is_not_taken_for_one_that_stands_still() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (go_on, wait) = mpsc::sync_channel(1);
    let wait = std::sync::Mutex::new(wait);
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = TTL * 2;
    let worker = bench.work(stall, move |order, _, progress| {
        while wait.lock().unwrap().recv_timeout(TTL / 8).is_err() {
            progress(Progress::within(Stage::Loading, 0.5));
        }
        Ok(easy(order))
    });
    tokio::time::timeout(TTL * 6, bench.end_of(&id)).await.unwrap_err();
    go_on.send(()).unwrap();
    let record = bench.end_of(&id).await;
    assert_eq!((record.state, record.crashes), (JobState::Completed, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_past_its_deadline_is_ended() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let deadline = |settings: &mut WorkerSettings| settings.deadline = TTL;
    let worker = bench.work(deadline, |_, cancel, _| hang(cancel));
    assert_eq!(bench.end_of(&id).await.failure.unwrap().code, FailureCode::Timeout);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_taken_away_is_dropped_without_a_word() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.work(|_| {}, |_, cancel, _| hang(cancel));
    let claimed = bench.when(&id, |record| record.state == JobState::Processing).await;
    // As if another process had found the lease run out, and taken the job.
    bench.queue.release(&id, claimed.token).await.unwrap();
    bench.drain.stop_claiming.cancel();
    tokio::time::timeout(Duration::from_secs(10), worker).await.unwrap().unwrap();
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.failure), (JobState::Queued, None));
}

/// Cancels a running job by `cancel`, and waits for the end of its cut, which must not have to wait for the next heartbeat.
async fn cancel_running(change: impl FnOnce(&mut WorkerSettings), cancel: impl AsyncFnOnce(&Bench, &JobId)) {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let long_lease = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_hours(1);
        change(settings);
    };
    let worker = bench.work(long_lease, move |order, cancel, _| {
        let ended = hang(cancel);
        tell.lock().unwrap().take().unwrap().send(order.scratch.exists()).unwrap();
        ended
    });
    bench.when(&id, |record| record.state == JobState::Processing).await;
    cancel(&bench, &id).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), told).await.unwrap().unwrap());
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_ended_at_once_when_its_job_is_cancelled_or_removed() {
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
async fn a_cut_is_ended_soon_when_another_process_cancels_its_job() {
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
async fn outputs_stored_for_a_job_that_was_cancelled_meanwhile_are_removed() {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (cancelling, owner) = (bench.queue.clone(), bench.owner);
    let (runtime, job) = (tokio::runtime::Handle::current(), id.clone());
    let worker = bench.work(
        |settings| settings.cancel_interval = Duration::from_hours(1),
        move |order, _, _| {
            runtime.block_on(cancelling.cancel(owner, &job)).unwrap().unwrap();
            Ok(easy(order))
        },
    );
    assert_eq!(bench.end_of(&id).await.failure.unwrap().code, FailureCode::Cancelled);
    bench.stop(worker).await;
    let output = ObjectName::output(&id, clearcut_job::FencingToken(1), OutputFormat::Webm);
    assert!(bench.store.head(&output).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_has_no_more_time_puts_the_job_back_unharmed() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.work(|_| {}, |_, cancel, _| hang(cancel));
    bench.when(&id, |record| record.state == JobState::Processing).await;
    bench.drain.stop_claiming.cancel();
    bench.drain.put_back.cancel();
    bench.stop(worker).await;
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Queued, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_panics_fails_its_job_and_the_worker_goes_on() {
    let bench = Bench::new().await;
    let (bad, good) = (bench.submit(1).await, bench.submit(2).await);
    let is_bad = bad.to_string();
    let worker = bench.work(
        |_| {},
        move |order, _, _| {
            assert!(!order.scratch.to_string_lossy().contains(&is_bad), "as a bug would");
            Ok(easy(order))
        },
    );
    assert_eq!(bench.end_of(&bad).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    assert_eq!(bench.end_of(&good).await.state, JobState::Completed);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_takes_no_job_from_its_worker() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (go_on, may_go_on) = mpsc::sync_channel(1);
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let worker = bench.work(
        |_| {},
        move |order, _, _| {
            may_go_on.lock().unwrap().recv().unwrap();
            Ok(easy(order))
        },
    );
    bench.when(&id, |record| record.state == JobState::Processing).await;
    for hours in [1, 30, -1, 1] {
        bench.clock.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
        // More than one look for lost workers; the span is what is tested.
        tokio::time::sleep(TTL / 3).await;
    }
    go_on.send(()).unwrap();
    let record = bench.end_of(&id).await;
    assert_eq!((record.state, record.token, record.crashes), (JobState::Completed, FencingToken(1), 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_clip_fails_its_job() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    bench.store.delete(&ObjectName::upload(1)).await.unwrap();
    let worker = bench.work(|_| {}, |order, _, _| Ok(easy(order)));
    assert_eq!(bench.end_of(&id).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    bench.stop(worker).await;
}

/// A heartbeat that is under way when a job ends must not keep the database's only writer.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_under_way_hold_nobody_up_when_their_job_ends() {
    let bench = Bench::on_disk().await;
    let mut jobs = Vec::new();
    for number in 0..150 {
        jobs.push(bench.submit(number).await);
    }
    let restless = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_mins(1);
        settings.progress_interval = Duration::ZERO;
    };
    let worker = bench.work(restless, |order, _, progress| {
        progress(Progress::within(Stage::Cutting, 0.5));
        Ok(easy(order))
    });
    for id in &jobs {
        assert_eq!(bench.end_of(id).await.state, JobState::Completed);
    }
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_job_that_finds_the_machine_short_waits_and_is_charged_nothing() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let tries = Mutex::new(0);
    let worker = bench.work(
        |_| {},
        move |order, _, _| {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries < 3 {
                return Err(Failure::new(FailureCode::ShortOfResources, "no file to be had"));
            }
            Ok(easy(order))
        },
    );
    let record = bench.end_of(&id).await;
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Completed, 0, 0));
    assert!(record.token.0 >= 3, "{:?}", record.token);
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_folder_that_could_not_be_removed_when_its_claim_ended_is_removed_later() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let left = bench.dir.path().join("scratch").join(format!("{}-7", JobId::from_random(99)));
    let made = left.clone();
    let worker = bench.work(
        |_| {},
        move |order, _, _| {
            fs::create_dir_all(made.join("cut")).unwrap();
            Ok(easy(order))
        },
    );
    assert_eq!(bench.end_of(&id).await.state, JobState::Completed);
    let gone = async {
        while left.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.unwrap();
    bench.stop(worker).await;
}
