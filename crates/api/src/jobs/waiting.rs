//! Waiting for the end of a job, by `?wait=` or `Prefer: wait=`.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, Uri};
use clearcut_job::{JobId, RequestError};
use clearcut_queue::{JobRecord, KeyId};

use crate::{
    Api, ApiError,
    http::query::{Params, parse_whole_number},
    traffic::CountGuard,
};

/// Request header with the client's preferences (RFC 7240), such as `wait=10`.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Reply header that confirms the applied preference.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Maximum wait of one request, in seconds.
const MAX_WAIT_SECS: u64 = 60;

const WAIT_ALLOWED: &str = "a whole number of seconds from 0 to 60";

/// Interval at which the job is read without a signal, because another process may have changed it.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the wait from `?wait=`. Zero if missing.
pub(crate) fn from_query(uri: &Uri) -> Result<Duration, ApiError> {
    let secs = Params::of(uri)?.read("wait", WAIT_ALLOWED, |text| parse_whole_number(text, 0..=MAX_WAIT_SECS))?;
    Ok(Duration::from_secs(secs.unwrap_or(0)))
}

/// Reads the wait in seconds from `Prefer: wait=`. Other preferences are ignored, which RFC 7240
/// allows.
pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let lines = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    for preference in lines.flat_map(|line| line.split([',', ';'])) {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        if name.trim().eq_ignore_ascii_case("wait") {
            let text = value.trim().trim_matches('"');
            let secs = parse_whole_number(text, 0..=MAX_WAIT_SECS)
                .ok_or_else(|| RequestError::new("wait", text, WAIT_ALLOWED))?;
            return Ok(Some(secs));
        }
    }
    Ok(None)
}

impl Api {
    /// Reads the job `id` of `owner` once it has ended, or after `max_wait` in its state at that
    /// time.
    pub(crate) async fn read_after_wait(
        &self,
        owner: KeyId,
        id: &JobId,
        max_wait: Duration,
    ) -> Result<Option<JobRecord>, ApiError> {
        let deadline = Instant::now() + max_wait;
        // Watched before the read, so that an end in between is not missed.
        let mut watch = self.queue.signals().watch(id);
        loop {
            let record = self.queue.read(owner, id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            let may_wait = !left.is_zero() && !watch.is_closed();
            if !may_wait || record.as_ref().is_none_or(|record| record.state.is_final()) {
                return Ok(record);
            }
            watch.changed(left.min(POLL_INTERVAL)).await;
        }
    }

    /// Reserves one of the concurrent waiting requests of `owner`.
    pub(crate) fn reserve_wait(&self, owner: KeyId) -> Result<CountGuard, ApiError> {
        let limit = self.settings.max_waits;
        self.traffic.begin_wait(owner, limit).ok_or(ApiError::TooManyWaits { limit })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn prefer(lines: &[&'static str]) -> Result<Option<u64>, ApiError> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(PREFER, HeaderValue::from_static(line));
        }
        from_headers(&headers)
    }

    #[test]
    fn a_wait_is_found_among_other_preferences() {
        assert_eq!(prefer(&[]).unwrap(), None);
        assert_eq!(prefer(&["respond-async", "return=minimal"]).unwrap(), None);
        for lines in [&["wait=10"][..], &["respond-async, Wait=10"], &["return=minimal", "wait = \"10\""]] {
            assert_eq!(prefer(lines).unwrap(), Some(10), "{lines:?}");
        }
    }

    #[test]
    fn a_wait_over_a_minute_is_refused() {
        for line in ["wait=61", "wait=-1", "wait", "wait=1.5", "wait=99999999999999999999999"] {
            assert_eq!(prefer(&[line]).unwrap_err().status(), 400, "{line}");
        }
        assert_eq!(from_query(&Uri::from_static("/?wait=60")).unwrap(), Duration::from_mins(1));
        assert_eq!(from_query(&Uri::from_static("/?wait=61")).unwrap_err().code(), "INVALID_REQUEST");
    }
}
