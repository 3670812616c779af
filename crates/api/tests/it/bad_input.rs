//! Invalid requests: each is refused with the right status and code, and leaves nothing behind.

use axum::{
    body::Body,
    http::{Request, header},
};

use crate::fixture::{CLIP, KEY, MAX_BYTES, Part, SUBMIT, Server, form, submit_request};

#[tokio::test]
async fn an_invalid_form_is_refused_with_its_code_and_leaves_nothing() {
    let server = Server::new().await;
    let file = || Part::file(CLIP);
    let text = Part::text;
    let long = "x".repeat(9000);
    let cases: Vec<(&str, Vec<Part>, &str)> = vec![
        ("no file", vec![text("tolerance", "1")], "INVALID_REQUEST"),
        ("nothing at all", vec![], "INVALID_REQUEST"),
        ("two files", vec![file(), file()], "INVALID_REQUEST"),
        ("file and url", vec![file(), text("url", "https://example.com/a.mp4")], "INVALID_REQUEST"),
        ("file and storage id", vec![text("inputStorageId", "a"), file()], "INVALID_REQUEST"),
        ("url and storage id", vec![text("inputStorageId", "a"), text("url", "https://a.b/")], "INVALID_REQUEST"),
        ("two urls", vec![text("url", "https://a.b/"), text("url", "https://a.b/")], "INVALID_URL"),
        ("url empty", vec![text("url", "")], "INVALID_REQUEST"),
        ("no file chosen", vec![Part::file(b"").named("")], "INVALID_REQUEST"),
        ("a file of another name", vec![Part::file(CLIP).called("video")], "INVALID_REQUEST"),
        ("a file beside the clip", vec![file(), Part::file(CLIP).called("mask")], "INVALID_REQUEST"),
        ("url of a file", vec![text("url", "file:///etc/passwd")], "INVALID_URL"),
        ("url with a password", vec![text("url", "https://u:p@example.com/")], "INVALID_URL"),
        ("url of this machine", vec![text("url", "http://2130706433/")], "INVALID_URL"),
        ("url of this machine by name", vec![text("url", "http://localhost:8787/a.mp4")], "INVALID_URL"),
        ("good url, bad field", vec![text("url", "https://a.b/"), text("fps", "0")], "INVALID_FPS"),
        ("webhook", vec![file(), text("webhookUrl", "http://10.0.0.1/")], "INVALID_URL"),
        ("empty file", vec![Part::file(b"")], "INVALID_VIDEO"),
        ("one byte", vec![Part::file(b"\0")], "INVALID_VIDEO"),
        ("a playlist", vec![Part::file(b"#EXTM3U\n")], "INVALID_VIDEO"),
        ("tolerance over", vec![file(), text("tolerance", "101")], "INVALID_TOLERANCE"),
        ("fps none", vec![file(), text("fps", "0")], "INVALID_FPS"),
        ("fps text", vec![file(), text("fps", "fast")], "INVALID_FPS"),
        ("quality", vec![file(), text("quality", "101")], "INVALID_QUALITY"),
        ("size", vec![file(), text("size", "2049")], "INVALID_SIZE"),
        ("key", vec![file(), text("chromaKey", "{\"r\":1}")], "INVALID_CHROMA_KEY"),
        ("format", vec![file(), text("format", "avi")], "INVALID_FORMATS"),
        ("formats", vec![file(), text("formats", "[\"webm\",\"webm\"]")], "INVALID_FORMATS"),
        ("both", vec![file(), text("format", "webm"), text("formats", "[\"mov\"]")], "INVALID_REQUEST"),
        ("doubled", vec![file(), text("fps", "5"), text("fps", "5")], "INVALID_FPS"),
        ("long field", vec![file(), text("whatever", &long)], "INVALID_REQUEST"),
    ];
    for (case, parts, code) in cases {
        let answer = server.submit(&parts).await;
        assert_eq!(answer.error(), (400, code.to_owned()), "{case}");
        server.assert_empty(case).await;
    }
    assert_eq!(server.submit(&[text("url", "https://example.com/a.mp4")]).await.status, 202);
}

#[tokio::test]
async fn a_misnamed_file_is_told_the_right_name() {
    let answer = Server::new().await.submit(&[Part::file(CLIP).called("video")]).await.json();
    let error = &answer["error"];
    assert_eq!(
        (&error["details"]["field"], &error["details"]["allowed"]),
        (&"video".into(), &"a part named file".into())
    );
    assert!(error["message"].as_str().unwrap().contains("\"file\""), "{error}");
}

#[tokio::test]
async fn empty_parts_count_as_absent() {
    let server = Server::new().await;
    let empty = [
        "url",
        "inputStorageId",
        "format",
        "formats",
        "method",
        "chromaKey",
        "tolerance",
        "shadow",
        "hints",
        "deinterlace",
        "trim",
        "crop",
        "audio",
        "fps",
        "size",
        "width",
        "height",
        "fit",
        "quality",
        "clipName",
        "time",
        "webhookUrl",
        "somethingNewer",
    ];
    let mut parts: Vec<Part> = empty.iter().map(|name| Part::text(name, "")).collect();
    parts.push(Part::text("tolerance", " "));
    parts.push(Part::text("tolerance", "5"));
    // A browser sends the input of a second, optional file in this way.
    parts.push(Part::file(b"").named(""));
    parts.push(Part::file(CLIP));
    let answer = server.submit(&parts).await;
    assert_eq!((answer.status.as_u16(), answer.json()["data"]["warnings"].clone()), (202, serde_json::json!([])));
    let claimed = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap().unwrap();
    let clearcut_job::JobRequest::Clip(request) = claimed.request.unwrap() else { panic!("no clip") };
    assert_eq!((request.tolerance.get(), request.size), (5, None));
}

#[tokio::test]
async fn a_field_without_effect_is_accepted_and_named() {
    let server = Server::new().await;
    let parts =
        [Part::file(CLIP), Part::text("tolerence", "5"), Part::text("wallpaper", "white"), Part::text("time", "1")];
    let warnings = server.submit(&parts).await.json()["data"]["warnings"].clone();
    let named = |at: usize| (warnings[at]["field"].as_str().unwrap(), warnings[at]["didYouMean"].as_str());
    assert_eq!([named(0), named(1), named(2)], [("tolerence", Some("tolerance")), ("wallpaper", None), ("time", None)]);
    // The job that a wait returns, and a repeated submit, have them too.
    let waited = server.submit_with(&[("prefer", "wait=0")], &parts).await.json();
    assert_eq!((&waited["data"]["status"], &waited["data"]["warnings"]), (&"queued".into(), &warnings));
    let mut preview = submit_request(form(&[Part::file(CLIP), Part::text("fps", "5"), Part::text("seconds", "1")]));
    *preview.uri_mut() = "/api/v1/video/remove-background/preview".parse().unwrap();
    let preview = server.ask(preview).await.json();
    assert_eq!(preview["data"]["warnings"][0]["field"], "seconds");
    assert_eq!(preview["data"]["warnings"][1]["field"], "fps");
}

#[tokio::test]
async fn an_invalid_value_is_reported_with_its_field_and_the_allowed_values() {
    let server = Server::new().await;
    let answer = server.submit(&[Part::file(CLIP), Part::text("fps", "61")]).await.json();
    let details = &answer["error"]["details"];
    assert_eq!((&details["field"], &details["value"]), (&"fps".into(), &"61".into()));
    assert!(details["allowed"].as_str().unwrap().contains("1 to 60"), "{answer}");
}

#[tokio::test]
async fn an_invalid_api_key_is_refused_with_401_and_leaves_nothing() {
    let server = Server::new().await;
    let revoked = "hc_revokedrevokedrevokedrevokedrevo";
    let new_key =
        clearcut_queue::NewKey { name: "r".into(), prefix: "hc_r".into(), hash: clearcut_queue::KeyHash::of(revoked) };
    let id = server.queue.create_key(new_key).await.unwrap().id;
    server.queue.revoke_key(id).await.unwrap();
    let cases = [
        (None, "UNAUTHORIZED"),
        (Some("hc_short".to_owned()), "INVALID_API_KEY"),
        (Some(format!("Basic {KEY}")), "INVALID_API_KEY"),
        (Some("Bearer hc_00000000000000000000000000000000".to_owned()), "INVALID_API_KEY"),
        (Some(format!("Bearer {revoked}")), "INVALID_API_KEY"),
    ];
    for (value, code) in cases {
        let mut request = submit_request(form(&[Part::file(CLIP)]));
        request.headers_mut().remove(header::AUTHORIZATION);
        if let Some(value) = &value {
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        let answer = server.ask(request).await;
        assert_eq!(answer.error(), (401, code.to_owned()), "{value:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        server.assert_empty("401").await;
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_told_the_right_one() {
    let server = Server::new().await;
    for (header, value, code) in [
        ("x-api-key", KEY.to_owned(), "UNAUTHORIZED"),
        ("authorization", KEY.to_owned(), "INVALID_API_KEY"),
        ("authorization", format!("Token {KEY}"), "INVALID_API_KEY"),
    ] {
        let request = Request::get("/api/v1/jobs").header(header, value).body(Body::empty()).unwrap();
        let answer = server.ask(request).await;
        assert_eq!(answer.error(), (401, code.to_owned()), "{header}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("Authorization: Bearer hc_...") && !message.contains(KEY), "{message}");
    }
}

#[tokio::test]
async fn a_malformed_or_truncated_body_is_refused_with_400_and_leaves_nothing() {
    let server = Server::new().await;
    let whole = form(&[Part::text("fps", "24"), Part::file(&[CLIP, &vec![7; 20_000]].concat())]);
    for at in [0, 1, 40, 100, 200, whole.len() / 2, whole.len() - 10] {
        let answer = server.ask(submit_request(whole[..at].to_vec())).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "cut at {at}");
        server.assert_empty("a truncated body").await;
    }
    let garbage = server.ask(submit_request("--Y\r\nnonsense")).await;
    assert_eq!(garbage.error(), (400, "INVALID_REQUEST".to_owned()));
    let mut without_boundary = submit_request(whole.clone());
    without_boundary.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data".parse().unwrap());
    assert_eq!(server.ask(without_boundary).await.error(), (400, "INVALID_REQUEST".to_owned()));
    let mut json = submit_request("{}");
    json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let answer = server.ask(json).await;
    assert_eq!(answer.error(), (415, "INVALID_REQUEST".to_owned()));
    assert_eq!(answer.json()["error"]["details"]["allowed"], "multipart/form-data");
    assert_eq!(server.ask(submit_request(whole)).await.status, 202);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413_announced_or_not() {
    let server = Server::new().await;
    let large = form(&[Part::file(&[CLIP, &vec![0; MAX_BYTES as usize]].concat())]);
    let streamed = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(large.clone())]));
    assert_eq!(server.ask(submit_request(streamed)).await.error(), (413, "FILE_TOO_LARGE".to_owned()));
    server.assert_empty("413").await;
    // An announced size is refused without reading the body, which would fail if it were read.
    let unread = Body::from_stream(futures_util::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("read"))]));
    let mut announced = submit_request(unread);
    announced.headers_mut().insert(header::CONTENT_LENGTH, (MAX_BYTES + 1).into());
    assert_eq!(server.ask(announced).await.error(), (413, "FILE_TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn a_full_disk_refuses_a_submit_with_507_and_leaves_nothing() {
    let server = Server::with(|settings| settings.disk_floor_bytes = u64::MAX).await;
    let answer = server.submit(&[Part::file(CLIP)]).await;
    assert_eq!(answer.error(), (507, "INSUFFICIENT_STORAGE".to_owned()));
    assert_ne!(answer.header("retry-after"), "");
    server.assert_empty("507").await;
}

#[tokio::test]
async fn unknown_routes_and_methods_reply_in_the_envelope() {
    let server = Server::new().await;
    for path in [
        "/nothing",
        "/page/nothing.js",
        "/page/..%2Flib.rs",
        "/api",
        "/api/v1/job",
        "/api/v2/jobs/x",
        "/docs/nothing.js",
        "/%00",
    ] {
        assert_eq!(server.get(path, KEY).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    for (method, path) in [
        ("GET", SUBMIT),
        ("PATCH", "/api/v1/jobs/jd0"),
        ("DELETE", "/api/v1/jobs"),
        ("PUT", "/livez"),
        ("PATCH", "/files/a"),
    ] {
        // GET on the submit path would read a job with that id.
        let path = if method == "GET" { "/api/v1/video/remove-background" } else { path };
        let answer = server.ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.error(), (405, "METHOD_NOT_ALLOWED".to_owned()), "{method} {path}");
        assert_ne!(answer.header("allow"), "");
    }
}
