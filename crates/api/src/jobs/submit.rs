//! The routes that submit a job of a clip and read a job, and the submit of every job.

use std::time::Duration;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::{Accepted, JobId, JobKind};
use clearcut_queue::{KeyId, NewInput, NewJob, SourceAddress, Submission, UploadRecord};

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, KeyErrors, NoSuchJob, ParameterErrors, SubmitErrors},
        field_warning::FieldWarning,
        reply::Reply,
    },
    jobs::{
        control::accepted_reply,
        idempotency::{self, IdempotencyKey},
        intake::{ParsedSubmit, Source, receive_clip},
        shapes::{AwaitedJob, Job, SubmitForm, Submitted},
        waiting,
    },
    random::draw_random,
    uploads::{receive::delete_unless_referenced, tus},
};

/// Submit a job.
///
/// Replies as soon as the clip and the job are stored durably. Then read the job until it has
/// ended. With `Prefer: wait=N`, the reply comes when the job has ended, or after N seconds, and
/// contains the job. Sending the same request again with the same `Idempotency-Key` within a day
/// creates no second job.
#[utoipa::path(
    post, path = "/api/v1/jobs/video/remove-background", tag = "jobs", operation_id = "submitVideoJob", security(("key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A key that the client generates for this submit: 1-255 visible ASCII characters."),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: reply when the job has ended, or after N seconds (at most 60)."),
    ),
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The job ended within the preferred wait.", body = Reply<AwaitedJob>,
            headers(("Location" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The job was accepted. With `Prefer: wait`, `data` is the full job, as with status 200.", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        KeyErrors, ClipErrors, FormErrors, SubmitErrors,
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    submit_and_reply(&api, owner, &headers, Box::pin(receive_clip(&api, owner, request))).await
}

/// Queues the job that is `received`, and builds the reply, after the wait that the client prefers.
pub(crate) async fn submit_and_reply(
    api: &Api,
    owner: KeyId,
    headers: &HeaderMap,
    received: impl Future<Output = Result<ParsedSubmit, ApiError>>,
) -> Result<Response, ApiError> {
    let wait_secs = waiting::from_headers(headers)?;
    let submitted = accept(api, owner, headers, received).await?;
    let is_repeated = submitted.is_repeated;
    let mut reply = match wait_secs {
        None => accepted_reply(api, (owner, &submitted.id), headers, submitted.warnings)?,
        Some(secs) => reply_after_wait(api, owner, submitted, secs, headers).await?,
    };
    if is_repeated {
        reply.headers_mut().insert(idempotency::IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(reply)
}

/// The reply to a submit with `Prefer: wait`: the job, with status 200 if it has ended, otherwise
/// 202.
async fn reply_after_wait(
    api: &Api,
    owner: KeyId,
    AcceptedJob { id, warnings, .. }: AcceptedJob,
    secs: u64,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let _wait_guard = api.reserve_wait(owner)?;
    let record = api.read_after_wait(owner, &id, Duration::from_secs(secs)).await?.ok_or(ApiError::JobNotFound)?;
    let has_ended = record.state.is_final();
    let mut reply = accepted_reply(api, (owner, &id), headers, Vec::new())?;
    let job = AwaitedJob { job: api.job_view(record, headers).await?, warnings };
    let (parts, body) = Reply::new(job).into_response().into_parts();
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

/// A queued job.
pub(crate) struct AcceptedJob {
    pub(crate) id: JobId,
    /// Whether the job is that of an earlier request, which this one repeats.
    is_repeated: bool,
    /// Fields of the request that had no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// Queues the job that is `received`. Its body is read only after the idempotency key was checked.
pub(crate) async fn accept(
    api: &Api,
    owner: KeyId,
    headers: &HeaderMap,
    received: impl Future<Output = Result<ParsedSubmit, ApiError>>,
) -> Result<AcceptedJob, ApiError> {
    let idempotency_key = IdempotencyKey::read(headers)?;
    let submit_guard = match &idempotency_key {
        // An earlier submit with this key is final, so any number of requests may repeat it at
        // once.
        Some(idempotency_key) if !api.queue.was_submitted(owner, idempotency_key.as_str()).await? => {
            Some(api.traffic.begin_submit(owner, idempotency_key.as_str()).ok_or(ApiError::IdempotencyInProgress)?)
        }
        _ => None,
    };
    let ParsedSubmit { request, source, identity, background, mut clip_name, webhook, warnings } = received.await?;
    let webhook_url = webhook.as_ref().map_or("", |webhook| &webhook.destination.url);
    let mut body = vec![("request", identity), ("input", source.identity()), ("webhookUrl", webhook_url.to_owned())];
    body.extend(background.map(|hash| ("background", hash)));
    let once = idempotency_key.map(|idempotency_key| {
        idempotency_key.with_body(&body.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>())
    });
    let id = JobId::from_random(draw_random()?);
    let (input, new_object) = match source {
        Source::Stored(object) => {
            let name = object.name.clone();
            (NewInput::Stored(object), Some(name))
        }
        Source::Uploaded(upload) => (NewInput::Uploaded(upload), None),
        Source::Address(target) => (NewInput::Address(SourceAddress(target.as_str().to_owned())), None),
    };
    if let NewInput::Uploaded(upload) = &input
        && let Some(upload) = api.arrived_upload(upload).await?.filter(|upload| upload.owner == owner)
    {
        check_kind(api, &upload, request.kind()).await?;
        clip_name = clip_name.or_else(|| tus::clip_name_in(&upload.metadata));
    }
    let job = NewJob { id: id.clone(), owner, request, input, clip_name, webhook };
    let api = api.clone();
    // Runs on its own task, so that a client that disconnects no longer matters.
    let submitted = tokio::spawn(async move {
        let submitted = match once {
            None => api.queue.submit(job).await.map(|()| Submission::Accepted),
            Some(once) => api.queue.submit_once(job, once).await,
        };
        if !matches!(submitted, Ok(Submission::Accepted))
            && let Some(name) = new_object
        {
            delete_unless_referenced(&api, &name).await;
        }
        drop(submit_guard);
        submitted
    });
    match submitted.await.map_err(|_| ApiError::Internal)?? {
        Submission::Accepted => Ok(AcceptedJob { id, is_repeated: false, warnings }),
        Submission::Before(id) => Ok(AcceptedJob { id, is_repeated: true, warnings }),
    }
}

/// Checks that a complete upload is of a kind that such a job takes.
async fn check_kind(api: &Api, upload: &UploadRecord, kind: JobKind) -> Result<(), ApiError> {
    match &upload.object {
        Some(object) => {
            let head = api.read_head(&object.name, Accepted::SNIFF_BYTES as u64).await?;
            Ok(kind.accepted().check(&head)?)
        }
        None => Ok(()),
    }
}

/// Read a job.
///
/// The jobs of other API keys are reported as not found. With `wait`, the reply comes when the job
/// has ended, or after that time.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}", tag = "jobs", operation_id = "getJob", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The `jobId` that submit returned."),
        ("wait" = Option<u8>, Query, description = "Reply when the job has ended, or after this many seconds. Default: 0.", maximum = 60),
    ),
    responses(
        (status = 200, description = "The current state of the job.", body = Reply<Job>),
        KeyErrors, NoSuchJob, ParameterErrors,
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
    let max_wait = waiting::from_query(&uri)?;
    let _wait_guard = if max_wait.is_zero() { None } else { Some(api.reserve_wait(owner)?) };
    let record = api.read_after_wait(owner, &id, max_wait).await?.ok_or(ApiError::JobNotFound)?;
    Ok(Reply::new(api.job_view(record, &headers).await?))
}
