//! The extractor of JSON bodies, with a size limit and errors in the envelope.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::header,
};
use clearcut_job::{error_chain, error_line};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use crate::{
    Api, ApiError,
    http::{
        body_limits::{BodyOutcome, BodyRefusal},
        request_headers,
    },
};

/// A type that is read from a JSON body.
pub(crate) trait JsonShape: DeserializeOwned {
    /// Describes the JSON, for the error message of a body that does not match.
    const SHAPE: &'static str;

    /// Maximum size of the body in bytes. The largest documented one is well below the default.
    const MAX_BYTES: usize = 16 << 10;

    /// The value of an empty body. With one, the media type of the body does not matter.
    fn of_empty() -> Option<Self> {
        None
    }

    /// The error of a body that does not match.
    fn shape_error() -> ApiError {
        ApiError::Request(format!("the body must be {}", Self::SHAPE))
    }

    /// The error of a body that is refused for `reason`.
    fn refuse(reason: JsonRefusal) -> ApiError {
        match reason {
            JsonRefusal::MediaType => ApiError::MediaType("application/json"),
            JsonRefusal::TooLarge => ApiError::TooLarge { max_bytes: Self::MAX_BYTES as u64 },
            JsonRefusal::TooSlow => ApiError::TooSlow,
            JsonRefusal::Incomplete => ApiError::BodyIncomplete,
            JsonRefusal::Shape => Self::shape_error(),
        }
    }
}

/// Why a JSON body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonRefusal {
    MediaType,
    TooLarge,
    TooSlow,
    Incomplete,
    Shape,
}

/// A request body, parsed from JSON.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: JsonShape> FromRequest<Api> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let media_type = request_headers::text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if T::of_empty().is_none() && !media_type.eq_ignore_ascii_case("application/json") {
            return Err(T::refuse(JsonRefusal::MediaType));
        }
        let outcome = request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default();
        let bytes = to_bytes(request.into_body(), T::MAX_BYTES).await.map_err(|error| {
            tracing::debug!(error = error_line(&error), "a body could not be read");
            let is_too_long = error_chain(&error).any(<dyn std::error::Error>::is::<LengthLimitError>);
            T::refuse(match outcome.refusal() {
                Some(BodyRefusal::TooSlow) => JsonRefusal::TooSlow,
                Some(BodyRefusal::TooLarge) => JsonRefusal::TooLarge,
                None if is_too_long => JsonRefusal::TooLarge,
                None => JsonRefusal::Incomplete,
            })
        })?;
        if let Some(value) = T::of_empty().filter(|_| bytes.is_empty()) {
            return Ok(Self(value));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            tracing::debug!(error = error_line(&error), "a body does not match its documented shape");
            T::refuse(JsonRefusal::Shape)
        })
    }
}
