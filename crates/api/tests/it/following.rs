//! Following a job: event streams, and requests that wait for its end.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, Request, StatusCode, header},
};
use clearcut_job::{Failure, FailureCode, Progress, Stage};
use clearcut_queue::{ClaimedJob, Ending};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    fixture::{CLIP, KEY, OTHER_KEY, Part, Server},
    reading::complete,
};

/// A stream of events as a client reads it.
struct Events {
    status: StatusCode,
    headers: HeaderMap,
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(server: &Server, id: &clearcut_job::JobId, last_event_id: Option<&str>) -> Self {
        let mut request =
            Request::get(format!("/api/v1/jobs/{id}/events")).header(header::AUTHORIZATION, format!("Bearer {KEY}"));
        if let Some(last) = last_event_id {
            request = request.header("last-event-id", last);
        }
        Self::at(server, request).await
    }

    async fn at(server: &Server, request: axum::http::request::Builder) -> Self {
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = server.routes.clone().oneshot(request).await.unwrap().into_parts();
        Self { status: parts.status, headers: parts.headers, body: body.into_data_stream(), text: String::new() }
    }

    /// The next block up to an empty line; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(Duration::from_mins(1), self.body.next()).await.unwrap()?;
            self.text += std::str::from_utf8(&piece.unwrap()).unwrap();
        }
    }

    /// The next event: its id, and the job.
    async fn event(&mut self) -> Option<(u64, Value)> {
        let block = self.block().await?;
        let field =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap().to_owned();
        Some((field("id:").parse().unwrap(), serde_json::from_str(&field("data:")).unwrap()))
    }
}

async fn renew(server: &Server, claimed: &ClaimedJob, part: f64) {
    let progress = Progress::within(Stage::Cutting, part);
    server.queue.renew(&claimed.id, claimed.token, progress).await.unwrap();
}

#[tokio::test]
async fn an_event_stream_reports_every_change_and_ends_with_the_job() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let mut events = Events::open(&server, &claimed.id, None).await;
    assert_eq!(events.status, 200);
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["cache-control"], "no-cache");
    let (first, job) = events.event().await.unwrap();
    assert_eq!((&job["status"], &job["revision"]), (&json!("submitted"), &json!(first)));
    server.queue.start(&claimed.id, claimed.token).await.unwrap();
    assert_eq!(events.event().await.unwrap().1["status"], "processing");
    renew(&server, &claimed, 0.5).await;
    let (_, job) = events.event().await.unwrap();
    assert_eq!(job["progress"], 55);
    let mut read = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json()["data"].take();
    assert!(read["eventsUrl"].take().is_string(), "an event has no new signed address");
    assert_eq!(read, job);
    complete(&server, &claimed, b"webm").await;
    let (last, job) = events.event().await.unwrap();
    assert_eq!((&job["status"], last), (&json!("completed"), first + 3));
    assert_eq!(events.event().await, None);
    assert_eq!(server.queue.signals().watched_jobs(), 0);
}

#[tokio::test]
async fn a_reconnected_stream_resumes_after_its_last_event_id() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let mut events = Events::open(&server, &claimed.id, None).await;
    let (first_id, _) = events.event().await.unwrap();
    drop(events);
    renew(&server, &claimed, 0.25).await;
    renew(&server, &claimed, 0.5).await;
    let mut resumed = Events::open(&server, &claimed.id, Some(&first_id.to_string())).await;
    let (second_id, job) = resumed.event().await.unwrap();
    assert_eq!((second_id, &job["progress"]), (first_id + 2, &json!(55)));
    drop(resumed);
    // Without a newer revision, the stream is silent until something changes.
    let mut quiet = Events::open(&server, &claimed.id, Some(&second_id.to_string())).await;
    assert_eq!(futures_util::FutureExt::now_or_never(quiet.body.next()).map(|_| ()), None);
    server.send("POST", &format!("/api/v1/jobs/{}/cancel", claimed.id), KEY).await;
    let (last, job) = quiet.event().await.unwrap();
    assert_eq!(job["error"]["code"], "JOB_CANCELLED");
    // A browser also reconnects after the end; 204 stops it.
    assert_eq!(Events::open(&server, &claimed.id, Some(&last.to_string())).await.status, 204);
    assert_eq!(Events::open(&server, &claimed.id, None).await.event().await.unwrap().0, last);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_sends_heartbeats_and_sees_changes_by_other_processes() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let mut events = Events::open(&server, &claimed.id, None).await;
    events.event().await.unwrap();
    for _ in 0..3 {
        assert_eq!(events.block().await.as_deref(), Some(": heartbeat"));
    }
    server.queue.remove(key_id(&server).await, &claimed.id).await.unwrap();
    assert_eq!(events.block().await, None, "a removed job has no more events");
}

async fn key_id(server: &Server) -> clearcut_queue::KeyId {
    server.queue.find_key(clearcut_queue::KeyHash::of(KEY)).await.unwrap().unwrap().id
}

#[tokio::test]
async fn event_streams_end_when_the_server_stops() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let mut events = Events::open(&server, &claimed.id, None).await;
    events.event().await.unwrap();
    server.queue.signals().close();
    assert_eq!(events.block().await, None);
}

#[tokio::test]
async fn waiting_requests_per_api_key_are_limited_and_ending_one_frees_its_place() {
    let server = Server::with(|settings| settings.max_waits = 2).await;
    let claimed = server.submit_and_claim().await;
    let mut open = vec![Events::open(&server, &claimed.id, None).await, Events::open(&server, &claimed.id, None).await];
    assert_eq!(Events::open(&server, &claimed.id, None).await.status, 429);
    let wait = server.get(&format!("/api/v1/jobs/{}?wait=1", claimed.id), KEY).await;
    assert_eq!(wait.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    open.pop();
    assert_eq!(Events::open(&server, &claimed.id, None).await.status, 200);
}

#[tokio::test]
async fn events_of_other_api_keys_and_invalid_event_ids_are_refused() {
    let server = Server::new().await;
    let id = server.submit_job().await;
    let foreign = server.get(&format!("/api/v1/jobs/{id}/events"), OTHER_KEY).await;
    assert_eq!(foreign.error(), (404, "JOB_NOT_FOUND".to_owned()));
    for bad in ["x", "-1", "1.5", "99999999999999999999999"] {
        assert_eq!(Events::open(&server, &id, Some(bad)).await.status, 400, "{bad}");
    }
    assert_eq!(server.queue.signals().watched_jobs(), 0);
}

#[tokio::test]
async fn the_events_url_needs_no_key_and_opens_one_job_for_an_hour() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let other = server.submit_job().await;
    let url_of = async |id: &clearcut_job::JobId| {
        let job = server.get(&format!("/api/v1/jobs/{id}"), KEY).await.json();
        job["data"]["eventsUrl"].as_str().map(|url| url.strip_prefix("http://localhost").unwrap().to_owned())
    };
    let url = url_of(&claimed.id).await.unwrap();
    let mut events = Events::at(&server, Request::get(&url)).await;
    assert_eq!(
        (events.status, events.event().await.unwrap().1["status"].clone()),
        (StatusCode::OK, json!("submitted"))
    );

    let changed = [url.replace(claimed.id.as_str(), other.as_str()), url.replace("key=1", "key=2"), format!("{url}0")];
    for changed in changed {
        let refused = server.get(&changed, KEY).await;
        assert_eq!(refused.error(), (403, "INVALID_SIGNATURE".to_owned()), "{changed}");
    }
    // A stream that is open goes on until the job ends, whose last event has no address any more.
    server.pass(Duration::from_hours(1));
    assert_eq!(server.get(&url, "").await.error(), (403, "URL_EXPIRED".to_owned()));
    complete(&server, &claimed, b"webm").await;
    assert_eq!(events.event().await.unwrap().1["eventsUrl"], Value::Null);
    assert_eq!(events.block().await, None);
    assert_eq!(url_of(&claimed.id).await, None);

    let url = url_of(&other).await.unwrap();
    server.queue.revoke_key(key_id(&server).await).await.unwrap();
    assert_eq!(server.get(&url, "").await.error(), (401, "INVALID_API_KEY".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_read_replies_when_the_job_ends() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let path = format!("/api/v1/jobs/{}?wait=60", claimed.id);
    let began = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(server.get(&path, KEY), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let failure = Failure::new(FailureCode::NoFlatBackground, "no color dominates its border");
        server.queue.finish(&claimed.id, claimed.token, Ending::Failed(failure)).await.unwrap();
    });
    assert_eq!(answer.json()["data"]["status"], "failed");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let bad = server.get(&format!("/api/v1/jobs/{}?wait=61", claimed.id), KEY).await;
    assert_eq!(bad.error(), (400, "INVALID_REQUEST".to_owned()));
}

#[tokio::test]
async fn a_waiting_read_replies_with_the_current_state_at_its_timeout() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let answer = server.get(&format!("/api/v1/jobs/{}?wait=1", claimed.id), KEY).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["status"]), (200, &json!("submitted")));
}

#[tokio::test]
async fn a_submit_that_prefers_to_wait_replies_with_the_job() {
    let server = std::sync::Arc::new(Server::new().await);
    let parts = || [Part::file(CLIP), Part::text("format", "webm")];
    let queued = server.submit_with(&[("prefer", "wait=0")], &parts()).await;
    assert_eq!((queued.status.as_u16(), queued.header("preference-applied")), (202, "wait=0"));
    assert_eq!(queued.json()["data"]["queuePosition"], 1);
    server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap().unwrap();
    let worker = {
        let server = server.clone();
        tokio::spawn(async move {
            loop {
                if let Some(claimed) = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap() {
                    return complete(&server, &claimed, b"webm").await;
                }
                server.queue.signals().work(Duration::from_secs(1)).await;
            }
        })
    };
    let ended = server.submit_with(&[("prefer", "respond-async, wait=30")], &parts()).await;
    worker.await.unwrap();
    assert_eq!((ended.status.as_u16(), ended.header("preference-applied")), (200, "wait=30"));
    let job = ended.json()["data"].clone();
    assert_eq!((&job["status"], &job["result"]["outputFormat"]), (&json!("completed"), &json!("webm")));
    assert_eq!(ended.header("location"), format!("/api/v1/jobs/{}", job["jobId"].as_str().unwrap()));
    let refused = server.submit_with(&[("prefer", "wait=61")], &parts()).await;
    assert_eq!(refused.error(), (400, "INVALID_REQUEST".to_owned()));
}
