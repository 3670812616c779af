use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use clearcut_job::UnixMillis;
use clearcut_queue::KeyHash;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::reply::{ErrorReply, Reply},
};

/// Bytes of a request, which anybody may send: a token and the JSON around it, several times over.
pub(crate) const MAX_BODY_BYTES: usize = 1024;

/// The link that a fresh server prints: opens its first key, once, for a while. Kept in memory alone.
#[derive(Default)]
pub struct OneTimeLink(Mutex<Option<Waiting>>);

struct Waiting {
    token: KeyHash,
    key: String,
    ends: UnixMillis,
}

impl fmt::Debug for OneTimeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeLink")
    }
}

impl OneTimeLink {
    /// A link that hands out `key` to the first who brings `token`, until `ends`.
    #[must_use]
    pub fn new(token: &str, key: String, ends: UnixMillis) -> Self {
        Self(Mutex::new(Some(Waiting { token: KeyHash::of(token), key, ends })))
    }

    /// The key, if `token` is right and nobody was here before.
    fn redeem(&self, token: &str, now: UnixMillis) -> Option<String> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Hashes are compared: how long that takes tells nothing about the token.
        let opens = place.as_ref().is_some_and(|waiting| waiting.token == KeyHash::of(token) && now < waiting.ends);
        if opens { place.take().map(|waiting| waiting.key) } else { None }
    }
}

/// What the link holds.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// What stands behind `#sign-in=` in the link.
    token: String,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// For `Authorization: Bearer`.
    #[schema(example = "hc_0123456789abcdefghijklmnopqrstuv")]
    key: String,
}

/// Sign in with a one-time link.
///
/// A fresh server that listens on this machine alone prints a link. The first who opens it within an hour gets the server's
/// first key; after that the link opens nothing.
#[utoipa::path(
    post, path = "/api/v1/sign-in", tag = "keys", request_body = SignIn,
    responses(
        (status = 200, description = "The key", body = Reply<SignedIn>),
        (status = 400, description = "The body is not the JSON that is asked for", body = ErrorReply),
        (status = 403, description = "The link was used, has expired, or is of another start of the server", body = ErrorReply),
    )
)]
pub(crate) async fn sign_in(
    State(api): State<Api>,
    body: Result<Json<SignIn>, JsonRejection>,
) -> Result<Reply<SignedIn>, ApiError> {
    let Json(SignIn { token }) =
        body.map_err(|_| ApiError::Request("the body must be JSON: {\"token\": \"...\"}".to_owned()))?;
    let key = api.link.redeem(&token, api.clock.now()).ok_or(ApiError::SignInLink)?;
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
    fn the_first_with_the_token_gets_the_key_and_nobody_after() {
        let link = link();
        assert_eq!(link.redeem("wrong", NOW), None);
        assert_eq!(link.redeem("right", NOW).as_deref(), Some("hc_key"));
        assert_eq!(link.redeem("right", NOW), None);
    }

    #[test]
    fn a_link_that_has_ended_and_one_that_never_was_open_nothing() {
        assert_eq!(link().redeem("right", UnixMillis(2000)), None);
        assert_eq!(OneTimeLink::default().redeem("", NOW), None);
    }
}
