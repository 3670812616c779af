//! The upload routes: create, send in one request, delete.

use axum::{
    Extension,
    extract::{FromRequest as _, Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::{Accepted, ObjectName, error_line};
use clearcut_queue::UploadRecord;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, KeyErrors, UnsupportedTusVersion, UploadUrlErrors},
        json_body::{JsonBody, JsonRefusal, JsonShape},
        reply::{ErrorReply, Reply},
        request_headers::content_length,
    },
    random::draw_random,
    uploads::{
        locks::UploadLocks,
        receive,
        shapes::{BegunUpload, Uploaded},
        tus,
        upload_headers::{RESUMABLE, with_upload_headers},
        upload_record::create_record,
    },
};

/// Options of a new upload.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct UploadForm {
    /// Size of the clip in bytes. Required if a tus client will use the returned `uploadUrl`, and for a
    /// `directUrl`.
    #[schema(minimum = 1, nullable = false)]
    size: Option<u64>,
}

impl JsonShape for UploadForm {
    const SHAPE: &'static str = "JSON such as {\"size\": 1048576}, or empty";
    const MAX_BYTES: usize = 4096;

    fn of_empty() -> Option<Self> {
        Some(Self::default())
    }

    fn refuse(reason: JsonRefusal) -> ApiError {
        match reason {
            JsonRefusal::TooLarge => ApiError::Request(format!("the body is longer than {} bytes", Self::MAX_BYTES)),
            JsonRefusal::TooSlow => ApiError::TooSlow,
            JsonRefusal::Incomplete => ApiError::BodyIncomplete,
            JsonRefusal::MediaType | JsonRefusal::Shape => Self::shape_error(),
        }
    }
}

/// Create an upload.
///
/// Send the clip to `uploadUrl`, in one PUT or resumable by tus 1.0, and then submit any number of
/// jobs with its `storageId`. The URL works without an API key. If the reply has a `directUrl`, the clip
/// can be sent there instead, in one PUT straight into the store. With `Tus-Resumable: 1.0.0`, this
/// is the creation request of tus: send the size in `Upload-Length`; the reply has the URL in
/// `Location`.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads", operation_id = "createUpload", security(("key" = [])),
    request_body(content = inline(Option<UploadForm>), content_type = "application/json"),
    responses(
        (status = 201, description = "The upload was created.", body = Reply<BegunUpload>,
            headers(("Location" = String), ("Upload-Expires" = String), ("X-Storage-Id" = String))),
        KeyErrors, ClipErrors, UnsupportedTusVersion,
    )
)]
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    if request.headers().contains_key(&RESUMABLE) {
        return tus::create(&api, &locks, owner, request).await;
    }
    let headers = request.headers().clone();
    let JsonBody(form) = JsonBody::<UploadForm>::from_request(request, &api).await?;
    let record = create_record(&api, owner, form.size, String::new()).await?;
    let url = api.upload_url(&headers, &record);
    let location = HeaderValue::try_from(&url).map_err(|_| ApiError::Internal)?;
    let (storage_id, direct_url) = (record.id.to_string(), api.direct_url(&record).await);
    let direct_url = direct_url.unwrap_or_else(|error| {
        tracing::warn!(error = error_line(&error), "an upload gets no URL of the store; this server takes the clip");
        None
    });
    let reply = BegunUpload { storage_id, upload_url: url, direct_url, expires_at: record.expires.whole_secs() };
    let created = (StatusCode::CREATED, [(header::LOCATION, location)], Reply::new(reply)).into_response();
    Ok(with_upload_headers(created, &record))
}

/// Send a clip in one request.
///
/// The body is the clip. Its format is detected from its bytes. The upload is either stored
/// completely or not at all.
#[utoipa::path(
    put, path = "/api/v1/uploads/{storageId}", tag = "uploads", operation_id = "sendUpload",
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = String, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this URL only."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The clip is stored durably.", body = Reply<Uploaded>),
        UploadUrlErrors, ClipErrors,
        (status = 400, description = "The clip is not a supported video, or its length differs from the announced one.", body = ErrorReply),
        (status = 409, description = "The upload is already complete.", body = ErrorReply),
    )
)]
pub(crate) async fn put(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let id = api.check_upload_link(&id, query.as_deref())?;
    let announced = content_length(request.headers()).unwrap_or(0);
    let incoming_body = api.incoming_body(request);
    if announced > incoming_body.max_bytes {
        return Err(ApiError::TooLarge { max_bytes: incoming_body.max_bytes });
    }
    let guard = locks.acquire(&id).await?;
    let record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    if record.object.is_some() {
        return Err(ApiError::UploadFinished);
    }
    let space = api.reserve_space(announced.max(record.length.unwrap_or(0))).await?;
    // The record counts an announced length from the start.
    let quota = record.length.is_none().then(|| api.quota_of(record.owner));
    let intake = api.traffic.begin_intake(record.owner, api.settings.max_intakes_per_key).await?;
    let name = ObjectName::upload(draw_random()?);
    let clip = api.store.begin_clip(name, Accepted::Everything, space, quota).await?;
    let stored = receive::receive_whole(clip, &guard, incoming_body).await?;
    drop(intake);
    if let Some(length) = record.length.filter(|length| *length != stored.size_bytes) {
        let message = format!("the upload was announced with {length} bytes and has {}", stored.size_bytes);
        if let Err(error) = api.store.delete(&stored.name).await {
            tracing::warn!(error = error_line(&error), "an upload that was refused is left for the sweep");
        }
        return Err(ApiError::Request(message));
    }
    // Runs on its own task, so that a client that disconnects no longer matters.
    let committed = tokio::spawn(async move {
        let committed = receive::commit(&api, &record, stored).await;
        drop(guard);
        committed
    });
    let record = committed.await.map_err(|_| ApiError::Internal)??;
    let reply = Uploaded {
        storage_id: record.id.to_string(),
        size: record.received,
        sha256: record.object.as_ref().map(|object| object.sha256.to_string()).unwrap_or_default(),
        expires_at: record.expires.whole_secs(),
    };
    Ok(Reply::new(reply).into_response())
}

/// Delete an upload.
///
/// Deletes its bytes, unless a job uses them. Under the `uploadUrl`, or with the API key that created
/// the upload.
#[utoipa::path(
    delete, path = "/api/v1/uploads/{storageId}", tag = "uploads", operation_id = "deleteUpload", security((), ("key" = [])),
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = Option<String>, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = Option<String>, Query, description = "Signature by the server, valid for this URL only."),
    ),
    responses(
        (status = 204, description = "The upload was deleted."),
        KeyErrors, UploadUrlErrors, UnsupportedTusVersion,
    )
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    tus::check_version(&headers)?;
    let (id, owner) = if query.is_some() {
        (api.check_upload_link(&id, query.as_deref())?, None)
    } else {
        let Caller(owner) = caller?;
        (id.parse().map_err(|_| ApiError::UploadNotFound)?, Some(owner))
    };
    let _guard = locks.acquire(&id).await?;
    let found = api.queue.read_upload(&id).await?;
    let is_allowed = |record: &UploadRecord| owner.is_none_or(|owner| owner == record.owner);
    let record = found.filter(is_allowed).ok_or(ApiError::UploadNotFound)?;
    receive::delete_upload(&api, &record).await?;
    Ok(StatusCode::NO_CONTENT)
}
