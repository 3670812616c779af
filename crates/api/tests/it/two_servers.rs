//! Uploads through two servers that share a database and an object store.

use std::sync::Arc;

use axum::{body::Body, http::StatusCode};
use clearcut_job::{ObjectName, UploadId};
use clearcut_store::Store;
use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use tokio::sync::mpsc;

use crate::{
    fixture::{CLIP, KEY, Server},
    late_store::LateStore,
    tus::PIECE_TYPE,
    uploads::UPLOADS,
};

fn id_in(path: &str) -> UploadId {
    path.split(['/', '?']).nth(4).unwrap().parse().unwrap()
}

/// The bytes of a complete upload.
async fn content(server: &Server, path: &str) -> Vec<u8> {
    let object = server.queue.read_upload(&id_in(path)).await.unwrap().unwrap().object.unwrap();
    server.store.read(&object.name, 0..object.size_bytes).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
}

#[tokio::test]
async fn an_upload_goes_on_at_another_server_and_every_server_tells_its_offset() {
    let servers = Server::pair().await;
    let clip = [CLIP, &[7; 900]].concat();
    let path = servers[0].created(clip.len()).await;
    for (number, piece) in clip.chunks(300).enumerate() {
        let answer = servers[(number + 1) % 2].patch(&path, number * 300, piece).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        for server in &servers {
            assert_eq!(server.offset(&path).await, (number * 300 + piece.len()).to_string());
        }
    }
    assert_eq!(content(&servers[0], &path).await, clip);
    assert_eq!(servers[0].submit_upload(id_in(&path).as_str(), KEY).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn of_two_servers_that_append_to_an_upload_at_once_one_is_refused() {
    let servers = Server::pair().await;
    let clip = [CLIP, &[7; 900]].concat();
    let path = servers[0].created(clip.len()).await;
    let (sender, mut receiver) = mpsc::unbounded_channel::<Result<Vec<u8>, std::io::Error>>();
    let body = Body::from_stream(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context)));
    let headers = [("Content-Type", PIECE_TYPE), ("Upload-Offset", "0")];
    sender.send(Ok(clip[..100].to_vec())).unwrap();
    let (slow, ()) = tokio::join!(servers[0].tus("PATCH", &path, &headers, body), async {
        let answer = servers[1].patch(&path, 0, &clip[..500]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        sender.send(Ok(clip[100..].to_vec())).unwrap();
        drop(sender);
    });
    assert_eq!(slow.error(), (423, "UPLOAD_BUSY".to_owned()));
    assert_eq!(servers[0].offset(&path).await, "500");
    assert_eq!(servers[0].patch(&path, 500, &clip[500..]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(content(&servers[1], &path).await, clip);
}

/// The server that comes too late acknowledges the bytes of the other one, before that one knows that
/// they are stored.
#[tokio::test]
async fn of_two_servers_that_append_at_the_same_moment_one_wins() {
    let objects = Arc::new(InMemory::new());
    let late = LateStore::over(objects.clone());
    let [first, second] = Server::pair().await;
    let (first, second) = (first.over(Store::remote(late.clone())), second.over(Store::remote(objects)));
    let clip = [CLIP, &[7; 900]].concat();
    let path = first.created(clip.len()).await;
    let (won, ()) = tokio::join!(first.patch(&path, 0, &clip[..500]), async {
        late.stored().await;
        assert_eq!(second.patch(&path, 0, &clip[..500]).await.error(), (423, "UPLOAD_BUSY".to_owned()));
        late.release();
    });
    assert_eq!((won.status, won.header("upload-offset")), (StatusCode::NO_CONTENT, "500"));
    assert_eq!(second.patch(&path, 500, &clip[500..]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(content(&second, &path).await, clip);
}

#[tokio::test]
async fn bytes_that_a_server_stored_before_it_died_are_acknowledged_by_another_one() {
    let [server, _] = Server::pair().await;
    let clip = [CLIP, &[7; 900]].concat();
    let path = server.created(clip.len()).await;
    let partial = ObjectName::partial(&id_in(&path));
    let mut dead = server.store.grow(&partial, 0).await.unwrap();
    dead.write(&clip[..600].to_vec().into()).await.unwrap();
    dead.sync().await.unwrap();
    assert_eq!(server.offset(&path).await, "0");
    assert_eq!(server.patch(&path, 0, &clip).await.error(), (423, "UPLOAD_BUSY".to_owned()));
    assert_eq!(server.offset(&path).await, "600");
    assert_eq!(server.patch(&path, 600, &clip[600..]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(content(&server, &path).await, clip);
}

#[tokio::test]
async fn of_two_whole_clips_for_one_upload_one_is_kept() {
    let servers = Server::pair().await;
    let key = format!("Bearer {KEY}");
    let created = servers[0].tus("POST", UPLOADS, &[("Authorization", &key), ("Upload-Defer-Length", "1")], "").await;
    let path = created.header("location").strip_prefix("http://localhost").unwrap().to_owned();
    let (sender, mut receiver) = mpsc::unbounded_channel::<Result<Vec<u8>, std::io::Error>>();
    let body = Body::from_stream(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context)));
    sender.send(Ok(CLIP.to_vec())).unwrap();
    let (late, ()) = tokio::join!(servers[0].tus("PUT", &path, &[], body), async {
        let whole = [CLIP, b"first"].concat();
        assert_eq!(servers[1].tus("PUT", &path, &[], whole).await.status, StatusCode::OK);
        drop(sender);
    });
    assert_eq!(late.error(), (409, "UPLOAD_FINISHED".to_owned()));
    assert_eq!(content(&servers[0], &path).await, [CLIP, b"first"].concat());
    let objects: Vec<_> = servers[0].store.list(ObjectName::UPLOADS).try_collect().await.unwrap();
    assert_eq!(objects.len(), 1, "{objects:?}");
}
