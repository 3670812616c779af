//! tus 1.0: uploads in pieces, over connections that break. Core, creation with and without bytes or length, expiration and
//! termination.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Extension,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use clearcut_job::{ClipName, UnixMillis};
use clearcut_queue::{KeyId, UploadRecord};

use crate::{
    Api, ApiError,
    http::reply::ErrorReply,
    uploads::{
        locks::{UploadGuard, UploadLocks},
        receive::{finish_if_complete, take_piece},
        resource::{STORAGE_ID, begin, content_length, delete},
    },
};

pub(crate) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(crate) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(crate) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(crate) const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
pub(crate) const EXTENSIONS: HeaderName = HeaderName::from_static("tus-extension");
pub(crate) const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(crate) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS_OFFERED: &str = "creation,creation-with-upload,creation-defer-length,expiration,termination";
const PIECE: &str = "application/offset+octet-stream";

/// Bytes of what a client may say of an upload.
const MAX_METADATA_BYTES: usize = 4096;

/// Refuses a version of tus other than ours, if one is named.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(RESUMABLE) {
        Some(version) if version != VERSION => Err(ApiError::TusVersion),
        _ => Ok(()),
    }
}

/// Says on every reply which version this is, and answers what the server can do. CORS has its own OPTIONS, which say so.
pub(crate) async fn speak(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path != "/api/v1/uploads" && !path.starts_with("/api/v1/uploads/") {
        return next.run(request).await;
    }
    let preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS && !preflight {
        let max_size = HeaderValue::from(api.settings.body.max_bytes);
        let extensions = HeaderValue::from_static(EXTENSIONS_OFFERED);
        (StatusCode::NO_CONTENT, [(VERSIONS, VERSION), (EXTENSIONS, extensions), (MAX_SIZE, max_size)]).into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(RESUMABLE, VERSION);
    response
}

/// Begins an upload, with its first bytes if they come along.
pub(crate) async fn create(
    api: &Api,
    locks: &UploadLocks,
    owner: KeyId,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    check_version(&headers)?;
    let deferred = headers.get(DEFER_LENGTH).map(|value| value == "1");
    let length = match (number(&headers, &LENGTH)?, deferred) {
        (Some(length), None) => Some(length),
        (None, Some(true)) => None,
        _ => return Err(ApiError::Request("one of Upload-Length and Upload-Defer-Length: 1 must be given".to_owned())),
    };
    let mut record = begin(api, owner, length, read_metadata(&headers)?).await?;
    let url = api.upload_url(&headers, &record);
    let with_bytes = is_piece(&headers);
    if with_bytes {
        let guard = locks.acquire(&record.id).await?;
        record = take_on_task(api, guard, record, request).await?;
    }
    let location = HeaderValue::try_from(url).map_err(|_| ApiError::Internal)?;
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)]).into_response();
    if with_bytes {
        response.headers_mut().insert(OFFSET, record.received.into());
    }
    Ok(describe(response, &record))
}

/// Ask how much of an upload has come.
///
/// From `Upload-Offset` on the client sends the rest.
#[utoipa::path(
    head, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The name of the upload"),
        ("expires" = String, Query, description = "When the address ends, in seconds since 1970"),
        ("signature" = String, Query, description = "Made by the server; fits this address alone"),
    ),
    responses(
        (status = 200, description = "How much has come", headers(
            ("Upload-Offset" = u64), ("Upload-Length" = u64), ("Upload-Expires" = String), ("Upload-Metadata" = String))),
        (status = 400, description = "All has come, and it is no video"),
        (status = 403, description = "The address was changed or has expired"),
        (status = 404, description = "There is no such upload any more"),
        (status = 412, description = "Another version of tus"),
        (status = 423, description = "Another request works on the upload"),
        (status = 429, description = "The key would keep too many bytes"),
        (status = 503, description = "The server cannot reach its database or files"),
        (status = 507, description = "The server's disk is full"),
    )
)]
pub(crate) async fn head(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_version(&headers)?;
    let id = api.check_upload_link(&id, query.as_deref())?;
    let _guard = locks.acquire(&id).await?;
    let record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    // All bytes may have come, and the server have ended before it made a clip of them.
    let record = finish_if_complete(&api, record).await?;
    let mut response = (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response();
    let said = response.headers_mut();
    said.insert(OFFSET, record.received.into());
    match record.length {
        Some(length) => said.insert(LENGTH, length.into()),
        None => said.insert(DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if let Some(metadata) = HeaderValue::try_from(&record.metadata).ok().filter(|value| !value.is_empty()) {
        said.insert(METADATA, metadata);
    }
    Ok(describe(response, &record))
}

/// Send the next bytes of an upload.
///
/// What was acknowledged in `Upload-Offset` is on the disk. If the connection breaks, what came until then is kept: ask
/// with HEAD where to go on.
#[utoipa::path(
    patch, path = "/api/v1/uploads/{storageId}", tag = "uploads",
    params(
        ("storageId" = String, Path, description = "The name of the upload"),
        ("expires" = String, Query, description = "When the address ends, in seconds since 1970"),
        ("signature" = String, Query, description = "Made by the server; fits this address alone"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where these bytes begin; must be where the last ones ended"),
        ("Upload-Length" = Option<u64>, Header, description = "The whole length, if it was not said before"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "The bytes are safe on the disk",
            headers(("Upload-Offset" = u64), ("Upload-Expires" = String))),
        (status = 400, description = "A header is wrong, the body ended early, or all has come and is no video", body = ErrorReply),
        (status = 403, description = "The address was changed or has expired", body = ErrorReply),
        (status = 404, description = "There is no such upload any more", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 409, description = "The bytes do not begin where the last ones ended", body = ErrorReply),
        (status = 412, description = "No version of tus, or another one", body = ErrorReply),
        (status = 413, description = "More bytes than were announced or are taken", body = ErrorReply),
        (status = 415, description = "The body is not application/offset+octet-stream", body = ErrorReply),
        (status = 423, description = "Another request works on the upload", body = ErrorReply),
        (status = 429, description = "The key would keep too many bytes, or sends too many clips at once", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn patch(
    State(api): State<Api>,
    Extension(locks): Extension<UploadLocks>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    if headers.get(RESUMABLE).is_none_or(|version| version != VERSION) {
        return Err(ApiError::TusVersion);
    }
    let id = api.check_upload_link(&id, query.as_deref())?;
    if !is_piece(&headers) {
        return Err(ApiError::MediaType(PIECE));
    }
    let offset = number(&headers, &OFFSET)?;
    let offset = offset.ok_or_else(|| ApiError::Request("Upload-Offset is missing".to_owned()))?;
    let guard = locks.acquire(&id).await?;
    let mut record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    if record.received != offset {
        return Err(ApiError::UploadOffset { received: record.received });
    }
    if let Some(length) = number(&headers, &LENGTH)? {
        record = settle_length(&api, record, length).await?;
    }
    if record.object.is_none() {
        record = take_on_task(&api, guard, record, request).await?;
    }
    let response = (StatusCode::NO_CONTENT, [(OFFSET, HeaderValue::from(record.received))]).into_response();
    Ok(describe(response, &record))
}

/// POST with the method that is meant in a header, for clients behind proxies that know no other.
pub(crate) async fn post(
    state: State<Api>,
    locks: Extension<UploadLocks>,
    path: Path<String>,
    query: RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    match request.headers().get(METHOD_OVERRIDE).map(HeaderValue::as_bytes) {
        Some(b"PATCH") => patch(state, locks, path, query, request).await,
        Some(b"HEAD") => head(state, locks, path, query, request.headers().clone()).await,
        Some(b"DELETE") => {
            let gone = delete(state, locks, path, query, request.headers().clone()).await?;
            Ok(gone.into_response())
        }
        _ => {
            let mut refused = ApiError::Method("POST".to_owned()).into_response();
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("PUT,PATCH,HEAD,DELETE"));
            Ok(refused)
        }
    }
}

/// Takes the bytes on a task of its own, so that those that came before a client vanished are acknowledged.
async fn take_on_task(
    api: &Api,
    guard: UploadGuard,
    record: UploadRecord,
    request: Request,
) -> Result<UploadRecord, ApiError> {
    let coming = content_length(request.headers()).unwrap_or(0);
    let max_bytes = record.length.unwrap_or(api.settings.body.max_bytes);
    if coming > max_bytes - record.received.min(max_bytes) {
        return Err(ApiError::TooLarge { max_bytes });
    }
    let mut room = api.make_room(coming).await?;
    let intake = api.traffic.begin_intake(record.owner, api.settings.max_intakes_per_key).await?;
    let (api, incoming) = (api.clone(), api.incoming(request));
    let taken = tokio::spawn(async move {
        let taken = take_piece((&api, &mut room), &guard, record, incoming).await;
        drop(intake);
        taken
    });
    taken.await.map_err(|_| ApiError::Internal)?
}

/// Notes a length that was not known before.
async fn settle_length(api: &Api, record: UploadRecord, length: u64) -> Result<UploadRecord, ApiError> {
    let max_bytes = api.settings.body.max_bytes;
    match record.length {
        Some(known) if known == length => return Ok(record),
        Some(known) => return Err(ApiError::Request(format!("Upload-Length was said to be {known}"))),
        None if length > max_bytes => return Err(ApiError::TooLarge { max_bytes }),
        None if length < record.received || length == 0 => {
            return Err(ApiError::Request(format!("Upload-Length is less than what has come, or nothing: {length}")));
        }
        None => {}
    }
    api.queue.advance_upload(&record.id, record.received, record.received, Some(length)).await?;
    Ok(UploadRecord { length: Some(length), ..record })
}

/// What every reply about an upload says.
pub(crate) fn describe(mut response: Response, record: &UploadRecord) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(http_date(record.expires)) {
        headers.insert(EXPIRES, value);
    }
    if let Ok(value) = HeaderValue::try_from(record.id.as_str()) {
        headers.insert(STORAGE_ID, value);
    }
    response
}

fn http_date(moment: UnixMillis) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.0).unwrap_or(0)))
}

fn is_piece(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(PIECE.as_bytes()))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    // The database counts to this.
    let number = digits.and_then(|text| text.parse().ok()).filter(|number| i64::try_from(*number).is_ok());
    number.map(Some).ok_or_else(|| ApiError::Request(format!("{name} is not a whole number that is not negative")))
}

/// What the metadata of an upload says that its clip is called.
pub(crate) fn clip_name_in(metadata: &str) -> Option<ClipName> {
    use base64::Engine as _;
    let mut pairs = metadata.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let (_, value) = pairs.find(|(key, _)| *key == "filename")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
    ClipName::of_file(&String::from_utf8(bytes).ok()?)
}

/// Pairs of a key and its value in base64, as the client wrote them.
fn read_metadata(headers: &HeaderMap) -> Result<String, ApiError> {
    use base64::Engine as _;
    let Some(value) = headers.get(METADATA) else { return Ok(String::new()) };
    let bad = || {
        ApiError::Request(format!(
            "Upload-Metadata must be pairs of a key and base64, with commas between them, of {MAX_METADATA_BYTES} bytes at most"
        ))
    };
    let text = value.to_str().map_err(|_| bad())?;
    let is_pair = |pair: &str| {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        !key.is_empty() && base64::engine::general_purpose::STANDARD.decode(value).is_ok()
    };
    let formed = text.is_empty() || text.split(',').all(is_pair);
    if formed && text.len() <= MAX_METADATA_BYTES { Ok(text.to_owned()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_digits() {
        for (text, number) in [("0", Some(0)), ("007", Some(7)), ("9223372036854775807", Some(i64::MAX as u64))] {
            let headers = HeaderMap::from_iter([(OFFSET, HeaderValue::from_static(text))]);
            assert_eq!(super::number(&headers, &OFFSET).unwrap(), number);
        }
        for text in ["", "-1", "+1", " 1", "1.0", "0x1", "9223372036854775808"] {
            let headers = HeaderMap::from_iter([(OFFSET, HeaderValue::from_static(text))]);
            assert!(super::number(&headers, &OFFSET).is_err(), "{text:?}");
        }
    }

    #[test]
    fn metadata_is_kept_as_it_was_written_if_it_is_well_formed() {
        for (text, good) in [
            ("filename Y2xpcC5tcDQ=,is_confidential", true),
            ("", true),
            ("a b", false),
            ("a YQ==,,b", false),
            ("a YQ==,", false),
        ] {
            let headers = HeaderMap::from_iter([(METADATA, HeaderValue::from_static(text))]);
            assert_eq!(read_metadata(&headers).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn expiry_is_an_http_date() {
        assert_eq!(http_date(UnixMillis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
