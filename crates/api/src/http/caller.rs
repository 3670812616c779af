use std::time::Duration;

use axum::{extract::FromRequestParts, http::header, http::request::Parts};
use clearcut_queue::{KeyHash, KeyId};

use crate::{Api, ApiError, http::rate};

/// Letters and digits after `hc_`.
const SECRET_CHARS: usize = 32;

/// How old the note of a key's last use may get: one write a minute, however many requests.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// The key that a request came with: known and not revoked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub(crate) KeyId);

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let header = parts.headers.get(header::AUTHORIZATION).ok_or(ApiError::KeyMissing)?;
        let text = header.to_str().map_err(|_| ApiError::KeyInvalid)?;
        let (scheme, secret) = text.split_once(' ').ok_or(ApiError::KeyInvalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") || !is_key(secret.trim()) {
            return Err(ApiError::KeyInvalid);
        }
        let key = api.queue.find_key(KeyHash::of(secret.trim())).await?.ok_or(ApiError::KeyInvalid)?;
        if key.revoked.is_some() {
            return Err(ApiError::KeyInvalid);
        }
        rate::count(api, &key, parts)?;
        let now = api.clock.now();
        if key.last_used.is_none_or(|last| now.since(last) >= TOUCH_INTERVAL)
            && let Err(error) = api.queue.touch_key(key.id).await
        {
            tracing::warn!(?error, "the last use of a key could not be noted");
        }
        Ok(Self(key.id))
    }
}

fn is_key(text: &str) -> bool {
    text.strip_prefix("hc_")
        .is_some_and(|secret| secret.len() == SECRET_CHARS && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_form_is_a_key() {
        assert!(is_key("hc_0123456789abcdefghijABCDEFGHIJ01"));
        for text in ["", "hc_", "hc_short", "sk_0123456789abcdefghijABCDEFGHIJ01", "hc_0123456789abcdefghijABCDEFGHI-1"]
        {
            assert!(!is_key(text), "{text}");
        }
    }
}
