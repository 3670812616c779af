//! Usage by day, and the validation of its parameters.

use std::time::Duration;

use serde_json::json;

use crate::{
    fixture::{KEY, OTHER_KEY, Server},
    reading::complete,
};

#[tokio::test]
async fn usage_is_grouped_by_day_and_outlives_its_jobs() {
    let server = Server::new().await;
    // The clock is at 2024-03-09 16:00.
    for pass_hours in [0, 0, 24] {
        server.pass(Duration::from_hours(pass_hours));
        let claimed = server.submit_and_claim().await;
        complete(&server, &claimed, b"webm").await;
        server.send("DELETE", &format!("/api/v1/jobs/{}", claimed.id), KEY).await;
    }
    let cost = |jobs: u64| {
        json!({"jobs": jobs, "frames": 24 * jobs, "inputBytes": 32 * jobs, "outputBytes": 4 * jobs,
            "processingTimeMs": 12_500 * jobs})
    };
    let day = |date: &str, jobs| {
        let mut day = cost(jobs);
        day["date"] = json!(date);
        day
    };
    let usage = server.get("/api/v1/usage", KEY).await.json()["data"].clone();
    let days = [day("2024-03-09", 2), day("2024-03-10", 1)];
    assert_eq!(usage, json!({"from": "2024-02-10", "to": "2024-03-10", "total": cost(3), "days": days}));
    let one = server.get("/api/v1/usage?from=2024-03-10&to=2024-03-10", KEY).await.json()["data"].clone();
    assert_eq!((&one["total"], &one["days"]), (&cost(1), &json!([day("2024-03-10", 1)])));
    assert_eq!(server.get("/api/v1/usage", OTHER_KEY).await.json()["data"]["total"], cost(0));
}

#[tokio::test]
async fn an_invalid_range_is_refused_with_400() {
    let server = Server::new().await;
    for query in ["from=2024-02-30", "to=yesterday", "from=2024-03-10&to=2024-03-09", "from=2023-03-09&to=2024-03-10"] {
        let answer = server.get(&format!("/api/v1/usage?{query}"), KEY).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "{query}");
    }
    // Before 1970, and beyond the last valid date.
    for query in ["to=0000-01-01", "from=1969-12-31", "to=+999-01-01", "from=9999-12-31&to=9999-12-30"] {
        let answer = server.get(&format!("/api/v1/usage?{query}"), KEY).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "{query}");
    }
    assert_eq!(server.get("/api/v1/usage?to=1970-01-02", KEY).await.json()["data"]["from"], "1970-01-01");
    assert_eq!(server.get("/api/v1/usage?from=2023-03-11&to=2024-03-10", KEY).await.status, 200);
}
