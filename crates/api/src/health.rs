//! Whether the process lives, and whether it gets jobs done.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use clearcut_queue::QueueError;
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use utoipa::ToSchema;

use crate::{Api, http::reply::Reply};

/// One thing that has to be in order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Check {
    /// What it is: `database`, `disk`, `ffmpeg`, `sandbox`, `worker`.
    pub name: &'static str,
    /// Whether it is in order.
    pub ok: bool,
    /// In words, without paths.
    pub detail: String,
}

/// What the program around the API knows of its own health: the tools that the API cannot reach.
pub trait Readiness: Send + Sync + std::fmt::Debug {
    /// The checks, quickly: what takes long is asked at the start and remembered.
    fn checks(&self) -> Vec<Check>;
}

/// The health of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ready` or `unready`.
    status: &'static str,
    /// Each check.
    checks: Vec<Check>,
}

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `alive`.
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "It lives", body = Reply<Alive>)))]
pub(crate) async fn livez() -> Reply<Alive> {
    Reply::new(Alive { status: "alive" })
}

/// Whether the server takes jobs and gets them done.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "All checks are in order", body = Reply<Health>),
        (status = 503, description = "Some check is not", body = Reply<Health>),
    )
)]
pub(crate) async fn readyz(State(api): State<Api>, Extension(probe): Extension<WriteProbe>) -> Response {
    let mut checks = vec![check_database(&api, &probe).await, check_disk(&api).await];
    checks.extend(api.readiness.checks());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health { status: if ready { "ready" } else { "unready" }, checks };
    (status, Json(Reply::new(health))).into_response()
}

/// Whether the database takes what is written, asked once for all who want to know at about the same time: anybody may ask, and each
/// time costs a write to the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteProbe(Arc<Mutex<Option<Written>>>);

/// When something was written, and what came of it.
type Written = (Instant, Result<(), &'static str>);

/// How long an answer counts.
const PROBE_SPAN: Duration = Duration::from_secs(1);

/// How long the database may take.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

impl WriteProbe {
    async fn ask(&self, api: &Api) -> Result<(), &'static str> {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.filter(|(asked, _)| asked.elapsed() < PROBE_SPAN) {
            return answer;
        }
        let answer = match tokio::time::timeout(PROBE_PATIENCE, api.queue.try_writing()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(QueueError::DiskFull)) => Err("its disk is full"),
            Ok(Err(QueueError::ReadOnly)) => Err("its file system is read-only"),
            Ok(Err(error)) => {
                tracing::error!(?error, "the database takes nothing");
                Err("it takes nothing")
            }
            Err(_) => Err("it does not answer"),
        };
        *last = Some((Instant::now(), answer));
        answer
    }
}

async fn check_database(api: &Api, probe: &WriteProbe) -> Check {
    let failed = |detail: &str| Check { name: "database", ok: false, detail: detail.to_owned() };
    if let Err(reason) = probe.ask(api).await {
        return failed(reason);
    }
    match api.queue.depth().await {
        Ok(depth) => {
            let detail = format!("{} jobs wait, {} run", depth.queued, depth.leased);
            Check { name: "database", ok: true, detail }
        }
        Err(error) => {
            tracing::error!(?error, "the database does not answer");
            failed("it does not answer")
        }
    }
}

async fn check_disk(api: &Api) -> Check {
    let floor = api.settings.disk_floor_bytes;
    match api.store.free_bytes().await {
        Ok(Some(free)) => {
            let detail = format!("{} MiB free, at least {} MiB wanted", free >> 20, floor >> 20);
            Check { name: "disk", ok: free >= floor, detail }
        }
        Ok(None) => Check { name: "disk", ok: true, detail: "objects lie elsewhere".to_owned() },
        Err(_) => Check { name: "disk", ok: false, detail: "it cannot be read".to_owned() },
    }
}
