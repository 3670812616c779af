//! Query parameters, and the parsers of their values.

use axum::{extract::Query, http::Uri};
use chrono::{DateTime, NaiveDateTime};
use clearcut_job::{JobState, RequestError, UnixMillis, UtcDay};

use crate::ApiError;

/// Query parameters of a request. Unknown ones are ignored, because the client may be newer than
/// this server.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        let read = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = read.map_err(|_| ApiError::Request("the parameters of the address are malformed".into()))?;
        Ok(Self(pairs))
    }

    /// Returns the parameter `name`, parsed by `parse`. `allowed` describes valid values in the
    /// error.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        allowed: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let mut given = self.0.iter().filter(|(key, _)| key == name).map(|(_, text)| text);
        let Some(text) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(RequestError::new(name, text, "given once"));
        }
        parse(text).map(Some).ok_or_else(|| RequestError::new(name, text, allowed))
    }
}

/// Parses a whole number in `range`. Only digits are allowed.
pub(crate) fn parse_whole_number(text: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && range.contains(number))
}

/// Parses a job state by its name on the wire.
pub(crate) fn parse_state(text: &str) -> Option<JobState> {
    text.parse().ok()
}

/// The latest valid second: the last one of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// What [`parse_second`] reads.
pub(crate) const MOMENT_ALLOWED: &str =
    "whole seconds since 1970, or a date and time of ISO 8601 such as 2026-11-30 or 2026-11-30T08:00:00Z, up to 9999";

/// Parses a moment from 1970 on, in whole seconds or by ISO 8601, and returns the start of its
/// second. Without an offset, the time is UTC.
pub(crate) fn parse_second(text: &str) -> Option<UnixMillis> {
    let secs = parse_whole_number(text, 0..=LAST_SECOND).or_else(|| parse_iso_secs(text))?;
    Some(UnixMillis(secs as i64 * 1000))
}

fn parse_iso_secs(text: &str) -> Option<u64> {
    // A plus sign in a query that was not encoded is read as a space.
    let text = text.replace(' ', "+");
    let day = text.parse().ok().map(|day: UtcDay| day.begin().whole_secs());
    let with_offset = || DateTime::parse_from_rfc3339(&text).ok().map(|moment| moment.timestamp());
    let in_utc = || text.parse().ok().map(|moment: NaiveDateTime| moment.and_utc().timestamp());
    let secs = day.or_else(with_offset).or_else(in_utc)?;
    u64::try_from(secs).ok().filter(|secs| *secs <= LAST_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_digits_within_a_range() {
        for (text, number) in [("0", Some(0)), ("60", Some(60)), ("61", None), ("+1", None), ("", None), ("1.0", None)]
        {
            assert_eq!(parse_whole_number(text, 0..=60), number, "{text:?}");
        }
    }

    #[test]
    fn a_repeated_parameter_is_refused_and_an_unknown_one_is_ignored() {
        let read = |uri: &'static str| {
            Params::of(&Uri::from_static(uri)).unwrap().read("a", "x", |text| parse_whole_number(text, 0..=9))
        };
        assert_eq!(read("/?a=1&b=2&b=3").unwrap(), Some(1));
        assert_eq!(read("/?b=2").unwrap(), None);
        assert_eq!(read("/?a=1&a=1").unwrap_err().allowed(), "given once");
        assert_eq!(read("/?a=10").unwrap_err().field(), "a");
    }

    #[test]
    fn a_time_parses_to_the_start_of_its_second() {
        assert_eq!(parse_second("1710000000"), Some(UnixMillis(1_710_000_000_000)));
        for text in [
            "2024-03-09T16:00:00Z",
            "2024-03-09T17:00:00+01:00",
            "2024-03-09T17:00:00 01:00",
            "2024-03-09T16:00:00.999",
        ] {
            assert_eq!(parse_second(text), Some(UnixMillis(1_710_000_000_000)), "{text}");
        }
        assert_eq!(parse_second("2024-03-09"), Some(UnixMillis(1_709_942_400_000)));
        for text in
            ["99999999999999999999", "yesterday", "2024-02-30", "1969-12-31", "9.3.2024", "2024-03-09T25:00:00Z", ""]
        {
            assert_eq!(parse_second(text), None, "{text}");
        }
    }
}
