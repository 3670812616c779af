//! Timing tests with ten thousand waiting jobs. They are ignored by default and need a quiet
//! machine; run them with `make bench-server`. The use of indexes by the queries is tested beside
//! the queries.

use std::time::{Duration, Instant};

use clearcut_job::JobId;
use clearcut_queue::KeyId;

use crate::fixture::{Bench, job, key, worker};

/// The goal is 10 ms on an idle machine. The bound leaves room for a loaded machine and still
/// detects a scan or a sort.
#[tokio::test]
#[ignore = "timed"]
async fn claiming_from_ten_thousand_waiting_jobs_takes_milliseconds() {
    claim_among(1).await;
}

#[tokio::test]
#[ignore = "timed"]
async fn claiming_from_ten_thousand_waiting_jobs_of_five_hundred_keys_takes_milliseconds() {
    claim_among(500).await;
}

/// Submits ten thousand jobs, alternately from `keys` API keys.
async fn waiting_jobs(keys: u128) -> (Bench, Vec<KeyId>) {
    let bench = Bench::sqlite().await;
    let mut owners = vec![bench.owner];
    for number in 1..keys {
        owners.push(bench.queue.create_key(key(&number.to_string())).await.unwrap().id);
    }
    for number in 0..10_000 {
        bench.queue.submit(job(number, owners[(number % keys) as usize])).await.unwrap();
    }
    (bench, owners)
}

async fn claim_among(keys: u128) {
    let (bench, _) = waiting_jobs(keys).await;
    let mut spans: Vec<Duration> = Vec::new();
    for _ in 0..500 {
        let begin = Instant::now();
        bench.queue.claim(&worker()).await.unwrap().unwrap();
        spans.push(begin.elapsed());
    }
    spans.sort();
    let (median, p99) = (spans[250], spans[495]);
    println!("claim among 10,000 of {keys} keys: p50 {median:?}, p99 {p99:?}");
    assert!(p99 < Duration::from_millis(100), "p50 {median:?}, p99 {p99:?}");
}

/// Every read of a waiting job reads the outlook, so the outlook must be fast.
#[tokio::test]
#[ignore = "timed"]
async fn reading_the_outlook_among_ten_thousand_waiting_jobs_takes_milliseconds() {
    for keys in [1, 500] {
        let (bench, owners) = waiting_jobs(keys).await;
        let mut spans: Vec<Duration> = Vec::new();
        for number in (0..10_000).step_by(50) {
            let (owner, id) = (owners[(number % keys) as usize], JobId::from_random(number));
            let begin = Instant::now();
            let outlook = bench.queue.outlook(owner, vec![id]).await.unwrap();
            spans.push(begin.elapsed());
            assert_eq!(outlook.positions, [Some(number as u64 + 1)]);
        }
        spans.sort();
        let (median, p99) = (spans[100], spans[197]);
        println!("outlook among 10,000 of {keys} keys: p50 {median:?}, p99 {p99:?}");
        assert!(median < Duration::from_millis(50), "p50 {median:?}, p99 {p99:?}");
    }
}
