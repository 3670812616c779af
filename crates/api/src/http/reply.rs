//! The JSON envelope of replies and errors.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use clearcut_job::ErrorCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::http::vocabulary;

/// Envelope of a successful reply.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reply<T> {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// The result.
    pub(crate) data: T,
}

impl<T> Reply<T> {
    pub(crate) const fn new(data: T) -> Self {
        Self { success: true, data }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Envelope of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorReply {
    /// Always false.
    #[schema(example = false)]
    success: bool,
    /// The error.
    error: ErrorBody,
}

/// Why a request failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// Stable error code.
    #[schema(value_type = vocabulary::ErrorCode, example = "INVALID_FPS")]
    code: ErrorCode,
    /// Explanation for people. May be reworded between versions.
    message: String,
    /// More information, depending on the code: for example the `field`, its `value` and what is
    /// `allowed`, or the `jobId` of a job that is still running.
    #[schema(value_type = Object)]
    details: Value,
}

/// Builds an error reply in its envelope.
pub(crate) fn error_reply(status: StatusCode, code: ErrorCode, message: String, details: Value) -> Response {
    let details = if details.is_null() { json!({}) } else { details };
    (status, Json(ErrorReply { success: false, error: ErrorBody { code, message, details } })).into_response()
}
