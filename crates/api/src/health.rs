use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, reply::Reply};

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
pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    let mut checks = vec![check_database(&api).await, check_disk(&api).await];
    checks.extend(api.readiness.checks());
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health { status: if ready { "ready" } else { "unready" }, checks };
    (status, Json(Reply::new(health))).into_response()
}

async fn check_database(api: &Api) -> Check {
    match api.queue.depth().await {
        Ok(depth) => {
            let detail = format!("{} jobs wait, {} run", depth.queued, depth.leased);
            Check { name: "database", ok: true, detail }
        }
        Err(error) => {
            tracing::error!(?error, "the database does not answer");
            Check { name: "database", ok: false, detail: "it does not answer".to_owned() }
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
