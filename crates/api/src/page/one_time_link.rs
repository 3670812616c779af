//! The one-time link that signs a browser in to a new server.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use clearcut_job::UnixMillis;
use clearcut_queue::KeyHash;

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
    pub(crate) fn redeem(&self, token: &str, now: UnixMillis) -> Option<String> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Comparing hashes leaks nothing about the token through timing.
        let is_valid = pending.as_ref().is_some_and(|link| link.token == KeyHash::of(token) && now < link.expires);
        if is_valid { pending.take().map(|link| link.key) } else { None }
    }
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
