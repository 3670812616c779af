//! Signed links to outputs: ranges, tampering, expiry, CORS and download names.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};

use clearcut_job::WorkerId;

use crate::{
    fixture::{Answer, CLIP, KEY, Part, Server},
    reading::complete,
};

const CONTENT: &[u8] = b"0123456789";

/// A server with one finished job, and the path of the link to its output.
async fn server_with_link() -> (Server, String) {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    complete(&server, &claimed, CONTENT).await;
    let job = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json();
    let url = job["data"]["result"]["outputUrl"].as_str().unwrap();
    let path = url.strip_prefix("http://localhost").unwrap().to_owned();
    (server, path)
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_link_serves_its_file_without_an_api_key_and_with_the_headers_that_players_need() {
    let (server, path) = server_with_link().await;
    let whole = ask(&server, Method::GET, &path, &[("origin", "https://player.example")]).await;
    assert_eq!((whole.status.as_u16(), &whole.bytes[..]), (200, CONTENT));
    assert_eq!((whole.header("content-type"), whole.header("content-length")), ("video/webm", "10"));
    assert_eq!((whole.header("accept-ranges"), whole.header("access-control-allow-origin")), ("bytes", "*"));
    assert!(whole.header("content-disposition").starts_with("inline; filename=\"jd"));
    let head = ask(&server, Method::HEAD, &path, &[]).await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.bytes.len()), (200, "10", 0));
    assert_eq!(head.header("etag"), whole.header("etag"));
}

#[tokio::test]
async fn ranges_and_entity_tags_follow_rfc_9110() {
    let (server, path) = server_with_link().await;
    let part = ask(&server, Method::GET, &path, &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status.as_u16(), &part.bytes[..]), (206, &b"234"[..]));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-4/10", "3"));
    let end = ask(&server, Method::GET, &path, &[("range", "bytes=-3")]).await;
    assert_eq!(&end.bytes[..], b"789");
    let outside = ask(&server, Method::GET, &path, &[("range", "bytes=10-")]).await;
    assert_eq!(outside.error(), (416, "INVALID_REQUEST".to_owned()));
    assert_eq!(outside.header("content-range"), "bytes */10");
    let tag = part.header("etag");
    assert_eq!(ask(&server, Method::GET, &path, &[("if-none-match", tag)]).await.status, 304);
    let fresh = [("range", "bytes=0-0"), ("if-range", tag)];
    assert_eq!(ask(&server, Method::GET, &path, &fresh).await.status, 206);
    let stale = [("range", "bytes=0-0"), ("if-range", "\"other\"")];
    assert_eq!(ask(&server, Method::GET, &path, &stale).await.status, 200);
}

#[tokio::test]
async fn any_modified_link_is_refused_with_403() {
    let (server, path) = server_with_link().await;
    let (file, query) = path.split_once('?').unwrap();
    let changed = [
        file.to_owned(),
        format!("{file}?"),
        format!("{path}&download=1"),
        format!("{file}?x=1&{query}"),
        path.replace("/1/webm", "/2/webm"),
        path.replace("webm.webm", "mov.mov"),
        path.replace("expires=1", "expires=2"),
        path.to_uppercase().replace("/FILES/", "/files/"),
        format!("/files/uploads/../{}?{query}", file.strip_prefix("/files/").unwrap()),
        format!("/files/clearcut.db?{query}"),
    ];
    for path in changed {
        assert_eq!(
            ask(&server, Method::GET, &path, &[]).await.error(),
            (403, "INVALID_SIGNATURE".to_owned()),
            "{path}"
        );
    }
    assert_eq!(ask(&server, Method::GET, &path, &[]).await.status, 200);
}

#[tokio::test]
async fn a_link_expires_and_a_deleted_file_is_reported() {
    let (server, path) = server_with_link().await;
    let name = path.split('?').next().unwrap().strip_prefix("/files/").unwrap().parse().unwrap();
    server.store.delete(&name).await.unwrap();
    assert_eq!(ask(&server, Method::GET, &path, &[]).await.error(), (404, "FILE_GONE".to_owned()));
    server.pass(Duration::from_hours(1));
    assert_eq!(ask(&server, Method::GET, &path, &[]).await.error(), (403, "URL_EXPIRED".to_owned()));
}

#[tokio::test]
async fn cors_allows_pages_of_other_origins_with_an_api_key() {
    let server = Server::new().await;
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = ask(&server, Method::OPTIONS, "/api/v1/video/remove-background", &headers).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    for (method, header) in [
        ("PUT", "content-type"),
        ("PATCH", "content-type"),
        ("DELETE", "authorization"),
        ("GET", "last-event-id"),
        ("POST", "idempotency-key"),
        ("POST", "prefer"),
    ] {
        let headers = [
            ("origin", "https://app.example"),
            ("access-control-request-method", method),
            ("access-control-request-headers", header),
        ];
        let answer = ask(&server, Method::OPTIONS, "/api/v1/jobs/x", &headers).await;
        assert!(answer.header("access-control-allow-methods").contains(method), "{method}");
        assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
    }
    let read = ask(&server, Method::GET, "/livez", &[("origin", "https://app.example")]).await;
    for header in ["ratelimit", "ratelimit-policy", "retry-after", "idempotent-replayed", "preference-applied"] {
        assert!(read.header("access-control-expose-headers").contains(header), "{header}");
    }
}

/// Submits `parts`, and returns the `Content-Disposition` of the output and the `clipName` of the
/// job.
async fn downloaded_name(parts: &[Part<'_>]) -> (String, serde_json::Value) {
    let server = Server::new().await;
    assert_eq!(server.submit(parts).await.status, 202);
    let claimed = server.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
    complete(&server, &claimed, CONTENT).await;
    let job = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json();
    let path =
        job["data"]["result"]["outputUrl"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    let answer = ask(&server, Method::GET, &path, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    if let Some((before, rest)) = path.split_once("filename=") {
        let (_, after) = rest.split_once('&').unwrap();
        for other in ["evil.exe", "", "%"] {
            let changed = ask(&server, Method::GET, &format!("{before}filename={other}&{after}"), &[]).await;
            assert_eq!(changed.error(), (403, "INVALID_SIGNATURE".to_owned()), "{other:?}");
        }
        let without = ask(&server, Method::GET, &format!("{before}{after}"), &[]).await;
        assert_eq!(without.error(), (403, "INVALID_SIGNATURE".to_owned()));
    }
    (answer.header("content-disposition").to_owned(), job["data"]["clipName"].clone())
}

#[tokio::test]
async fn a_download_is_named_after_its_clip() {
    let (disposition, name) = downloaded_name(&[Part::file(CLIP).named("mascot.mp4")]).await;
    assert_eq!(disposition, "inline; filename=\"mascot.webm\"; filename*=UTF-8''mascot.webm");
    assert_eq!(name, "mascot.mp4");
    // The field has priority over the name of the part, and the default name `blob` is ignored.
    let field = [Part::file(CLIP).named("x.mp4"), Part::text("clipName", "clips/F\u{fc}\u{df}e 1.mov")];
    let (disposition, name) = downloaded_name(&field).await;
    assert_eq!(disposition, "inline; filename=\"F__e 1.webm\"; filename*=UTF-8''F%C3%BC%C3%9Fe%201.webm");
    assert_eq!(name, "F\u{fc}\u{df}e 1.mov");
    let (disposition, name) = downloaded_name(&[Part::file(CLIP)]).await;
    assert!(disposition.starts_with("inline; filename=\"jd") && name.is_null(), "{disposition} {name}");
}

#[tokio::test]
async fn a_hostile_name_cannot_break_out_of_the_header_or_the_folder() {
    let hostile = "../\u{202e}a\r\nSet-Cookie: x=\"1\"; filename=b.exe\\c\"d;.mp4";
    let (disposition, name) = downloaded_name(&[Part::file(CLIP), Part::text("clipName", hostile)]).await;
    assert_eq!(disposition, "inline; filename=\"cd_.webm\"; filename*=UTF-8''cd%3B.webm");
    assert_eq!(name, "cd;.mp4");
}
