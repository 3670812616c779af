//! The image routes, over a fake worker.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    body::Body,
    http::{Request, header},
};
use clearcut_job::{
    CutRequest, Failure, FailureCode, ImageEncoding, ImageFit, ImageFormat, ImageTask, InteractiveFailure,
    KeyColorChoice, MethodChoice,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    fake_worker::{FakeWorker, ImageAnswer, processed},
    fixture::{Answer, CLIP, KEY, MAX_BYTES, OTHER_KEY, Part, Server, form},
};

/// The first bytes of images, which are enough because nothing decodes them.
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0";

const ROUTES: [&str; 6] =
    ["remove-background", "detect-background-color", "resize", "thumbnail", "emoticon", "emoticon/zip"];

fn request(route: &str, key: &str, parts: &[Part<'_>]) -> Request<Body> {
    Request::post(format!("/api/v1/image/{route}"))
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(form(parts).into())
        .unwrap()
}

/// A server over a fake worker.
struct Bench {
    worker: Arc<FakeWorker>,
    server: Server,
}

impl Bench {
    async fn new(worker: FakeWorker) -> Self {
        Self::with_model(worker, false).await
    }

    async fn with_model(worker: FakeWorker, has_model: bool) -> Self {
        let worker = Arc::new(worker);
        Self { worker: worker.clone(), server: Server::with_worker(worker, |s| s.has_model = has_model).await }
    }

    /// Sends a JPEG with `fields`.
    async fn ask(&self, route: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask_about(JPEG, route, fields).await
    }

    async fn ask_about(&self, image: &[u8], route: &str, fields: &[(&str, &str)]) -> Answer {
        let mut parts = vec![Part::file(image)];
        parts.extend(fields.iter().map(|(name, text)| Part::text(name, text)));
        self.server.ask(request(route, KEY, &parts)).await
    }

    /// Sends a JPEG with `fields`; the data of the reply.
    async fn data(&self, route: &str, fields: &[(&str, &str)]) -> Value {
        let answer = self.ask(route, fields).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["data"].clone()
    }

    fn last_task(&self) -> ImageTask {
        self.worker.images.lock().unwrap().last().unwrap().task.clone()
    }

    fn last_cut(&self) -> (CutRequest, bool) {
        let ImageTask::Cut { request, has_soft_edges } = self.last_task() else { panic!("no cut") };
        (request, has_soft_edges)
    }

    fn last_encoding(&self) -> ImageEncoding {
        let ImageTask::Encode(encodings) = self.last_task() else { panic!("no encodings") };
        encodings[0]
    }
}

/// The fields that warnings are about.
fn warned(data: &Value) -> Vec<&str> {
    data["warnings"].as_array().unwrap().iter().map(|warning| warning["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_cut_has_the_shape_of_the_published_api_and_its_defaults() {
    let bench = Bench::with_model(FakeWorker::default(), true).await;
    let mut data = bench.data("remove-background", &[]).await;
    assert!(data["processingTime"].is_u64());
    data.as_object_mut().unwrap().remove("processingTime");
    let message = data["report"]["warnings"][0].as_object_mut().unwrap().remove("message").unwrap();
    assert!(message.as_str().unwrap().starts_with("hardly anything was removed"), "{message}");
    let expected = json!({
        "url": "data:image/png;base64,iVBORw==", "format": "png", "width": 64, "height": 48, "size": 4,
        "method": "chroma", "reason": "flat-background", "model": null, "confidence": 0.75,
        "detectedBackgroundColor": {"r": 233, "g": 47, "b": 188, "hex": "#E92FBC"}, "warnings": [],
        "report": {
            "confidence": 0.75, "removedShare": 0.001, "holesPercent": 0.0, "lookalikePercent": 0.0,
            "residuePercent": 0.5, "finePercent": 1.5, "softPercent": 0.0, "faintPercent": 0.25,
            "warnings": [{"code": "NOTHING_REMOVED", "box": {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}}],
        },
    });
    assert_eq!(data, expected);
    let (request, has_soft_edges) = bench.last_cut();
    assert_eq!((request.method, request.tolerance.get(), has_soft_edges), (MethodChoice::Ai, 20, true));
    bench.server.assert_empty("a cut").await;
}

#[tokio::test]
async fn the_method_falls_back_where_no_model_is_and_a_key_color_implies_chroma() {
    let bench = Bench::new(FakeWorker::default()).await;
    bench.data("remove-background", &[("method", "")]).await;
    assert_eq!(bench.last_cut().0.method, MethodChoice::Auto);
    let refused = bench.ask("remove-background", &[("method", "ai")]).await;
    assert_eq!(refused.error(), (400, "INVALID_REQUEST".to_owned()));
    assert!(refused.json()["error"]["details"]["allowed"].as_str().unwrap().contains("auto or chroma"));
    let fields = [("chromaKey", r#"{"r":0,"g":255,"b":0}"#), ("method", "ai"), ("smoothEdges", "false")];
    let data = bench.data("remove-background", &fields).await;
    assert_eq!(warned(&data), ["method"]);
    let (request, has_soft_edges) = bench.last_cut();
    assert_eq!((request.method, has_soft_edges), (MethodChoice::Chroma, false));
    assert!(matches!(request.key_color, KeyColorChoice::Given(_)));
}

#[tokio::test]
async fn fields_without_effect_are_named_in_the_reply() {
    let bench = Bench::new(FakeWorker::default()).await;
    let fields = [("edgeSampleSize", "50"), ("tolerence", "5")];
    let data = bench.data("remove-background", &fields).await;
    assert_eq!(warned(&data), ["tolerence", "edgeSampleSize"]);
    assert_eq!(data["warnings"][0]["didYouMean"], "tolerance");
    assert_eq!(warned(&bench.data("detect-background-color", &[("size", "1")]).await), ["size"]);
    assert_eq!(warned(&bench.data("resize", &[("width", "9"), ("fit", "fill")]).await), ["fit"]);
    assert_eq!(warned(&bench.data("thumbnail", &[("width", "9"), ("size", "small")]).await), ["size"]);
    assert_eq!(warned(&bench.data("emoticon", &[("format", "png")]).await), ["format"]);
    assert_eq!(warned(&bench.data("resize", &[("format", "png"), ("quality", "5")]).await), ["quality"]);
    for (image, expected) in [(PNG, &["quality"][..]), (WEBP, &[])] {
        let thumbnail = bench.ask_about(image, "thumbnail", &[("quality", "5")]).await.json();
        assert_eq!(warned(&thumbnail["data"]), expected);
    }
    for route in &ROUTES[..5] {
        let data = bench.data(&format!("{route}?tolerance=5&debug=1"), &[]).await;
        assert_eq!(warned(&data), ["tolerance", "debug"], "{route}");
    }
    let zip = bench.ask("emoticon/zip?debug=1", &[("format", "png")]).await;
    let warnings: Value = serde_json::from_str(zip.header("clearcut-warnings")).unwrap();
    assert_eq!(warned(&json!({ "warnings": warnings })), ["debug", "format"]);
    assert_eq!(bench.ask("emoticon/zip", &[]).await.header("clearcut-warnings"), "");
}

#[tokio::test]
async fn a_color_an_image_and_a_pack_have_the_shapes_of_the_published_api() {
    let bench = Bench::new(FakeWorker::default()).await;
    let color = bench.data("detect-background-color", &[]).await;
    let expected = json!({"backgroundColor": {"r": 233, "g": 47, "b": 188}, "hex": "#E92FBC", "warnings": []});
    assert_eq!(color, expected);

    let fields = [("width", "40"), ("height", "30"), ("format", "webp"), ("fit", "fill"), ("quality", "85")];
    let mut image = bench.data("resize", &fields).await;
    assert!(image.as_object_mut().unwrap().remove("processingTime").unwrap().is_u64());
    let expected = json!({
        "url": "data:image/webp;base64,d2VicCA0MHgzMA==", "format": "webp", "width": 40, "height": 30, "size": 10,
        "warnings": [],
    });
    assert_eq!(image, expected);
    let expected = (Some(40), Some(30), ImageFit::Fill, ImageFormat::Webp, 85);
    let ImageEncoding { width, height, fit, format, quality } = bench.last_encoding();
    assert_eq!((width, height, fit, format, quality.get()), expected);

    let pack = bench.data("emoticon", &[("sizes", "[32,128]")]).await;
    assert_eq!((&pack["sizes"][0]["size"], &pack["sizes"][1]["size"]), (&json!(32), &json!(128)));
    let expected = json!({"dataUrl": "data:image/png;base64,cG5nIDMyeDMy", "size": 9});
    assert_eq!(pack["sizes"][0]["png"], expected);
    assert_eq!(pack["sizes"][1]["webp"]["size"], 12);
    assert_eq!((&pack["totalPngSize"], &pack["totalWebpSize"]), (&json!(9 + 11), &json!(10 + 12)));
    assert_eq!(bench.last_encoding().fit, ImageFit::Contain);
}

#[tokio::test]
async fn a_zip_file_holds_the_pack_under_the_names_of_the_official_command_line() {
    let bench = Bench::new(FakeWorker::default()).await;
    let answer = bench.ask("emoticon/zip", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/zip"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.bytes)).unwrap();
    let names: Vec<_> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names.len(), 16);
    assert_eq!(names[..2], ["png/emoticon-16px.png", "webp/emoticon-16px.webp"]);
    let last = std::io::read_to_string(archive.by_name("webp/emoticon-256px.webp").unwrap()).unwrap();
    assert_eq!(last, "webp 256x256");
}

#[tokio::test]
async fn a_thumbnail_is_a_square_in_the_format_of_the_image_by_default() {
    let bench = Bench::new(FakeWorker::default()).await;
    for (image, format) in [(JPEG, "jpeg"), (PNG, "png"), (WEBP, "webp"), (b"GIF89a\x01\0", "png")] {
        let answer = bench.ask_about(image, "thumbnail", &[]).await;
        let data = &answer.json()["data"];
        assert_eq!((&data["format"], &data["width"], &data["height"]), (&json!(format), &json!(300), &json!(300)));
    }
    bench.data("thumbnail", &[("size", "large")]).await;
    let encoding = bench.last_encoding();
    assert_eq!((encoding.width, encoding.height, encoding.quality.get()), (Some(600), Some(600), 60));
    bench.data("thumbnail", &[("height", "90")]).await;
    assert_eq!((bench.last_encoding().width, bench.last_encoding().height), (None, Some(90)));
    bench.data("resize", &[]).await;
    let encoding = bench.last_encoding();
    assert_eq!((encoding.width, encoding.format, encoding.quality.get()), (None, ImageFormat::Jpeg, 80));
}

#[tokio::test]
async fn an_invalid_field_is_refused_by_name_before_the_worker_is_called() {
    let bench = Bench::new(FakeWorker::default()).await;
    let many = serde_json::to_string(&(1..=17).collect::<Vec<u32>>()).unwrap();
    let cases = [
        ("remove-background", "tolerance", "101", "INVALID_TOLERANCE"),
        ("remove-background", "method", "magic", "INVALID_REQUEST"),
        ("remove-background", "chromaKey", "green", "INVALID_CHROMA_KEY"),
        ("remove-background", "smoothEdges", "maybe", "INVALID_REQUEST"),
        ("remove-background", "edgeSampleSize", "0", "INVALID_REQUEST"),
        ("resize", "width", "0", "INVALID_SIZE"),
        ("resize", "height", "16385", "INVALID_SIZE"),
        ("resize", "fit", "crop", "INVALID_REQUEST"),
        ("resize", "format", "gif", "INVALID_FORMATS"),
        ("resize", "quality", "0", "INVALID_QUALITY"),
        ("thumbnail", "size", "huge", "INVALID_SIZE"),
        ("thumbnail", "quality", "101", "INVALID_QUALITY"),
        ("emoticon", "sizes", "[]", "INVALID_SIZE"),
        ("emoticon", "sizes", "[0]", "INVALID_SIZE"),
        ("emoticon/zip", "sizes", &many, "INVALID_SIZE"),
    ];
    for (route, field, text, code) in cases {
        let answer = bench.ask(route, &[(field, text)]).await;
        assert_eq!(answer.error(), (400, code.to_owned()), "{route} {field}={text}");
        let details = &answer.json()["error"]["details"];
        assert_eq!(details["field"], field);
        assert!(details["allowed"].as_str().is_some_and(|allowed| !allowed.is_empty()), "{details}");
    }
    assert!(bench.worker.images.lock().unwrap().is_empty());
    bench.server.assert_empty("invalid fields").await;
}

#[tokio::test]
async fn a_file_that_is_no_image_is_refused_by_name_on_every_route() {
    let bench = Bench::new(FakeWorker::default()).await;
    let files: [(&[u8], &str); 6] = [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"II*\0\x10\0\0\0CR\x02\0", "RAW"),
        (CLIP, "video"),
        (b"nothing known", "not an image"),
    ];
    for route in ROUTES {
        for (file, named) in files {
            let answer = bench.ask_about(file, route, &[]).await;
            assert_eq!(answer.error(), (400, "INVALID_IMAGE".to_owned()), "{route} {named}");
            let error = &answer.json()["error"];
            assert!(error["message"].as_str().unwrap().contains(named), "{error}");
            assert!(error["details"]["allowed"].as_str().unwrap().contains("JPEG"), "{error}");
        }
        let none = bench.server.ask(request(route, KEY, &[])).await;
        assert_eq!(none.error(), (400, "INVALID_REQUEST".to_owned()));
    }
    bench.server.assert_empty("refused files").await;
}

#[tokio::test]
async fn an_image_can_be_uploaded_before_and_must_be_its_own_keys() {
    let bench = Bench::new(FakeWorker::default()).await;
    let created = bench.server.send("POST", "/api/v1/uploads", KEY).await.json();
    let id = created["data"]["storageId"].as_str().unwrap();
    let parts = [Part::text("inputStorageId", id)];
    let unfinished = bench.server.ask(request("resize", KEY, &parts)).await;
    assert_eq!(unfinished.error(), (409, "UPLOAD_UNFINISHED".to_owned()));
    let path = created["data"]["uploadUrl"].as_str().unwrap().split_once("localhost").unwrap().1.to_owned();
    assert_eq!(bench.server.ask(Request::put(path).body(PNG.into()).unwrap()).await.status, 200);
    let before = bench.server.objects();
    let answer = bench.server.ask(request("thumbnail", KEY, &parts)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["format"]), (200, &json!("png")));
    let stranger = bench.server.ask(request("thumbnail", OTHER_KEY, &parts)).await;
    assert_eq!(stranger.error(), (404, "UPLOAD_NOT_FOUND".to_owned()));
    assert_eq!(bench.server.objects(), before, "an upload outlives its requests");
}

#[tokio::test]
async fn an_address_is_checked_and_fetched_by_the_worker() {
    let bench = Bench::new(FakeWorker::default()).await;
    for (url, message) in [
        ("http://127.0.0.1/a.png", "may not fetch from that network"),
        ("ftp://example.com/a.png", "https:// or http://"),
        ("https://example.com/a.png", "status 404"),
    ] {
        let answer = bench.server.ask(request("resize", KEY, &[Part::text("url", url)])).await;
        assert_eq!(answer.error(), (400, "INVALID_URL".to_owned()), "{url}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(message), "{answer:?}");
    }
}

#[tokio::test]
async fn a_failed_image_has_the_status_of_its_code_and_leaves_nothing() {
    let answers: [(ImageAnswer, u16, &str); 5] = [
        (processed, 200, ""),
        (|_| Err(InteractiveFailure::Busy { retry_after_secs: 7 }), 503, "SERVER_BUSY"),
        (|_| Err(InteractiveFailure::Gone), 404, "UPLOAD_NOT_FOUND"),
        (|_| Err(InteractiveFailure::Failed(Failure::new(FailureCode::InvalidImage, "damaged"))), 400, "INVALID_IMAGE"),
        (|_| Err(InteractiveFailure::Failed(Failure::new(FailureCode::Timeout, "too long"))), 504, "TIMEOUT"),
    ];
    for (image, status, code) in answers {
        let bench = Bench::new(FakeWorker { image, ..FakeWorker::default() }).await;
        let answer = bench.ask("resize", &[]).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status != 200 {
            assert_eq!(answer.error(), (status, code.to_owned()));
        }
        assert_eq!(answer.header("retry-after"), if status == 503 { "7" } else { "" });
        bench.server.assert_empty(code).await;
    }
}

#[tokio::test]
async fn an_image_may_have_fewer_bytes_than_a_clip() {
    let worker = Arc::new(FakeWorker::default());
    let server = Server::with_worker(worker, |settings| settings.max_image_bytes = 1000).await;
    let long = |bytes: usize| [JPEG, &vec![0; bytes - JPEG.len()]].concat();
    assert_eq!(server.ask(request("resize", KEY, &[Part::file(&long(1000))])).await.status, 200);
    let refused = server.ask(request("resize", KEY, &[Part::file(&long(1001))])).await;
    assert_eq!(refused.error(), (413, "FILE_TOO_LARGE".to_owned()));
    assert_eq!(refused.json()["error"]["details"]["maxBytes"], 1000);
    let refused = server.ask(request("resize", KEY, &[Part::file(&long(MAX_BYTES as usize + 1))])).await;
    assert_eq!(refused.error(), (413, "FILE_TOO_LARGE".to_owned()));
    server.assert_empty("images that are too large").await;
}

#[tokio::test]
async fn images_per_api_key_are_limited_and_closing_a_request_frees_its_place() {
    let worker = Arc::new(FakeWorker { permits: Semaphore::new(0), ..FakeWorker::default() });
    let server = Arc::new(Server::with_worker(worker.clone(), |settings| settings.max_images = 2).await);
    let begin = || {
        let server = server.clone();
        tokio::spawn(async move { server.ask(request("resize", KEY, &[Part::file(JPEG)])).await })
    };
    let mut running = vec![begin(), begin()];
    while worker.in_progress.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let refused = server.ask(request("resize", KEY, &[Part::file(JPEG)])).await;
    assert_eq!(refused.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!((refused.header("retry-after"), &refused.json()["error"]["details"]["limit"]), ("1", &json!(2)));
    let closed = running.pop().unwrap();
    closed.abort();
    assert!(closed.await.unwrap_err().is_cancelled());
    assert_eq!(worker.in_progress.load(Ordering::SeqCst), 1, "the work continues although its request was closed");
    worker.permits.add_permits(2);
    assert_eq!(server.ask(request("resize", KEY, &[Part::file(JPEG)])).await.status, 200);
    assert_eq!(running.pop().unwrap().await.unwrap().status, 200);
}

#[tokio::test]
async fn images_count_as_submits() {
    let server = Server::with(|settings| settings.submits_per_minute = 6).await;
    for route in ROUTES {
        assert_eq!(server.ask(request(route, KEY, &[Part::file(JPEG)])).await.status, 200, "{route}");
    }
    let refused = server.ask(request("resize", KEY, &[Part::file(JPEG)])).await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(server.submit(&[Part::file(CLIP)]).await.status, 429);
}
