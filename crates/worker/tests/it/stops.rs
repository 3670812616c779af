//! Tests of cuts that are stopped: by a stall, a deadline, a cancellation or a drain.

use std::{
    fs,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use clearcut_job::{CutStep, FailureCode, FencingToken, JobId, JobState, ObjectName, OutputFormat, SystemClock};
use clearcut_queue::{OwnedJobs as _, Policy, SqliteQueue};
use clearcut_worker::WorkerSettings;

use crate::fixture::{Bench, LEASE_TTL, copy_input, work_until_stopped};

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_cut_is_ended_although_heartbeats_continue() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = LEASE_TTL * 2;
    let worker = bench.start_worker(stall, |_, stop, _| work_until_stopped(stop));
    let record = bench.final_record(&id).await;
    assert_eq!((record.failure.unwrap().code, record.crashes), (FailureCode::Timeout, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_reports_that_it_waits_does_not_count_as_stalled() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (resume, wait) = mpsc::sync_channel(1);
    let wait = Mutex::new(wait);
    let stall = |settings: &mut WorkerSettings| settings.stall_limit = LEASE_TTL * 2;
    let worker = bench.start_worker(stall, move |order, _, progress| {
        while wait.lock().unwrap().recv_timeout(LEASE_TTL / 8).is_err() {
            progress(CutStep::Waiting);
        }
        Ok(copy_input(order))
    });
    tokio::time::timeout(LEASE_TTL * 6, bench.final_record(&id)).await.unwrap_err();
    resume.send(()).unwrap();
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.crashes), (JobState::Completed, 0));
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_past_its_deadline_is_ended() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let deadline = |settings: &mut WorkerSettings| settings.deadline = LEASE_TTL;
    let worker = bench.start_worker(deadline, |_, stop, _| work_until_stopped(stop));
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::Timeout);
    bench.stop(worker).await;
}

/// Cancels a running job with `cancel` and waits for the end of its cut, which must come before the
/// next heartbeat.
async fn cancel_running(change: impl FnOnce(&mut WorkerSettings), cancel: impl AsyncFnOnce(&Bench, &JobId)) {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (sender, scratch_exists) = tokio::sync::oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let long_lease = |settings: &mut WorkerSettings| {
        settings.lease_ttl = Duration::from_hours(1);
        change(settings);
    };
    let worker = bench.start_worker(long_lease, move |order, stop, _| {
        let ended = work_until_stopped(stop);
        sender.lock().unwrap().take().unwrap().send(order.scratch.exists()).unwrap();
        ended
    });
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    cancel(&bench, &id).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), scratch_exists).await.unwrap().unwrap());
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_or_removing_a_job_ends_its_cut_at_once() {
    let never = |settings: &mut WorkerSettings| settings.cancel_interval = Duration::from_hours(1);
    cancel_running(never, async |bench, id| {
        bench.queue.cancel(bench.owner, id).await.unwrap().unwrap();
    })
    .await;
    cancel_running(never, async |bench, id| {
        bench.queue.remove(bench.owner, id).await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_by_another_process_ends_the_cut_soon() {
    cancel_running(
        |_| {},
        async |bench, id| {
            let path = bench.dir.path().join("q.db");
            let other = SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap();
            other.cancel(bench.owner, id).await.unwrap().unwrap();
        },
    )
    .await;
}

/// The search for what ended claims left runs while a cancelled cut winds down.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_cut_keeps_its_scratch_folder_until_it_has_stopped() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let (sender, scratch_exists) = tokio::sync::oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let worker = bench.start_worker(
        |_| {},
        move |order, stop, _| {
            let ended = work_until_stopped(stop);
            // Each leftover shows when a search has run; the second search began after the stop.
            let scratch = order.input.ancestors().nth(2).unwrap();
            for number in [8, 9] {
                let leftover = scratch.join(format!("{}-1", JobId::from_random(number)));
                fs::create_dir(&leftover).unwrap();
                let until = Instant::now() + Duration::from_secs(20);
                while leftover.exists() {
                    assert!(Instant::now() < until, "a leftover is not removed");
                    thread::sleep(Duration::from_millis(5));
                }
            }
            sender.lock().unwrap().take().unwrap().send(order.scratch.exists()).unwrap();
            ended
        },
    );
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    bench.queue.cancel(bench.owner, &id).await.unwrap().unwrap();
    assert!(scratch_exists.await.unwrap(), "the folder of a cut that winds down is gone");
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_a_job_cancelled_during_its_cut_are_removed() {
    let bench = Bench::on_disk().await;
    let id = bench.submit(1).await;
    let (cancelling, owner) = (bench.queue.clone(), bench.owner);
    let (runtime, job) = (tokio::runtime::Handle::current(), id.clone());
    let worker = bench.start_worker(
        |settings| settings.cancel_interval = Duration::from_hours(1),
        move |order, _, _| {
            runtime.block_on(cancelling.cancel(owner, &job)).unwrap().unwrap();
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::Cancelled);
    bench.stop(worker).await;
    let output = ObjectName::output(&id, FencingToken(1), OutputFormat::Webm.into());
    assert!(bench.store.head(&output).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_runs_out_of_time_requeues_the_job_without_counting_an_attempt() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |_, stop, _| work_until_stopped(stop));
    bench.record_when(&id, |record| record.state == JobState::Processing).await;
    bench.drain.stop_claiming.cancel();
    bench.drain.requeue.cancel();
    bench.stop(worker).await;
    let record = bench.queue.read(bench.owner, &id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Queued, 0, 0));
}
