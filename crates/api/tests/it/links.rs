use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};

use crate::{
    fixture::{Answer, KEY, Server},
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
async fn a_link_opens_its_file_without_a_key_and_with_the_headers_of_a_player() {
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
async fn ranges_and_tags_do_what_the_standard_says() {
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
async fn a_changed_link_is_403_whatever_was_changed() {
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
async fn a_link_ends_and_a_file_that_is_no_longer_kept_says_so() {
    let (server, path) = server_with_link().await;
    let name = path.split('?').next().unwrap().strip_prefix("/files/").unwrap().parse().unwrap();
    server.store.delete(&name).await.unwrap();
    assert_eq!(ask(&server, Method::GET, &path, &[]).await.error(), (404, "FILE_GONE".to_owned()));
    server.pass(Duration::from_hours(1));
    assert_eq!(ask(&server, Method::GET, &path, &[]).await.error(), (403, "URL_EXPIRED".to_owned()));
}

#[tokio::test]
async fn a_page_of_another_origin_may_ask_with_a_key() {
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
