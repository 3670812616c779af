//! Tests of new backgrounds: their file is brought to the cut, and nothing of it stays.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use clearcut_job::{
    Backdrop, BackdropFile, CutRequest, FailureCode, JobId, JobState, ObjectName, OutputFormat, StoredObject,
};
use clearcut_queue::{NewInput, NewJob};
use futures_util::TryStreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::fixture::{Bench, copy_input};

const PICTURE: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0 a picture";

/// A host that gives `body` to everyone.
async fn host(body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    format!("http://{address}/beach.jpg")
}

impl Bench {
    async fn put(&self, number: u128, bytes: &'static [u8]) -> StoredObject {
        let mut upload = self.store.begin(ObjectName::upload(number)).await.unwrap();
        upload.write(bytes.into()).await.unwrap();
        upload.finish().await.unwrap()
    }

    /// Submits a clip over the background in `file`, and works until it has ended. Returns its state,
    /// the failure and the background that the cut got.
    async fn cut_over(&self, number: u128, file: BackdropFile) -> (JobState, Option<FailureCode>, Option<Vec<u8>>) {
        let clip = self.put(number, b"clip").await;
        let background = Some(Backdrop::File(file));
        let request = CutRequest { background, ..CutRequest::new(OutputFormat::Mp4) };
        let id = JobId::from_random(number);
        let job = NewJob {
            id: id.clone(),
            owner: self.owner,
            request: request.into(),
            input: NewInput::Stored(clip),
            clip_name: None,
            webhook: None,
        };
        self.queue.submit(job).await.unwrap();
        let seen = Arc::new(Mutex::new(None));
        let sees = Arc::clone(&seen);
        let worker = self.start_worker(
            |_| {},
            move |order, _, _| {
                *sees.lock().unwrap() = order.background.as_ref().map(|path| fs::read(path).unwrap());
                Ok(copy_input(order))
            },
        );
        let record = self.final_record(&id).await;
        self.stop(worker).await;
        let seen = seen.lock().unwrap().take();
        (record.state, record.failure.map(|failure| failure.code), seen)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_at_an_address_reaches_the_cut_and_leaves_the_store() {
    let bench = Bench::new().await;
    let address = host(PICTURE).await;
    let cut = bench.cut_over(1, BackdropFile::Address(address)).await;
    assert_eq!(cut, (JobState::Completed, None, Some(PICTURE.to_vec())));
    let uploads: Vec<_> = bench.store.list("uploads").try_collect().await.unwrap();
    assert_eq!(uploads.len(), 1, "the clip alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_as_a_background_reaches_the_cut_and_stays() {
    let bench = Bench::new().await;
    let stored = bench.put(7, PICTURE).await;
    let cut = bench.cut_over(1, BackdropFile::Stored(stored.name.clone())).await;
    assert_eq!(cut, (JobState::Completed, None, Some(PICTURE.to_vec())));
    assert!(bench.store.head(&stored.name).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_that_is_no_picture_or_has_expired_fails_the_job() {
    let address = host(b"<html>no picture</html>").await;
    let gone = BackdropFile::Stored(ObjectName::upload(99));
    for file in [BackdropFile::Address(address), gone] {
        let (state, code, seen) = Bench::new().await.cut_over(1, file).await;
        assert_eq!((state, code, seen), (JobState::Failed, Some(FailureCode::InvalidBackground), None));
    }
}
