//! The check of a store: every fault is named, on a real S3-compatible server, and on one that
//! answers by script what the real one cannot be made to answer.

use clearcut_store::{Right, Store, StoreFault};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

fn store(address: &str, endpoint: &str, key: &str, secret: &str) -> Store {
    let variables = [
        ("AWS_ENDPOINT", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "us-east-1"),
    ];
    Store::s3(address, variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
}

#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test finds its server")]
fn endpoint() -> String {
    std::env::var("CLEARCUT_TEST_S3")
        .expect("CLEARCUT_TEST_S3 is the address of an S3-compatible server; `make test-rust` starts one")
}

#[tokio::test]
async fn a_store_that_is_not_there_or_speaks_no_tls_is_named() {
    let fault =
        async |endpoint: &str| store("s3://clearcut", endpoint, "test", "test").check().await.unwrap_err().fault;
    assert!(matches!(fault("http://127.0.0.1:1").await, StoreFault::Unreachable));
    assert!(matches!(fault("http://nowhere.invalid").await, StoreFault::Unreachable));
    let plain = endpoint().replace("http://", "https://");
    let found = fault(&plain).await;
    assert_eq!(found, StoreFault::Tls);
}

#[tokio::test]
async fn a_right_a_clock_and_a_region_are_named() {
    let refusal = |status: &str, code: &str| {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    let fault = async |method: &'static str, status: &str, code: &str| {
        let endpoint = scripted_server(method, refusal(status, code)).await;
        store("s3://bucket", &endpoint, "test", "test").check().await.unwrap_err().fault
    };
    let found = fault("PUT", "403 Forbidden", "RequestTimeTooSkewed").await;
    assert_eq!(found, StoreFault::ClockSkew);
    let found = fault("PUT", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Write));
    let found = fault("GET", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Read));
    let found = fault("DELETE", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Delete));
    let found = fault("PUT", "400 Bad Request", "AuthorizationHeaderMalformed").await;
    assert_eq!(found, StoreFault::WrongRegion);
}

/// A store that answers requests of `method` with `reply`, and others with success.
async fn scripted_server(method: &'static str, reply: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let len = client.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..len]).into_owned();
            let is_list = request.contains("list-type=2");
            // Objects are deleted one by one, or several by a POST.
            let is_refused = request.starts_with(method) || (method == "DELETE" && request.starts_with("POST"));
            let body = match (is_list, request.starts_with("GET")) {
                (true, _) => {
                    "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
                }
                (false, true) => "clearcut checks that it can use this store",
                (false, false) => "",
            };
            let head =
                "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nLast-Modified: Mon, 30 Nov 2026 08:00:00 GMT\r\nConnection: close";
            let done = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let answer = if is_refused && !is_list { &reply } else { &done };
            client.write_all(answer.as_bytes()).await.unwrap();
            let _ = client.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn a_store_keeps_the_first_id_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = format!("s3://clearcut/id{}", std::process::id());
    for store in [Store::local(folder.path()).unwrap(), store(&bucket, &endpoint(), "test", "test")] {
        assert_eq!(store.held_id().await.unwrap(), None);
        assert_eq!(store.hold_id("first").await.unwrap(), "first");
        assert_eq!(store.hold_id("second").await.unwrap(), "first");
        assert_eq!(store.held_id().await.unwrap().as_deref(), Some("first"));
    }
}
