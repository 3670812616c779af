//! Webhook endpoints, their secrets, and deliveries.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use clearcut_job::JobId;
use clearcut_queue::{AfterAttempt, Answer as Reply, Attempt, ClaimedDelivery, NoAnswer};
use serde_json::{Value, json};

use crate::fixture::{Answer, CLIP, KEY, OTHER_KEY, Part, Server};

const URL: &str = "https://hooks.example.com/clearcut?token=1";

async fn ask(server: &Server, method: Method, path: &str, key: &str, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::AUTHORIZATION, format!("Bearer {key}")).header(header::HOST, "cut.example");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    }
    server.ask(request.body(body.map_or(Body::empty(), |body| body.to_string().into())).unwrap()).await
}

async fn create(server: &Server, body: Value) -> Value {
    let answer = ask(server, Method::POST, "/api/v1/webhooks", KEY, Some(body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["data"].clone()
}

async fn data(server: &Server, method: Method, path: &str) -> Value {
    let answer = ask(server, method, path, KEY, None).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer.json()["data"].clone()
}

/// Records an attempt for the next delivery that is due.
async fn attempt(server: &Server, answer: Reply, then: AfterAttempt) -> ClaimedDelivery {
    let next = server.queue.claim_delivery(9).await.unwrap().unwrap();
    let attempt = Attempt { answer, latency: Duration::from_millis(12) };
    server.queue.record_attempt(&next.id, next.claim, attempt, then).await.unwrap();
    next
}

/// Submits a job with a `webhookUrl` and starts it.
async fn started(server: &Server) -> String {
    let submitted = server.submit(&[Part::file(CLIP), Part::text("webhookUrl", URL)]).await;
    assert_eq!(submitted.status, 202, "{submitted:?}");
    let claimed = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap().unwrap();
    server.queue.start(&claimed.id, claimed.token).await.unwrap();
    claimed.id.to_string()
}

#[tokio::test]
async fn an_endpoint_is_created_listed_changed_and_deleted() {
    let server = Server::new().await;
    let created =
        create(&server, json!({ "url": URL, "events": ["job.failed", "job.completed"], "description": "ours" })).await;
    let id = created["webhookId"].as_str().unwrap().to_owned();
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"), "{created}");
    let mut expected = json!({
        "webhookId": id, "url": URL, "events": ["job.completed", "job.failed"], "description": "ours", "enabled": true,
        "disabledReason": null, "createdAt": 1_710_000_000,
    });
    let path = format!("/api/v1/webhooks/{id}");
    assert_eq!(data(&server, Method::GET, "/api/v1/webhooks").await, json!({ "webhooks": [expected.clone()] }));
    assert_eq!(data(&server, Method::GET, &path).await, expected);
    let change = json!({ "enabled": false, "url": "https://other.example/", "events": ["job.started"] });
    let changed = ask(&server, Method::PATCH, &path, KEY, Some(change)).await;
    expected["enabled"] = false.into();
    expected["disabledReason"] = "owner".into();
    expected["url"] = "https://other.example/".into();
    expected["events"] = json!(["job.started"]);
    assert_eq!(changed.json()["data"], expected);
    let test = ask(&server, Method::POST, &format!("{path}/test"), KEY, None).await;
    assert_eq!(test.error(), (409, "WEBHOOK_DISABLED".into()));
    let deleted = data(&server, Method::DELETE, &path).await;
    assert_eq!(deleted, json!({ "webhookId": id, "deleted": true }));
    let gone = ask(&server, Method::GET, &path, KEY, None).await;
    assert_eq!(gone.error(), (404, "WEBHOOK_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_rotated_secret_is_reported_with_the_previous_one_for_a_day() {
    let server = Server::new().await;
    let created = create(&server, json!({ "url": URL })).await;
    let path = format!("/api/v1/webhooks/{}/secret", created["webhookId"].as_str().unwrap());
    for (path, first) in [(path.as_str(), Some(&created["secret"])), ("/api/v1/webhooks/secret", None)] {
        let read = data(&server, Method::GET, path).await;
        assert!(first.is_none_or(|first| read["secret"] == *first), "{read}");
        assert_eq!((&read["previousSecret"], &read["previousUntil"]), (&Value::Null, &Value::Null));
        assert_eq!(data(&server, Method::GET, path).await, read);
        let rotated = data(&server, Method::POST, &format!("{path}/rotate")).await;
        assert_eq!(rotated["previousSecret"], read["secret"]);
        assert_ne!(rotated["secret"], read["secret"]);
        assert_eq!(data(&server, Method::GET, path).await, rotated);
        server.pass(Duration::from_hours(24));
        let after = data(&server, Method::GET, path).await;
        assert_eq!((&after["secret"], &after["previousSecret"]), (&rotated["secret"], &Value::Null));
    }
}

#[tokio::test]
async fn the_deliveries_of_a_job_record_the_replies_of_its_receiver() {
    let server = Server::new().await;
    let id = started(&server).await;
    let path = format!("/api/v1/jobs/{id}/deliveries");
    let none = Reply::None(NoAnswer::TooSlow);
    let sent = attempt(&server, none, AfterAttempt::RetryIn(Duration::from_secs(5))).await;
    assert_eq!(sent.destination.link_base, "http://localhost");
    server.pass(Duration::from_secs(5));
    let teapot = Reply::Status { status: 418, reply: "short and stout".into() };
    attempt(&server, teapot, AfterAttempt::GiveUp).await;
    let mut expected = json!({
        "deliveryId": sent.id.to_string(), "event": "job.started", "happenedAt": 1_710_000_000, "webhookId": null, "url": URL,
        "status": "failed", "nextAttemptAt": null, "attempts": [
            { "at": 1_710_000_000, "latencyMs": 12, "status": null, "error": "TOO_SLOW", "reply": null },
            { "at": 1_710_000_005, "latencyMs": 12, "status": 418, "error": null, "reply": "short and stout" },
        ],
    });
    assert_eq!(data(&server, Method::GET, &path).await, json!({ "deliveries": [expected.clone()] }));
    let again = ask(&server, Method::POST, &format!("{path}/{}/redeliver", sent.id), KEY, None).await;
    assert_eq!(again.status, 202);
    expected["status"] = "pending".into();
    expected["nextAttemptAt"] = 1_710_000_005.into();
    assert_eq!(again.json()["data"], expected);
    let resent = attempt(&server, Reply::Status { status: 200, reply: String::new() }, AfterAttempt::Delivered).await;
    assert_eq!((resent.id, resent.tries), (sent.id, 1));
}

#[tokio::test]
async fn webhook_urls_that_must_not_be_reached_are_refused() {
    let server = Server::new().await;
    let urls = [
        "clip",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "http://127.0.0.1/",
        "http://127.1:80/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1./",
        "http://localhost:3000/hook",
        "http://api.localhost/",
    ];
    for url in urls {
        let refused = ask(&server, Method::POST, "/api/v1/webhooks", KEY, Some(json!({ "url": url }))).await;
        assert_eq!(refused.error(), (400, "INVALID_URL".into()), "{url}");
        assert_eq!(refused.json()["error"]["details"]["field"], "url");
        let refused = server.submit(&[Part::text("webhookUrl", url), Part::file(CLIP)]).await;
        assert_eq!(refused.error(), (400, "INVALID_URL".into()), "{url}");
        server.assert_empty(url).await;
    }
    assert_eq!(data(&server, Method::GET, "/api/v1/webhooks").await, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn an_invalid_webhook_body_is_refused() {
    let server = Server::new().await;
    for body in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "url": 1 }),
        json!({ "url": URL, "events": "job.failed" }),
        json!({ "url": URL, "events": [] }),
        json!({ "url": URL, "events": ["job.ended"] }),
        json!({ "url": URL, "events": ["webhook.test"] }),
        json!({ "url": URL, "events": ["job.failed", "job.failed"] }),
        json!({ "url": URL, "description": "x".repeat(201) }),
    ] {
        let refused = ask(&server, Method::POST, "/api/v1/webhooks", KEY, Some(body.clone())).await;
        assert_eq!(refused.error(), (400, "INVALID_REQUEST".into()), "{body}");
    }
    let long = ask(&server, Method::POST, "/api/v1/webhooks", KEY, Some(json!({ "url": "x".repeat(20_000) }))).await;
    assert_eq!(long.error(), (413, "FILE_TOO_LARGE".into()));
    let form = ask(&server, Method::POST, "/api/v1/webhooks", KEY, None).await;
    assert_eq!(form.error(), (415, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn another_api_key_can_neither_read_nor_change_webhooks() {
    let server = Server::new().await;
    let created = create(&server, json!({ "url": URL })).await;
    let webhook = format!("/api/v1/webhooks/{}", created["webhookId"].as_str().unwrap());
    let job = started(&server).await;
    let listed = data(&server, Method::GET, &format!("/api/v1/jobs/{job}/deliveries")).await;
    let delivery = listed["deliveries"][0]["deliveryId"].as_str().unwrap().to_owned();
    let job: JobId = job.parse().unwrap();
    for (method, path, code) in [
        (Method::GET, webhook.clone(), "WEBHOOK_NOT_FOUND"),
        (Method::DELETE, webhook.clone(), "WEBHOOK_NOT_FOUND"),
        (Method::GET, format!("{webhook}/secret"), "WEBHOOK_NOT_FOUND"),
        (Method::POST, format!("{webhook}/secret/rotate"), "WEBHOOK_NOT_FOUND"),
        (Method::POST, format!("{webhook}/test"), "WEBHOOK_NOT_FOUND"),
        (Method::GET, format!("{webhook}/deliveries"), "WEBHOOK_NOT_FOUND"),
        (Method::GET, format!("/api/v1/jobs/{job}/deliveries"), "JOB_NOT_FOUND"),
        (Method::POST, format!("/api/v1/jobs/{job}/deliveries/{delivery}/redeliver"), "DELIVERY_NOT_FOUND"),
    ] {
        let refused = ask(&server, method.clone(), &path, OTHER_KEY, None).await;
        assert_eq!(refused.error(), (404, code.into()), "{method} {path}");
    }
    let change = ask(&server, Method::PATCH, &webhook, OTHER_KEY, Some(json!({ "enabled": false }))).await;
    assert_eq!(change.error(), (404, "WEBHOOK_NOT_FOUND".into()));
    assert_eq!(data(&server, Method::GET, &webhook).await["enabled"], true);
    let other_secret = ask(&server, Method::GET, "/api/v1/webhooks/secret", OTHER_KEY, None).await.json();
    assert_ne!(other_secret["data"], data(&server, Method::GET, "/api/v1/webhooks/secret").await);
}
