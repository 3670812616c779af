//! The one-time link that signs a browser in to a new server.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use axum::extract::State;
use clearcut_job::UnixMillis;
use clearcut_queue::KeyHash;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        json_body::{JsonBody, JsonRefusal, JsonShape},
        reply::{ErrorReply, Reply},
    },
};

/// The one-time link that a new server prints. It yields the server's first API key once, until it
/// expires. It is only kept in memory.
#[derive(Default)]
pub struct OneTimeLink(Mutex<Option<PendingLink>>);

struct PendingLink {
    token: KeyHash,
    key: String,
    expires: UnixMillis,
}

impl fmt::Debug for OneTimeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeLink")
    }
}

impl OneTimeLink {
    /// Makes a link that yields `key` to the first request with `token`, until `expires`.
    #[must_use]
    pub fn new(token: &str, key: String, expires: UnixMillis) -> Self {
        Self(Mutex::new(Some(PendingLink { token: KeyHash::of(token), key, expires })))
    }

    /// Returns the API key if `token` is right and the link is unused and not expired.
    fn redeem(&self, token: &str, now: UnixMillis) -> Option<String> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Comparing hashes leaks nothing about the token through timing.
        let is_valid = pending.as_ref().is_some_and(|link| link.token == KeyHash::of(token) && now < link.expires);
        if is_valid { pending.take().map(|link| link.key) } else { None }
    }
}

/// The token of a sign-in link.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// The text after `#sign-in=` in the link.
    token: String,
}

impl JsonShape for SignIn {
    const SHAPE: &'static str = "JSON: {\"token\": \"...\"}";

    /// Several times the size of a token and its JSON. The request needs no API key.
    const MAX_BYTES: usize = 1024;

    fn refuse(_: JsonRefusal) -> ApiError {
        Self::shape_error()
    }
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// The API key, to send as `Authorization: Bearer`.
    #[schema(example = "hc_0123456789abcdefghijklmnopqrstuv")]
    key: String,
}

/// Sign in with a one-time link.
///
/// A new server that listens only on its own machine prints a link. The first request with its
/// token within an hour receives the server's first API key; the link is then used up.
#[utoipa::path(
    post, path = "/api/v1/sign-in", tag = "keys", request_body = SignIn,
    responses(
        (status = 200, description = "The API key.", body = Reply<SignedIn>),
        (status = 400, description = "The body is not the expected JSON.", body = ErrorReply),
        (status = 403, description = "The link was already used, has expired, or belongs to an earlier start of the server.", body = ErrorReply),
    )
)]
pub(crate) async fn sign_in(
    State(api): State<Api>,
    JsonBody(SignIn { token }): JsonBody<SignIn>,
) -> Result<Reply<SignedIn>, ApiError> {
    let key = api.link.redeem(&token, api.clock.now()).ok_or(ApiError::SignInLinkInvalid)?;
    tracing::info!("the one-time link was used");
    Ok(Reply::new(SignedIn { key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn link() -> OneTimeLink {
        OneTimeLink::new("right", "hc_key".to_owned(), UnixMillis(2000))
    }

    #[test]
    fn the_token_yields_the_api_key_exactly_once() {
        let link = link();
        assert_eq!(link.redeem("wrong", NOW), None);
        assert_eq!(link.redeem("right", NOW).as_deref(), Some("hc_key"));
        assert_eq!(link.redeem("right", NOW), None);
    }

    #[test]
    fn an_expired_link_and_a_missing_link_yield_nothing() {
        assert_eq!(link().redeem("right", UnixMillis(2000)), None);
        assert_eq!(OneTimeLink::default().redeem("", NOW), None);
    }
}
