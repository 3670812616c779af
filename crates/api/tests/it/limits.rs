//! Rate limits and limits of single API keys.

use clearcut_queue::{KeyHash, KeyLimits};

use crate::fixture::{CLIP, KEY, OTHER_KEY, Part, Server};

async fn set_limits(server: &Server, limits: KeyLimits) {
    let id = server.queue.find_key(KeyHash::of(KEY)).await.unwrap().unwrap().id;
    assert!(server.queue.limit_key(id, limits).await.unwrap());
}

#[tokio::test]
async fn submits_and_other_requests_have_separate_limits_per_api_key() {
    let server = Server::with(|settings| (settings.submits_per_minute, settings.requests_per_minute) = (2, 3)).await;
    let submit = async || server.submit(&[Part::file(CLIP)]).await;
    let accepted = submit().await;
    assert_eq!(accepted.header("ratelimit-policy"), "\"submits\";q=2;w=60");
    assert_eq!(accepted.header("ratelimit"), "\"submits\";r=1;t=30");
    assert_eq!(submit().await.status, 202);
    let refused = submit().await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("30", "\"submits\";r=0;t=60"));
    for left in [2, 1, 0] {
        let read = server.get("/api/v1/jobs", KEY).await;
        assert_eq!(read.status, 200);
        assert!(read.header("ratelimit").starts_with(&format!("\"requests\";r={left};t=")), "{read:?}");
    }
    assert_eq!(server.get("/api/v1/jobs", KEY).await.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(server.get("/api/v1/jobs", OTHER_KEY).await.status, 200);
    // Requests that need no API key are not counted.
    assert_eq!(server.get("/livez", KEY).await.header("ratelimit"), "");
}

#[tokio::test]
async fn a_retry_counts_as_a_submit() {
    let server = Server::with(|settings| settings.submits_per_minute = 2).await;
    let id = server.submit_job().await;
    server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
    let retry = format!("/api/v1/jobs/{id}/retry");
    assert_eq!(server.send("POST", &retry, KEY).await.status, 202);
    assert_eq!(server.send("POST", &retry, KEY).await.error(), (429, "RATE_LIMITED".to_owned()));
}

#[tokio::test]
async fn an_api_key_may_have_its_own_limits() {
    let server = Server::with(|settings| settings.submits_per_minute = 1).await;
    set_limits(&server, KeyLimits { submits_per_minute: Some(3), max_waiting: Some(2), ..KeyLimits::default() }).await;
    server.submit_job().await;
    server.submit_job().await;
    let full = server.submit(&[Part::file(CLIP)]).await;
    assert_eq!(full.error(), (429, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!(full.json()["error"]["details"]["limit"], 2);
    assert_ne!(full.header("retry-after"), "");
    assert_eq!(server.objects().len(), 2, "the clip of the refused submit was not deleted");
}

#[tokio::test]
async fn polling_a_thousand_jobs_every_two_seconds_is_within_the_default_limit() {
    let server = Server::new().await;
    let path = format!("/api/v1/jobs/{}", server.submit_job().await);
    for _ in 0..3000 {
        assert_eq!(server.get(&path, KEY).await.status, 200);
    }
}
