use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_store::{ObjectName, SigningError};

use crate::{
    Api, ApiError,
    range::{self, Asked},
    reply::ErrorReply,
};

/// Read an output.
///
/// Open to everyone who has the link, until it ends. Ranges and HEAD work, so that players can seek.
#[utoipa::path(
    get, path = "/files/{name}", tag = "files",
    params(
        ("name" = String, Path, description = "The name of the object, with slashes"),
        ("expires" = String, Query, description = "When the link ends, in seconds since 1970"),
        ("signature" = String, Query, description = "Made by the server; fits this link alone"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "video/webm"),
        (status = 206, description = "A part of the file", content_type = "video/webm"),
        (status = 304, description = "The file that the client has"),
        (status = 403, description = "The link was changed or has expired", body = ErrorReply),
        (status = 404, description = "The file is no longer kept", body = ErrorReply),
        (status = 416, description = "The range lies outside the file", body = ErrorReply),
        (status = 503, description = "The server cannot reach its files", body = ErrorReply),
    )
)]
pub(crate) async fn read(
    State(api): State<Api>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name: ObjectName = name.parse().map_err(|_| SigningError::Changed)?;
    let (expires, signature) = read_query(query.as_deref()).ok_or(SigningError::Changed)?;
    api.signer.check(&name, expires, signature, api.clock.now())?;
    let Some((job, token, format)) =
        name.claim().zip(name.output_format()).map(|((job, token), format)| (job, token, format))
    else {
        return Err(SigningError::Changed.into());
    };
    let size_bytes = api.store.head(&name).await?.size_bytes;
    // An object never changes under its name, so the name makes a strong tag.
    let tag = format!("\"{job}-{token}-{format}\"");
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let disposition = format!("inline; filename=\"{job}-{format}.{}\"", format.extension());
    let common = [
        (header::ETAG, tag.clone()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=3600, immutable".to_owned()),
        (header::CONTENT_TYPE, format.mime().to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin".to_owned()),
    ];
    if text(header::IF_NONE_MATCH)
        .is_some_and(|known| known == "*" || known.split(',').any(|known| known.trim() == tag))
    {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let fresh = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let (status, part) = match range::parse(text(header::RANGE).filter(|_| fresh), size_bytes) {
        Asked::Whole => (StatusCode::OK, 0..size_bytes),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Outside => return Err(ApiError::Range { size_bytes }),
    };
    let length = HeaderValue::from(part.end - part.start);
    let body = Body::from_stream(api.store.read(&name, part.clone()).await?);
    let mut response = (status, common, body).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
        let value = HeaderValue::try_from(value).map_err(|_| ApiError::Internal)?;
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// The two values of a link, which stand in this order and alone.
pub(crate) fn read_query(query: Option<&str>) -> Option<(&str, &str)> {
    query?.strip_prefix("expires=")?.split_once("&signature=")
}
