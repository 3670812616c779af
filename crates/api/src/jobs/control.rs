use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::JobId;
use clearcut_queue::Retrial;
use clearcut_store::ObjectName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::shapes::{Job, Submitted},
    random::draw_random,
};

/// A job was removed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    /// The name of the job, which reads like one that never was from now on.
    job_id: String,
}

/// Cancel a job.
///
/// A job that waits or runs has failed with `JOB_CANCELLED` when this answers; its processes end at once. A job that has
/// ended already stays as it is. The answer is the job either way.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/cancel", tag = "jobs", security(("key" = [])),
    params(("jobId" = String, Path, description = "The name that submit gave")),
    responses(
        (status = 200, description = "The job as it is now", body = Reply<Job>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn cancel(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Reply<Job>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let record = api.queue.cancel(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    Ok(Reply::new(api.show_one(record, &headers).await?))
}

/// Remove a job.
///
/// With its files, for good; it is cancelled before if it runs. What it cost stays in the usage.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{jobId}", tag = "jobs", security(("key" = [])),
    params(("jobId" = String, Path, description = "The name that submit gave")),
    responses(
        (status = 200, description = "The job is gone", body = Reply<Removed>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn remove(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Removed>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let job_id = id.to_string();
    // On a task of its own: a client that vanishes leaves no object behind.
    let removing = tokio::spawn(async move {
        let keys = api.queue.remove(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
        for name in keys.iter().filter_map(|key| key.parse::<ObjectName>().ok()) {
            if let Err(error) = api.store.delete(&name).await {
                tracing::warn!(?error, %name, "an object is left for the sweeper");
            }
        }
        Ok::<_, ApiError>(())
    });
    removing.await.map_err(|_| ApiError::Internal)??;
    Ok(Reply::new(Removed { job_id }))
}

/// Try a job again.
///
/// A job that failed or was cancelled, and whose clip is still kept, is run again as a new job: what has ended stays as it
/// is. The new job names the old one as `retryOf`.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/retry", tag = "jobs", security(("key" = [])),
    params(("jobId" = String, Path, description = "The name of the job that failed")),
    responses(
        (status = 202, description = "The new job is accepted", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String))),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 409, description = "The job has not failed", body = ErrorReply),
        (status = 410, description = "The clip of the job is kept no more", body = ErrorReply),
        (status = 429, description = "Too many requests, or too many jobs in line", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn retry(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let again = JobId::from_random(draw_random()?);
    match api.queue.retry(owner, &id, again.clone()).await? {
        Retrial::Accepted => accepted(&again),
        Retrial::Missing => Err(ApiError::JobNotFound),
        Retrial::NotFailed(state) => Err(ApiError::NotFailed { state }),
        Retrial::InputGone => Err(ApiError::InputGone),
    }
}

/// The answer to a job that is in line.
pub(crate) fn accepted(id: &JobId) -> Result<Response, ApiError> {
    let location = HeaderValue::try_from(format!("/api/v1/jobs/{id}")).map_err(|_| ApiError::Internal)?;
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, HeaderValue::from_static("2"))];
    let reply = Reply::new(Submitted { job_id: id.to_string(), status: "queued" });
    Ok((StatusCode::ACCEPTED, headers, reply).into_response())
}
