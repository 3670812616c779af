//! The route that exchanges the token of a one-time link for an API key.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        json_body::{JsonBody, JsonRefusal, JsonShape},
        reply::{ErrorReply, Reply},
    },
};

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
    post, path = "/api/v1/sign-in", tag = "keys", operation_id = "signIn", request_body = SignIn,
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
