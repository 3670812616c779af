//! Idempotency keys of submits and retries.

use axum::http::{HeaderMap, HeaderName};
use clearcut_job::JobId;
use clearcut_queue::Idempotency;
use sha2::{Digest as _, Sha256};

use crate::ApiError;

/// The request header that makes a submit idempotent.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header of a reply that repeats an earlier reply.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Maximum length of an idempotency key.
const MAX_CHARS: usize = 255;

/// Idempotency key: identifies one submit, however often the client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the idempotency key from `headers`, if there is one: visible ASCII characters, with or
    /// without the quotes of the IETF draft.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = given.next() else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_valid = (1..=MAX_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid && given.next().is_none() {
            return Ok(Some(Self(key.to_owned())));
        }
        let message = format!("Idempotency-Key must be given once, as 1 to {MAX_CHARS} visible characters");
        Err(ApiError::Request(message))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The number from which the job is named that a retry of `id` with this key creates. Nobody else
    /// can find it, because nobody else knows `id`.
    pub(crate) fn number_for(&self, id: &JobId) -> u128 {
        let digest = Sha256::digest(format!("retry:{id}:{}", self.0));
        digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
    }

    /// Combines this key with a digest of the body's `parts`. The digest covers the name and the
    /// length of each part, so that different bodies have different input to the hash.
    pub(crate) fn with_body(self, parts: &[(&str, &str)]) -> Idempotency {
        let mut digest = Sha256::new();
        for (name, content) in parts {
            digest.update(format!("{name}:{}:", content.len()));
            digest.update(content);
        }
        Idempotency { key: self.0, body: hex::encode(digest.finalize()) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<IdempotencyKey>, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        IdempotencyKey::read(&headers)
    }

    #[test]
    fn a_key_is_read_with_and_without_quotes() {
        assert_eq!(read(&[]).unwrap(), None);
        for text in ["8e03978e-40d5", "\"8e03978e-40d5\"", " 8e03978e-40d5 "] {
            assert_eq!(read(&[text]).unwrap().unwrap().as_str(), "8e03978e-40d5");
        }
    }

    #[test]
    fn an_invalid_key_is_refused() {
        let long = "x".repeat(256);
        for values in [&[""][..], &["\"\""], &["a b"], &["\u{e9}"], &[&long], &["a", "a"]] {
            assert_eq!(read(values).unwrap_err().code(), "INVALID_REQUEST", "{values:?}");
        }
    }

    #[test]
    fn bodies_differ_if_any_part_differs() {
        let body = |parts: &[(&str, &str)]| IdempotencyKey("k".into()).with_body(parts).body;
        let all = [
            body(&[("request", "ab"), ("input", "c")]),
            body(&[("request", "a"), ("input", "bc")]),
            body(&[("request", "ab"), ("url", "c")]),
            body(&[("request", "ab")]),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
        assert_eq!(all[0], body(&[("request", "ab"), ("input", "c")]));
    }
}
