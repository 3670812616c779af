//! Outputs and clips that go through a real S3-compatible store instead of the server.
//! `CLEARCUT_TEST_S3` names the store; `make test-rust` starts one.

use axum::http::StatusCode;
use clearcut_job::{ObjectName, UploadId};
use clearcut_store::Store;
use reqwest::{Client, Response, header};

use crate::{
    fixture::{CLIP, KEY, Server},
    reading::complete,
};

#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test finds its store")]
fn address() -> String {
    std::env::var("CLEARCUT_TEST_S3").expect("CLEARCUT_TEST_S3 is the address of an S3-compatible server")
}

async fn server(prefix: &str) -> Server {
    let variables = [
        ("AWS_ENDPOINT", address()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let address = format!("s3://clearcut/api-{prefix}{}", std::process::id());
    let store = Store::s3(&address.parse().unwrap(), variables).unwrap();
    Server::with(|settings| settings.presigned_results = true).await.over(store)
}

fn text(response: &Response, name: header::HeaderName) -> String {
    response.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn outputs_are_read_from_the_store_with_range_and_headers() {
    let server = server("outputs").await;
    let claimed = server.submit_and_claim().await;
    complete(&server, &claimed, b"0123456789").await;
    let job = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json();
    let url = job["data"]["result"]["outputUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&address()), "{url}");
    let ask = Client::new().get(&url).header(header::RANGE, "bytes=2-4").header(header::ORIGIN, "https://a.example");
    let part = ask.send().await.unwrap();
    assert_eq!(part.status().as_u16(), 206);
    assert_eq!(
        (text(&part, header::CONTENT_TYPE), text(&part, header::CONTENT_RANGE)),
        ("video/webm".into(), "bytes 2-4/10".into())
    );
    assert!(text(&part, header::CONTENT_DISPOSITION).starts_with("attachment; filename=\"jd"));
    assert_ne!(text(&part, header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
    assert_eq!(part.bytes().await.unwrap(), "234");
    let altered = url.replace("video%2Fwebm", "text%2Fhtml");
    assert_ne!(altered, url);
    assert_eq!(Client::new().get(altered).send().await.unwrap().status().as_u16(), 403);
    let page = server.get("/", KEY).await;
    let policy = page.header("content-security-policy");
    assert_eq!(policy.matches(&address()).count(), 3, "{policy}");
}

/// Creates an upload of `announced` bytes and puts `content` into the store.
async fn put_directly(server: &Server, announced: usize, content: &[u8]) -> (String, u16) {
    let created = server.create_upload(&format!("{{\"size\": {announced}}}")).await.json();
    let url = created["data"]["directUrl"].as_str().unwrap().to_owned();
    let sent = Client::new().put(url).body(content.to_vec()).send().await.unwrap();
    (created["data"]["storageId"].as_str().unwrap().to_owned(), sent.status().as_u16())
}

async fn is_gone(server: &Server, id: &str) -> bool {
    let id: UploadId = id.parse().unwrap();
    let direct = server.store.direct_size(&ObjectName::partial(&id)).await.unwrap();
    server.queue.read_upload(&id).await.unwrap().is_none() && direct.is_none()
}

#[tokio::test]
async fn a_clip_that_was_put_into_the_store_is_checked_when_it_is_used() {
    let server = server("direct").await;
    let clip = [CLIP, &[7; 900]].concat();
    let (id, status) = put_directly(&server, clip.len(), &clip).await;
    assert_eq!(status, 200);
    assert_eq!(server.submit_upload(&id, KEY).await.status, StatusCode::ACCEPTED);
    let record = server.queue.read_upload(&id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(record.object.unwrap().size_bytes, clip.len() as u64);
    assert_eq!(server.store.direct_size(&ObjectName::partial(&record.id)).await.unwrap(), None);

    let (id, status) = put_directly(&server, 900, &[b'x'; 900]).await;
    assert_eq!(status, 200);
    let refused = server.submit_upload(&id, KEY).await;
    assert_eq!((refused.status.as_u16(), is_gone(&server, &id).await), (400, true), "{refused:?}");

    let (id, status) = put_directly(&server, 100, &clip).await;
    if status == 200 {
        // A store that does not compare the size: the server does.
        assert_eq!(server.submit_upload(&id, KEY).await.error(), (400, "INVALID_REQUEST".to_owned()));
        assert!(is_gone(&server, &id).await);
    } else {
        assert_eq!(server.submit_upload(&id, KEY).await.error(), (409, "UPLOAD_UNFINISHED".to_owned()));
    }
    assert!(server.create_upload("").await.json()["data"]["directUrl"].is_null());
}
