//! The test server: routes over an in-memory queue and a temporary store, and helpers for requests.

use std::{fs, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use clearcut_api::{Api, ApiSettings, BodyLimits, Check, InteractiveWorker, OneTimeLink, Readiness, routes};
use clearcut_job::{Clock as _, JobId, ManualClock, UnixMillis, WorkerId};
use clearcut_queue::{ClaimedJob, KeyHash, MemoryQueue, NewKey, Policy, Queue};
use clearcut_store::{Store, UrlSigner};
use http_body_util::BodyExt as _;
use object_store::memory::InMemory;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::fake_worker::FakeWorker;

pub(crate) const KEY: &str = "hc_0123456789abcdefghijklmnopqrstuv";
pub(crate) const OTHER_KEY: &str = "hc_abcdefghijklmnopqrstuv0123456789";
/// Token of the one-time link. The link yields [`KEY`] and expires after an hour.
pub(crate) const LINK_TOKEN: &str = "token";
const LINK_EXPIRES: UnixMillis = UnixMillis(1_710_003_600_500);
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// The routes over an empty queue and an empty store, with two API keys.
pub(crate) struct Server {
    pub(crate) routes: Router,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    api: Api,
    dir: tempfile::TempDir,
}

#[derive(Debug)]
struct AllReady;

impl Readiness for AllReady {
    fn checks(&self) -> Vec<Check> {
        vec![Check { name: "ffmpeg", ok: true, detail: "5.1".to_owned() }]
    }
}

/// A complete reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Checks the error envelope and returns the status and the code.
    pub(crate) fn error(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        assert!(json["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{json}");
        assert!(json["error"]["details"].is_object(), "{json}");
        (self.status.as_u16(), json["error"]["code"].as_str().unwrap().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        Self::assemble(Arc::new(AllReady), None, Arc::new(FakeWorker::default()), change).await
    }

    pub(crate) async fn with_worker(worker: Arc<dyn InteractiveWorker>, change: impl FnOnce(&mut ApiSettings)) -> Self {
        Self::assemble(Arc::new(AllReady), None, worker, change).await
    }

    pub(crate) async fn with_readiness(readiness: impl Readiness + 'static) -> Self {
        Self::assemble(Arc::new(readiness), None, Arc::new(FakeWorker::default()), |_| {}).await
    }

    /// A server over another queue than the one in memory.
    pub(crate) async fn with_queue(queue: Arc<dyn Queue>) -> Self {
        Self::assemble(Arc::new(AllReady), Some(queue), Arc::new(FakeWorker::default()), |_| {}).await
    }

    /// Two servers over the same queue and the same store, which is no local disk.
    pub(crate) async fn pair() -> [Self; 2] {
        let first = Self::new().await.over(Store::remote(Arc::new(InMemory::new())));
        let second = Self {
            routes: routes(first.api.clone()),
            queue: first.queue.clone(),
            store: first.store.clone(),
            clock: first.clock.clone(),
            api: first.api.clone(),
            dir: tempfile::tempdir().unwrap(),
        };
        [first, second]
    }

    /// The same server over another store.
    pub(crate) fn over(mut self, store: Store) -> Self {
        self.api.store = store.clone();
        self.routes = routes(self.api.clone());
        Self { store, ..self }
    }

    async fn assemble(
        readiness: Arc<dyn Readiness>,
        queue: Option<Arc<dyn Queue>>,
        interactive: Arc<dyn InteractiveWorker>,
        change: impl FnOnce(&mut ApiSettings),
    ) -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(1_710_000_000_500)));
        let queue = queue.unwrap_or_else(|| Arc::new(MemoryQueue::new(clock.clone(), Policy::default())));
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        let api_key = |secret: &str| NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of(secret) };
        queue.create_key(api_key(KEY)).await.unwrap();
        queue.create_key(api_key(OTHER_KEY)).await.unwrap();
        let body = BodyLimits { max_bytes: MAX_BYTES, ..BodyLimits::default() };
        let mut settings = ApiSettings { body, disk_floor_bytes: 0, ..ApiSettings::default() };
        change(&mut settings);
        let api = Api {
            queue: queue.clone(),
            store: store.clone(),
            signer: Arc::new(UrlSigner::new([7; 32])),
            clock: clock.clone(),
            readiness,
            interactive,
            link: Arc::new(OneTimeLink::new(LINK_TOKEN, KEY.to_owned(), LINK_EXPIRES)),
            traffic: Arc::default(),
            settings: Arc::new(settings),
        };
        Self { routes: routes(api.clone()), queue, store, clock, api, dir }
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str, api_key: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {api_key}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, api_key: &str) -> Answer {
        let request =
            Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {api_key}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    /// Submits `parts` with additional headers.
    pub(crate) async fn submit_with(&self, headers: &[(&'static str, &str)], parts: &[Part<'_>]) -> Answer {
        let mut request = submit_request(form(parts));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        self.ask(request).await
    }

    /// Submits a clip and returns the id of its job.
    pub(crate) async fn submit_job(&self) -> JobId {
        let answer = self.submit(&[Part::file(CLIP)]).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json()["data"]["jobId"].as_str().unwrap().parse().unwrap()
    }

    /// The paths of all files in the store.
    pub(crate) fn objects(&self) -> Vec<String> {
        files_under(self.dir.path())
    }

    pub(crate) async fn submit(&self, parts: &[Part<'_>]) -> Answer {
        self.ask(submit_request(form(parts))).await
    }

    /// Submits a clip and claims its job for a worker.
    pub(crate) async fn submit_and_claim(&self) -> ClaimedJob {
        assert_eq!(self.submit(&[Part::file(CLIP)]).await.status, StatusCode::ACCEPTED);
        self.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap()
    }

    /// Asserts that the store and the queue are empty.
    pub(crate) async fn assert_empty(&self, after: &str) {
        // A discarded file is deleted in the background.
        for _ in 0..200 {
            if files_under(self.dir.path()).is_empty() {
                break;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(files_under(self.dir.path()), Vec::<String>::new(), "left after {after}");
        assert_eq!(self.queue.depth().await.unwrap().queued, 0, "left after {after}");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn pass(&self, span: std::time::Duration) {
        self.clock.advance(span);
        assert!(self.clock.now() > UnixMillis::default());
    }
}

fn files_under(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(files_under(&entry.path()));
        } else {
            files.push(entry.path().display().to_string());
        }
    }
    files
}

/// The first bytes of an MP4, which is enough because nothing decodes it.
pub(crate) const CLIP: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";

/// One part of a multipart form.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    name: &'a str,
    /// File name, if the part is a file.
    file: Option<&'a str>,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    pub(crate) const fn file(content: &'a [u8]) -> Self {
        Self { name: "file", file: Some("blob"), content }
    }

    pub(crate) const fn named(self, file_name: &'a str) -> Self {
        Self { file: Some(file_name), ..self }
    }

    pub(crate) const fn called(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    pub(crate) const fn text(name: &'a str, text: &'a str) -> Self {
        Self { name, file: None, content: text.as_bytes() }
    }
}

pub(crate) fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let file =
            part.file.map(|name| format!("; filename=\"{name}\"\r\nContent-Type: video/mp4")).unwrap_or_default();
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n\r\n", part.name);
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--X--\r\n");
    body
}

pub(crate) const SUBMIT: &str = "/api/v1/jobs/video/remove-background";

pub(crate) fn submit_request(body: impl Into<Body>) -> Request<Body> {
    Request::post(SUBMIT)
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(body.into())
        .unwrap()
}
