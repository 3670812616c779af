//! Checks of the URLs that webhooks are sent to.

use axum::http::HeaderMap;
use clearcut_job::RequestError;
use clearcut_outbound::OutboundError;
use clearcut_queue::Destination;

use crate::{Api, ApiError};

/// Maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Parses the destination URL in `field`, and refuses one whose text shows that it must not be
/// reached. The addresses that its host resolves to are checked on each connection.
pub(crate) fn read_destination(
    api: &Api,
    field: &'static str,
    text: &str,
    headers: &HeaderMap,
) -> Result<Destination, ApiError> {
    if text.len() > MAX_URL_BYTES {
        return Err(RequestError::new(field, text, "at most 2048 bytes").into());
    }
    let target = api.settings.address_policy.target(text).map_err(|error| {
        let allowed = match error {
            OutboundError::Scheme => "an http or https address",
            OutboundError::Credentials => "an address without user name and password",
            OutboundError::Refused => "an address outside of private, local and reserved networks",
            _ => "an absolute http or https address",
        };
        RequestError::new(field, text, allowed)
    })?;
    let host = target.host().trim_end_matches('.').to_owned();
    Ok(Destination { url: target.as_str().to_owned(), host, link_base: api.base_url(headers) })
}
