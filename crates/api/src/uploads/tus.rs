//! Resumable uploads by tus 1.0: the core protocol and the extensions creation,
//! creation-with-upload, creation-defer-length, expiration and termination.

use axum::{
    Extension,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use clearcut_job::ClipName;
use clearcut_queue::{KeyId, QueueError, UploadRecord};

use crate::{
    Api, ApiError,
    http::{
        error_responses::{ClipErrors, DiskFull, UnsupportedTusVersion, UploadUrlErrors},
        reply::ErrorReply,
        request_headers::content_length,
    },
    uploads::{
        locks::{UploadGuard, UploadLocks},
        receive::{finish_if_complete, overtaken, receive_piece},
        upload_headers::{
            DEFER_LENGTH, EXTENSIONS, LENGTH, MAX_SIZE, METADATA, OFFSET, RESUMABLE, VERSION, VERSIONS,
            with_upload_headers,
        },
        upload_record::create_record,
    },
};

const EXTENSIONS_OFFERED: &str = "creation,creation-with-upload,creation-defer-length,expiration,termination";
const PIECE_TYPE: &str = "application/offset+octet-stream";

/// Maximum size of the metadata of an upload, in bytes.
const MAX_METADATA_BYTES: usize = 4096;

/// Refuses an unsupported tus version. A missing version is accepted.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(RESUMABLE) {
        Some(version) if version != VERSION => Err(ApiError::TusVersion),
        _ => Ok(()),
    }
}

/// Middleware for the upload routes: adds the tus version to every reply, and answers OPTIONS with
/// the server's capabilities. CORS preflight requests are OPTIONS too, but are marked by a header
/// and pass.
pub(crate) async fn protocol_layer(State(api): State<Api>, request: Request, next: Next) -> Response {
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

/// Creates an upload, with its first bytes if the request contains any.
pub(crate) async fn create(
    api: &Api,
    locks: &UploadLocks,
    owner: KeyId,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    check_version(&headers)?;
    let deferred = headers.get(DEFER_LENGTH).map(|value| value == "1");
    let length = match (parse_number(&headers, &LENGTH)?, deferred) {
        (Some(length), None) => Some(length),
        (None, Some(true)) => None,
        _ => return Err(ApiError::Request("one of Upload-Length and Upload-Defer-Length: 1 must be given".to_owned())),
    };
    let mut record = create_record(api, owner, length, read_metadata(&headers)?).await?;
    let url = api.upload_url(&headers, &record);
    let with_bytes = is_piece(&headers);
    if with_bytes {
        let guard = locks.acquire(&record.id).await?;
        record = receive_on_task(api, guard, record, request).await?;
    }
    let location = HeaderValue::try_from(url).map_err(|_| ApiError::Internal)?;
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)]).into_response();
    if with_bytes {
        response.headers_mut().insert(OFFSET, record.received.into());
    }
    Ok(with_upload_headers(response, &record))
}

/// Read the offset of an upload.
///
/// `Upload-Offset` is the number of bytes received so far. Continue to send from there.
#[utoipa::path(
    head, path = "/api/v1/uploads/{storageId}", tag = "uploads", operation_id = "getUploadOffset",
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = String, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this URL only."),
    ),
    responses(
        (status = 200, description = "The number of bytes received so far.", headers(
            ("Upload-Offset" = u64), ("Upload-Length" = u64), ("Upload-Expires" = String), ("Upload-Metadata" = String))),
        UploadUrlErrors, UnsupportedTusVersion, DiskFull,
        (status = 400, description = "All bytes were received, but they are not a supported video."),
        (status = 429, description = "The storage quota of the API key is exceeded."),
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
    let record = api.arrived_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    // The server may have ended after the last byte arrived and before it completed the upload.
    let record = finish_if_complete(&api, record).await?;
    let mut response = (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response();
    let reply_headers = response.headers_mut();
    reply_headers.insert(OFFSET, record.received.into());
    match record.length {
        Some(length) => reply_headers.insert(LENGTH, length.into()),
        None => reply_headers.insert(DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if let Some(metadata) = HeaderValue::try_from(&record.metadata).ok().filter(|value| !value.is_empty()) {
        reply_headers.insert(METADATA, metadata);
    }
    Ok(with_upload_headers(response, &record))
}

/// Send the next bytes of an upload.
///
/// Bytes up to the returned `Upload-Offset` are stored durably. If the connection breaks, the bytes
/// received so far are kept: read the offset with HEAD and continue there.
#[utoipa::path(
    patch, path = "/api/v1/uploads/{storageId}", tag = "uploads", operation_id = "continueUpload",
    params(
        ("storageId" = String, Path, description = "The `storageId` of the upload."),
        ("expires" = String, Query, description = "Expiry of the URL, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this URL only."),
        ("Tus-Resumable" = String, Header, description = "The tus version: 1.0.0."),
        ("Upload-Offset" = u64, Header, description = "Offset of the first byte in the body; must equal the number of bytes received so far."),
        ("Upload-Length" = Option<u64>, Header, description = "Total length in bytes, if it was deferred at creation."),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "The bytes are stored durably.",
            headers(("Upload-Offset" = u64), ("Upload-Expires" = String))),
        UploadUrlErrors, ClipErrors,
        (status = 400, description = "Invalid header, incomplete body, or all bytes were received but are not a supported video.", body = ErrorReply),
        (status = 409, description = "`Upload-Offset` differs from the number of bytes received so far.", body = ErrorReply),
        (status = 412, description = "Missing or unsupported tus version.", body = ErrorReply),
        (status = 413, description = "More bytes than announced, or more than the server accepts.", body = ErrorReply),
        (status = 415, description = "The body is not application/offset+octet-stream.", body = ErrorReply),
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
        return Err(ApiError::MediaType(PIECE_TYPE));
    }
    let offset = parse_number(&headers, &OFFSET)?;
    let offset = offset.ok_or_else(|| ApiError::Request("Upload-Offset is missing".to_owned()))?;
    let guard = locks.acquire(&id).await?;
    let mut record = api.queue.read_upload(&id).await?.ok_or(ApiError::UploadNotFound)?;
    if record.received != offset {
        return Err(ApiError::UploadOffset { received: record.received });
    }
    if let Some(length) = parse_number(&headers, &LENGTH)? {
        record = set_length(&api, record, length).await?;
    }
    if record.object.is_none() {
        record = receive_on_task(&api, guard, record, request).await?;
    }
    let response = (StatusCode::NO_CONTENT, [(OFFSET, HeaderValue::from(record.received))]).into_response();
    Ok(with_upload_headers(response, &record))
}

/// Receives bytes on a separate task, so that those that arrived before a disconnect are
/// acknowledged.
async fn receive_on_task(
    api: &Api,
    guard: UploadGuard,
    record: UploadRecord,
    request: Request,
) -> Result<UploadRecord, ApiError> {
    let announced = content_length(request.headers()).unwrap_or(0);
    let max_bytes = record.length.unwrap_or(api.settings.body.max_bytes);
    if announced > max_bytes - record.received.min(max_bytes) {
        return Err(ApiError::TooLarge { max_bytes });
    }
    let mut space = api.reserve_space(announced).await?;
    let intake = api.traffic.begin_intake(record.owner, api.settings.max_intakes_per_key).await?;
    let (api, incoming_body) = (api.clone(), api.incoming_body(request));
    let received = tokio::spawn(async move {
        let received = receive_piece((&api, &mut space), &guard, record, incoming_body).await;
        drop(intake);
        received
    });
    received.await.map_err(|_| ApiError::Internal)?
}

/// Sets the length of an upload that was created without one.
async fn set_length(api: &Api, record: UploadRecord, length: u64) -> Result<UploadRecord, ApiError> {
    let max_bytes = api.settings.body.max_bytes;
    match record.length {
        Some(length_before) if length_before == length => return Ok(record),
        Some(length_before) => {
            return Err(ApiError::Request(format!("Upload-Length is already set to {length_before}")));
        }
        None if length > max_bytes => return Err(ApiError::TooLarge { max_bytes }),
        None if length < record.received || length == 0 => {
            return Err(ApiError::Request(format!("Upload-Length is zero or less than the bytes received: {length}")));
        }
        None => {}
    }
    match api.queue.advance_upload(&record.id, record.received, record.received, Some(length)).await {
        Err(QueueError::NoSuchUpload) => return Err(overtaken(api.queue.read_upload(&record.id).await?.as_ref())),
        advanced => advanced?,
    }
    Ok(UploadRecord { length: Some(length), ..record })
}

fn is_piece(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(PIECE_TYPE.as_bytes()))
}

fn parse_number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    // The database stores signed 64-bit integers.
    let number = digits.and_then(|text| text.parse().ok()).filter(|number| i64::try_from(*number).is_ok());
    number.map(Some).ok_or_else(|| ApiError::Request(format!("{name} is not a non-negative whole number")))
}

/// Reads the name of the clip from the metadata of an upload.
pub(crate) fn clip_name_in(metadata: &str) -> Option<ClipName> {
    use base64::Engine as _;
    let mut pairs = metadata.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let (_, value) = pairs.find(|(key, _)| *key == "filename")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
    ClipName::of_file(&String::from_utf8(bytes).ok()?)
}

/// Reads and checks `Upload-Metadata`: pairs of a key and a base64 value, returned unchanged.
fn read_metadata(headers: &HeaderMap) -> Result<String, ApiError> {
    use base64::Engine as _;
    let Some(value) = headers.get(METADATA) else { return Ok(String::new()) };
    let invalid = || {
        ApiError::Request(format!(
            "Upload-Metadata must be comma-separated pairs of a key and a base64 value, {MAX_METADATA_BYTES} bytes at most"
        ))
    };
    let text = value.to_str().map_err(|_| invalid())?;
    let is_pair = |pair: &str| {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        !key.is_empty() && base64::engine::general_purpose::STANDARD.decode(value).is_ok()
    };
    let is_well_formed = text.is_empty() || text.split(',').all(is_pair);
    if is_well_formed && text.len() <= MAX_METADATA_BYTES { Ok(text.to_owned()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_plain_digits() {
        for (text, number) in [("0", Some(0)), ("007", Some(7)), ("9223372036854775807", Some(i64::MAX as u64))] {
            let headers = HeaderMap::from_iter([(OFFSET, HeaderValue::from_static(text))]);
            assert_eq!(super::parse_number(&headers, &OFFSET).unwrap(), number);
        }
        for text in ["", "-1", "+1", " 1", "1.0", "0x1", "9223372036854775808"] {
            let headers = HeaderMap::from_iter([(OFFSET, HeaderValue::from_static(text))]);
            assert!(super::parse_number(&headers, &OFFSET).is_err(), "{text:?}");
        }
    }

    #[test]
    fn metadata_is_accepted_only_if_well_formed() {
        for (text, is_valid) in [
            ("filename Y2xpcC5tcDQ=,is_confidential", true),
            ("", true),
            ("a b", false),
            ("a YQ==,,b", false),
            ("a YQ==,", false),
        ] {
            let headers = HeaderMap::from_iter([(METADATA, HeaderValue::from_static(text))]);
            assert_eq!(read_metadata(&headers).is_ok(), is_valid, "{text:?}");
        }
    }
}
