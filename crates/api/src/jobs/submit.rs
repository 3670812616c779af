//! Submitting a job, and reading it.

use std::time::Duration;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::JobId;
use clearcut_queue::{InputPointer, KeyId, NewInput, NewJob, SourceAddress, Submission};
use clearcut_store::Stored;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::{
        control::accepted,
        idempotency::{self, SubmitKey},
        intake::{Source, TakenIn, take_in},
        shapes::{Job, SubmitForm, Submitted},
        waiting,
    },
    random::draw_random,
    uploads::tus,
};

/// Submit a job.
///
/// Answers as soon as the clip and the job are safe on the disk; read the job until it has ended. With `Prefer: wait=N` the
/// answer comes when the job has ended, or after N seconds, and is the job itself. A request that is sent again with the same
/// `Idempotency-Key` within a day makes no second job.
#[utoipa::path(
    post, path = "/api/v1/jobs/video/remove-background", tag = "jobs", security(("key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A word for this submit, drawn by the client: 1-255 visible characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when the job has ended, or after N seconds, at most 60"),
    ),
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The job has ended within the time that the request preferred to wait", body = Reply<Job>,
            headers(("Location" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The job is accepted; with a preference to wait, `data` is the whole job", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 400, description = "A field or the file is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "There is no such upload", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 409, description = "A request with this Idempotency-Key is still being taken in, or the upload is not whole", body = ErrorReply),
        (status = 413, description = "The request is too large", body = ErrorReply),
        (status = 415, description = "The body is not multipart/form-data", body = ErrorReply),
        (status = 422, description = "This Idempotency-Key was used for another request", body = ErrorReply),
        (status = 429, description = "Too many requests, too many jobs in line, or too many bytes kept", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let wait_secs = waiting::in_headers(request.headers())?;
    let headers = request.headers().clone();
    let submitted = accept(&api, owner, request).await?;
    let mut reply = match wait_secs {
        None => accepted(&submitted.id)?,
        Some(secs) => wait_for(&api, owner, &submitted.id, secs, &headers).await?,
    };
    if submitted.is_repeated {
        reply.headers_mut().insert(idempotency::IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(reply)
}

/// The answer to a submit that prefers to wait: the job, 200 if it has ended and 202 if it goes on.
async fn wait_for(api: &Api, owner: KeyId, id: &JobId, secs: u64, headers: &HeaderMap) -> Result<Response, ApiError> {
    let _held = api.hold_wait(owner)?;
    let record = api.read_patiently(owner, id, Duration::from_secs(secs)).await?.ok_or(ApiError::JobNotFound)?;
    let has_ended = record.state.is_final();
    let mut reply = accepted(id)?;
    let (parts, body) = Reply::new(api.show_one(record, headers).await?).into_response().into_parts();
    reply.headers_mut().extend(parts.headers);
    reply.headers_mut().insert(
        waiting::PREFERENCE_APPLIED,
        HeaderValue::try_from(format!("wait={secs}")).map_err(|_| ApiError::Internal)?,
    );
    if has_ended {
        *reply.status_mut() = StatusCode::OK;
        reply.headers_mut().remove(header::RETRY_AFTER);
    }
    *reply.body_mut() = body;
    Ok(reply)
}

/// A job that is in line.
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    /// It is from an earlier request, which this one repeats.
    is_repeated: bool,
}

/// Takes the request in and puts its job in line.
pub(crate) async fn accept(api: &Api, owner: KeyId, request: Request) -> Result<Accepted, ApiError> {
    let key = SubmitKey::read(request.headers())?;
    let under_way = match &key {
        // What was submitted before is decided: any number may ask for it again at once.
        Some(key) if !api.queue.was_submitted(owner, key.as_str()).await? => {
            Some(api.traffic.begin_submit(owner, key.as_str()).ok_or(ApiError::StillTakenIn)?)
        }
        _ => None,
    };
    let TakenIn { request, source, mut clip_name, webhook } = take_in(api, owner, request).await?;
    let told = webhook.as_ref().map_or("", |webhook| &webhook.destination.url);
    let body = [("request", request.to_json()), ("input", source.identity()), ("webhookUrl", told.to_owned())];
    let once = key.map(|key| key.once(&body.each_ref().map(|(name, text)| (*name, text.as_str()))));
    let id = JobId::from_random(draw_random()?);
    let (input, of_its_own) = match source {
        Source::Stored(Stored { name, size_bytes, sha256 }) => {
            (NewInput::Stored(InputPointer { key: name.to_string(), size_bytes, sha256 }), Some(name))
        }
        Source::Uploaded(upload) => (NewInput::Uploaded(upload), None),
        Source::Address(target) => (NewInput::Address(SourceAddress(target.as_str().to_owned())), None),
    };
    if let (None, NewInput::Uploaded(upload)) = (&clip_name, &input) {
        let upload = api.queue.read_upload(upload).await?.filter(|upload| upload.owner == owner);
        clip_name = upload.and_then(|upload| tus::clip_name_in(&upload.metadata));
    }
    let job = NewJob { id: id.clone(), owner, request, input, clip_name, webhook };
    let (queue, store) = (api.queue.clone(), api.store.clone());
    // On a task of its own: from here on a client that vanishes changes nothing.
    let submitted = tokio::spawn(async move {
        let submitted = match once {
            None => queue.submit(job).await.map(|()| Submission::Accepted),
            Some(once) => queue.submit_once(job, once).await,
        };
        if !matches!(submitted, Ok(Submission::Accepted))
            && let Some(name) = of_its_own
            && let Err(error) = store.delete(&name).await
        {
            tracing::warn!(?error, %name, "an upload without a job is left for the sweeper");
        }
        drop(under_way);
        submitted
    });
    match submitted.await.map_err(|_| ApiError::Internal)?? {
        Submission::Accepted => Ok(Accepted { id, is_repeated: false }),
        Submission::Before(id) => Ok(Accepted { id, is_repeated: true }),
    }
}

/// Read a job.
///
/// A job of another key reads like one that never was.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}", tag = "jobs", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The name that submit gave"),
        ("wait" = Option<u8>, Query, description = "Answer when the job has ended, or after so many seconds", maximum = 60),
    ),
    responses(
        (status = 200, description = "The job as it is now", body = Reply<Job>),
        (status = 400, description = "A parameter is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn read(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Reply<Job>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let longest = waiting::in_query(&uri)?;
    let _held = if longest.is_zero() { None } else { Some(api.hold_wait(owner)?) };
    let record = api.read_patiently(owner, &id, longest).await?.ok_or(ApiError::JobNotFound)?;
    Ok(Reply::new(api.show_one(record, &headers).await?))
}
