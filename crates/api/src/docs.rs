//! The OpenAPI document, its interactive page, and `llms.txt`.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use clearcut_job::ErrorCode;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        RefOr, Schema,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::Config;

use crate::{
    ApiError, files, health,
    http::reply::ErrorReply,
    images::{emoticon, remove_background, resize},
    jobs::{control, event_stream, list, submit, synchronous, usage},
    page::sign_in,
    previews::preview,
    uploads::{resource, tus},
    webhooks::{deliveries, endpoints},
};

/// The document, collected from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(title = "clearcut", description = "Removes the background from video and images and returns transparent files."),
    paths(
        submit::submit, submit::read, list::list, control::cancel, control::retry, control::remove, event_stream::follow, usage::read,
        synchronous::cut_now, preview::preview,
        remove_background::remove_background, remove_background::detect_background_color, resize::resize, resize::thumbnail, emoticon::pack, emoticon::zipped_pack,
        resource::create, resource::put, resource::delete, tus::head, tus::patch, sign_in::sign_in, files::read, health::livez, health::readyz,
        endpoints::create, endpoints::list, endpoints::read, endpoints::change, endpoints::delete,
        endpoints::read_secret, endpoints::rotate_secret, endpoints::read_key_secret, endpoints::rotate_key_secret,
        deliveries::of_job, deliveries::redeliver, deliveries::to_webhook, deliveries::send_test,
    ),
    components(schemas(ErrorReply)),
    modifiers(&ApiKeyScheme, &ErrorCodes, &HeadWithoutBody),
    tags(
        (name = "jobs", description = "Submit clips, follow their progress, get links to outputs, cancel and retry."),
        (name = "usage", description = "Resources that the jobs of an API key used."),
        (name = "video", description = "Remove a background in one request, or preview one frame."),
        (name = "images", description = "Remove the background of one image, measure its color, scale it, in one request."),
        (name = "uploads", description = "Upload a clip or an image before its jobs, in one request or resumable (tus 1.0)."),
        (name = "webhooks", description = "Notifications about jobs, sent to your endpoints."),
        (name = "keys", description = "Exchange the one-time link of a new server for an API key."),
        (name = "files", description = "Outputs, under signed links that expire."),
        (name = "health", description = "Liveness and readiness, for probes and load balancers."),
    )
)]
struct Document;

/// Adds the security scheme for API keys.
struct ApiKeyScheme;

impl Modify for ApiKeyScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("hc_ and 32 letters or digits");
        openapi.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    }
}

/// Lists all error codes of replies where the document describes the field.
struct ErrorCodes;

impl Modify for ErrorCodes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let codes: Vec<&str> =
            ErrorCode::ALL.iter().filter(|code| code.is_in_replies()).map(|code| code.name()).collect();
        let schemas = &mut openapi.components.get_or_insert_default().schemas;
        if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut("ErrorBody")
            && let Some(RefOr::T(Schema::Object(code))) = body.properties.get_mut("code")
        {
            code.description = Some(format!("Stable error code, one of: {}.", codes.join(", ")));
        }
    }
}

/// Removes the bodies from the replies to HEAD requests, which have none.
struct HeadWithoutBody;

impl Modify for HeadWithoutBody {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for head in openapi.paths.paths.values_mut().filter_map(|path| path.head.as_mut()) {
            for response in head.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    response.content.clear();
                }
            }
        }
    }
}

/// The OpenAPI document of the routes, generated from the code, ending with a newline.
#[must_use]
pub fn openapi_json() -> String {
    Document::openapi().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

static JSON: LazyLock<String> = LazyLock::new(openapi_json);
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/docs.json").try_it_out_enabled(true).persist_authorization(true)));

pub(crate) async fn json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()).into_response()
}

/// Serves `llms.txt`, a short guide to the API for language models.
pub(crate) async fn llms() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], include_str!("../assets/llms.txt")).into_response()
}

pub(crate) async fn page() -> Redirect {
    Redirect::permanent("/docs/")
}

pub(crate) async fn index() -> Result<Response, ApiError> {
    asset(Path("index.html".to_owned())).await
}

/// Serves a file of the interactive page. The page is embedded in the binary and loads nothing from
/// other hosts.
pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    let found = utoipa_swagger_ui::serve(&path, CONFIG.clone()).map_err(|error| {
        tracing::error!(%error, "the documentation page failed");
        ApiError::Internal
    })?;
    let file = found.ok_or(ApiError::RouteNotFound)?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response())
}
