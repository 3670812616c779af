//! Tests of SQLite rows that name no valid object.

use std::time::Duration;

use clearcut_job::{ErrorCode, PersistedRequestError};
use clearcut_queue::{ClaimedInput, Ending, Finished};

use crate::{
    fixture::{Bench, input_failure, object, outcome, worker},
    uploads::new_upload,
};

#[tokio::test]
async fn an_output_or_upload_with_an_invalid_name_is_reported_as_damage_and_still_expires() {
    let bench = Bench::sqlite().await;
    let id = bench.submit(1).await;
    let token = bench.queue.claim(&worker()).await.unwrap().unwrap().token;
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let upload = bench.queue.create_upload(new_upload(1, bench.owner, None)).await.unwrap().id;
    bench.queue.finish_upload(&upload, object("uploads/whole", 1)).await.unwrap();
    bench.damage("UPDATE outputs SET object_key = '../clearcut.db' WHERE place = 0").await;
    bench.damage("UPDATE uploads SET object_key = 'uploads/a/b'").await;
    assert_eq!(bench.queue.read(bench.owner, &id).await.unwrap_err().code(), ErrorCode::DatabaseDamaged);
    assert_eq!(bench.queue.read_upload(&upload).await.unwrap_err().code(), ErrorCode::DatabaseDamaged);
    bench.advance_clock(Duration::from_hours(24));
    let mut expected = vec![outcome(1).outputs.remove(1).object_name, object("uploads/1", 1).name];
    expected.sort();
    assert_eq!(bench.queue.forget_expired().await.unwrap(), expected);
    assert_eq!(bench.queue.forget_expired().await.unwrap(), []);
    assert!(bench.queue.remove(bench.owner, &id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_job_whose_clip_has_no_valid_name_is_claimed_and_can_be_ended() {
    for damage in ["UPDATE jobs SET input_key = ''", "UPDATE jobs SET input_key = NULL"] {
        let bench = Bench::sqlite().await;
        let id = bench.submit(1).await;
        bench.damage(damage).await;
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!((&claimed.id, claimed.input), (&id, ClaimedInput::Lost), "{damage}");
        let finished = bench.queue.finish(&id, claimed.token, Ending::Failed(input_failure())).await.unwrap();
        assert_eq!(finished, Finished::Committed);
    }
}

#[tokio::test]
async fn a_job_whose_request_cannot_be_read_is_claimed_with_the_reason() {
    let bench = Bench::sqlite().await;
    bench.submit(1).await;
    bench.damage(r#"UPDATE jobs SET request = replace(request, '"v":1', '"v":2')"#).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(claimed.request, Err(PersistedRequestError::Version { found: 2 }));
}
