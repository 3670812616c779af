//! Fixtures: all backends with a manual clock, and sample keys, jobs, objects and failures.

use std::{sync::Arc, time::Duration};

use clearcut_job::{
    ClipName, CutMethod, CutRequest, Failure, FailureCode, FencingToken, FileFormat, Formats, FpsChoice,
    ImageCutRequest, ImageResult, JobId, ManualClock, MatteReport, MeasuredClip, MeasuredCut, MeasuredImage,
    MeasuredImages, MethodChoice, MethodReason, ObjectName, Outcome, OutputFormat, OutputPointer, Sha256Hex,
    ShadowChoice, StoredObject, UnixMillis, WorkerId,
};
use clearcut_queue::{
    Destination, EndpointId, EventKinds, JobWebhook, KeyHash, KeyId, MemoryQueue, NewEndpoint, NewInput, NewJob,
    NewKey, Policy, PostgresQueue, Queue, SqliteQueue, TimeSource, WebhookSecret,
};
use sqlx::{Connection as _, SqliteConnection};

/// A backend with one API key and no jobs, and its clock.
pub(crate) struct Bench {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) owner: KeyId,
    /// Folder of the SQLite backend.
    dir: Option<tempfile::TempDir>,
}

pub(crate) const TTL: Duration = Duration::from_mins(1);

/// Two workers may refuse a part, so that random histories get to jobs that start over.
fn policy() -> Policy {
    Policy { max_refusals: 2, ..Policy::default() }
}

impl Bench {
    pub(crate) async fn memory() -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(1_700_000_000_000)));
        let queue = Arc::new(MemoryQueue::new(clock.clone(), policy()));
        Self::with(queue, clock, None).await
    }

    pub(crate) async fn sqlite() -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(1_700_000_000_000)));
        let dir = tempfile::tempdir().unwrap();
        let opened = SqliteQueue::open(&dir.path().join("q.db"), clock.clone(), policy()).await.unwrap();
        Self::with(Arc::new(opened), clock, Some(dir)).await
    }

    pub(crate) async fn postgres() -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(1_700_000_000_000)));
        let (database, time) = (crate::databases::new_database().await, TimeSource::Clock(clock.clone()));
        let opened = PostgresQueue::open(database, time, policy()).await.unwrap();
        Self::with(Arc::new(opened), clock, None).await
    }

    async fn with(queue: Arc<dyn Queue>, clock: Arc<ManualClock>, dir: Option<tempfile::TempDir>) -> Self {
        let owner = queue.create_key(key("first")).await.unwrap().id;
        Self { queue, clock, owner, dir }
    }

    /// Changes the database of the SQLite backend behind its back.
    pub(crate) async fn damage(&self, statement: &'static str) {
        let path = self.dir.as_ref().unwrap().path().join("q.db");
        let mut database = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        assert_ne!(sqlx::query(statement).execute(&mut database).await.unwrap().rows_affected(), 0);
        database.close().await.unwrap();
    }

    pub(crate) fn advance_clock(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub(crate) async fn submit(&self, number: u128) -> JobId {
        let job = job(number, self.owner);
        let id = job.id.clone();
        self.queue.submit(job).await.unwrap();
        id
    }

    /// Submits a job with a `webhookUrl` at `host`.
    pub(crate) async fn submit_with_webhook(&self, number: u128, host: &str) -> JobId {
        let job = NewJob { webhook: Some(webhook(host)), ..job(number, self.owner) };
        let id = job.id.clone();
        self.queue.submit(job).await.unwrap();
        id
    }

    pub(crate) async fn read(&self, id: &JobId) -> clearcut_queue::JobRecord {
        self.queue.read(self.owner, id).await.unwrap().unwrap()
    }
}

pub(crate) fn key(name: &str) -> NewKey {
    NewKey { name: name.into(), prefix: "hc_abcd".into(), hash: KeyHash::of(name) }
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::from_random(1)
}

pub(crate) fn job(number: u128, owner: KeyId) -> NewJob {
    NewJob {
        id: JobId::from_random(number),
        owner,
        request: CutRequest {
            fps: FpsChoice::Fixed(24),
            ..CutRequest::new(Formats::new(vec![OutputFormat::Webm, OutputFormat::StackedAlpha]).unwrap())
        }
        .into(),
        clip_name: ClipName::of_file("clip.mp4"),
        input: NewInput::Stored(object(&format!("uploads/{number}"), 1000)),
        webhook: None,
    }
}

pub(crate) fn destination(host: &str) -> Destination {
    Destination { url: format!("https://{host}/hook"), host: host.into(), link_base: "http://cut.example".into() }
}

pub(crate) fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::from_random([byte; 24])
}

/// Builds a `webhookUrl` at `host`.
pub(crate) fn webhook(host: &str) -> JobWebhook {
    JobWebhook { destination: destination(host), fresh: (EndpointId::from_random(0), secret(0)) }
}

/// Builds an endpoint at `host` that subscribes to all events.
pub(crate) fn endpoint(number: u8, host: &str) -> NewEndpoint {
    NewEndpoint {
        id: EndpointId::from_random(number.into()),
        destination: destination(host),
        events: EventKinds::all(),
        description: String::new(),
        secret: secret(number),
    }
}

pub(crate) fn object_name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

pub(crate) fn object(text: &str, size_bytes: u64) -> StoredObject {
    StoredObject { name: object_name(text), size_bytes, sha256: Sha256Hex::of_digest([0xab; 32]) }
}

/// Name of the output of the job `number` in `format`, by its first claim.
pub(crate) fn output_name(number: u128, format: OutputFormat) -> ObjectName {
    ObjectName::output(&JobId::from_random(number), FencingToken(1), format.into())
}

#[expect(clippy::unnecessary_box_returns, reason = "an ending takes it so")]
pub(crate) fn outcome(number: u128) -> Box<Outcome> {
    let output = |format: OutputFormat| OutputPointer {
        format: format.into(),
        object_name: output_name(number, format),
        size_bytes: 77,
        sha256: Sha256Hex::of_digest([0xcd; 32]),
    };
    Box::new(Outcome {
        measured: MeasuredClip {
            width: 768,
            height: 432,
            frames: 24,
            fps: 24.0,
            source_fps: None,
            crop: None,
            duration_secs: 1.0,
            method: CutMethod::ChromaKey,
            reason: None,
            model: None,
            background: "#E92FBC".parse().ok(),
            report: None,
            notes: Vec::new(),
            alpha_checks: Vec::new(),
        }
        .into(),
        processing_ms: 1234,
        outputs: vec![output(OutputFormat::Webm), output(OutputFormat::StackedAlpha)],
    })
}

pub(crate) fn image_request() -> ImageCutRequest {
    ImageCutRequest {
        method: MethodChoice::Chroma,
        key_color: "#00FF00".parse().unwrap(),
        tolerance: 20.try_into().unwrap(),
        shadow: ShadowChoice::Drop,
        has_soft_edges: false,
    }
}

/// The outcome of the job `number` of two images, of which one was cut.
#[expect(clippy::unnecessary_box_returns, reason = "an ending takes it so")]
pub(crate) fn image_outcome(number: u128) -> Box<Outcome> {
    let cut = MeasuredCut {
        file: Some("a/b.png".into()),
        width: 64,
        height: 48,
        method: CutMethod::ChromaKey,
        reason: MethodReason::KeyGiven,
        model: None,
        background: "#00FF00".parse().ok(),
        report: MatteReport { removed_share: 0.5, ..MatteReport::default() },
    };
    let images = vec![
        MeasuredImage { name: Some("a/b.jpg".into()), result: ImageResult::Cut(Box::new(cut)) },
        MeasuredImage { name: None, result: ImageResult::Failed(input_failure()) },
    ];
    let output = OutputPointer {
        format: FileFormat::Zip,
        object_name: ObjectName::output(&JobId::from_random(number), FencingToken(1), FileFormat::Zip),
        size_bytes: 77,
        sha256: Sha256Hex::of_digest([0xcd; 32]),
    };
    Box::new(Outcome { measured: MeasuredImages { images }.into(), processing_ms: 1234, outputs: vec![output] })
}

pub(crate) fn temporary_failure() -> Failure {
    Failure::new(FailureCode::StorageUnavailable, "the store did not answer")
}

pub(crate) fn input_failure() -> Failure {
    Failure::new(FailureCode::InvalidVideo, "no video stream in the file")
}
