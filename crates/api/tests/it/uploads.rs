//! Uploads in one PUT, and the jobs that use them.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use clearcut_queue::{ClaimedInput, KeyId, StorageLimits};
use serde_json::Value;

use crate::fixture::{Answer, CLIP, KEY, MAX_BYTES, OTHER_KEY, Part, Server, form, submit_request};

pub(crate) const UPLOADS: &str = "/api/v1/uploads";

impl Server {
    pub(crate) async fn create_upload(&self, body: &str) -> Answer {
        let request = Request::post(UPLOADS).header(header::AUTHORIZATION, format!("Bearer {KEY}"));
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Creates an upload and returns its id and the path of its URL.
    pub(crate) async fn upload(&self) -> (String, String) {
        let answer = self.create_upload("").await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let data = answer.json()["data"].clone();
        let url = data["uploadUrl"].as_str().unwrap();
        assert_eq!((answer.header("location"), answer.header("tus-resumable")), (url, "1.0.0"));
        assert_eq!(answer.header("x-storage-id"), data["storageId"].as_str().unwrap());
        (data["storageId"].as_str().unwrap().to_owned(), url.strip_prefix("http://localhost").unwrap().to_owned())
    }

    pub(crate) async fn put(&self, path: &str, clip: &[u8]) -> Answer {
        self.ask(Request::put(path).body(Body::from(clip.to_vec())).unwrap()).await
    }

    pub(crate) async fn submit_upload(&self, storage_id: &str, key: &str) -> Answer {
        let mut request = submit_request(form(&[Part::text("inputStorageId", storage_id)]));
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        self.ask(request).await
    }
}

#[tokio::test]
async fn any_number_of_jobs_of_the_same_api_key_can_use_an_upload() {
    let server = Server::new().await;
    let (id, path) = server.upload().await;
    assert_eq!(server.submit_upload(&id, KEY).await.error(), (409, "UPLOAD_UNFINISHED".to_owned()));
    let whole = server.put(&path, CLIP).await;
    assert_eq!(whole.status, StatusCode::OK, "{whole:?}");
    let data: Value = whole.json()["data"].clone();
    assert_eq!((data["storageId"].as_str(), data["size"].as_u64()), (Some(id.as_str()), Some(CLIP.len() as u64)));
    for _ in 0..2 {
        assert_eq!(server.submit_upload(&id, KEY).await.status, StatusCode::ACCEPTED);
        let claimed = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap().unwrap();
        let ClaimedInput::Stored(object) = claimed.input else { panic!("not stored") };
        assert_eq!(object.sha256.as_str(), data["sha256"].as_str().unwrap());
        assert_eq!(std::fs::read(server.folder().join(object.name.as_str())).unwrap(), CLIP);
    }
    let unknown = "up00000000000000000000";
    for (id, key) in [(id.as_str(), OTHER_KEY), (unknown, KEY), ("nonsense", KEY)] {
        assert_eq!(server.submit_upload(id, key).await.error(), (404, "UPLOAD_NOT_FOUND".to_owned()), "{id}");
    }
    assert_eq!(server.queue.depth().await.unwrap().leased, 2);
}

#[tokio::test]
async fn an_upload_is_deleted_with_the_api_key_that_created_it() {
    let server = Server::new().await;
    let (id, path) = server.upload().await;
    assert_eq!(server.put(&path, CLIP).await.status, StatusCode::OK);
    let path = format!("{UPLOADS}/{id}");
    assert_eq!(server.send("DELETE", &path, OTHER_KEY).await.error(), (404, "UPLOAD_NOT_FOUND".to_owned()));
    let without_key = server.ask(Request::delete(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(without_key.error(), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(server.objects().len(), 1);
    assert_eq!(server.send("DELETE", &path, KEY).await.status, StatusCode::NO_CONTENT);
    server.assert_empty("the upload was deleted").await;
    for path in [path, format!("{UPLOADS}/nonsense")] {
        assert_eq!(server.send("DELETE", &path, KEY).await.error(), (404, "UPLOAD_NOT_FOUND".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_upload_url_is_valid_for_one_upload_until_it_expires() {
    let server = Server::new().await;
    let (id, path) = server.upload().await;
    let (other, _) = server.upload().await;
    let changed = [
        path.replace(&id, &other),
        path.replace("signature=", "signature=0"),
        path.replace("expires=1", "expires=2"),
        path.split('?').next().unwrap().to_owned(),
        path.replace(&id, "nonsense"),
    ];
    for path in changed {
        assert_eq!(server.put(&path, CLIP).await.error(), (403, "INVALID_SIGNATURE".to_owned()), "{path}");
    }
    // An API key does not replace the signature.
    let request = Request::put(path.split('?').next().unwrap()).header(header::AUTHORIZATION, format!("Bearer {KEY}"));
    assert_eq!(server.ask(request.body(Body::from(CLIP)).unwrap()).await.error().0, 403);
    server.pass(std::time::Duration::from_hours(24));
    assert_eq!(server.put(&path, CLIP).await.error(), (403, "URL_EXPIRED".to_owned()));
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing_and_can_be_sent_again() {
    let server = Server::new().await;
    let (_, path) = server.upload().await;
    let large = [CLIP, &vec![0; MAX_BYTES as usize]].concat();
    let cases: [(&str, Vec<u8>, (u16, &str)); 4] = [
        ("empty", Vec::new(), (400, "INVALID_VIDEO")),
        ("a byte", vec![0], (400, "INVALID_VIDEO")),
        ("a playlist", b"#EXTM3U\n".repeat(1000), (400, "INVALID_VIDEO")),
        ("too large", large, (413, "FILE_TOO_LARGE")),
    ];
    for (case, clip, (status, code)) in cases {
        assert_eq!(server.put(&path, &clip).await.error(), (status, code.to_owned()), "{case}");
        server.assert_empty(case).await;
    }
    let cut_off = Body::from_stream(futures_util::stream::iter([
        Ok(CLIP.to_vec()),
        Err(std::io::Error::other("the client disconnected")),
    ]));
    let answer = server.ask(Request::put(&path).body(cut_off).unwrap()).await;
    assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()));
    server.assert_empty("a truncated body").await;
    assert_eq!(server.put(&path, CLIP).await.status, StatusCode::OK);
    assert_eq!(server.put(&path, CLIP).await.error(), (409, "UPLOAD_FINISHED".to_owned()));
}

#[tokio::test]
async fn the_options_of_a_new_upload_are_checked() {
    let server = Server::new().await;
    let cases = [
        ("{\"size\":0}", (400, "INVALID_VIDEO")),
        ("{\"size\":-1}", (400, "INVALID_REQUEST")),
        ("{\"size\":\"1\"}", (400, "INVALID_REQUEST")),
        ("nonsense", (400, "INVALID_REQUEST")),
        ("{\"size\":1048577}", (413, "FILE_TOO_LARGE")),
    ];
    for (body, (status, code)) in cases {
        assert_eq!(server.create_upload(body).await.error(), (status, code.to_owned()), "{body}");
    }
    assert_eq!(server.create_upload(&" ".repeat(5000)).await.error(), (400, "INVALID_REQUEST".to_owned()));
    let answer = server.create_upload("{\"size\":10}").await.json();
    let path = answer["data"]["uploadUrl"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    assert_eq!(server.put(&path, CLIP).await.error(), (400, "INVALID_REQUEST".to_owned()));
    server.assert_empty("a length other than announced").await;
    let full = Server::with(|settings| settings.disk_floor_bytes = u64::MAX).await;
    assert_eq!(full.create_upload("").await.error(), (507, "INSUFFICIENT_STORAGE".to_owned()));
}

#[tokio::test]
async fn an_api_key_at_its_quota_is_refused_with_a_retry_time() {
    let server = Server::new().await;
    let (_, path) = server.upload().await;
    let limits = StorageLimits { max_retention: None, quota_bytes: Some(CLIP.len() as u64) };
    assert!(server.queue.set_storage_limits(KeyId(1), limits).await.unwrap());
    assert_eq!(server.put(&path, &[CLIP, b"more"].concat()).await.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    server.assert_empty("an upload over the quota").await;
    assert_eq!(server.put(&path, CLIP).await.status, StatusCode::OK);
    for answer in [server.create_upload("").await, server.submit(&[Part::file(CLIP)]).await] {
        assert_eq!(answer.error(), (429, "QUOTA_EXCEEDED".to_owned()));
        assert_eq!(answer.header("retry-after"), "600");
    }
    assert_eq!(server.ask(Request::delete(&path).body(Body::empty()).unwrap()).await.status, StatusCode::NO_CONTENT);
    server.assert_empty("the upload was deleted").await;
    assert_eq!(server.submit(&[Part::file(CLIP)]).await.status, StatusCode::ACCEPTED);
}
