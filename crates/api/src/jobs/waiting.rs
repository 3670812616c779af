use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, Uri};
use clearcut_job::{JobId, RequestError};
use clearcut_queue::{JobRecord, KeyId};

use crate::{
    Api, ApiError,
    http::query::{Params, whole},
    traffic::UnderWay,
};

/// The header by which a client asks a submit to wait (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The header by which the reply says that it did.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long one request may wait for a job.
const LONGEST_SECS: u64 = 60;

const ALLOWED: &str = "a whole number of seconds from 0 to 60";

/// How long to wait before looking at the job again when no call came: another process may have changed it.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The span that `?wait=` asks to wait for the end of a job.
pub(crate) fn in_query(uri: &Uri) -> Result<Duration, ApiError> {
    let secs = Params::of(uri)?.read("wait", ALLOWED, |text| whole(text, 0..=LONGEST_SECS))?;
    Ok(Duration::from_secs(secs.unwrap_or(0)))
}

/// The whole seconds that `Prefer: wait=` asks to wait; other preferences are ignored, as they may be.
pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let lines = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    for preference in lines.flat_map(|line| line.split([',', ';'])) {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        if name.trim().eq_ignore_ascii_case("wait") {
            let text = value.trim().trim_matches('"');
            let secs = whole(text, 0..=LONGEST_SECS).ok_or_else(|| RequestError::new("wait", text, ALLOWED))?;
            return Ok(Some(secs));
        }
    }
    Ok(None)
}

impl Api {
    /// Reads the job `id` of `owner`; with `longest`, when it has ended, or after that span as it is then.
    pub(crate) async fn read_patiently(
        &self,
        owner: KeyId,
        id: &JobId,
        longest: Duration,
    ) -> Result<Option<JobRecord>, ApiError> {
        let deadline = Instant::now() + longest;
        // Watched before it is read, so that an end in between is not missed.
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

    /// Holds one of the requests that `owner` may have waiting at once.
    pub(crate) fn hold_wait(&self, owner: KeyId) -> Result<UnderWay, ApiError> {
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
        in_headers(&headers)
    }

    #[test]
    fn the_wait_is_found_among_other_preferences() {
        assert_eq!(prefer(&[]).unwrap(), None);
        assert_eq!(prefer(&["respond-async", "return=minimal"]).unwrap(), None);
        for lines in [&["wait=10"][..], &["respond-async, Wait=10"], &["return=minimal", "wait = \"10\""]] {
            assert_eq!(prefer(lines).unwrap(), Some(10), "{lines:?}");
        }
    }

    #[test]
    fn a_wait_beyond_a_minute_is_refused() {
        for line in ["wait=61", "wait=-1", "wait", "wait=1.5", "wait=99999999999999999999999"] {
            assert_eq!(prefer(&[line]).unwrap_err().status(), 400, "{line}");
        }
        assert_eq!(in_query(&Uri::from_static("/?wait=60")).unwrap(), Duration::from_mins(1));
        assert_eq!(in_query(&Uri::from_static("/?wait=61")).unwrap_err().code(), "INVALID_REQUEST");
    }
}
