//! Tests of clips that the worker fetches from an address.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clearcut_job::{FailureCode, JobId, JobState};
use clearcut_outbound::DownloadLimits;
use clearcut_queue::{NewInput, SourceAddress};
use futures_util::TryStreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::fixture::{Bench, LEASE_TTL, copy_input, work_until_stopped};

const CLIP: &str = "\0\0\0\u{20}ftypisom\0\0\u{2}\0isomiso2avc1mp41";

/// Starts a host that answers each connection with the next of `answers`, and repeats the last one.
/// It counts the connections. An empty answer keeps the connection open.
async fn host(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answers[counted.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (format!("http://{address}/clip?secret"), count)
}

fn ok_response(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Bench {
    async fn submit_address(&self, number: u128, address: &str) -> JobId {
        self.submit_with(number, NewInput::Address(SourceAddress(address.to_owned()))).await
    }

    async fn upload_count(&self) -> usize {
        self.store.list("uploads").try_collect::<Vec<_>>().await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_fetched_once_even_if_its_job_starts_twice() {
    let bench = Bench::new().await;
    let (address, connections) = host(vec![ok_response(CLIP)]).await;
    let id = bench.submit_address(1, &address).await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&cuts);
    let worker = bench.start_worker(
        |_| {},
        move |order, stop, _| {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 { work_until_stopped(stop) } else { Ok(copy_input(order)) }
        },
    );
    while cuts.load(Ordering::SeqCst) == 0 {
        bench.queue.signals().ending(Duration::from_millis(10)).await;
    }
    // Simulates a lost worker.
    let first = bench.queue.read(bench.owner, &id).await.unwrap().unwrap().token;
    bench.queue.release(&id, first).await.unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, connections.load(Ordering::SeqCst)), (JobState::Completed, 1));
    assert_eq!(record.outcome.unwrap().outputs[0].size_bytes, CLIP.len() as u64);
    assert_eq!(bench.upload_count().await, 1);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_address_fails_the_job_with_its_error_code_and_leaves_no_upload() {
    let bench = Bench::new().await;
    let (missing, _) = host(vec!["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()]).await;
    let (page, _) = host(vec![ok_response("<html>")]).await;
    let (empty, _) = host(vec![ok_response("")]).await;
    let (large, _) = host(vec![format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 40)]).await;
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    let cases = [
        (missing.as_str(), FailureCode::InvalidUrl),
        (page.as_str(), FailureCode::InvalidVideo),
        (empty.as_str(), FailureCode::InvalidVideo),
        (large.as_str(), FailureCode::FileTooLarge),
        ("http://127.0.0.2:1/clip?secret", FailureCode::InvalidUrl),
        ("nonsense?secret", FailureCode::InvalidUrl),
    ];
    for (number, (address, code)) in (1..).zip(cases) {
        let id = bench.submit_address(number, address).await;
        let failure = bench.final_record(&id).await.failure.unwrap();
        assert_eq!(failure.code, code, "{address}: {failure:?}");
        assert!(!failure.message.contains("secret") && !failure.message.contains("127.0.0"), "{failure:?}");
    }
    assert_eq!(bench.upload_count().await, 0);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_of_the_host_is_retried_after_a_pause() {
    let bench = Bench::new().await;
    let (address, connections) =
        host(vec!["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(), ok_response(CLIP)]).await;
    let id = bench.submit_address(1, &address).await;
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    let record = bench.record_when(&id, |record| record.attempts == 1).await;
    assert_eq!((record.state, connections.load(Ordering::SeqCst)), (JobState::Queued, 1));
    // The pause is between 2.5 and 5 s.
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, connections.load(Ordering::SeqCst)), (JobState::Completed, 2));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_transfer_ends_its_job_with_a_timeout() {
    let bench = Bench::new().await;
    let (address, connections) = host(vec![String::new()]).await;
    let id = bench.submit_address(1, &address).await;
    let patient = |settings: &mut clearcut_worker::WorkerSettings| {
        settings.stall_limit = LEASE_TTL;
        settings.download = DownloadLimits { patience: Duration::from_mins(1), ..DownloadLimits::default() };
    };
    let worker = bench.start_worker(patient, |order, _, _| Ok(copy_input(order)));
    let record = bench.final_record(&id).await;
    assert_eq!((record.failure.unwrap().code, connections.load(Ordering::SeqCst)), (FailureCode::Timeout, 1));
    bench.stop(worker).await;
}
