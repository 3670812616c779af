//! Metrics of requests.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const REQUESTS: &str = "clearcut_http_requests_total";
const REQUEST_DURATION: &str = "clearcut_http_request_duration_seconds";
const UPLOAD_BYTES: &str = "clearcut_upload_bytes_total";

/// Describes the metrics of this crate to the recorder of the process.
pub fn describe_metrics() {
    describe_counter!(REQUESTS, "Requests that were answered, by route, method and status");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Time from a request to the head of its reply, by route");
    describe_counter!(UPLOAD_BYTES, Unit::Bytes, "Bytes of request bodies that were received");
}

/// The methods of the API. Others have one label, so that clients cannot make up series.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [(&Method, &str); 7] = [
        (&Method::GET, "GET"),
        (&Method::HEAD, "HEAD"),
        (&Method::POST, "POST"),
        (&Method::PUT, "PUT"),
        (&Method::PATCH, "PATCH"),
        (&Method::DELETE, "DELETE"),
        (&Method::OPTIONS, "OPTIONS"),
    ];
    KNOWN.iter().find(|(known, _)| *known == method).map_or("other", |(_, label)| label)
}

/// Counts a request at `route`, a pattern of the router; an empty one if none matches.
pub(crate) fn answered(route: &str, method: &Method, status: StatusCode, took: Duration) {
    let (route, method) = (route.to_owned(), method_label(method));
    let labels = [("route", route.clone()), ("method", method.to_owned()), ("status", status.as_u16().to_string())];
    counter!(REQUESTS, &labels).increment(1);
    histogram!(REQUEST_DURATION, "route" => route).record(took.as_secs_f64());
}

/// Counts bytes of a request body.
pub(crate) fn received(bytes: u64) {
    counter!(UPLOAD_BYTES).increment(bytes);
}
