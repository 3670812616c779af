//! Headers of the upload routes: those of tus 1.0, and the id of an upload.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use clearcut_job::UnixMillis;
use clearcut_queue::UploadRecord;

pub(crate) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(crate) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(crate) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(crate) const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
pub(crate) const EXTENSIONS: HeaderName = HeaderName::from_static("tus-extension");
pub(crate) const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(crate) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// The supported version of tus.
pub(crate) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");

/// Reply header with the id of an upload, for clients that only know its URL.
pub(crate) const STORAGE_ID: HeaderName = HeaderName::from_static("x-storage-id");

/// Adds the headers that every reply about an upload has: its expiry and its id.
pub(crate) fn with_upload_headers(mut response: Response, record: &UploadRecord) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(http_date(record.expires)) {
        headers.insert(EXPIRES, value);
    }
    if let Ok(value) = HeaderValue::try_from(record.id.as_str()) {
        headers.insert(STORAGE_ID, value);
    }
    response
}

fn http_date(moment: UnixMillis) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.0).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_an_http_date() {
        assert_eq!(http_date(UnixMillis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
