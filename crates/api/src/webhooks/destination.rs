use axum::http::HeaderMap;
use clearcut_job::RequestError;
use clearcut_outbound::OutboundError;
use clearcut_queue::Destination;

use crate::{Api, ApiError};

/// Longer addresses are refused.
const MAX_URL_BYTES: usize = 2048;

/// Reads the address in `field` to which something is to be sent, and refuses what will never be reached as far as its text
/// tells; what its name leads to is looked at with each connection.
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
