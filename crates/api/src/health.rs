//! Liveness and readiness: whether the process runs, and whether it can process jobs.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use clearcut_job::error_line;
use clearcut_queue::QueueError;
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use utoipa::ToSchema;

use crate::{
    Api, Check,
    http::{
        reply::Reply,
        vocabulary::{HealthStatus, OutputFormat},
    },
};

/// The health of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ready` if all checks passed.
    #[schema(value_type = HealthStatus)]
    status: &'static str,
    /// All checks.
    checks: Vec<Check>,
    /// The formats that jobs with a clip can have here. One that the server's ffmpeg cannot write is left out.
    #[schema(value_type = Vec<OutputFormat>)]
    formats: Vec<&'static str>,
}

/// Liveness of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `alive`.
    status: &'static str,
}

/// Check liveness.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "checkLiveness", responses((status = 200, description = "The process is alive.", body = Reply<Alive>)))]
pub(crate) async fn livez() -> Reply<Alive> {
    Reply::new(Alive { status: "alive" })
}

/// Check readiness.
///
/// Reports whether the server can accept and process jobs, with the result of each check.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "checkReadiness",
    responses(
        (status = 200, description = "All checks passed.", body = Reply<Health>),
        (status = 503, description = "At least one check failed.", body = Reply<Health>),
    )
)]
pub(crate) async fn readyz(State(api): State<Api>, Extension(probes): Extension<Probes>) -> Response {
    let (database, store) = tokio::join!(check_database(&api, &probes), check_store(&api, &probes));
    let mut checks = vec![database, store, check_disk(&api).await];
    checks.extend(api.readiness.checks());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let formats = api.settings.available_formats.iter().map(|format| format.name()).collect();
    let health = Health { status: if ready { "ready" } else { "unready" }, checks, formats };
    (status, Json(Reply::new(health))).into_response()
}

/// Cached probes of writes to the database and the store. Concurrent requests share one result,
/// because `/readyz` needs no API key and each probe costs a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probes {
    database: Probe,
    store: Probe,
}

#[derive(Debug, Clone, Default)]
struct Probe(Arc<Mutex<Option<ProbeResult>>>);

/// The time of a probe and its result.
type ProbeResult = (Instant, Result<(), String>);

/// Lifetime of a cached result. A store may charge for requests.
const DATABASE_TTL: Duration = Duration::from_secs(1);
const STORE_TTL: Duration = Duration::from_secs(5);

/// Timeout of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

impl Probe {
    /// The result of `run`, or of an earlier call that is not older than `ttl`.
    async fn result(&self, ttl: Duration, run: impl Future<Output = Result<(), String>>) -> Result<(), String> {
        let mut last = self.0.lock().await;
        if let Some((_, result)) = last.as_ref().filter(|(probed_at, _)| probed_at.elapsed() < ttl) {
            return result.clone();
        }
        let result = tokio::time::timeout(PROBE_TIMEOUT, run).await;
        let result = result.unwrap_or_else(|_| Err("no answer within five seconds".to_owned()));
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

async fn write_to_database(api: &Api) -> Result<(), String> {
    let reason = match api.queue.try_writing().await {
        Ok(()) => return Ok(()),
        Err(QueueError::DiskFull) => "the disk is full",
        Err(QueueError::ReadOnly) => "the file system is read-only",
        Err(error) => {
            tracing::error!(error = error_line(&error), "the database cannot be written");
            "writes fail"
        }
    };
    Err(reason.to_owned())
}

async fn write_to_store(api: &Api) -> Result<(), String> {
    // What a folder lacks, the check of the disk says.
    if !api.store.is_remote() {
        return Ok(());
    }
    api.store.check().await.map_err(|error| {
        tracing::error!(error = error_line(&error), "the store cannot be used");
        error.to_string()
    })
}

async fn check_store(api: &Api, probes: &Probes) -> Check {
    let probed = probes.store.result(STORE_TTL, write_to_store(api)).await;
    let detail = if api.store.is_remote() { "objects are written, read and deleted" } else { "a folder on the disk" };
    Check { name: "store", ok: probed.is_ok(), detail: probed.err().unwrap_or_else(|| detail.to_owned()) }
}

async fn check_database(api: &Api, probes: &Probes) -> Check {
    let failed = |detail: &str| Check { name: "database", ok: false, detail: detail.to_owned() };
    if let Err(reason) = probes.database.result(DATABASE_TTL, write_to_database(api)).await {
        return failed(&reason);
    }
    match api.queue.depth().await {
        Ok(depth) => {
            let detail = format!("{} jobs queued, {} running", depth.queued, depth.leased);
            Check { name: "database", ok: true, detail }
        }
        Err(error) => {
            tracing::error!(error = error_line(&error), "the database does not respond");
            failed("the database does not respond")
        }
    }
}

async fn check_disk(api: &Api) -> Check {
    let floor = api.settings.disk_floor_bytes;
    match api.store.free_bytes().await {
        Ok(Some(free)) => {
            let detail = format!("{} MiB free, at least {} MiB required", free >> 20, floor >> 20);
            Check { name: "disk", ok: free >= floor, detail }
        }
        Ok(None) => Check { name: "disk", ok: true, detail: "objects are stored elsewhere".to_owned() },
        Err(_) => Check { name: "disk", ok: false, detail: "free space cannot be read".to_owned() },
    }
}
