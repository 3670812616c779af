//! Rate limits per API key: counting of requests, and the headers that report what is left.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, request::Parts},
    middleware::Next,
    response::Response,
};
use clearcut_queue::KeyRecord;

use crate::{
    Api, ApiError,
    http::token_bucket::{Allowance, Policy, WINDOW},
};

/// Request extension through which [`count`] passes the allowance to [`add_headers`].
#[derive(Debug, Clone, Default)]
struct AllowanceCell(Arc<OnceLock<Allowance>>);

/// Counts a request against the limits of its API key. Submits and previews are counted for all
/// processes of a shared database together; other requests, which cost little, by each for itself.
pub(crate) async fn count(api: &Api, key: &KeyRecord, parts: &Parts) -> Result<(), ApiError> {
    let policy = policy_of(parts);
    let per_minute = match policy {
        Policy::Submits => key.limits.submits_per_minute.unwrap_or(api.settings.submits_per_minute),
        Policy::Previews => api.settings.previews_per_minute,
        Policy::Requests => key.limits.requests_per_minute.unwrap_or(api.settings.requests_per_minute),
    };
    let shared = match policy {
        Policy::Requests => None,
        _ => api.queue.count_request(key.id, policy.name(), per_minute).await?,
    };
    let allowance = match shared {
        Some(pace) => Allowance::of_pace(policy, per_minute, pace),
        None => api.traffic.take(key.id, policy, per_minute, Instant::now()),
    };
    if let Some(AllowanceCell(cell)) = parts.extensions.get() {
        let _ = cell.set(allowance);
    }
    match allowance.retry_after_secs {
        None => Ok(()),
        Some(retry_after_secs) => Err(ApiError::RateLimited { per_minute, retry_after_secs }),
    }
}

/// The policy that a request falls under.
fn policy_of(parts: &Parts) -> Policy {
    let path = parts.uri.path();
    let is_work = path.ends_with("/remove-background") || path.starts_with("/api/v1/image/");
    let submits = is_work || path.ends_with("/retry");
    match parts.method {
        Method::POST if submits => Policy::Submits,
        Method::POST if path.ends_with("/preview") => Policy::Previews,
        _ => Policy::Requests,
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
