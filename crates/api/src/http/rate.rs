//! Rate limits per API key: token buckets, and the headers that report what is left.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, request::Parts},
    middleware::Next,
    response::Response,
};
use clearcut_queue::KeyRecord;

use crate::{Api, ApiError};

/// Period of a limit. An empty bucket is full again after it.
const WINDOW: Duration = Duration::from_mins(1);

/// Class of requests that shares one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Policy {
    /// Requests that queue a job.
    Submits,
    /// Previews, which create no job but cost as much as a small one.
    Previews,
    /// All other requests.
    Requests,
}

impl Policy {
    const fn name(self) -> &'static str {
        match self {
            Self::Submits => "submits",
            Self::Previews => "previews",
            Self::Requests => "requests",
        }
    }

    fn for_request(parts: &Parts) -> Self {
        let path = parts.uri.path();
        let submits = path.ends_with("/remove-background") || path.ends_with("/retry");
        match parts.method {
            Method::POST if submits => Self::Submits,
            Method::POST if path.ends_with("/preview") => Self::Previews,
            _ => Self::Requests,
        }
    }
}

/// Token bucket: refilled evenly, full after a minute without requests.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    refilled_at: Instant,
}

impl Bucket {
    pub(crate) fn full(per_minute: u32, now: Instant) -> Self {
        Self { tokens: f64::from(per_minute), refilled_at: now }
    }

    pub(crate) fn take(&mut self, policy: Policy, per_minute: u32, now: Instant) -> Allowance {
        let (capacity, per_sec) = (f64::from(per_minute), f64::from(per_minute) / WINDOW.as_secs_f64());
        let elapsed = now.saturating_duration_since(self.refilled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * per_sec).min(capacity);
        self.refilled_at = now;
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        let secs_to = |tokens: f64| ((tokens - self.tokens).max(0.0) / per_sec).ceil() as u64;
        Allowance {
            policy,
            per_minute,
            remaining: self.tokens as u64,
            full_in_secs: secs_to(capacity),
            retry_after_secs: (!granted).then(|| secs_to(1.0).max(1)),
        }
    }
}

/// State of a limit after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    policy: Policy,
    per_minute: u32,
    remaining: u64,
    full_in_secs: u64,
    /// Seconds until the next request is allowed. Set only if this request exceeds the limit.
    pub(crate) retry_after_secs: Option<u64>,
}

/// Request extension through which [`count`] passes the allowance to [`add_headers`].
#[derive(Debug, Clone, Default)]
struct AllowanceCell(Arc<OnceLock<Allowance>>);

/// Counts a request against the limits of its API key.
pub(crate) fn count(api: &Api, key: &KeyRecord, parts: &Parts) -> Result<(), ApiError> {
    let policy = Policy::for_request(parts);
    let per_minute = match policy {
        Policy::Submits => key.limits.submits_per_minute.unwrap_or(api.settings.submits_per_minute),
        Policy::Previews => api.settings.previews_per_minute,
        Policy::Requests => key.limits.requests_per_minute.unwrap_or(api.settings.requests_per_minute),
    };
    let allowance = api.traffic.take(key.id, policy, per_minute, Instant::now());
    if let Some(AllowanceCell(cell)) = parts.extensions.get() {
        let _ = cell.set(allowance);
    }
    match allowance.retry_after_secs {
        None => Ok(()),
        Some(retry_after_secs) => Err(ApiError::RateLimited { per_minute, retry_after_secs }),
    }
}

/// Middleware that reports the limit of a request in the headers of its reply, as defined by
/// draft-ietf-httpapi-ratelimit-headers-10.
pub(crate) async fn add_headers(mut request: Request, next: Next) -> Response {
    let cell = AllowanceCell::default();
    request.extensions_mut().insert(cell.clone());
    let mut response = next.run(request).await;
    if let Some(allowance) = cell.0.get() {
        let Allowance { per_minute, remaining, full_in_secs, .. } = allowance;
        let name = allowance.policy.name();
        let fields = [
            ("ratelimit-policy", format!("\"{name}\";q={per_minute};w={}", WINDOW.as_secs())),
            ("ratelimit", format!("\"{name}\";r={remaining};t={full_in_secs}")),
        ];
        for (field, value) in fields {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(HeaderName::from_static(field), value);
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_allows_a_minutes_requests_at_once_and_then_refills_evenly() {
        let start = Instant::now();
        let mut bucket = Bucket::full(60, start);
        let mut take = |secs: f64| bucket.take(Policy::Submits, 60, start + Duration::from_secs_f64(secs));
        for left in (0..60).rev() {
            let allowance = take(0.0);
            assert_eq!((allowance.remaining, allowance.retry_after_secs), (left, None));
            assert_eq!(allowance.full_in_secs, 60 - left);
        }
        assert_eq!(take(0.0).retry_after_secs, Some(1));
        assert_eq!(take(0.9).retry_after_secs, Some(1));
        assert_eq!(take(1.0).retry_after_secs, None);
        assert_eq!(take(1.0).retry_after_secs, Some(1));
        // After a day the bucket holds no more than its capacity.
        assert_eq!(take(86_400.0).remaining, 59);
    }

    #[test]
    fn an_empty_slow_bucket_reports_the_time_to_wait() {
        let now = Instant::now();
        let mut bucket = Bucket::full(2, now);
        let mut take = || bucket.take(Policy::Submits, 2, now).retry_after_secs;
        assert_eq!([take(), take(), take()], [None, None, Some(30)]);
    }
}
