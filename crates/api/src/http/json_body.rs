//! The extractor of JSON bodies, with a size limit and errors in the envelope.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::header,
};
use serde::de::DeserializeOwned;

use crate::{
    Api, ApiError,
    http::body_limits::{BodyOutcome, BodyRefusal},
};

/// Maximum size of a JSON body. The largest documented one is well below.
const MAX_JSON_BYTES: usize = 16 << 10;

/// A type that is read from a JSON body.
pub(crate) trait JsonShape: DeserializeOwned {
    /// Describes the JSON object, for the error message of a body that does not match.
    const SHAPE: &'static str;
}

/// A request body, parsed from JSON.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: JsonShape> FromRequest<Api> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::MediaType("application/json"));
        }
        let outcome = request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default();
        let bytes = to_bytes(request.into_body(), MAX_JSON_BYTES).await.map_err(|error| {
            tracing::debug!(?error, "a body could not be read");
            let is_too_long = std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            match outcome.refusal() {
                Some(BodyRefusal::TooSlow) => ApiError::TooSlow,
                Some(BodyRefusal::TooLarge) => ApiError::TooLarge { max_bytes: MAX_JSON_BYTES as u64 },
                None if is_too_long => ApiError::TooLarge { max_bytes: MAX_JSON_BYTES as u64 },
                None => ApiError::BodyIncomplete,
            }
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            tracing::debug!(?error, "a body does not match its documented shape");
            ApiError::Request(format!("the body must be {}", T::SHAPE))
        })
    }
}
