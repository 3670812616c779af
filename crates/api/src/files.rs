use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_store::{ObjectName, SigningError, percent_encode};

use crate::{
    Api, ApiError,
    http::{
        range::{self, Asked},
        reply::ErrorReply,
    },
};

/// Read an output.
///
/// Open to everyone who has the link, until it ends. Ranges and HEAD work, so that players can seek.
#[utoipa::path(
    get, path = "/files/{name}", tag = "files",
    params(
        ("name" = String, Path, description = "The name of the object, with slashes"),
        ("filename" = Option<String>, Query, description = "What the file is called when it is downloaded; part of what is signed"),
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
    let (encoded, query) = split_file_name(query.as_deref());
    let times = read_query(query).ok_or(SigningError::Changed)?;
    api.signer.check(&name, encoded, times, api.clock.now())?;
    let Some((job, token, format)) =
        name.claim().zip(name.output_format()).map(|((job, token), format)| (job, token, format))
    else {
        return Err(SigningError::Changed.into());
    };
    let size_bytes = api.store.head(&name).await?.size_bytes;
    // An object never changes under its name, so the name makes a strong tag.
    let tag = format!("\"{job}-{token}-{format}\"");
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let disposition = match encoded.and_then(decode) {
        Some(file_name) => disposition_of(&file_name),
        None => format!("inline; filename=\"{job}-{format}.{}\"", format.extension()),
    };
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

/// The name of the file as it stands at the beginning of a link, and the rest.
fn split_file_name(query: Option<&str>) -> (Option<&str>, Option<&str>) {
    match query.and_then(|query| query.strip_prefix("filename=")).and_then(|query| query.split_once('&')) {
        Some((encoded, rest)) => (Some(encoded), Some(rest)),
        None => (None, query),
    }
}

/// What [`percent_encode`] made an encoding of; the server signed it, so it is one.
fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut pieces = encoded.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// `Content-Disposition` after RFC 6266: the name in ASCII for old programs, with `_` for what is not, and whole in UTF-8.
fn disposition_of(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " !#$&'()+,-.=@[]^_`{}~".contains(c) { c } else { '_' };
    let ascii: String = file_name.chars().map(plain).collect();
    format!("inline; filename=\"{ascii}\"; filename*=UTF-8''{}", percent_encode(file_name))
}

/// The two values of a link, which stand in this order and alone.
pub(crate) fn read_query(query: Option<&str>) -> Option<(&str, &str)> {
    query?.strip_prefix("expires=")?.split_once("&signature=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_to_old_and_new_programs_and_break_out_of_nothing() {
        let of = |name: &str| disposition_of(name);
        assert_eq!(of("mascot.webm"), "inline; filename=\"mascot.webm\"; filename*=UTF-8''mascot.webm");
        assert_eq!(of("Füße.mp4"), "inline; filename=\"F__e.mp4\"; filename*=UTF-8''F%C3%BC%C3%9Fe.mp4");
        let hostile = of("a\"; filename=evil.exe\r\nSet-Cookie: x\\.webm");
        assert!(HeaderValue::try_from(&hostile).is_ok(), "{hostile}");
        assert_eq!(hostile.matches('"').count(), 2, "{hostile}");
        assert!(!hostile.contains(['\r', '\n', '\\']), "{hostile}");
    }

    #[test]
    fn what_was_encoded_is_read_as_it_was() {
        for name in ["mascot.webm", "Füße 100%.mp4", "猫&=?#.apng"] {
            assert_eq!(decode(&percent_encode(name)).as_deref(), Some(name));
        }
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
