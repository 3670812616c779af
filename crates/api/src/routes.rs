//! The router: every route, and the middleware around them.

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, Method, header},
    middleware::{self, Next},
    response::Response,
    routing::{MethodRouter, get, post, put},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{Any, CorsLayer},
};

use crate::{
    Api, ApiError, docs, files, health,
    http::{body_limits::LimitedBody, field_warning, rate_limit, request_log},
    images::{self, emoticon, remove_background, resize},
    jobs::{control, event_stream, idempotency, input, list, submit, synchronous, usage, waiting},
    page::{assets, sign_in},
    previews::preview,
    uploads::{locks::UploadLocks, method_override, resource, tus, upload_headers},
    webhooks::{deliveries, endpoints},
};

/// Builds the router: all routes, with request ids, the request log, CORS, panic handling, and
/// limits on request bodies.
pub fn routes(api: Api) -> Router {
    let tus_protocol = middleware::from_fn_with_state(api.clone(), tus::protocol_layer);
    let limited = middleware::from_fn_with_state(api.clone(), limit_body);
    Router::new()
        .route("/", get(assets::index))
        .route("/cli-auth", get(assets::cli_auth))
        .route("/playground", get(assets::playground))
        .route("/page/{name}", get(assets::asset))
        .route("/api/v1/sign-in", post(sign_in::sign_in))
        .route("/api/v1/jobs/video/remove-background", post(submit::submit))
        .route("/api/v1/jobs/image/remove-background", post(images::submit::submit))
        .route("/api/v1/jobs", get(list::list))
        .route("/api/v1/jobs/{id}", get(submit::read).delete(control::remove))
        .route("/api/v1/jobs/{id}/cancel", post(control::cancel))
        .route("/api/v1/jobs/{id}/retry", post(control::retry))
        .route("/api/v1/jobs/{id}/events", get(event_stream::follow))
        .route("/api/v1/jobs/{id}/input", get(input::read))
        .route("/api/v1/usage", get(usage::read))
        .route("/api/v1/video/remove-background", post(synchronous::cut_now))
        .route("/api/v1/video/remove-background/preview", post(preview::preview))
        .route("/api/v1/image/remove-background", post(remove_background::remove_background))
        .route("/api/v1/image/detect-background-color", post(remove_background::detect_background_color))
        .route("/api/v1/image/resize", post(resize::resize))
        .route("/api/v1/image/thumbnail", post(resize::thumbnail))
        .route("/api/v1/image/emoticon", post(emoticon::pack))
        .route("/api/v1/image/emoticon/zip", post(emoticon::zipped_pack))
        .route("/api/v1/uploads", post(resource::create))
        .route("/api/v1/uploads/{id}", upload_resource())
        .route("/api/v1/jobs/{id}/deliveries", get(deliveries::of_job))
        .route("/api/v1/jobs/{id}/deliveries/{delivery}/redeliver", post(deliveries::redeliver))
        .route("/api/v1/webhooks", post(endpoints::create).get(endpoints::list))
        .route("/api/v1/webhooks/secret", get(endpoints::read_key_secret))
        .route("/api/v1/webhooks/secret/rotate", post(endpoints::rotate_key_secret))
        .route("/api/v1/webhooks/{id}", get(endpoints::read).patch(endpoints::change).delete(endpoints::delete))
        .route("/api/v1/webhooks/{id}/secret", get(endpoints::read_secret))
        .route("/api/v1/webhooks/{id}/secret/rotate", post(endpoints::rotate_secret))
        .route("/api/v1/webhooks/{id}/test", post(deliveries::send_test))
        .route("/api/v1/webhooks/{id}/deliveries", get(deliveries::to_webhook))
        .route("/files/{*name}", get(files::read))
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::index))
        .route("/docs/{*path}", get(docs::asset))
        .route("/docs.json", get(docs::json))
        .route("/llms.txt", get(docs::llms))
        .route("/llms-full.txt", get(docs::llms_full))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(|| async { ApiError::RouteNotFound })
        .method_not_allowed_fallback(|method: Method| async move { ApiError::Method(method.to_string()) })
        .layer(Extension(UploadLocks::default()))
        .layer(Extension(health::Probes::default()))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(rate_limit::add_headers))
        .layer(limited)
        .layer(middleware::from_fn(request_log::reject_undecodable_path))
        .layer(CatchPanicLayer::custom(request_log::panic_response))
        .layer(cors())
        .layer(tus_protocol)
        .layer(middleware::from_fn(request_log::log))
        .with_state(api)
}

/// Builds the router of a process that only works on jobs: its health, and nothing else.
pub fn health_routes(api: Api) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(|| async { ApiError::RouteNotFound })
        .method_not_allowed_fallback(|method: Method| async move { ApiError::Method(method.to_string()) })
        .layer(Extension(health::Probes::default()))
        .layer(CatchPanicLayer::custom(request_log::panic_response))
        .layer(middleware::from_fn(request_log::log))
        .with_state(api)
}

/// Builds the router of the metrics: `render` writes them in the text format of Prometheus.
pub fn metrics_routes(render: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Router::new()
        .route("/metrics", get(move || async move { (content_type, render()) }))
        .fallback(|| async { ApiError::RouteNotFound })
        .layer(CatchPanicLayer::custom(request_log::panic_response))
}

/// The methods of one upload. There is no GET: the owner of a job gets a link to its input.
fn upload_resource() -> MethodRouter<Api> {
    put(resource::put).patch(tus::patch).head(tus::head).delete(resource::delete).post(method_override::post)
}

/// Middleware that applies the configured limits to each request body.
async fn limit_body(State(api): State<Api>, request: Request, next: Next) -> Response {
    let awaits_continue = request.headers().contains_key(header::EXPECT);
    let (mut parts, body) = request.into_parts();
    let (limited, outcome) = LimitedBody::new(body, api.settings.body, awaits_continue);
    parts.extensions.insert(outcome);
    next.run(Request::from_parts(parts, Body::new(limited))).await
}

/// CORS for every origin. Requests are authorized by an API key in a header, never by cookies, and
/// signed links need no authorization.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            upload_headers::RESUMABLE,
            upload_headers::OFFSET,
            upload_headers::LENGTH,
            upload_headers::DEFER_LENGTH,
            upload_headers::METADATA,
            upload_headers::METHOD_OVERRIDE,
            header::CACHE_CONTROL,
            idempotency::IDEMPOTENCY_KEY,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("prefer"),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            upload_headers::RESUMABLE,
            upload_headers::VERSIONS,
            upload_headers::EXTENSIONS,
            upload_headers::MAX_SIZE,
            upload_headers::OFFSET,
            upload_headers::LENGTH,
            upload_headers::METADATA,
            upload_headers::EXPIRES,
            upload_headers::STORAGE_ID,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
            HeaderName::from_static("x-request-id"),
            idempotency::IDEMPOTENT_REPLAYED,
            waiting::PREFERENCE_APPLIED,
            field_warning::WARNINGS,
        ])
        .max_age(std::time::Duration::from_hours(24))
}
