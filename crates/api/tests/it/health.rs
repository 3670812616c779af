//! Readiness checks, and panics in handlers.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clearcut_api::{Check, Readiness};
use clearcut_job::{OutputFormat, SystemClock};
use clearcut_queue::{Policy, SqliteQueue};

use crate::fixture::{Answer, Server};

/// Panics on the first check.
#[derive(Debug, Default)]
struct PanicsOnce(AtomicBool);

impl Readiness for PanicsOnce {
    fn checks(&self) -> Vec<Check> {
        assert!(self.0.swap(true, Ordering::Relaxed), "a secret path: /home/someone");
        Vec::new()
    }
}

#[tokio::test]
async fn a_panicking_handler_replies_with_an_error_and_later_requests_work() {
    let server = Server::with_readiness(PanicsOnce::default()).await;
    let panicked = server.get("/readyz", "").await;
    assert_eq!(panicked.error(), (500, "INTERNAL_ERROR".to_owned()));
    assert!(!String::from_utf8_lossy(&panicked.bytes).contains("secret"), "{panicked:?}");
    assert_eq!(panicked.header("x-request-id").len(), 16, "the request log and CORS are outside of the panic handler");
    assert_eq!(panicked.header("access-control-allow-origin"), "*");
    assert_eq!(server.get("/readyz", "").await.status, 200);
}

/// Returns the status of `/readyz`, and whether the check `name` passed.
async fn ready(server: &Server, name: &str) -> (u16, bool) {
    let answer: Answer = server.get("/readyz", "").await;
    let json = answer.json();
    let checks = json["data"]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    (answer.status.as_u16(), check["ok"].as_bool().unwrap())
}

#[tokio::test]
async fn readiness_checks_the_disk_on_each_request() {
    let server = Server::new().await;
    assert_eq!(ready(&server, "disk").await, (200, true));
    let aside = server.folder().with_extension("aside");
    fs::rename(server.folder(), &aside).unwrap();
    assert_eq!(ready(&server, "disk").await, (503, false));
    fs::rename(&aside, server.folder()).unwrap();
    assert_eq!(ready(&server, "disk").await, (200, true));
}

#[tokio::test]
async fn readiness_names_the_formats_that_can_be_made() {
    let formats = vec![OutputFormat::Webm, OutputFormat::Poster];
    let server = Server::with(|settings| settings.available_formats = formats).await;
    assert_eq!(server.get("/readyz", "").await.json()["data"]["formats"], serde_json::json!(["webm", "poster"]));
}

#[tokio::test]
async fn a_disk_below_its_floor_is_not_ready() {
    let server = Server::with(|settings| settings.disk_floor_bytes = u64::MAX).await;
    assert_eq!(ready(&server, "disk").await, (503, false));
}

#[tokio::test]
async fn readiness_checks_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clearcut.db");
    let queue = Arc::new(SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap());
    let server = Server::with_queue(queue.clone()).await;
    assert_eq!(ready(&server, "database").await, (200, true));
    queue.close().await;
    assert_eq!(ready(&server, "database").await, (503, false));
}
