//! The route that serves outputs and inputs under signed links, with ranges and conditional requests.

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::{Accepted, ObjectName};
use clearcut_store::{SigningError, percent_encode};
use percent_encoding::percent_decode_str;

use crate::{
    Api, ApiError,
    http::{
        error_responses::LinkErrors,
        range::{self, RequestedRange},
        reply::ErrorReply,
        request_headers,
    },
    jobs::{links::CACHE_CONTROL, media_type::media_type},
};

/// Read an output or an input.
///
/// Needs no API key: anyone with the link can read the file until the link expires. Ranges and HEAD
/// requests are supported, so players can seek.
#[utoipa::path(
    get, path = "/files/{name}", tag = "files", operation_id = "downloadOutput",
    params(
        ("name" = String, Path, description = "Object name, with slashes."),
        ("filename" = Option<String>, Query, description = "File name for downloads; covered by the signature."),
        ("expires" = String, Query, description = "Expiry of the link, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature by the server, valid for this link only."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "video/webm"),
        (status = 206, description = "The requested part of the file.", content_type = "video/webm"),
        (status = 304, description = "The client's copy is current."),
        LinkErrors,
        (status = 404, description = "The file is past its retention or was deleted.", body = ErrorReply),
        (status = 416, description = "The range is outside the file.", body = ErrorReply),
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
    let link_query = read_link_query(query).ok_or(SigningError::Changed)?;
    api.signer.check(&name, encoded, link_query, api.clock.now())?;
    let size_bytes = api.store.head(&name).await?.size_bytes;
    let LinkedFile { tag, default_name, mime } = LinkedFile::of(&api, &name, size_bytes).await?;
    let header_text = |name| request_headers::text(&headers, name);
    let file_name = encoded.and_then(|encoded| percent_decode_str(encoded).decode_utf8().ok());
    let disposition = match file_name {
        Some(file_name) => content_disposition("inline", &file_name),
        None => format!("inline; filename=\"{default_name}\""),
    };
    let common = [
        (header::ETAG, tag.clone()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, CACHE_CONTROL.to_owned()),
        (header::CONTENT_TYPE, mime.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin".to_owned()),
    ];
    if header_text(header::IF_NONE_MATCH)
        .is_some_and(|known_tag| known_tag == "*" || known_tag.split(',').any(|known_tag| known_tag.trim() == tag))
    {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let range_applies = header_text(header::IF_RANGE).is_none_or(|known_tag| known_tag == tag);
    let (status, part) = match range::parse(header_text(header::RANGE).filter(|_| range_applies), size_bytes) {
        RequestedRange::Whole => (StatusCode::OK, 0..size_bytes),
        RequestedRange::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        RequestedRange::Unsatisfiable => return Err(ApiError::Range { size_bytes }),
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

/// What a link leads to.
struct LinkedFile {
    /// An object never changes under its name, so the name makes a strong entity tag.
    tag: String,
    default_name: String,
    mime: &'static str,
}

impl LinkedFile {
    /// The output or the input `name`; links lead to no other object.
    async fn of(api: &Api, name: &ObjectName, size_bytes: u64) -> Result<Self, ApiError> {
        if let Some(((job, token), format)) = name.claim().zip(name.output_format()) {
            let tag = format!("\"{job}-{token}-{format}\"");
            let default_name = format!("{job}-{format}.{}", format.extension());
            return Ok(Self { tag, default_name, mime: format.mime() });
        }
        let in_uploads = name.as_str().strip_prefix(ObjectName::UPLOADS).and_then(|rest| rest.strip_prefix('/'));
        let Some(input) = in_uploads else { return Err(SigningError::Changed.into()) };
        let head = api.read_head(name, size_bytes.min(Accepted::SNIFF_BYTES as u64)).await?;
        Ok(Self { tag: format!("\"{input}\""), default_name: input.to_owned(), mime: media_type(&head) })
    }
}

/// Splits the query of a link into the encoded file name, which comes first, and the rest.
fn split_file_name(query: Option<&str>) -> (Option<&str>, Option<&str>) {
    match query.and_then(|query| query.strip_prefix("filename=")).and_then(|query| query.split_once('&')) {
        Some((encoded, rest)) => (Some(encoded), Some(rest)),
        None => (None, query),
    }
}

/// Builds `Content-Disposition` (RFC 6266) of a `kind`, inline or attachment: the name in ASCII for old clients, with `_` in place of
/// other characters, and in UTF-8.
pub(crate) fn content_disposition(kind: &str, file_name: &str) -> String {
    let to_ascii = |c: char| if c.is_ascii_alphanumeric() || " !#$&'()+,-.=@[]^_`{}~".contains(c) { c } else { '_' };
    let ascii: String = file_name.chars().map(to_ascii).collect();
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", percent_encode(file_name))
}

/// Reads `expires` and `signature` from the query of a link. Only these two, in this order, are
/// allowed.
pub(crate) fn read_link_query(query: Option<&str>) -> Option<(&str, &str)> {
    query?.strip_prefix("expires=")?.split_once("&signature=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_sent_in_ascii_and_utf8_and_cannot_break_out_of_the_header() {
        let disposition = |name: &str| content_disposition("inline", name);
        assert_eq!(disposition("mascot.webm"), "inline; filename=\"mascot.webm\"; filename*=UTF-8''mascot.webm");
        assert_eq!(disposition("Füße.mp4"), "inline; filename=\"F__e.mp4\"; filename*=UTF-8''F%C3%BC%C3%9Fe.mp4");
        let hostile = disposition("a\"; filename=evil.exe\r\nSet-Cookie: x\\.webm");
        assert!(HeaderValue::try_from(&hostile).is_ok(), "{hostile}");
        assert_eq!(hostile.matches('"').count(), 2, "{hostile}");
        assert!(!hostile.contains(['\r', '\n', '\\']), "{hostile}");
    }
}
