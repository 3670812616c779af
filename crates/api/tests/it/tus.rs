//! Resumable uploads by the tus 1.0 protocol.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use tokio::task::JoinHandle;

use crate::{
    fixture::{Answer, CLIP, KEY, Part, Server},
    uploads::UPLOADS,
};

pub(crate) const PIECE_TYPE: &str = "application/offset+octet-stream";

impl Server {
    pub(crate) async fn tus(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("Tus-Resumable", "1.0.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn create(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let key = format!("Bearer {KEY}");
        self.tus("POST", UPLOADS, &[&[("Authorization", key.as_str())], headers].concat(), body.to_vec()).await
    }

    pub(crate) async fn created(&self, length: usize) -> String {
        path(&self.create(&[("Upload-Length", &length.to_string())], b"").await)
    }

    pub(crate) async fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> Answer {
        let headers = [("Content-Type", PIECE_TYPE), ("Upload-Offset", &offset.to_string())];
        self.tus("PATCH", path, &headers, bytes.to_vec()).await
    }

    pub(crate) async fn offset(&self, path: &str) -> String {
        let answer = self.tus("HEAD", path, &[], "").await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
        answer.header("upload-offset").to_owned()
    }
}

fn path(created: &Answer) -> String {
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    created.header("location").strip_prefix("http://localhost").unwrap().to_owned()
}

#[tokio::test]
async fn pieces_of_any_size_make_a_complete_upload() {
    let server = Server::new().await;
    let clip = [CLIP, &[7; 9000]].concat();
    for size in [1000, 4096, 5000, clip.len()] {
        let path = server.created(clip.len()).await;
        for (number, piece) in clip.chunks(size).enumerate() {
            assert_eq!(server.offset(&path).await, (number * size).to_string());
            let answer = server.patch(&path, number * size, piece).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
            assert_eq!(answer.header("upload-offset"), (number * size + piece.len()).to_string());
            assert_ne!(answer.header("upload-expires"), "");
        }
        let id = path.split(['/', '?']).nth(4).unwrap();
        assert_eq!(server.submit_upload(id, KEY).await.status, StatusCode::ACCEPTED);
        assert_eq!(server.offset(&path).await, clip.len().to_string());
    }
}

#[tokio::test]
async fn bytes_at_a_wrong_offset_are_a_conflict_and_change_nothing() {
    let server = Server::new().await;
    let path = server.created(100).await;
    server.patch(&path, 0, CLIP).await;
    for offset in [0, 1, CLIP.len() - 1, CLIP.len() + 1, 100] {
        let answer = server.patch(&path, offset, b"more").await;
        assert_eq!(answer.error(), (409, "UPLOAD_OFFSET".to_owned()), "{offset}");
        assert_eq!(answer.json()["error"]["details"]["uploadOffset"], CLIP.len());
    }
    assert_eq!(server.offset(&path).await, CLIP.len().to_string());
}

#[tokio::test]
async fn bytes_received_before_a_disconnect_are_kept() {
    let server = Server::new().await;
    let path = server.created(100).await;
    let breaking = Body::from_stream(futures_util::stream::iter([
        Ok(CLIP.to_vec()),
        Err(std::io::Error::other("the connection broke")),
    ]));
    let headers = [("Content-Type", PIECE_TYPE), ("Upload-Offset", "0")];
    assert_eq!(server.tus("PATCH", &path, &headers, breaking).await.error(), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(server.offset(&path).await, CLIP.len().to_string());
    assert_eq!(server.patch(&path, CLIP.len(), &vec![0; 100 - CLIP.len()]).await.status, StatusCode::NO_CONTENT);
}

/// Simulates a crash of the server after the last acknowledgement and before completion.
#[tokio::test]
async fn a_head_request_completes_an_upload_whose_bytes_are_all_there() {
    let server = Server::new().await;
    let path = server.created(CLIP.len()).await;
    let id: clearcut_job::UploadId = path.split(['/', '?']).nth(4).unwrap().parse().unwrap();
    let mut growing = server.store.grow(&clearcut_job::ObjectName::partial(&id), 0).await.unwrap();
    growing.write(&CLIP.into()).await.unwrap();
    growing.sync().await.unwrap();
    server.queue.advance_upload(&id, 0, CLIP.len() as u64, None).await.unwrap();
    assert_eq!(server.submit_upload(id.as_str(), KEY).await.error(), (409, "UPLOAD_UNFINISHED".to_owned()));
    assert_eq!(server.offset(&path).await, CLIP.len().to_string());
    assert_eq!(server.submit_upload(id.as_str(), KEY).await.status, StatusCode::ACCEPTED);
}

type Feed = tokio::sync::mpsc::Sender<Result<Vec<u8>, std::io::Error>>;

/// Starts a PATCH that has sent the clip and one more byte, and sends the rest from the returned
/// feed.
async fn start_hanging_patch(server: &Arc<Server>, path: &str) -> (Feed, JoinHandle<Answer>) {
    let (feed, pieces) = tokio::sync::mpsc::channel(1);
    let body = Body::from_stream(futures_util::stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    }));
    let (server, path) = (server.clone(), path.to_owned());
    let hanging = tokio::spawn(async move {
        server.tus("PATCH", &path, &[("Content-Type", PIECE_TYPE), ("Upload-Offset", "0")], body).await
    });
    feed.send(Ok(CLIP.to_vec())).await.unwrap();
    // The channel has a free place again once the last piece was received.
    feed.send(Ok(b"x".to_vec())).await.unwrap();
    drop(feed.reserve().await.unwrap());
    (feed, hanging)
}

#[tokio::test]
async fn pieces_count_toward_the_concurrent_clips_of_an_api_key() {
    let server = Arc::new(Server::with(|settings| settings.max_intakes_per_key = 1).await);
    let (first, second) = (server.created(CLIP.len() + 1).await, server.created(CLIP.len()).await);
    let (feed, hanging) = start_hanging_patch(&server, &first).await;
    assert_eq!(server.patch(&second, 0, CLIP).await.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!(server.submit(&[Part::file(CLIP)]).await.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    drop(feed);
    assert_eq!(hanging.await.unwrap().status, StatusCode::NO_CONTENT);
    assert_eq!(server.patch(&second, 0, CLIP).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_new_request_takes_over_from_a_hanging_connection() {
    let server = Arc::new(Server::new().await);
    let path = server.created(100).await;
    let (_feed, hanging) = start_hanging_patch(&server, &path).await;
    let offset: usize = server.offset(&path).await.parse().unwrap();
    assert!(offset == CLIP.len() || offset == CLIP.len() + 1, "{offset}");
    assert_eq!(hanging.await.unwrap().error(), (423, "UPLOAD_BUSY".to_owned()));
    assert_eq!(server.patch(&path, offset, b"more").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_deferred_length_can_be_set_once() {
    let server = Server::new().await;
    let created = server.create(&[("Upload-Defer-Length", "1"), ("Upload-Metadata", "filename Y2xpcA==")], b"").await;
    let path = path(&created);
    let head = server.tus("HEAD", &path, &[], "").await;
    assert_eq!((head.header("upload-defer-length"), head.header("upload-length")), ("1", ""));
    assert_eq!(head.header("upload-metadata"), "filename Y2xpcA==");
    server.patch(&path, 0, CLIP).await;
    let offset = CLIP.len().to_string();
    let with_length = |length: &'static str| {
        vec![("Content-Type", PIECE_TYPE), ("Upload-Offset", offset.as_str()), ("Upload-Length", length)]
    };
    assert_eq!(server.tus("PATCH", &path, &with_length("5"), "").await.error(), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(
        server.tus("PATCH", &path, &with_length("1048577"), "").await.error(),
        (413, "FILE_TOO_LARGE".to_owned())
    );
    assert_eq!(server.tus("PATCH", &path, &with_length("50"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.tus("PATCH", &path, &with_length("51"), "").await.error(), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(server.tus("HEAD", &path, &[], "").await.header("upload-length"), "50");
    assert_eq!(server.patch(&path, CLIP.len(), &[0; 51]).await.error(), (413, "FILE_TOO_LARGE".to_owned()));
    assert_eq!(server.patch(&path, CLIP.len(), &vec![0; 50 - CLIP.len()]).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn creation_accepts_bytes_and_checks_its_headers() {
    let server = Server::new().await;
    let length = CLIP.len().to_string();
    let whole = server.create(&[("Upload-Length", &length), ("Content-Type", PIECE_TYPE)], CLIP).await;
    assert_eq!(whole.header("upload-offset"), length);
    assert_eq!(server.submit_upload(whole.header("x-storage-id"), KEY).await.status, StatusCode::ACCEPTED);
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[], 400),
        (&[("Upload-Length", "-1")], 400),
        (&[("Upload-Length", "x")], 400),
        (&[("Upload-Length", "0")], 400),
        (&[("Upload-Length", "5"), ("Upload-Defer-Length", "1")], 400),
        (&[("Upload-Defer-Length", "2")], 400),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "a not-base64!")], 400),
        (&[("Upload-Length", "1048577")], 413),
    ];
    for (headers, status) in cases {
        assert_eq!(server.create(headers, b"").await.error().0, status, "{headers:?}");
    }
}

#[tokio::test]
async fn an_upload_that_is_not_a_video_is_refused_and_deleted() {
    let server = Server::new().await;
    for (length, sent) in [(100_000, vec![b'#'; 5000]), (10, vec![b'#'; 10])] {
        let path = server.created(length).await;
        assert_eq!(server.patch(&path, 0, &sent).await.error(), (400, "INVALID_VIDEO".to_owned()));
        server.assert_empty("no video").await;
        assert_eq!(server.tus("HEAD", &path, &[], "").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_terminated_upload_is_deleted_with_its_bytes() {
    let server = Server::new().await;
    let path = server.created(100).await;
    server.patch(&path, 0, CLIP).await;
    assert_eq!(server.tus("DELETE", &path, &[], "").await.status, StatusCode::NO_CONTENT);
    server.assert_empty("termination").await;
    for method in ["HEAD", "DELETE"] {
        assert_eq!(server.tus(method, &path, &[], "").await.status, StatusCode::NOT_FOUND, "{method}");
    }
    assert_eq!(server.patch(&path, 0, CLIP).await.error(), (404, "UPLOAD_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn requests_that_violate_the_protocol_are_refused() {
    let server = Server::new().await;
    let path = server.created(100).await;
    let ask = |method: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(&path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        server.ask(request.body(Body::from(CLIP)).unwrap())
    };
    let piece = [("Content-Type", PIECE_TYPE), ("Upload-Offset", "0")];
    let unversioned = ask("PATCH", &piece).await;
    assert_eq!(unversioned.error(), (412, "TUS_VERSION".to_owned()));
    assert_eq!((unversioned.header("tus-version"), unversioned.header("tus-resumable")), ("1.0.0", "1.0.0"));
    let old = [("Tus-Resumable", "0.2.2"), piece[0], piece[1]];
    for method in ["PATCH", "HEAD", "DELETE"] {
        assert_eq!(ask(method, &old).await.status, StatusCode::PRECONDITION_FAILED, "{method}");
    }
    let tus = ("Tus-Resumable", "1.0.0");
    assert_eq!(ask("PATCH", &[tus, piece[1]]).await.error().0, 415);
    assert_eq!(ask("PATCH", &[tus, ("Content-Type", "video/mp4"), piece[1]]).await.error().0, 415);
    assert_eq!(ask("PATCH", &[tus, piece[0]]).await.error().0, 400);
    assert_eq!(ask("GET", &[tus]).await.error().0, 405);
    let posted = ask("POST", &[tus]).await;
    assert_eq!((posted.error().0, posted.header("allow")), (405, "PUT,PATCH,HEAD,DELETE"));
    assert_eq!(server.offset(&path).await, "0");
    let overridden = ask("POST", &[("X-HTTP-Method-Override", "PATCH"), tus, piece[0], piece[1]]).await;
    assert_eq!(
        (overridden.status, overridden.header("upload-offset")),
        (StatusCode::NO_CONTENT, CLIP.len().to_string().as_str())
    );
}

#[tokio::test]
async fn options_reports_the_capabilities_and_cors_allows_the_headers() {
    let server = Server::new().await;
    let options = server.ask(Request::options(UPLOADS).body(Body::empty()).unwrap()).await;
    assert_eq!((options.status, options.header("tus-version")), (StatusCode::NO_CONTENT, "1.0.0"));
    let extensions = "creation,creation-with-upload,creation-defer-length,expiration,termination";
    assert_eq!((options.header("tus-extension"), options.header("tus-max-size")), (extensions, "1048576"));
    let preflight = Request::options(UPLOADS)
        .header(header::ORIGIN, "https://example.com")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "tus-resumable,upload-offset");
    let preflight = server.ask(preflight.body(Body::empty()).unwrap()).await;
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(preflight.header("access-control-allow-headers").contains("upload-offset"));
    let answer = Request::post(UPLOADS).header(header::ORIGIN, "https://example.com");
    let answer = server.ask(answer.body(Body::empty()).unwrap()).await;
    let exposed = answer.header("access-control-expose-headers");
    assert!(["upload-offset", "location", "x-storage-id"].iter().all(|name| exposed.contains(name)), "{exposed}");
}
