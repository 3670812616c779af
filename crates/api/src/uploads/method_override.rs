//! POST to an upload with the actual method in a header.

use axum::{
    Extension,
    extract::{FromRequestParts as _, Path, RawQuery, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use crate::{
    Api, ApiError,
    http::caller::Caller,
    uploads::{
        locks::UploadLocks,
        resource::delete,
        tus::{head, patch},
        upload_headers::METHOD_OVERRIDE,
    },
};

/// Handles POST with the actual method in a header, for clients behind proxies that block other
/// methods.
pub(crate) async fn post(
    state: State<Api>,
    locks: Extension<UploadLocks>,
    path: Path<String>,
    query: RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    match request.headers().get(METHOD_OVERRIDE).map(HeaderValue::as_bytes) {
        Some(b"PATCH") => patch(state, locks, path, query, request).await,
        Some(b"HEAD") => head(state, locks, path, query, request.headers().clone()).await,
        Some(b"DELETE") => {
            let (mut parts, _) = request.into_parts();
            let caller = Caller::from_request_parts(&mut parts, &state).await;
            let deleted = delete(state, locks, path, query, caller, parts.headers).await?;
            Ok(deleted.into_response())
        }
        _ => {
            let mut refused = ApiError::Method("POST".to_owned()).into_response();
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("PUT,PATCH,HEAD,DELETE"));
            Ok(refused)
        }
    }
}
