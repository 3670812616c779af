//! Range requests that resume a download: the validator to send, and the response to it.

use reqwest::{Response, StatusCode, header};

/// The value of `If-Range`, which ensures that the rest belongs to the same version of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validator(pub(crate) String);

impl Validator {
    /// A strong entity tag, else the modification time. Weak tags are ignored: they mark files as
    /// equivalent, not as identical.
    pub(crate) fn from_response(response: &Response) -> Option<Self> {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
        strong.or_else(|| text(header::LAST_MODIFIED)).map(|text| Self(text.to_owned()))
    }
}

/// Classification of the response to a range request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RangeResponse {
    /// The requested bytes.
    Rest {
        /// Length of the whole file, if the host stated it.
        total: Option<u64>,
    },
    /// The whole file from its beginning, or an unusable response: start over.
    Other,
}

/// Checks whether `response` holds the bytes from `offset` on.
pub(crate) fn classify_range_response(response: &Response, offset: u64) -> RangeResponse {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return RangeResponse::Other;
    }
    let text = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parse_content_range(text)
        .filter(|(first, _)| *first == offset)
        .map_or(RangeResponse::Other, |(_, total)| RangeResponse::Rest { total })
}

/// The first byte offset and the total length in a value such as `bytes 5-9/10`.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first.parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed_and_malformed_ones_rejected() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 0-0/*"), Some((0, None)));
        for text in ["", "bytes */10", "bytes 5-9", "items 5-9/10", "bytes -9/10", "bytes 5-9/x"] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }
}
