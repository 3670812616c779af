//! Authentication: the extractor that checks the API key of a request.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use clearcut_job::error_line;
use clearcut_queue::{KeyHash, KeyId, KeyRecord};

use crate::{Api, ApiError, http::rate_limit};

/// Number of letters and digits after `hc_`.
const SECRET_CHARS: usize = 32;

/// Interval for recording the last use of an API key: at most one write per minute, whatever the
/// number of requests.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// The API key of a request, known and not revoked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub(crate) KeyId);

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let secret = read_secret(&parts.headers)?;
        let api_key = api.queue.find_key(KeyHash::of(secret)).await?.ok_or(ApiError::KeyInvalid)?;
        Self::admit(api, &api_key, parts).await
    }
}

impl Caller {
    /// Admits a request of `api_key`, unless it was revoked or exceeds its rate limit.
    pub(crate) async fn admit(api: &Api, api_key: &KeyRecord, parts: &Parts) -> Result<Self, ApiError> {
        if api_key.revoked.is_some() {
            return Err(ApiError::KeyInvalid);
        }
        rate_limit::count(api, api_key, parts).await?;
        let now = api.clock.now();
        if api_key.last_used.is_none_or(|last| now.since(last) >= TOUCH_INTERVAL)
            && let Err(error) = api.queue.touch_key(api_key.id).await
        {
            tracing::warn!(error = error_line(&error), "the last use of an API key could not be recorded");
        }
        Ok(Self(api_key.id))
    }
}

/// Reads the API key from `Authorization: Bearer`. The error of a key in another place says where it
/// belongs.
fn read_secret(headers: &HeaderMap) -> Result<&str, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let is_key = |value: &header::HeaderValue| value.to_str().is_ok_and(|text| is_well_formed(text.trim()));
        let elsewhere = headers.iter().find(|(_, value)| is_key(value));
        return Err(elsewhere.map_or(ApiError::KeyMissing, |(name, _)| ApiError::KeyElsewhere(name.to_string())));
    };
    let text = value.to_str().map_err(|_| ApiError::KeyInvalid)?.trim();
    let (scheme, secret) = text.split_once(' ').unwrap_or(("", text));
    match (scheme.eq_ignore_ascii_case("bearer"), is_well_formed(secret.trim())) {
        (true, true) => Ok(secret.trim()),
        (false, true) => Err(ApiError::KeyWithoutBearer),
        (_, false) => Err(ApiError::KeyInvalid),
    }
}

fn is_well_formed(text: &str) -> bool {
    text.strip_prefix("hc_")
        .is_some_and(|secret| secret.len() == SECRET_CHARS && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_form_is_well_formed() {
        assert!(is_well_formed("hc_0123456789abcdefghijABCDEFGHIJ01"));
        for text in ["", "hc_", "hc_short", "sk_0123456789abcdefghijABCDEFGHIJ01", "hc_0123456789abcdefghijABCDEFGHI-1"]
        {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
