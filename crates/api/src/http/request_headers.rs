//! Values of request headers.

use axum::http::{HeaderMap, HeaderName, header};

/// The first value of the header `name`, if it is visible ASCII text.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The announced length of the body in bytes; `None` if it is missing or not a number.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, header::CONTENT_LENGTH)?.parse().ok()
}
