use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The envelope of every reply that worked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reply<T> {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What was asked for.
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

/// The envelope of every reply that did not work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorReply {
    /// Always false.
    #[schema(example = false)]
    success: bool,
    /// Why.
    error: ErrorBody,
}

/// Why something did not work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A stable word.
    #[schema(example = "INVALID_FPS")]
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// More, by kind of error: the `field`, its `value` and what is `allowed`, or the `jobId` that goes on.
    #[schema(value_type = Object)]
    details: Value,
}

/// An error in its envelope.
pub(crate) fn error_reply(status: StatusCode, code: &'static str, message: String, details: Value) -> Response {
    let details = if details.is_null() { json!({}) } else { details };
    (status, Json(ErrorReply { success: false, error: ErrorBody { code, message, details } })).into_response()
}
