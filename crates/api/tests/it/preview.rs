use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, header},
};
use clearcut_api::{NoPreview, PreviewOrder, Previewed, Previewer};
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{CutMethod, Failure, FailureCode, KeyChoice, MethodChoice, MethodReason, ShadowChoice};
use tokio::sync::Semaphore;

use crate::fixture::{CLIP, KEY, OTHER_KEY, Part, Server, form};

const PREVIEW: &str = "/api/v1/video/remove-background/preview";

type Answer = fn() -> Result<Previewed, NoPreview>;

/// Stands for the pipeline: notes what is asked, and answers as it is told to.
#[derive(Debug)]
pub(crate) struct Painter {
    asked: Mutex<Vec<PreviewOrder>>,
    answer: Answer,
    /// Each preview takes one to go on.
    goes_on: Semaphore,
    /// Previews that were begun and are neither answered nor dropped.
    under_way: Arc<AtomicUsize>,
}

impl Default for Painter {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            answer: painted,
            goes_on: Semaphore::new(Semaphore::MAX_PERMITS),
            under_way: Arc::default(),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the answers that a painter may give")]
fn painted() -> Result<Previewed, NoPreview> {
    Ok(Previewed {
        png: b"\x89PNG".to_vec(),
        size: Size::new(64, 48).unwrap(),
        at: Duration::from_millis(1250),
        method: CutMethod::ChromaKey,
        reason: MethodReason::FlatBackground,
        model: None,
        background: Some(Rgb8::new(0, 255, 0)),
        confidence: Some(0.75),
        hint_frames: vec![12],
    })
}

struct Under(Arc<AtomicUsize>);

impl Drop for Under {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Previewer for Painter {
    async fn preview(&self, order: PreviewOrder) -> Result<Previewed, NoPreview> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under = Under(self.under_way.clone());
        self.asked.lock().unwrap().push(order);
        self.goes_on.acquire().await.unwrap().forget();
        (self.answer)()
    }
}

fn request(key: &str, parts: &[Part<'_>]) -> Request<Body> {
    Request::post(PREVIEW)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(form(parts).into())
        .unwrap()
}

async fn server(painter: Painter) -> (Arc<Painter>, Server) {
    let painter = Arc::new(painter);
    (painter.clone(), Server::with_previewer(painter, |_| {}).await)
}

/// A whole upload of [`KEY`].
async fn uploaded(server: &Server) -> String {
    let begun = server.send("POST", "/api/v1/uploads", KEY).await.json();
    let url = begun["data"]["uploadUrl"].as_str().unwrap();
    let path = url.split_once("localhost").unwrap().1.to_owned();
    let sent = server.ask(Request::put(path).body(CLIP.into()).unwrap()).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    begun["data"]["storageId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_upload_is_previewed_as_asked_and_stays_while_nothing_else_is_kept() {
    let (painter, server) = server(Painter::default()).await;
    let id = uploaded(&server).await;
    let before = server.objects();
    let asked = [
        Part::text("inputStorageId", &id),
        Part::text("time", "1.25"),
        Part::text("tolerance", "45"),
        Part::text("shadow", "drop"),
        Part::text("chromaKey", "#00FF00"),
        Part::text("method", "chroma"),
        Part::text("formats", r#"["webm"]"#),
        Part::text("fps", "12"),
    ];
    let answer = server.ask(request(KEY, &asked)).await;
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
    let order = painter.asked.lock().unwrap().pop().unwrap();
    assert_eq!((order.at, order.request.tolerance.get()), (Duration::from_millis(1250), 45));
    assert_eq!(order.request.shadow, ShadowChoice::Drop);
    assert_eq!(
        (order.request.key, order.request.method),
        (KeyChoice::Given(Rgb8::new(0, 255, 0)), MethodChoice::Chroma)
    );
    assert_eq!(order.request.size.unwrap().get(), 640);
}

#[tokio::test]
async fn a_clip_that_comes_along_is_removed_afterwards_however_it_ends() {
    let answers: [(Answer, u16, &str); 4] = [
        (painted, 200, ""),
        (|| Err(NoPreview::Busy { retry_after_secs: 7 }), 503, "PREVIEWS_BUSY"),
        (|| Err(NoPreview::Gone), 404, "UPLOAD_NOT_FOUND"),
        (|| Err(NoPreview::Failed(Failure::new(FailureCode::Timeout, "it took too long"))), 504, "TIMEOUT"),
    ];
    for (answer, status, code) in answers {
        let (painter, server) = server(Painter { answer, ..Painter::default() }).await;
        let answer = server.ask(request(KEY, &[Part::file(CLIP)])).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status != 200 {
            assert_eq!(answer.error(), (status, code.to_owned()));
        }
        assert_eq!(answer.header("retry-after"), if status == 503 { "7" } else { "" });
        assert_eq!(painter.asked.lock().unwrap()[0].at, Duration::ZERO);
        server.assert_empty(code).await;
    }
}

#[tokio::test]
async fn what_cannot_be_previewed_is_refused_before_anything_is_decoded() {
    let (painter, server) = server(Painter::default()).await;
    let id = uploaded(&server).await;
    let before = server.objects();
    let begun = server.send("POST", "/api/v1/uploads", KEY).await.json();
    let unfinished = begun["data"]["storageId"].as_str().unwrap();
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
    assert!(painter.asked.lock().unwrap().is_empty());
    assert_eq!(server.objects(), before);
}

#[tokio::test]
async fn a_key_has_so_many_previews_at_once_and_its_closed_requests_make_room() {
    let (painter, server) = server(Painter { goes_on: Semaphore::new(0), ..Painter::default() }).await;
    let id = uploaded(&server).await;
    let server = Arc::new(server);
    let begin = || {
        let (server, request) = (server.clone(), request(KEY, &[Part::text("inputStorageId", &id)]));
        tokio::spawn(async move { server.ask(request).await })
    };
    let mut begun: Vec<_> = (0..4).map(|_| begin()).collect();
    while painter.under_way.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    let refused = server.ask(request(KEY, &[Part::text("inputStorageId", &id)])).await;
    assert_eq!(refused.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!((refused.header("retry-after"), &refused.json()["error"]["details"]["limit"]), ("1", &4.into()));
    // Another key is not in its way: it gets as far as being told that the upload is not its own.
    let other = server.ask(request(OTHER_KEY, &[Part::text("inputStorageId", &id)])).await;
    assert_eq!(other.status, 404);
    let closed = begun.pop().unwrap();
    closed.abort();
    assert!(closed.await.unwrap_err().is_cancelled());
    assert_eq!(painter.under_way.load(Ordering::SeqCst), 3, "the work goes on though nobody waits for it");
    painter.goes_on.add_permits(5);
    assert_eq!(server.ask(request(KEY, &[Part::text("inputStorageId", &id)])).await.status, 200);
    for preview in begun {
        assert_eq!(preview.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn previews_are_counted_apart_from_submits() {
    let painter = Arc::new(Painter::default());
    let server = Server::with_previewer(painter, |settings| settings.previews_per_minute = 2).await;
    for left in ["\"previews\";r=1;t=30", "\"previews\";r=0;t=60"] {
        let answer = server.ask(request(KEY, &[Part::file(CLIP)])).await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, left));
    }
    let refused = server.ask(request(KEY, &[Part::file(CLIP)])).await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(server.submit(&[Part::file(CLIP)]).await.status, 202);
}
