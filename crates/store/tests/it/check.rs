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
    Store::s3(&address.parse().unwrap(), variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
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
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(fault(&silent_address).await, StoreFault::Unreachable);
    let plain = endpoint().replace("http://", "https://");
    let found = fault(&plain).await;
    assert_eq!(found, StoreFault::Tls);
}

#[tokio::test]
async fn a_server_that_is_no_store_is_named() {
    for (answer, expected) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", StoreFault::OtherServer),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno\r\n", StoreFault::OtherServer),
        ("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>", StoreFault::OtherServer),
        ("SSH-2.0-OpenSSH_9.2\r\n", StoreFault::OtherServer),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", StoreFault::Unreachable),
        ("", StoreFault::Unreachable),
    ] {
        let address = answering_server(answer).await;
        let found = store("s3://bucket", &address, "test", "test").check().await.unwrap_err().fault;
        assert_eq!(found, expected, "{answer}");
    }
}

/// A server that answers all requests with `answer`.
async fn answering_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 8192]).await;
            let _ = client.write_all(answer.as_bytes()).await;
            let _ = client.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn a_right_a_clock_and_a_region_are_named() {
    let fault = async |method: &'static str, status: &'static str, code: &'static str| {
        let endpoint = scripted_server(method, status, code).await;
        store("s3://bucket", &endpoint, "test", "test").check().await.unwrap_err().fault
    };
    let found = fault("PUT", "403 Forbidden", "RequestTimeTooSkewed").await;
    assert_eq!(found, StoreFault::ClockSkew);
    let found = fault("PUT", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Write));
    let found = fault("GET", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Read));
    let found = fault("POST", "403 Forbidden", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Delete));
    // One of several objects is refused within a success.
    let found = fault("POST", "200 OK", "AccessDenied").await;
    assert_eq!(found, StoreFault::Denied(Right::Delete));
    let found = fault("PUT", "400 Bad Request", "AuthorizationHeaderMalformed").await;
    assert_eq!(found, StoreFault::WrongRegion);
}

/// A store that answers requests of `method` with `status` and `code`, and others with success. It
/// deletes objects by a POST, and lists none.
async fn scripted_server(method: &'static str, status: &'static str, code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = String::new();
            // What is deleted is told after the head.
            while request.is_empty() || (request.starts_with("POST") && !request.contains("</Delete>")) {
                let mut piece = vec![0; 65536];
                let len = client.read(&mut piece).await.unwrap();
                request += &String::from_utf8_lossy(&piece[..len]);
            }
            let key = request.split("<Key>").nth(1).and_then(|rest| rest.split("</Key>").next()).unwrap_or_default();
            let refusal = format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>");
            let is_list = request.contains("list-type=2");
            let (status, body) = match (request.starts_with(method) && !is_list, request.split(' ').next()) {
                (true, Some("POST")) if status == "200 OK" => (status, format!("<DeleteResult>{refusal}</DeleteResult>")),
                (true, _) => (status, refusal),
                (false, Some("POST")) => ("200 OK", format!("<DeleteResult><Deleted><Key>{key}</Key></Deleted></DeleteResult>")),
                (false, Some("GET")) if is_list => (
                    "200 OK",
                    "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned(),
                ),
                (false, Some("GET")) => ("200 OK", "clearcut checks that it can use this store".to_owned()),
                (false, _) => ("200 OK", String::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nETag: \"1\"\r\nLast-Modified: Mon, 30 Nov 2026 08:00:00 GMT\r\nConnection: close"
            );
            let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
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
