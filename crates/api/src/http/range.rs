//! `Range` headers (RFC 9110, section 14.2).

use std::ops::Range;

/// The bytes of a file that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// The whole file: no header, or one that a server may ignore (several ranges, another unit).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// A range outside the file.
    Unsatisfiable,
}

/// Parses a `Range` header for a file of `size_bytes`.
pub(crate) fn parse(header: Option<&str>, size_bytes: u64) -> RequestedRange {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return RequestedRange::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return RequestedRange::Whole };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    let range = match (first, last) {
        ("", "") => return RequestedRange::Whole,
        ("", suffix) => number(suffix).map(|suffix| size_bytes.saturating_sub(suffix)..size_bytes),
        (first, "") => number(first).map(|first| first..size_bytes),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size_bytes)),
            _ => None,
        },
    };
    match range {
        None => RequestedRange::Whole,
        Some(range) if range.start >= size_bytes || range.is_empty() => RequestedRange::Unsatisfiable,
        Some(range) => RequestedRange::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_parse_as_in_rfc_9110() {
        let cases = [
            (None, RequestedRange::Whole),
            (Some("bytes=0-0"), RequestedRange::Part(0..1)),
            (Some("bytes=0-"), RequestedRange::Part(0..100)),
            (Some("bytes=90-200"), RequestedRange::Part(90..100)),
            (Some("bytes=-10"), RequestedRange::Part(90..100)),
            (Some("bytes=-1000"), RequestedRange::Part(0..100)),
            (Some("bytes=100-"), RequestedRange::Unsatisfiable),
            (Some("bytes=-0"), RequestedRange::Unsatisfiable),
            (Some("bytes=99999999999999999999-"), RequestedRange::Unsatisfiable),
            (Some("bytes=5-2"), RequestedRange::Whole),
            (Some("bytes=0-1,5-6"), RequestedRange::Whole),
            (Some("bytes=a-b"), RequestedRange::Whole),
            (Some("bytes=-"), RequestedRange::Whole),
            (Some("lines=0-1"), RequestedRange::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(header, 100), expected, "{header:?}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), RequestedRange::Unsatisfiable);
    }
}
