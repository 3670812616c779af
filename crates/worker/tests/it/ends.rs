//! Tests of the end of a job, and of the files that it leaves.

use std::{fs, sync::Mutex, time::Duration};

use clearcut_job::{Failure, FailureCode, JobId, JobState, ObjectName};

use crate::fixture::{Bench, copy_input};

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_stored_under_the_fencing_token_and_the_input_is_kept() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    let record = bench.final_record(&id).await;
    assert_eq!(record.state, JobState::Completed);
    let output = &record.outcome.unwrap().outputs[0];
    assert_eq!((output.object_name.as_str(), output.size_bytes), (format!("jobs/{id}/1/webm.webm").as_str(), 4));
    bench.stop(worker).await;
    assert!(bench.store.head(&output.object_name).await.is_ok());
    assert!(bench.store.head(&ObjectName::upload(1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_panics_fails_its_job_and_the_worker_continues() {
    let bench = Bench::new().await;
    let (bad, good) = (bench.submit(1).await, bench.submit(2).await);
    let bad_id = bad.to_string();
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            assert!(!order.scratch.to_string_lossy().contains(&bad_id), "a simulated bug");
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&bad).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    assert_eq!(bench.final_record(&good).await.state, JobState::Completed);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_clip_fails_its_job() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    bench.store.delete(&ObjectName::upload(1)).await.unwrap();
    let worker = bench.start_worker(|_| {}, |order, _, _| Ok(copy_input(order)));
    assert_eq!(bench.final_record(&id).await.failure.unwrap().code, FailureCode::ProcessingFailed);
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_job_on_a_machine_short_of_resources_is_requeued_without_counting_an_attempt() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let tries = Mutex::new(0);
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries < 3 {
                return Err(Failure::new(FailureCode::ShortOfResources, "no file descriptor is free"));
            }
            Ok(copy_input(order))
        },
    );
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.attempts, record.crashes), (JobState::Completed, 0, 0));
    assert!(record.token.0 >= 3, "{:?}", record.token);
    bench.stop(worker).await;
}

#[tokio::test]
async fn a_scratch_folder_left_by_an_ended_claim_is_removed_later() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let leftover = bench.dir.path().join("scratch").join(format!("{}-7", JobId::from_random(99)));
    let created = leftover.clone();
    let worker = bench.start_worker(
        |_| {},
        move |order, _, _| {
            fs::create_dir_all(created.join("cut")).unwrap();
            Ok(copy_input(order))
        },
    );
    assert_eq!(bench.final_record(&id).await.state, JobState::Completed);
    let removal = async {
        while leftover.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), removal).await.unwrap();
    bench.stop(worker).await;
}
