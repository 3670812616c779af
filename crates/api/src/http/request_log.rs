//! The log of requests, and what is answered where no route could read the address.

use std::time::Instant;

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tracing::Instrument as _;

use crate::ApiError;

const REQUEST_ID: &str = "x-request-id";

/// Gives each request an id, of ours and never of the client's, and logs how it ended. The query is left out: the links of
/// outputs have their secret in it.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let id = getrandom::u64().map_or_else(|_| "none".to_owned(), |random| format!("{random:016x}"));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let began = Instant::now();
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    let (status, took) = (response.status(), began.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took_ms = took.as_millis() as u64;
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(id, %method, path, status = status.as_u16(), took_ms, "answered");
    } else {
        tracing::info!(id, %method, path, status = status.as_u16(), took_ms, "answered");
    }
    response
}

/// Answers what no route could read: an address whose path is no text. A framework would say so in words of its own.
pub(crate) async fn refuse_unreadable(request: Request, next: Next) -> Response {
    if is_text(request.uri().path()) { next.run(request).await } else { ApiError::RouteNotFound.into_response() }
}

/// Whether what stands for itself and what stands as `%XX` is UTF-8 together.
fn is_text(path: &str) -> bool {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().filter(|_| first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        let escaped = hex.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).is_ok()
}

/// A panic in a handler becomes an error like any other; what it said goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the signature is what the layer calls")]
pub(crate) fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a handler panicked");
    ApiError::Internal.into_response()
}
