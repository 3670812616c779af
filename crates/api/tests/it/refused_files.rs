//! Files and pictures that a route does not take, and what the reply says to do instead.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, header},
};
use clearcut_job::{Failure, FailureCode, InteractiveFailure};
use serde_json::{Value, json};

use crate::{
    fake_worker::FakeWorker,
    fixture::{Answer, CLIP, KEY, Part, Server, form},
};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01";

const SUBMIT: &str = "jobs/video/remove-background";
const PREVIEW: &str = "video/remove-background/preview";
const CUT: &str = "image/remove-background";

async fn ask(server: &Server, route: &str, parts: &[Part<'_>]) -> Answer {
    let request = Request::post(format!("/api/v1/{route}"))
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
    server.ask(request.body(form(parts).into()).unwrap()).await
}

/// A complete upload of `file`.
async fn uploaded(server: &Server, file: &'static [u8]) -> String {
    let created = server.send("POST", "/api/v1/uploads", KEY).await.json();
    let path = created["data"]["uploadUrl"].as_str().unwrap().split_once("localhost").unwrap().1.to_owned();
    assert_eq!(server.ask(Request::put(path).body(Body::from(file)).unwrap()).await.status, 200);
    created["data"]["storageId"].as_str().unwrap().to_owned()
}

fn assert_sent_to(answer: &Answer, code: &str, routes: &[&str]) {
    assert_eq!(answer.error(), (400, code.to_owned()));
    let error = &answer.json()["error"];
    assert_eq!(error["details"]["routes"], json!(routes));
    assert!(routes.iter().all(|route| error["message"].as_str().unwrap().contains(route)), "{error}");
}

#[tokio::test]
async fn a_file_of_the_other_kind_is_sent_to_the_routes_that_take_it() {
    let server = Server::with_worker(Arc::new(FakeWorker::default()), |_| {}).await;
    let images = ["/api/v1/image/remove-background", "/api/v1/jobs/image/remove-background"];
    for route in [SUBMIT, PREVIEW, "video/remove-background"] {
        assert_sent_to(&ask(&server, route, &[Part::file(JPEG)]).await, "INVALID_VIDEO", &images);
    }
    let image = uploaded(&server, JPEG).await;
    assert_sent_to(&ask(&server, PREVIEW, &[Part::text("inputStorageId", &image)]).await, "INVALID_VIDEO", &images);
    let videos = ["/api/v1/jobs/video/remove-background"];
    assert_sent_to(&ask(&server, CUT, &[Part::file(CLIP)]).await, "INVALID_IMAGE", &videos);
    let clip = uploaded(&server, CLIP).await;
    assert_sent_to(&ask(&server, CUT, &[Part::text("inputStorageId", &clip)]).await, "INVALID_IMAGE", &videos);
    let archive = Part::file(b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x05\0\0\0a.png");
    assert_sent_to(&ask(&server, CUT, &[archive]).await, "INVALID_IMAGE", &images[1..]);
    assert_sent_to(&ask(&server, CUT, &[Part::file(b"%PDF-1.7")]).await, "INVALID_IMAGE", &[]);
}

#[tokio::test]
async fn a_background_that_is_not_flat_comes_with_a_way_out() {
    fn failure() -> InteractiveFailure {
        InteractiveFailure::Failed(Failure::new(FailureCode::NoFlatBackground, "no color dominates"))
    }
    for (has_model, route, file, field) in [
        (false, CUT, JPEG, "chromaKey"),
        (true, CUT, JPEG, "method"),
        (false, PREVIEW, CLIP, "chromaKey"),
        (true, PREVIEW, CLIP, "method"),
        (true, "image/detect-background-color", JPEG, "file"),
    ] {
        let worker = FakeWorker { image: |_| Err(failure()), preview: || Err(failure()), ..FakeWorker::default() };
        let server = Server::with_worker(Arc::new(worker), |settings| settings.has_model = has_model).await;
        let answer = ask(&server, route, &[Part::file(file)]).await;
        assert_eq!(answer.error(), (400, "NO_FLAT_BACKGROUND".to_owned()), "{route}");
        let details: Value = answer.json()["error"]["details"].clone();
        assert_eq!((&details["field"], &details["hasModel"]), (&json!(field), &json!(has_model)), "{route}");
        assert!(details["allowed"].as_str().is_some_and(|allowed| !allowed.is_empty()), "{details}");
    }
}
