//! Middleware for all requests: request ids and the request log, panics, and undecodable paths.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use percent_encoding::percent_decode_str;
use tracing::Instrument as _;

use crate::{ApiError, http::metrics};

const REQUEST_ID: &str = "x-request-id";

/// Middleware that assigns a request id, and logs and counts each request. An id from the client is ignored.
/// The query is not logged, because links to outputs carry their signature in it.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let id = getrandom::u64().map_or_else(|_| "none".to_owned(), |random| format!("{random:016x}"));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    let (status, elapsed) = (response.status(), started.elapsed());
    metrics::answered(route.as_ref().map_or("", MatchedPath::as_str), &method, status, elapsed);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let elapsed_ms = elapsed.as_millis() as u64;
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(id, %method, path, status = status.as_u16(), elapsed_ms, "answered");
    } else {
        tracing::info!(id, %method, path, status = status.as_u16(), elapsed_ms, "answered");
    }
    response
}

/// Middleware that rejects a path that is not UTF-8 with an error in the envelope. The framework
/// would reply with its own text.
pub(crate) async fn reject_undecodable_path(request: Request, next: Next) -> Response {
    if percent_decode_str(request.uri().path()).decode_utf8().is_ok() {
        next.run(request).await
    } else {
        ApiError::RouteNotFound.into_response()
    }
}

/// Turns a panic in a handler into an error reply, and logs its message.
#[expect(clippy::needless_pass_by_value, reason = "the signature is what the layer calls")]
pub(crate) fn panic_response(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a handler panicked");
    ApiError::Internal.into_response()
}
