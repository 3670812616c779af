//! The routes of uploads: begin, send whole, remove.

use axum::{
    Extension,
    body::to_bytes,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::UploadId;
use clearcut_queue::{KeyId, NewUpload, UploadRecord};
use clearcut_store::{ObjectName, SigningError};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    files::read_query,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::shapes::{BegunUpload, Uploaded},
    random::draw_random,
    uploads::{
        locks::UploadLocks,
        receive::{self, Incoming},
        tus,
    },
};

/// Bytes of the body that begins an upload.
const MAX_JSON_BYTES: usize = 4096;

/// The header that names an upload to clients which know only its address.
pub(crate) const STORAGE_ID: HeaderName = HeaderName::from_static("x-storage-id");

/// What may be said when an upload begins.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct UploadForm {
    /// The length in bytes; a tus client that is given the address needs it.
    #[schema(minimum = 1)]
    size: Option<u64>,
}

/// Begin an upload.
///
/// Send the clip to `uploadUrl`, with one PUT or in pieces as tus 1.0 does, and then submit any number of jobs with its
/// `storageId`. The address opens without a key. With `Tus-Resumable: 1.0.0` this is the creation of tus: the length is in
/// `Upload-Length`, the address in `Location`.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads", security(("key" = [])),
    request_body(content = inline(Option<UploadForm>), content_type = "application/json"),
    responses(
        (status = 201, description = "The upload has begun", body = Reply<BegunUpload>,
            headers(("Location" = String), ("Upload-Expires" = String), ("X-Storage-Id" = String))),
        (status = 400, description = "A header or the body is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 412, description = "Another version of tus", body = ErrorReply),
        (status = 413, description = "The clip would be too large", body = ErrorReply),
        (status = 429, description = "The key would keep too many bytes", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
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
    let record = begin(&api, owner, form.size, String::new()).await?;
    let url = api.upload_url(&headers, &record);
    let location = HeaderValue::try_from(&url).map_err(|_| ApiError::Internal)?;
    let storage_id = record.id.to_string();
    let reply = BegunUpload { storage_id, upload_url: url, expires_at: record.expires.whole_secs() };
    let created = (StatusCode::CREATED, [(header::LOCATION, location)], Reply::new(reply)).into_response();
    Ok(tus::describe(created, &record))
}

/// Makes the row of a new upload, if there is room for it.
pub(crate) async fn begin(
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
    drop(api.make_room(length.unwrap_or(0)).await?);
    let id = UploadId::from_random(draw_random()?);
    let partial_key = ObjectName::partial(&id).to_string();
    Ok(api.queue.create_upload(NewUpload { id, owner, length, metadata, partial_key }).await?)
}

/// Send a clip at once.
///
/// The body is the clip and nothing else. What it is, is told from its bytes. It is taken whole or not at all.
#[utoipa::path(
    put, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The name of the upload"),
        ("expires" = String, Query, description = "When the address ends, in seconds since 1970"),
        ("signature" = String, Query, description = "Made by the server; fits this address alone"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The clip is safe on the disk", body = Reply<Uploaded>),
        (status = 400, description = "The clip is no video, or not what was announced", body = ErrorReply),
        (status = 403, description = "The address was changed or has expired", body = ErrorReply),
        (status = 404, description = "There is no such upload any more", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 409, description = "The upload is whole already", body = ErrorReply),
        (status = 413, description = "The clip is too large", body = ErrorReply),
        (status = 423, description = "Another request works on the upload", body = ErrorReply),
        (status = 429, description = "The key would keep too many bytes, or sends too many clips at once", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
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
    let incoming = api.incoming(request);
    if announced > incoming.max_bytes {
        return Err(ApiError::TooLarge { max_bytes: incoming.max_bytes });
    }
    let guard = locks.acquire(&id).await?;
    let record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    if record.object.is_some() {
        return Err(ApiError::UploadFinished);
    }
    let mut room = api.make_room(announced.max(record.length.unwrap_or(0))).await?;
    if record.length.is_none() {
        room = room.kept_by(record.owner);
    }
    let coming = api.traffic.begin_intake(record.owner, api.settings.max_intakes_per_key).await?;
    let stored = receive::take_whole((&api, &mut room), &guard, incoming).await?;
    drop((coming, room));
    if let Some(length) = record.length.filter(|length| *length != stored.size_bytes) {
        let message = format!("the upload was announced with {length} bytes and has {}", stored.size_bytes);
        if let Err(error) = api.store.delete(&stored.name).await {
            tracing::warn!(?error, "an upload that was refused is left for the sweeper");
        }
        return Err(ApiError::Request(message));
    }
    // On a task of its own: from here on a client that vanishes changes nothing.
    let committed = tokio::spawn(async move {
        let committed = receive::commit(&api, &record, stored).await;
        drop(guard);
        committed
    });
    let record = committed.await.map_err(|_| ApiError::Internal)??;
    let reply = Uploaded {
        storage_id: record.id.to_string(),
        size: record.received,
        sha256: record.object.as_ref().map(|object| object.sha256.0.clone()).unwrap_or_default(),
        expires_at: record.expires.whole_secs(),
    };
    Ok(Reply::new(reply).into_response())
}

/// Give an upload up.
///
/// Its bytes are removed, unless a job works on them.
#[utoipa::path(
    delete, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The name of the upload"),
        ("expires" = String, Query, description = "When the address ends, in seconds since 1970"),
        ("signature" = String, Query, description = "Made by the server; fits this address alone"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The address was changed or has expired", body = ErrorReply),
        (status = 404, description = "There is no such upload any more", body = ErrorReply),
        (status = 412, description = "Another version of tus", body = ErrorReply),
        (status = 423, description = "Another request works on the upload", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
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
    receive::forget(&api, &record).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Api {
    /// The upload that a signed address names.
    pub(crate) fn check_upload_link(&self, id: &str, query: Option<&str>) -> Result<UploadId, ApiError> {
        let id: UploadId = id.parse().map_err(|_| SigningError::Changed)?;
        let (expires, signature) = read_query(query).ok_or(SigningError::Changed)?;
        self.signer.check_upload(&id, expires, signature, self.clock.now())?;
        Ok(id)
    }

    pub(crate) fn upload_url(&self, headers: &HeaderMap, record: &UploadRecord) -> String {
        format!("{}{}", self.base_url(headers), self.signer.sign_upload(&record.id, record.expires).0)
    }

    pub(crate) fn incoming(&self, request: Request) -> Incoming {
        let fate = request.extensions().get().cloned().unwrap_or_default();
        Incoming { fate, max_bytes: self.settings.body.max_bytes, body: request.into_body() }
    }
}
