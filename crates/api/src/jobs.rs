use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::JobId;
use clearcut_queue::{InputPointer, KeyId, NewJob};

use crate::{
    Api, ApiError,
    caller::Caller,
    intake::{TakenIn, take_in},
    reply::{ErrorReply, Reply},
    shapes::{Job, SubmitForm, Submitted},
};

/// Submit a job.
///
/// Answers as soon as the clip and the job are safe on the disk; read the job until it has ended.
#[utoipa::path(
    post, path = "/api/v1/jobs/video/remove-background", tag = "jobs", security(("key" = [])),
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "The job is accepted", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String))),
        (status = 400, description = "A field or the file is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 413, description = "The request is too large", body = ErrorReply),
        (status = 415, description = "The body is not multipart/form-data", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let id = accept(&api, owner, request).await?;
    let location = HeaderValue::try_from(format!("/api/v1/jobs/{id}")).map_err(|_| ApiError::Internal)?;
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, HeaderValue::from_static("2"))];
    let reply = Reply::new(Submitted { job_id: id.to_string(), status: "queued" });
    Ok((StatusCode::ACCEPTED, headers, reply).into_response())
}

/// Takes the request in and puts its job in line.
pub(crate) async fn accept(api: &Api, owner: KeyId, request: Request) -> Result<JobId, ApiError> {
    let TakenIn { request, stored, webhook } = take_in(api, request).await?;
    let id = JobId::from_random(draw_random()?);
    let input =
        InputPointer { key: stored.name.as_str().to_owned(), size_bytes: stored.size_bytes, sha256: stored.sha256 };
    let job = NewJob { id: id.clone(), owner, request, input, webhook };
    let (queue, store) = (api.queue.clone(), api.store.clone());
    // On a task of its own: from here on a client that vanishes changes nothing.
    let submitted = tokio::spawn(async move {
        let submitted = queue.submit(job).await;
        if submitted.is_err()
            && let Err(error) = store.delete(&stored.name).await
        {
            tracing::warn!(?error, name = %stored.name, "an upload without a job is left for the sweeper");
        }
        submitted
    });
    submitted.await.map_err(|_| ApiError::Internal)??;
    Ok(id)
}

/// Read a job.
///
/// A job of another key reads like one that never was.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}", tag = "jobs", security(("key" = [])),
    params(("jobId" = String, Path, description = "The name that submit gave")),
    responses(
        (status = 200, description = "The job as it is now", body = Reply<Job>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn read(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Reply<Job>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let record = api.queue.read(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    let base = api.base_url(&headers);
    let expires = api.clock.now().after(api.settings.link_ttl);
    let link =
        |key: &str| key.parse().map(|name| format!("{base}{}", api.signer.sign(&name, expires).0)).unwrap_or_default();
    Ok(Reply::new(Job::new(&record, link)))
}

impl Api {
    /// The address that links begin with.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.settings.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("http://{host}")
    }
}

/// 128 bits of the system's randomness.
pub(crate) fn draw_random() -> Result<u128, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::Internal)?;
    Ok(u128::from_le_bytes(bytes))
}
