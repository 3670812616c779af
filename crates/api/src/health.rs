//! Liveness and readiness: whether the process runs, and whether it can process jobs.

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

use crate::{
    Api, Check,
    http::{reply::Reply, vocabulary::HealthStatus},
};

/// The health of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ready` if all checks passed.
    #[schema(value_type = HealthStatus)]
    status: &'static str,
    /// All checks.
    checks: Vec<Check>,
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
pub(crate) async fn readyz(State(api): State<Api>, Extension(probe): Extension<WriteProbe>) -> Response {
    let mut checks = vec![check_database(&api, &probe).await, check_disk(&api).await];
    checks.extend(api.readiness.checks());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health { status: if ready { "ready" } else { "unready" }, checks };
    (status, Json(Reply::new(health))).into_response()
}

/// Cached probe of writes to the database. Concurrent requests share one result, because `/readyz`
/// needs no API key and each probe costs a write to the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteProbe(Arc<Mutex<Option<ProbeResult>>>);

/// The time of a probe and its result.
type ProbeResult = (Instant, Result<(), &'static str>);

/// Lifetime of a cached result.
const PROBE_TTL: Duration = Duration::from_secs(1);

/// Timeout of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

impl WriteProbe {
    async fn check(&self, api: &Api) -> Result<(), &'static str> {
        let mut last = self.0.lock().await;
        if let Some((_, result)) = last.filter(|(probed_at, _)| probed_at.elapsed() < PROBE_TTL) {
            return result;
        }
        let result = match tokio::time::timeout(PROBE_TIMEOUT, api.queue.try_writing()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(QueueError::DiskFull)) => Err("the disk is full"),
            Ok(Err(QueueError::ReadOnly)) => Err("the file system is read-only"),
            Ok(Err(error)) => {
                tracing::error!(?error, "the database cannot be written");
                Err("writes fail")
            }
            Err(_) => Err("the database does not respond"),
        };
        *last = Some((Instant::now(), result));
        result
    }
}

async fn check_database(api: &Api, probe: &WriteProbe) -> Check {
    let failed = |detail: &str| Check { name: "database", ok: false, detail: detail.to_owned() };
    if let Err(reason) = probe.check(api).await {
        return failed(reason);
    }
    match api.queue.depth().await {
        Ok(depth) => {
            let detail = format!("{} jobs queued, {} running", depth.queued, depth.leased);
            Check { name: "database", ok: true, detail }
        }
        Err(error) => {
            tracing::error!(?error, "the database does not respond");
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
