//! Queue, store and worker of one test, with a fake cutter that the test defines.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use clearcut_job::{
    Clock, CutMethod, CutRequest, CutStep, Failure, FailureCode, JobId, MeasuredClip, ObjectName, OutputFormat,
    SystemClock, UnixMillis,
};
use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
use clearcut_pipeline::Stop;
use clearcut_queue::{JobRecord, KeyHash, KeyId, MemoryQueue, NewInput, NewJob, NewKey, Policy, Queue, SqliteQueue};
use clearcut_store::Store;
use clearcut_worker::{CutFile, CutOrder, CutOutcome, Cutter, Drain, Worker, WorkerSettings, run};
use tokio::task::JoinHandle;

type Cut = dyn Fn(&CutOrder, &Stop, &mut dyn FnMut(CutStep)) -> Result<CutOutcome, Failure> + Send + Sync;

/// Cutter that calls a closure.
struct FakeCutter(Box<Cut>);

impl Cutter for FakeCutter {
    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        (self.0)(order, stop, progress)
    }
}

/// Copies the input to one output file.
pub(crate) fn copy_input(order: &CutOrder) -> CutOutcome {
    let path = order.scratch.join("out.webm");
    fs::write(&path, fs::read(&order.input).unwrap()).unwrap();
    let measured = MeasuredClip {
        width: 2,
        height: 2,
        frames: 1,
        fps: 1.0,
        source_fps: None,
        crop: None,
        duration_secs: 1.0,
        method: CutMethod::ChromaKey,
        reason: None,
        model: None,
        background: None,
        report: None,
        notes: Vec::new(),
        alpha_checks: Vec::new(),
    };
    CutOutcome { measured: measured.into(), files: vec![CutFile { format: OutputFormat::Webm.into(), path }] }
}

/// Works without progress until it is stopped. Like a cut, it looks for the stop at each step.
pub(crate) fn work_until_stopped(stop: &Stop) -> Result<CutOutcome, Failure> {
    while !stop.is_stopped() {
        thread::sleep(Duration::from_millis(1));
    }
    Err(Failure::new(FailureCode::Cancelled, "it was cancelled"))
}

/// System clock plus an offset in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct OffsetClock(pub(crate) AtomicI64);

impl Clock for OffsetClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

/// Queue, store and scratch folder of one test.
pub(crate) struct Bench {
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) store: Store,
    pub(crate) owner: KeyId,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) drain: Drain,
}

pub(crate) const LEASE_TTL: Duration = Duration::from_secs(1);

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with_lease(LEASE_TTL).await
    }

    /// For tests in which no heartbeat may be late: the lease is as long as `lease_ttl`.
    pub(crate) async fn with_lease(lease_ttl: Duration) -> Self {
        Self::with_policy(Policy { lease_ttl, ..Policy::default() }).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let clock = Arc::new(OffsetClock::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), policy));
        Self { clock, ..Self::with_queue(queue, tempfile::tempdir().unwrap()).await }
    }

    pub(crate) async fn on_disk() -> Self {
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

    pub(crate) async fn submit(&self, number: u128) -> JobId {
        let mut upload = self.store.begin(ObjectName::upload(number)).await.unwrap();
        upload.write("clip".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        self.submit_with(number, NewInput::Stored(stored)).await
    }

    pub(crate) async fn submit_with(&self, number: u128, input: NewInput) -> JobId {
        let id = JobId::from_random(number);
        self.queue
            .submit(NewJob {
                id: id.clone(),
                owner: self.owner,
                request: CutRequest::new(OutputFormat::Webm).into(),
                input,
                clip_name: None,
                webhook: None,
            })
            .await
            .unwrap();
        id
    }

    /// Starts a worker with `cut` as its cutter.
    pub(crate) fn start_worker(
        &self,
        change: impl FnOnce(&mut WorkerSettings),
        cut: impl Fn(&CutOrder, &Stop, &mut dyn FnMut(CutStep)) -> Result<CutOutcome, Failure> + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        self.start_worker_with(change, FakeCutter(Box::new(cut)))
    }

    pub(crate) fn start_worker_with(
        &self,
        change: impl FnOnce(&mut WorkerSettings),
        cutter: impl Cutter,
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
        let (cutter, scratch) = (Arc::new(cutter), self.dir.path().join("scratch"));
        let worker = Worker { queue, store, outbound, cutter, clock, scratch, settings };
        let drain = self.drain.clone();
        tokio::spawn(async move { run(worker, drain).await.unwrap() })
    }

    pub(crate) async fn final_record(&self, id: &JobId) -> JobRecord {
        self.record_when(id, |record| record.state.is_final()).await
    }

    pub(crate) async fn record_when(&self, id: &JobId, holds: impl Fn(&JobRecord) -> bool) -> JobRecord {
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

    pub(crate) async fn stop(&self, worker: JoinHandle<()>) {
        self.drain.stop_claiming.cancel();
        tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();
        assert_eq!(fs::read_dir(self.dir.path().join("scratch")).unwrap().count(), 0, "scratch folders are left");
    }
}
