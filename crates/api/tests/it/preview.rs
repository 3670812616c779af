//! Previews, over a fake worker.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, header},
};
use clearcut_frame::Rgb8;
use clearcut_job::{Failure, FailureCode, InteractiveFailure, KeyColorChoice, MethodChoice, ShadowChoice};
use tokio::sync::Semaphore;

use crate::{
    fake_worker::{FakeWorker, PreviewAnswer, rendered},
    fixture::{CLIP, KEY, OTHER_KEY, Part, Server, form},
};

const PREVIEW: &str = "/api/v1/video/remove-background/preview";

fn request(key: &str, parts: &[Part<'_>]) -> Request<Body> {
    Request::post(PREVIEW)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(form(parts).into())
        .unwrap()
}

async fn server(worker: FakeWorker) -> (Arc<FakeWorker>, Server) {
    let worker = Arc::new(worker);
    (worker.clone(), Server::with_worker(worker, |_| {}).await)
}

/// Makes a complete upload of [`KEY`] and returns its id.
async fn uploaded(server: &Server) -> String {
    let created = server.send("POST", "/api/v1/uploads", KEY).await.json();
    let url = created["data"]["uploadUrl"].as_str().unwrap();
    let path = url.split_once("localhost").unwrap().1.to_owned();
    let sent = server.ask(Request::put(path).body(CLIP.into()).unwrap()).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    created["data"]["storageId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_preview_of_an_upload_uses_the_requested_options_and_stores_nothing() {
    let (worker, server) = server(FakeWorker::default()).await;
    let id = uploaded(&server).await;
    let before = server.objects();
    let fields = [
        Part::text("inputStorageId", &id),
        Part::text("time", "1.25"),
        Part::text("tolerance", "45"),
        Part::text("shadow", "drop"),
        Part::text("chromaKey", "#00FF00"),
        Part::text("method", "chroma"),
        Part::text("formats", r#"["webm"]"#),
        Part::text("fps", "12"),
    ];
    let answer = server.ask(request(KEY, &fields)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = &answer.json()["data"];
    assert_eq!(data["url"], "data:image/png;base64,iVBORw==");
    assert_eq!((&data["format"], data["size"].as_u64()), (&"png".into(), Some(4)));
    assert_eq!((data["width"].as_u64(), data["height"].as_u64()), (Some(64), Some(48)));
    assert_eq!((data["time"].as_f64(), data["confidence"].as_f64()), (Some(1.25), Some(0.75)));
    assert_eq!(data["detectedBackgroundColor"]["hex"], "#00FF00");
    assert_eq!((&data["processingMethod"], &data["reason"]), (&"chromakey".into(), &"flat-background".into()));
    assert!(data["model"].is_null());
    assert_eq!(server.objects(), before);
    assert!(server.get("/api/v1/jobs", KEY).await.json()["data"]["jobs"].as_array().unwrap().is_empty());
    let order = worker.previews.lock().unwrap().pop().unwrap();
    assert_eq!((order.at, order.request.tolerance.get()), (Duration::from_millis(1250), 45));
    assert_eq!(order.request.shadow, ShadowChoice::Drop);
    assert_eq!(
        (order.request.key_color, order.request.method),
        (KeyColorChoice::Given(Rgb8::new(0, 255, 0)), MethodChoice::Chroma)
    );
    assert_eq!(order.request.size.unwrap().get(), 640);
}

#[tokio::test]
async fn a_clip_in_the_request_is_deleted_however_the_preview_ends() {
    let answers: [(PreviewAnswer, u16, &str); 4] = [
        (rendered, 200, ""),
        (|| Err(InteractiveFailure::Busy { retry_after_secs: 7 }), 503, "PREVIEWS_BUSY"),
        (|| Err(InteractiveFailure::Gone), 404, "UPLOAD_NOT_FOUND"),
        (|| Err(InteractiveFailure::Failed(Failure::new(FailureCode::Timeout, "it took too long"))), 504, "TIMEOUT"),
    ];
    for (answer, status, code) in answers {
        let (worker, server) = server(FakeWorker { preview: answer, ..FakeWorker::default() }).await;
        let answer = server.ask(request(KEY, &[Part::file(CLIP)])).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status != 200 {
            assert_eq!(answer.error(), (status, code.to_owned()));
        }
        assert_eq!(answer.header("retry-after"), if status == 503 { "7" } else { "" });
        assert_eq!(worker.previews.lock().unwrap()[0].at, Duration::ZERO);
        server.assert_empty(code).await;
    }
}

#[tokio::test]
async fn an_invalid_preview_is_refused_before_the_worker_is_called() {
    let (worker, server) = server(FakeWorker::default()).await;
    let id = uploaded(&server).await;
    let before = server.objects();
    let created = server.send("POST", "/api/v1/uploads", KEY).await.json();
    let unfinished = created["data"]["storageId"].as_str().unwrap();
    let of = |name, text| vec![Part::text("inputStorageId", &id), Part::text(name, text)];
    let cases = [
        (KEY, vec![], 400, "INVALID_REQUEST"),
        (KEY, vec![Part::file(b"<html>")], 400, "INVALID_VIDEO"),
        (KEY, vec![Part::file(CLIP), Part::text("inputStorageId", &id)], 400, "INVALID_REQUEST"),
        (KEY, vec![Part::text("url", "https://example.com/clip.mp4")], 400, "INVALID_REQUEST"),
        (KEY, of("time", "-1"), 400, "INVALID_REQUEST"),
        (KEY, of("time", "NaN"), 400, "INVALID_REQUEST"),
        (KEY, of("tolerance", "101"), 400, "INVALID_TOLERANCE"),
        (KEY, of("size", "4000"), 400, "INVALID_SIZE"),
        (KEY, of("chromaKey", "green"), 400, "INVALID_CHROMA_KEY"),
        (KEY, of("method", "ai"), 400, "INVALID_REQUEST"),
        (KEY, vec![Part::file(CLIP), Part::text("tolerance", "x")], 400, "INVALID_TOLERANCE"),
        (KEY, vec![Part::text("inputStorageId", unfinished)], 409, "UPLOAD_UNFINISHED"),
        (KEY, vec![Part::text("inputStorageId", "../../etc/passwd")], 404, "UPLOAD_NOT_FOUND"),
        (OTHER_KEY, vec![Part::text("inputStorageId", &id)], 404, "UPLOAD_NOT_FOUND"),
        ("hc_00000000000000000000000000000000", vec![Part::file(CLIP)], 401, "INVALID_API_KEY"),
    ];
    for (key, parts, status, code) in cases {
        let answer = server.ask(request(key, &parts)).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{answer:?}");
    }
    assert!(worker.previews.lock().unwrap().is_empty());
    assert_eq!(server.objects(), before);
}

#[tokio::test]
async fn previews_per_api_key_are_limited_and_closing_a_request_frees_its_place() {
    let (worker, server) = server(FakeWorker { permits: Semaphore::new(0), ..FakeWorker::default() }).await;
    let id = uploaded(&server).await;
    let server = Arc::new(server);
    let begin_preview = || {
        let (server, request) = (server.clone(), request(KEY, &[Part::text("inputStorageId", &id)]));
        tokio::spawn(async move { server.ask(request).await })
    };
    let mut previews: Vec<_> = (0..4).map(|_| begin_preview()).collect();
    while worker.in_progress.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    let refused = server.ask(request(KEY, &[Part::text("inputStorageId", &id)])).await;
    assert_eq!(refused.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!((refused.header("retry-after"), &refused.json()["error"]["details"]["limit"]), ("1", &4.into()));
    // Another API key is not affected: it gets as far as the error that the upload is not its own.
    let other = server.ask(request(OTHER_KEY, &[Part::text("inputStorageId", &id)])).await;
    assert_eq!(other.status, 404);
    let closed = previews.pop().unwrap();
    closed.abort();
    assert!(closed.await.unwrap_err().is_cancelled());
    assert_eq!(worker.in_progress.load(Ordering::SeqCst), 3, "the work continues although its request was closed");
    worker.permits.add_permits(5);
    assert_eq!(server.ask(request(KEY, &[Part::text("inputStorageId", &id)])).await.status, 200);
    for preview in previews {
        assert_eq!(preview.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn previews_and_submits_have_separate_rate_limits() {
    let worker = Arc::new(FakeWorker::default());
    let server = Server::with_worker(worker, |settings| settings.previews_per_minute = 2).await;
    for left in ["\"previews\";r=1;t=30", "\"previews\";r=0;t=60"] {
        let answer = server.ask(request(KEY, &[Part::file(CLIP)])).await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, left));
    }
    let refused = server.ask(request(KEY, &[Part::file(CLIP)])).await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(server.submit(&[Part::file(CLIP)]).await.status, 202);
}
