use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clearcut_api::{Check, Readiness};
use clearcut_job::SystemClock;
use clearcut_queue::{Policy, SqliteQueue};

use crate::fixture::{Answer, Server};

/// Panics when it is asked for the first time.
#[derive(Debug, Default)]
struct PanicsOnce(AtomicBool);

impl Readiness for PanicsOnce {
    fn checks(&self) -> Vec<Check> {
        assert!(self.0.swap(true, Ordering::Relaxed), "a secret path: /home/someone");
        Vec::new()
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_is_an_error_in_its_envelope_and_the_next_request_works() {
    let server = Server::with_readiness(PanicsOnce::default()).await;
    let panicked = server.get("/readyz", "").await;
    assert_eq!(panicked.error(), (500, "INTERNAL_ERROR".to_owned()));
    assert!(!String::from_utf8_lossy(&panicked.bytes).contains("secret"), "{panicked:?}");
    assert_eq!(panicked.header("x-request-id").len(), 16, "the log and CORS lie around the end of panics");
    assert_eq!(panicked.header("access-control-allow-origin"), "*");
    assert_eq!(server.get("/readyz", "").await.status, 200);
}

/// Status of `/readyz`, and whether the check `name` is in order.
async fn ready(server: &Server, name: &str) -> (u16, bool) {
    let answer: Answer = server.get("/readyz", "").await;
    let json = answer.json();
    let checks = json["data"]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    (answer.status.as_u16(), check["ok"].as_bool().unwrap())
}

#[tokio::test]
async fn the_disk_is_looked_at_each_time() {
    let server = Server::new().await;
    assert_eq!(ready(&server, "disk").await, (200, true));
    let aside = server.folder().with_extension("aside");
    fs::rename(server.folder(), &aside).unwrap();
    assert_eq!(ready(&server, "disk").await, (503, false));
    fs::rename(&aside, server.folder()).unwrap();
    assert_eq!(ready(&server, "disk").await, (200, true));
}

#[tokio::test]
async fn a_disk_below_its_floor_is_not_ready() {
    let server = Server::with(|settings| settings.disk_floor_bytes = u64::MAX).await;
    assert_eq!(ready(&server, "disk").await, (503, false));
}

#[tokio::test]
async fn the_database_is_asked_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clearcut.db");
    let queue = Arc::new(SqliteQueue::open(&path, Arc::new(SystemClock), Policy::default()).await.unwrap());
    let server = Server::with_queue(queue.clone()).await;
    assert_eq!(ready(&server, "database").await, (200, true));
    queue.close().await;
    assert_eq!(ready(&server, "database").await, (503, false));
}
