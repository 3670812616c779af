use axum::{extract::Query, http::Uri};
use clearcut_job::{JobState, RequestError, UnixMillis};

use crate::ApiError;

/// The parameters after the `?` of an address. One that is not known is ignored: the client may be newer than this server.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        let read = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = read.map_err(|_| ApiError::Request("the parameters of the address are malformed".into()))?;
        Ok(Self(pairs))
    }

    /// The parameter `name`, read by `parse`; `allowed` says in words what it may be.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        allowed: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let mut given = self.0.iter().filter(|(known, _)| known == name).map(|(_, text)| text);
        let Some(text) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(RequestError::new(name, text, "given once"));
        }
        parse(text).map(Some).ok_or_else(|| RequestError::new(name, text, allowed))
    }
}

/// A whole number in `range`, written in digits alone.
pub(crate) fn whole(text: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

/// A state by its word on the wire.
pub(crate) fn state(text: &str) -> Option<JobState> {
    text.parse().ok()
}

/// The latest second that can be given: the last of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The moment that comes after the second `text` on the wire.
pub(crate) fn after_second(text: &str) -> Option<UnixMillis> {
    whole(text, 0..=LAST_SECOND).map(|secs| UnixMillis((secs as i64 + 1) * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_in_their_range() {
        for (text, number) in [("0", Some(0)), ("60", Some(60)), ("61", None), ("+1", None), ("", None), ("1.0", None)]
        {
            assert_eq!(whole(text, 0..=60), number, "{text:?}");
        }
    }

    #[test]
    fn what_is_given_twice_is_refused_and_what_is_not_known_ignored() {
        let read =
            |uri: &'static str| Params::of(&Uri::from_static(uri)).unwrap().read("a", "x", |text| whole(text, 0..=9));
        assert_eq!(read("/?a=1&b=2&b=3").unwrap(), Some(1));
        assert_eq!(read("/?b=2").unwrap(), None);
        assert_eq!(read("/?a=1&a=1").unwrap_err().allowed(), "given once");
        assert_eq!(read("/?a=10").unwrap_err().field(), "a");
    }

    #[test]
    fn a_time_is_that_after_its_second() {
        assert_eq!(after_second("1710000000"), Some(UnixMillis(1_710_000_001_000)));
        assert_eq!(after_second("99999999999999999999"), None);
    }
}
