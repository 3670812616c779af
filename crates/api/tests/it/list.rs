//! Listing jobs: pages, filters and invalid parameters.

use std::time::Duration;

use clearcut_job::JobId;
use serde_json::Value;

use crate::fixture::{KEY, OTHER_KEY, Server};

async fn page(server: &Server, query: &str) -> (Vec<JobId>, Value) {
    let answer = server.get(&format!("/api/v1/jobs{query}"), KEY).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = answer.json()["data"].clone();
    let ids = data["jobs"].as_array().unwrap().iter().map(|job| job["jobId"].as_str().unwrap().parse().unwrap());
    (ids.collect(), data["nextCursor"].clone())
}

#[tokio::test]
async fn pages_have_no_gaps_or_duplicates_while_new_jobs_arrive() {
    let server = Server::new().await;
    let mut submitted = Vec::new();
    for _ in 0..7 {
        submitted.push(server.submit_job().await);
        server.pass(Duration::from_millis(1));
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let (ids, next) = page(&server, &query).await;
        seen.extend(ids);
        server.pass(Duration::from_millis(1));
        server.submit_job().await;
        let Some(cursor) = next.as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    submitted.reverse();
    assert_eq!(seen, submitted);
}

#[tokio::test]
async fn a_list_has_each_job_as_reading_it_returns_and_none_of_other_api_keys() {
    let server = Server::new().await;
    let first = server.submit_and_claim().await;
    server.pass(Duration::from_secs(2));
    let second = server.submit_job().await;
    let listed = server.get("/api/v1/jobs", KEY).await.json()["data"]["jobs"].clone();
    for (index, id) in [&second, &first.id].into_iter().enumerate() {
        let read = server.get(&format!("/api/v1/jobs/{id}"), KEY).await.json()["data"].clone();
        assert_eq!(listed[index], read);
    }
    assert_eq!(page(&server, "?status=submitted").await.0, std::slice::from_ref(&first.id));
    // Both jobs were created in the middle of a second, the first one within the second given.
    assert_eq!(page(&server, "?createdAfter=1710000000").await.0, std::slice::from_ref(&second));
    assert_eq!(page(&server, "?createdBefore=1710000000").await.0, []);
    assert_eq!(page(&server, "?createdBefore=1710000001").await.0, std::slice::from_ref(&first.id));
    assert_eq!(page(&server, "?createdBefore=2024-03-10&createdAfter=2024-03-09T16:00:00Z").await.0, [second]);
    assert_eq!(page(&server, "?createdAfter=1709999999&limit=1&somethingNewer=1").await.0.len(), 1);
    // The first second is 2024-03-09T16:00:00Z.
    for (moment, count) in [("2024-03-09", 2), ("2024-03-09T17:00:00+01:00", 1), ("2024-03-10", 0)] {
        assert_eq!(page(&server, &format!("?createdAfter={moment}")).await.0.len(), count, "{moment}");
    }
    let others = server.get("/api/v1/jobs", OTHER_KEY).await.json();
    assert_eq!(others["data"], serde_json::json!({"jobs": [], "nextCursor": null}));
}

#[tokio::test]
async fn an_invalid_parameter_is_refused_with_400_and_named() {
    let server = Server::new().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=5", "limit"),
        ("status=done", "status"),
        ("status=", "status"),
        ("createdAfter=yesterday", "createdAfter"),
        ("createdAfter=-1", "createdAfter"),
        ("createdAfter=253402300800", "createdAfter"),
        ("createdBefore=tomorrow", "createdBefore"),
        ("cursor=x", "cursor"),
        ("cursor=MTpqZA", "cursor"),
    ] {
        let answer = server.get(&format!("/api/v1/jobs?{query}"), KEY).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "{query}");
        assert_eq!(answer.json()["error"]["details"]["field"], field, "{query}");
        let is_told_both = |text: &str| text.contains("seconds since 1970") && text.contains("ISO 8601");
        assert!(
            !field.starts_with("created") || is_told_both(&answer.json()["error"]["message"].to_string()),
            "{query}"
        );
    }
}
