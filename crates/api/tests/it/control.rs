//! Cancelling, deleting and retrying jobs, and the estimates of queued jobs.

use std::time::Duration;

use axum::{body::Body, http::Request};
use clearcut_job::{Failure, FailureCode, JobId, WorkerId};
use clearcut_queue::Ending;
use serde_json::json;

use crate::{
    fixture::{KEY, OTHER_KEY, Server},
    reading::complete,
};

#[tokio::test]
async fn a_cancelled_job_reads_as_failed_and_cancelling_again_changes_nothing() {
    let server = Server::new().await;
    let running = server.submit_and_claim().await.id;
    let waiting = server.submit_job().await;
    for id in [running, waiting] {
        let cancelled = server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
        assert_eq!(cancelled.status, 200);
        let job = cancelled.json()["data"].clone();
        assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("JOB_CANCELLED")));
        server.pass(Duration::from_mins(1));
        assert_eq!(server.get(&format!("/api/v1/jobs/{id}"), KEY).await.json()["data"], job);
        assert_eq!(server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await.json()["data"], job);
    }
}

#[tokio::test]
async fn a_completed_job_stays_completed_when_it_is_cancelled() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    complete(&server, &claimed, b"webm").await;
    let answer = server.send("POST", &format!("/api/v1/jobs/{}/cancel", claimed.id), KEY).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["status"]), (200, &json!("completed")));
}

#[tokio::test]
async fn a_deleted_job_is_gone_with_its_files_and_links() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    complete(&server, &claimed, b"webm").await;
    let path = format!("/api/v1/jobs/{}", claimed.id);
    let url = server.get(&path, KEY).await.json()["data"]["result"]["outputUrl"].as_str().unwrap().to_owned();
    let link = url.strip_prefix("http://localhost").unwrap();
    assert_eq!((server.get(link, "").await.status.as_u16(), server.objects().len()), (200, 2));
    assert_eq!(server.send("DELETE", &path, OTHER_KEY).await.error(), (404, "JOB_NOT_FOUND".to_owned()));
    let removed = server.send("DELETE", &path, KEY).await;
    assert_eq!((removed.status.as_u16(), &removed.json()["data"]), (200, &json!({"jobId": claimed.id})));
    assert_eq!(server.get(link, "").await.error(), (404, "FILE_GONE".to_owned()));
    server.assert_empty("deleting the job").await;
    for (method, rest) in
        [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/events"), ("GET", "?wait=1")]
    {
        let answer = server.send(method, &format!("{path}{rest}"), KEY).await;
        assert_eq!(answer.error(), (404, "JOB_NOT_FOUND".to_owned()), "{method} {rest}");
    }
}

#[tokio::test]
async fn a_failed_job_is_retried_as_a_new_job_that_refers_to_it() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let retry = format!("/api/v1/jobs/{}/retry", claimed.id);
    let early = server.send("POST", &retry, KEY).await;
    assert_eq!(early.error(), (409, "JOB_NOT_FAILED".to_owned()));
    assert_eq!(early.json()["error"]["details"]["status"], "submitted");
    let failure = Failure::new(FailureCode::Timeout, "the cut took too long");
    server.queue.finish(&claimed.id, claimed.token, Ending::Failed(failure)).await.unwrap();

    let retried = server.send("POST", &retry, KEY).await;
    assert_eq!(retried.status, 202);
    let retry_id = retried.json()["data"]["jobId"].as_str().unwrap().to_owned();
    assert_ne!(retry_id, claimed.id.to_string());
    assert_eq!(retried.header("location"), format!("/api/v1/jobs/{retry_id}"));
    let job = server.get(&format!("/api/v1/jobs/{retry_id}"), KEY).await.json()["data"].clone();
    assert_eq!((&job["status"], &job["retryOf"]), (&json!("queued"), &json!(claimed.id)));
    assert_eq!(server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json()["data"]["status"], "failed");

    // Both jobs share the clip, which is kept until the last of them is deleted.
    server.send("DELETE", &format!("/api/v1/jobs/{}", claimed.id), KEY).await;
    let next = server.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
    assert_eq!((next.id.to_string(), &next.input), (retry_id, &claimed.input));
    complete(&server, &next, b"webm").await;
    assert_eq!(server.objects().len(), 2);
    server.send("DELETE", &format!("/api/v1/jobs/{}", next.id), KEY).await;
    server.assert_empty("deleting both jobs").await;
}

#[tokio::test]
async fn a_retry_that_is_repeated_with_its_key_creates_one_job() {
    let server = Server::new().await;
    let (first, other) = (server.submit_job().await, server.submit_job().await);
    for id in [&first, &other] {
        server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
    }
    let retry = |id: &JobId, once: &str| {
        let request =
            Request::post(format!("/api/v1/jobs/{id}/retry")).header("authorization", format!("Bearer {KEY}"));
        server.ask(request.header("idempotency-key", once).body(Body::empty()).unwrap())
    };
    let retried = retry(&first, "a").await;
    assert_eq!((retried.status.as_u16(), retried.header("idempotent-replayed")), (202, ""));
    let new_id = retried.json()["data"]["jobId"].clone();
    // Also when the new job has ended.
    server.send("POST", &format!("/api/v1/jobs/{}/cancel", new_id.as_str().unwrap()), KEY).await;
    let again = retry(&first, "a").await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    assert_eq!((&again.json()["data"]["jobId"], server.queue.depth().await.unwrap().queued), (&new_id, 0));
    // Another key, or the same one for another job, is another retry.
    assert_ne!(retry(&first, "b").await.json()["data"]["jobId"], new_id);
    assert_ne!(retry(&other, "a").await.json()["data"]["jobId"], new_id);
    assert_eq!(server.queue.depth().await.unwrap().queued, 2);
    assert_eq!(retry(&first, "").await.error(), (400, "INVALID_REQUEST".to_owned()));
}

#[tokio::test]
async fn a_job_whose_clip_has_expired_cannot_be_retried() {
    let server = Server::new().await;
    let id = server.submit_job().await;
    server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
    server.pass(Duration::from_hours(24 * 365));
    assert_eq!(server.queue.forget_expired().await.unwrap().len(), 1);
    let answer = server.send("POST", &format!("/api/v1/jobs/{id}/retry"), KEY).await;
    assert_eq!(answer.error(), (410, "INPUT_GONE".to_owned()));
}

#[tokio::test]
async fn queued_jobs_report_their_position_and_estimated_start() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    complete(&server, &claimed, b"webm").await; // with a processing time of 12.5 s
    server.submit_and_claim().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(server.submit_job().await);
    }
    for (place, wait_secs, id) in [(1, 6, &waiting[0]), (2, 19, &waiting[1]), (3, 31, &waiting[2])] {
        let job = server.get(&format!("/api/v1/jobs/{id}"), KEY).await.json()["data"].clone();
        // The clock is at half a second, and the waits are 6.25, 18.75 and 31.25 s.
        let start = json!(1_710_000_000 + wait_secs);
        assert_eq!((&job["queuePosition"], &job["estimatedStartAt"]), (&json!(place), &start), "{job}");
    }
}
