//! The upload routes: create, send in one request, delete.

use axum::{
    Extension,
    body::to_bytes,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::UploadId;
use clearcut_queue::{KeyId, NewUpload, UploadRecord};
use clearcut_store::SigningError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    files::read_link_query,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::shapes::{BegunUpload, Uploaded},
    random::draw_random,
    uploads::{
        locks::UploadLocks,
        receive::{self, IncomingBody},
        tus,
    },
};

/// Maximum size of the JSON body that creates an upload.
const MAX_JSON_BYTES: usize = 4096;

/// Reply header with the id of an upload, for clients that only know its URL.
pub(crate) const STORAGE_ID: HeaderName = HeaderName::from_static("x-storage-id");

/// Options of a new upload.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct UploadForm {
    /// Size of the clip in bytes. Required if a tus client will use the returned `uploadUrl`.
    #[schema(minimum = 1)]
    size: Option<u64>,
}

/// Create an upload.
///
/// Send the clip to `uploadUrl`, in one PUT or resumable by tus 1.0, and then submit any number of
/// jobs with its `storageId`. The URL works without an API key. With `Tus-Resumable: 1.0.0`, this
/// is the creation request of tus: send the size in `Upload-Length`; the reply has the URL in
/// `Location`.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads", security(("key" = [])),
    request_body(content = inline(Option<UploadForm>), content_type = "application/json"),
    responses(
        (status = 201, description = "The upload was created.", body = Reply<BegunUpload>,
            headers(("Location" = String), ("Upload-Expires" = String), ("X-Storage-Id" = String))),
        (status = 400, description = "Invalid header or body.", body = ErrorReply),
        (status = 401, description = "Missing or invalid API key.", body = ErrorReply),
        (status = 408, description = "The request body arrived too slowly.", body = ErrorReply),
        (status = 412, description = "Unsupported tus version.", body = ErrorReply),
        (status = 413, description = "The clip is too large.", body = ErrorReply),
        (status = 429, description = "Rate limit or storage quota exceeded.", body = ErrorReply),
        (status = 503, description = "The database or the file store is unavailable, or the server is busy.", body = ErrorReply),
        (status = 507, description = "The server's disk is full.", body = ErrorReply),
    )
)]
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    if request.headers().contains_key(&tus::RESUMABLE) {
        return tus::create(&api, &locks, owner, request).await;
    }
    let headers = request.headers().clone();
    let body = to_bytes(request.into_body(), MAX_JSON_BYTES).await;
    let body = body.map_err(|_| ApiError::Request(format!("the body is longer than {MAX_JSON_BYTES} bytes")))?;
    let form: UploadForm = match &body[..] {
        [] => UploadForm::default(),
        body => serde_json::from_slice(body)
            .map_err(|_| ApiError::Request("the body must be JSON such as {\"size\": 1048576}, or empty".to_owned()))?,
    };
    let record = create_record(&api, owner, form.size, String::new()).await?;
    let url = api.upload_url(&headers, &record);
    let location = HeaderValue::try_from(&url).map_err(|_| ApiError::Internal)?;
    let storage_id = record.id.to_string();
    let reply = BegunUpload { storage_id, upload_url: url, expires_at: record.expires.whole_secs() };
    let created = (StatusCode::CREATED, [(header::LOCATION, location)], Reply::new(reply)).into_response();
    Ok(tus::with_upload_headers(created, &record))
}

/// Creates the record of a new upload, if there is space for it.
pub(crate) async fn create_record(
    api: &Api,
    owner: KeyId,
    length: Option<u64>,
    metadata: String,
) -> Result<UploadRecord, ApiError> {
    let max_bytes = api.settings.body.max_bytes;
    match length {
        Some(0) => return Err(ApiError::NotAVideo("the file is empty")),
        Some(length) if length > max_bytes => return Err(ApiError::TooLarge { max_bytes }),
        _ => {}
    }
    drop(api.reserve_room(length.unwrap_or(0)).await?);
    let id = UploadId::from_random(draw_random()?);
    Ok(api.queue.create_upload(NewUpload { id, owner, length, metadata }).await?)
}

/// Send a clip in one request.
///
/// The body is the clip. Its format is detected from its bytes. The upload is either stored
/// completely or not at all.
#[utoipa::path(
    put, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = String, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this URL only."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The clip is stored durably.", body = Reply<Uploaded>),
        (status = 400, description = "The clip is not a supported video, or its length differs from the announced one.", body = ErrorReply),
        (status = 403, description = "The URL was modified or has expired.", body = ErrorReply),
        (status = 404, description = "No such upload, or it has been removed.", body = ErrorReply),
        (status = 408, description = "The request body arrived too slowly.", body = ErrorReply),
        (status = 409, description = "The upload is already complete.", body = ErrorReply),
        (status = 413, description = "The clip is too large.", body = ErrorReply),
        (status = 423, description = "Another request is using the upload.", body = ErrorReply),
        (status = 429, description = "The storage quota of the API key is exceeded, or it is sending too many clips at once.", body = ErrorReply),
        (status = 503, description = "The database or the file store is unavailable, or the server is busy.", body = ErrorReply),
        (status = 507, description = "The server's disk is full.", body = ErrorReply),
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
    let mut room = api.reserve_room(announced.max(record.length.unwrap_or(0))).await?;
    if record.length.is_none() {
        room = room.with_quota_of(record.owner);
    }
    let intake = api.traffic.begin_intake(record.owner, api.settings.max_intakes_per_key).await?;
    let stored = receive::receive_whole((&api, &mut room), &guard, incoming_body).await?;
    drop((intake, room));
    if let Some(length) = record.length.filter(|length| *length != stored.size_bytes) {
        let message = format!("the upload was announced with {length} bytes and has {}", stored.size_bytes);
        if let Err(error) = api.store.delete(&stored.name).await {
            tracing::warn!(?error, "an upload that was refused is left for the sweep");
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
/// Deletes its bytes, unless a job uses them.
#[utoipa::path(
    delete, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = String, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this URL only."),
    ),
    responses(
        (status = 204, description = "The upload was deleted."),
        (status = 403, description = "The URL was modified or has expired.", body = ErrorReply),
        (status = 404, description = "No such upload, or it has been removed.", body = ErrorReply),
        (status = 412, description = "Unsupported tus version.", body = ErrorReply),
        (status = 423, description = "Another request is using the upload.", body = ErrorReply),
        (status = 503, description = "The database or the file store is unavailable, or the server is busy.", body = ErrorReply),
    )
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    tus::check_version(&headers)?;
    let id = api.check_upload_link(&id, query.as_deref())?;
    let _guard = locks.acquire(&id).await?;
    let record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    receive::delete_upload(&api, &record).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Api {
    /// Checks a signed upload URL and returns the id of its upload.
    pub(crate) fn check_upload_link(&self, id: &str, query: Option<&str>) -> Result<UploadId, ApiError> {
        let id: UploadId = id.parse().map_err(|_| SigningError::Changed)?;
        let (expires, signature) = read_link_query(query).ok_or(SigningError::Changed)?;
        self.signer.check_upload(&id, expires, signature, self.clock.now())?;
        Ok(id)
    }

    pub(crate) fn upload_url(&self, headers: &HeaderMap, record: &UploadRecord) -> String {
        format!("{}{}", self.base_url(headers), self.signer.sign_upload(&record.id, record.expires).0)
    }

    pub(crate) fn incoming_body(&self, request: Request) -> IncomingBody {
        let outcome = request.extensions().get().cloned().unwrap_or_default();
        IncomingBody { outcome, max_bytes: self.settings.body.max_bytes, body: request.into_body() }
    }
}
