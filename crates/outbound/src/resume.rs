use reqwest::{Response, StatusCode, header};

/// What must be said so that the rest of a file is the rest of the same file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validator(pub(crate) String);

impl Validator {
    /// A strong tag, or else the moment of the last change. A weak tag says that two files look alike, not that they are one.
    pub(crate) fn of(response: &Response) -> Option<Self> {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let strong = text(header::ETAG).filter(|tag| tag.starts_with('"'));
        strong.or_else(|| text(header::LAST_MODIFIED)).map(|text| Self(text.to_owned()))
    }
}

/// What an answer to a request for the bytes from some offset on turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those bytes, of a file of this length if it is told.
    Rest {
        /// The length of the whole file.
        total: Option<u64>,
    },
    /// The whole file from its beginning, or nothing that fits: begin anew.
    Other,
}

/// Whether `response` holds the bytes from `offset` on.
pub(crate) fn part(response: &Response, offset: u64) -> Part {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Part::Other;
    }
    let text = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parse_content_range(text)
        .filter(|(first, _)| *first == offset)
        .map_or(Part::Other, |(_, total)| Part::Rest { total })
}

/// The first byte and the whole length of `bytes 5-9/10`.
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
    fn ranges_are_read_as_the_standard_writes_them() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 0-0/*"), Some((0, None)));
        for text in ["", "bytes */10", "bytes 5-9", "items 5-9/10", "bytes -9/10", "bytes 5-9/x"] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }
}
