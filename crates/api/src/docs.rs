use std::sync::{Arc, LazyLock};

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::Config;

use crate::{
    ApiError, files, health,
    jobs::{control, events, list, submit, synchronous, usage},
    page::sign_in,
    previews::preview,
    uploads::{resource, tus},
    webhooks::{deliveries, endpoints},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "clearcut", description = "Removes the background from video and hands back transparent files."),
    paths(
        submit::submit, submit::read, list::list, control::cancel, control::retry, control::remove, events::follow, usage::read,
        synchronous::cut_now, preview::preview, resource::create, resource::put, resource::delete, tus::head, tus::patch, sign_in::sign_in, files::read, health::livez, health::readyz,
        endpoints::create, endpoints::list, endpoints::read, endpoints::change, endpoints::delete,
        endpoints::read_secret, endpoints::rotate_secret, endpoints::read_key_secret, endpoints::rotate_key_secret,
        deliveries::of_job, deliveries::redeliver, deliveries::to_webhook, deliveries::send_test,
    ),
    modifiers(&KeyScheme),
    tags(
        (name = "jobs", description = "Submit a clip, read or follow how far it is, get links to the outputs, cancel, try again"),
        (name = "usage", description = "What the jobs of a key cost"),
        (name = "video", description = "Send a clip and wait for its outputs, or look at one frame of the cut"),
        (name = "uploads", description = "Send a clip before its jobs, at once or in pieces (tus 1.0)"),
        (name = "webhooks", description = "Be told of jobs instead of asking"),
        (name = "keys", description = "Get a key by the link that a fresh server prints"),
        (name = "files", description = "Outputs under links that end"),
        (name = "health", description = "For probes and load balancers"),
    )
)]
struct Document;

struct KeyScheme;

impl Modify for KeyScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("hc_ and 32 letters or digits");
        openapi.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    }
}

/// The OpenAPI document of the routes, made from the code, with a line feed at its end.
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

/// What a language model needs to use this server.
pub(crate) async fn llms() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], include_str!("../assets/llms.txt")).into_response()
}

pub(crate) async fn page() -> Redirect {
    Redirect::permanent("/docs/")
}

pub(crate) async fn index() -> Result<Response, ApiError> {
    asset(Path("index.html".to_owned())).await
}

/// A file of the interactive page, which is part of the program and asks nothing of the network.
pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    let found = utoipa_swagger_ui::serve(&path, CONFIG.clone()).map_err(|error| {
        tracing::error!(%error, "the documentation page failed");
        ApiError::Internal
    })?;
    let file = found.ok_or(ApiError::RouteNotFound)?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response())
}
