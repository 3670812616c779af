//! Tests of leases: kept by heartbeats, lost to another worker, and on a clock that jumps.

use std::{
    sync::{Mutex, atomic::Ordering, mpsc},
    time::Duration,
};

use clearcut_job::{CutStep, FencingToken, JobState};
use clearcut_worker::WorkerSettings;

use crate::fixture::{Bench, LEASE_TTL, copy_input, work_until_stopped};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_longer_than_its_lease_keeps_the_lease_and_reports_progress() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (resume, resumed) = mpsc::sync_channel(1);
    let resumed = Mutex::new(resumed);
    let worker = bench.start_worker(
        |_| {},
        move |order, _, progress| {
            progress(CutStep::Cutting { done: 1, total: 2 });
            resumed.lock().unwrap().recv().unwrap();
            Ok(copy_input(order))
        },
    );
    bench.record_when(&id, |record| record.progress.percent() == 55).await;
    // No progress for four lease durations, while the reaper of this worker runs.
    tokio::time::timeout(LEASE_TTL * 4, bench.final_record(&id)).await.unwrap_err();
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.crashes, record.token.0), (JobState::Completed, 0, 1));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_writes_nothing_about_the_job() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |_, stop, _| work_until_stopped(stop));
    let claimed = bench.record_when(&id, |record| record.state == JobState::Processing).await;
    // Simulates another process that found the lease expired and requeued the job.
    bench.queue.release(&id, claimed.token).await.unwrap();
    bench.drain.stop_claiming.cancel();
    tokio::time::timeout(Duration::from_secs(10), worker).await.unwrap().unwrap();
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.failure), (JobState::Queued, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_takes_no_job_from_its_worker() {
    // Long enough that a busy machine delays no heartbeat beyond it.
    let lease_ttl = Duration::from_secs(4);
    let bench = Bench::with_lease(lease_ttl).await;
    let id = bench.submit(1).await;
    let (resume, resumed) = mpsc::sync_channel(1);
    let resumed = Mutex::new(resumed);
    let worker = bench.start_worker(
        |settings| settings.lease_ttl = lease_ttl,
        move |order, _, _| {
            resumed.lock().unwrap().recv().unwrap();
            Ok(copy_input(order))
        },
    );
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    for hours in [1, 30, -1, 1] {
        bench.clock.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
        // Longer than the interval between two searches for lost workers.
        tokio::time::sleep(lease_ttl / 3).await;
    }
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.token, record.crashes), (JobState::Completed, FencingToken(1), 0));
    bench.stop(worker).await;
}

/// A heartbeat in flight when its job ends must not block the database's only writer.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_in_flight_do_not_block_the_database_when_their_job_ends() {
    let bench = Bench::on_disk().await;
    let mut jobs = Vec::new();
    for number in 0..150 {
        jobs.push(bench.submit(number).await);
    }
    let restless = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_mins(1);
        settings.progress_interval = Duration::ZERO;
    };
    let worker = bench.start_worker(restless, |order, _, progress| {
        progress(CutStep::Cutting { done: 1, total: 2 });
        Ok(copy_input(order))
    });
    for id in &jobs {
        assert_eq!(bench.final_record(id).await.state, JobState::Completed);
    }
    bench.stop(worker).await;
}
