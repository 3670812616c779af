//! Tests of the clip that a slot keeps from one part of a job to the next.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use clearcut_job::{JobState, ObjectName};

use crate::{fixture::Bench, segments::start_worker};

/// The names of the folders in the scratch folder.
fn folders(bench: &Path) -> Vec<String> {
    let found = fs::read_dir(bench.join("scratch")).unwrap();
    found.map(|folder| folder.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_fetches_a_clip_once_for_all_parts_that_it_works_on_in_turn() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let clip = bench.dir.path().join("objects").join(ObjectName::upload(1).as_str());
    // The clip that the plan was made from is all that the slot needs.
    let remove = move |index| {
        if index == 0 {
            fs::remove_file(&clip).unwrap();
        }
    };
    let one_slot = |settings: &mut clearcut_worker::WorkerSettings| settings.slots = 1.try_into().unwrap();
    let (worker, cut) = start_worker(&bench, one_slot, move |index, _, _| {
        remove(index);
        Ok(())
    });
    let record = bench.final_record(&id).await;
    assert_eq!((record.state, record.attempts), (JobState::Completed, 0), "{:?}", record.failure);
    assert_eq!(*cut.lock().unwrap(), [0, 1, 2]);
    bench.stop(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_without_work_keeps_no_clip() {
    let bench = Bench::new().await;
    let id = bench.submit(1).await;
    let folder = bench.dir.path().to_owned();
    let (worker, _) = start_worker(
        &bench,
        |_| {},
        move |index, _, progress| {
            // Once the other segments are cut, this is the only part in work, and the only folder.
            let until = Instant::now() + Duration::from_secs(20);
            while index == 0 && folders(&folder).len() > 1 {
                assert!(Instant::now() < until, "{:?}", folders(&folder));
                progress(clearcut_job::CutStep::Waiting);
                thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        },
    );
    assert_eq!(bench.final_record(&id).await.state, JobState::Completed);
    bench.stop(worker).await;
}
