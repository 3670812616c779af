//! The routes that cancel, delete and retry a job.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::{JobId, error_line};
use clearcut_queue::{KeyId, QueueError, RetryResult};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{KeyErrors, NoSuchJob},
        field_warning::FieldWarning,
        reply::{ErrorReply, Reply},
    },
    jobs::{
        idempotency::{self, IdempotencyKey},
        shapes::{Job, Submitted},
    },
    random::draw_random,
};

/// A deleted job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    /// Id of the deleted job. It is unknown from now on.
    job_id: String,
}

/// Cancel a job.
///
/// A queued or running job fails with `JOB_CANCELLED` and its processes end at once. A job that has
/// already ended stays as it is. In both cases, the reply is the job.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/cancel", tag = "jobs", operation_id = "cancelJob", security(("key" = [])),
    params(("jobId" = String, Path, description = "The `jobId` that submit returned.")),
    responses(
        (status = 200, description = "The current state of the job.", body = Reply<Job>),
        KeyErrors, NoSuchJob,
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
    Ok(Reply::new(api.job_view(record, &headers).await?))
}

/// Delete a job.
///
/// Permanently deletes the job and its files. A running job is cancelled first. Its usage is kept.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{jobId}", tag = "jobs", operation_id = "deleteJob", security(("key" = [])),
    params(("jobId" = String, Path, description = "The `jobId` that submit returned.")),
    responses(
        (status = 200, description = "The job was deleted.", body = Reply<Removed>),
        KeyErrors, NoSuchJob,
    )
)]
pub(crate) async fn remove(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Removed>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let job_id = id.to_string();
    // Runs on its own task, so that a client that disconnects leaves no object behind.
    let removal = tokio::spawn(async move {
        let object_names = api.queue.remove(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
        for name in object_names {
            if let Err(error) = api.store.delete(&name).await {
                tracing::warn!(error = error_line(&error), %name, "an object is left for the sweep");
            }
        }
        Ok::<_, ApiError>(())
    });
    removal.await.map_err(|_| ApiError::Internal)??;
    Ok(Reply::new(Removed { job_id }))
}

/// Retry a job.
///
/// Runs a job that failed or was cancelled again, as a new job, if its clip is still available. The
/// old job stays as it is; the new job refers to it in `retryOf`. Sending the same request again with
/// the same `Idempotency-Key` creates no second job.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/retry", tag = "jobs", operation_id = "retryJob", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The `jobId` of the failed job."),
        ("Idempotency-Key" = Option<String>, Header, description = "A key that the client generates for this retry: 1-255 visible ASCII characters."),
    ),
    responses(
        (status = 202, description = "The new job was accepted.", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String), ("Idempotent-Replayed" = String))),
        KeyErrors, NoSuchJob,
        (status = 400, description = "Invalid `Idempotency-Key`.", body = ErrorReply),
        (status = 409, description = "The job has not failed, or the first request with this `Idempotency-Key` is under way.", body = ErrorReply),
        (status = 410, description = "The clip of the job is past its retention.", body = ErrorReply),
    )
)]
pub(crate) async fn retry(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let once = IdempotencyKey::read(&headers)?;
    let begin =
        |once: &IdempotencyKey| api.traffic.begin_submit(owner, once.as_str()).ok_or(ApiError::IdempotencyInProgress);
    let _submit_guard = once.as_ref().map(begin).transpose()?;
    let new_id = match &once {
        // Everybody who repeats this retry means the same new job.
        Some(once) => JobId::from_random(once.number_for(&id)),
        None => JobId::from_random(draw_random()?),
    };
    let replayed = || {
        let mut reply = accepted_reply(&api, (owner, &new_id), &headers, Vec::new())?;
        reply.headers_mut().insert(idempotency::IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        Ok(reply)
    };
    if once.is_some() && api.queue.read(owner, &new_id).await?.is_some() {
        return replayed();
    }
    let retried = match api.queue.retry(owner, &id, new_id.clone()).await {
        // Another server has just made it.
        Err(QueueError::Taken) if once.is_some() => return replayed(),
        retried => retried?,
    };
    match retried {
        RetryResult::Accepted => accepted_reply(&api, (owner, &new_id), &headers, Vec::new()),
        RetryResult::Missing => Err(ApiError::JobNotFound),
        RetryResult::NotFailed(state) => Err(ApiError::NotFailed { state }),
        RetryResult::InputGone => Err(ApiError::InputGone),
    }
}

/// The reply for a queued job `id` of `owner`.
pub(crate) fn accepted_reply(
    api: &Api,
    (owner, id): (KeyId, &JobId),
    headers: &HeaderMap,
    warnings: Vec<FieldWarning>,
) -> Result<Response, ApiError> {
    let events_url = api.events_url(owner, id, &api.base_url(headers));
    let location = HeaderValue::try_from(format!("/api/v1/jobs/{id}")).map_err(|_| ApiError::Internal)?;
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, HeaderValue::from_static("2"))];
    let reply = Reply::new(Submitted { job_id: id.to_string(), status: "queued", events_url, warnings });
    Ok((StatusCode::ACCEPTED, headers, reply).into_response())
}
