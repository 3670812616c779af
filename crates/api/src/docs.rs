//! The OpenAPI document, its interactive page, and the texts for language models.

mod reference;

use std::sync::{Arc, LazyLock};

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use clearcut_queue::EventKind;
use utoipa::{
    Modify, OpenApi, PartialSchema as _, ToSchema as _,
    openapi::{
        ContentBuilder, HttpMethod, PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::Config;

use crate::{
    ApiError, files, health,
    http::{error_responses::shared_responses, reply::ErrorReply},
    images::{self, emoticon, remove_background, resize},
    jobs::{control, event_stream, input, list, submit, synchronous, usage},
    page::sign_in,
    previews::preview,
    uploads::{resource, tus},
    webhooks::{
        deliveries, endpoints,
        shapes::{WebhookJobEvent, WebhookTestEvent},
    },
};

/// The document, collected from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(title = "clearcut", description = "Removes the background from video and images and returns transparent files."),
    paths(
        submit::submit, images::submit::submit, submit::read, list::list, control::cancel, control::retry, control::remove, input::read, event_stream::follow, usage::read,
        synchronous::cut_now, preview::preview,
        remove_background::remove_background, remove_background::detect_background_color, resize::resize, resize::thumbnail, emoticon::pack, emoticon::zipped_pack,
        resource::create, resource::put, resource::delete, tus::head, tus::patch, sign_in::sign_in, files::read, health::livez, health::readyz,
        endpoints::create, endpoints::list, endpoints::read, endpoints::change, endpoints::delete,
        endpoints::read_secret, endpoints::rotate_secret, endpoints::read_key_secret, endpoints::rotate_key_secret,
        deliveries::of_job, deliveries::redeliver, deliveries::to_webhook, deliveries::send_test,
    ),
    components(schemas(ErrorReply, WebhookJobEvent, WebhookTestEvent)),
    modifiers(&ApiKeyScheme, &SharedResponses, &DataByReference, &HeadWithoutBody, &ParametersWithoutNull, &OpenRoutes, &Webhooks),
    servers(
        (url = "/", description = "The server that this document comes from."),
        (url = "http://127.0.0.1:8787", description = "A server on this machine, at its default address."),
    ),
    tags(
        (name = "jobs", description = "Submit clips, follow their progress, get links to outputs, cancel and retry."),
        (name = "usage", description = "Resources that the jobs of an API key used."),
        (name = "video", description = "Remove a background in one request, or preview one frame."),
        (name = "images", description = "Remove the background of one image, measure its color, scale it, in one request."),
        (name = "uploads", description = "Upload a clip or an image before its jobs, in one request or resumable (tus 1.0)."),
        (name = "webhooks", description = "Notifications about jobs, sent to your endpoints."),
        (name = "keys", description = "Exchange the one-time link of a new server for an API key."),
        (name = "files", description = "Outputs and inputs, under signed links that expire."),
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

/// Adds the error responses that several routes share.
struct SharedResponses;

impl Modify for SharedResponses {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let responses = shared_responses().map(|(name, response)| (name.to_owned(), response.into()));
        openapi.components.get_or_insert_default().responses.extend(responses);
    }
}

/// Lets the envelope of a reply refer to the schema of its data. By itself, it repeats it.
struct DataByReference;

impl Modify for DataByReference {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for (name, reply) in &mut openapi.components.get_or_insert_default().schemas {
            if let (Some(data), RefOr::T(Schema::Object(reply))) = (name.strip_prefix("Reply_"), reply) {
                reply.properties.insert("data".to_owned(), Ref::from_schema_name(data).into());
            }
        }
    }
}

/// Removes the bodies from the replies to HEAD requests, which have none.
struct HeadWithoutBody;

impl Modify for HeadWithoutBody {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for head in openapi.paths.paths.values_mut().filter_map(|path| path.head.as_mut()) {
            for response in head.responses.responses.values_mut() {
                let shared = |name: &str| shared_responses().find(|(other, _)| name.ends_with(&format!("/{other}")));
                if let RefOr::Ref(Ref { ref_location, .. }) = response
                    && let Some((_, found)) = shared(ref_location)
                {
                    *response = found.into();
                }
                if let RefOr::T(response) = response {
                    response.content.clear();
                }
            }
        }
    }
}

/// Takes null out of the types of optional parameters: a parameter is given or not.
struct ParametersWithoutNull;

impl Modify for ParametersWithoutNull {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let all = openapi.paths.paths.values_mut().flat_map(operations);
        for parameter in all.flat_map(|operation| operation.parameters.iter_mut().flatten()) {
            let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter else { continue };
            match schema {
                RefOr::T(Schema::OneOf(either)) => {
                    if let Some(words) = either.items.iter().find(|item| matches!(item, RefOr::Ref(_))) {
                        *schema = words.clone();
                    }
                }
                RefOr::T(Schema::Object(object)) => {
                    if let SchemaType::Array(types) = &object.schema_type
                        && let Some(given) = types.iter().find(|kind| **kind != Type::Null)
                    {
                        object.schema_type = SchemaType::Type(given.clone());
                    }
                }
                _ => {}
            }
        }
    }
}

/// Says of the routes that need no API key that they need none.
struct OpenRoutes;

impl Modify for OpenRoutes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for operation in openapi.paths.paths.values_mut().flat_map(operations) {
            operation.security.get_or_insert_default();
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, head, patch, .. } = path;
    [get, put, post, delete, head, patch].into_iter().flatten()
}

/// Describes the requests that the server sends to webhooks.
struct Webhooks;

impl Modify for Webhooks {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let webhook = |kind: EventKind| PathItem::new(HttpMethod::Post, sent_operation(kind));
        let webhooks =
            EventKind::ALL.into_iter().fold(PathsBuilder::new(), |paths, kind| paths.path(kind.name(), webhook(kind)));
        openapi.webhooks = Some(webhooks.build());
    }
}

/// The request that tells a receiver of an event.
fn sent_operation(kind: EventKind) -> Operation {
    let (id, summary) = match kind {
        EventKind::JobStarted => ("onJobStarted", "A worker started the job for the first time."),
        EventKind::JobCompleted => ("onJobCompleted", "The job completed; its outputs are ready."),
        EventKind::JobFailed => ("onJobFailed", "The job failed or was cancelled."),
        EventKind::Test => ("onWebhookTest", "A test of the endpoint."),
    };
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(String::schema()))
    };
    let body = if kind == EventKind::Test { WebhookTestEvent::name() } else { WebhookJobEvent::name() };
    let event = ContentBuilder::new().schema(Some(Ref::from_schema_name(body))).build();
    let reply = |description: &str| ResponseBuilder::new().description(description);
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag("webhooks")
        .summary(Some(summary))
        .parameter(header("webhook-id", "Id of the delivery, the same in every attempt."))
        .parameter(header("webhook-timestamp", "When this attempt was signed, in seconds since 1970."))
        .parameter(header("webhook-signature", "Signatures of id, timestamp and body, by Standard Webhooks."))
        .request_body(Some(
            RequestBodyBuilder::new().content("application/json", event).required(Some(Required::True)).build(),
        ))
        .response("2XX", reply("The event is delivered. Any other status, or none within 20 seconds, is tried again."))
        .response("410", reply("The endpoint is disabled, or the `webhookUrl` of the job gets no more events."))
        .security(utoipa::openapi::SecurityRequirement::default())
        .build()
}

/// The OpenAPI document of the routes, generated from the code, ending with a newline.
#[must_use]
pub fn openapi_json() -> String {
    Document::openapi().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

static JSON: LazyLock<String> = LazyLock::new(openapi_json);
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/docs.json")));

pub(crate) async fn json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()).into_response()
}

/// A short guide to the API for language models.
const LLMS: &str = include_str!("../assets/llms.txt");

/// Reads documents at compile time.
macro_rules! documents {
    ($($path:literal)+) => { [$(include_str!(concat!("../../../docs/", $path))),+] };
}

/// What the long guide adds to the short one, beside the API reference.
const GUIDES: &[&str] = &documents! {
    "getting-started.md"
    "guides/api.md"
    "guides/webhooks.md"
    "guides/command-line.md"
    "guides/server.md"
    "guides/cluster.md"
    "guides/scaling.md"
    "guides/page.md"
    "guides/stickers.md"
    "guides/new-background.md"
    "guides/iphone.md"
    "guides/game-sprites.md"
    "guides/website.md"
    "guides/editors.md"
    "guides/slides.md"
    "guides/player.md"
    "guides/mcp.md"
    "guides/models.md"
    "guides/backup.md"
    "reference/errors.md"
};

/// The short guide, all guides, and the API reference, as one text.
static LLMS_FULL: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let reference = reference::to_markdown(&document);
    [LLMS].into_iter().chain(GUIDES.iter().copied()).chain([reference.as_str()]).collect::<Vec<_>>().join("\n\n---\n\n")
});

fn plain_text(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Serves `llms.txt`.
pub(crate) async fn llms() -> Response {
    plain_text(LLMS)
}

/// Serves `llms-full.txt`.
pub(crate) async fn llms_full() -> Response {
    plain_text(&LLMS_FULL)
}

pub(crate) async fn page() -> Redirect {
    Redirect::permanent("/docs/")
}

pub(crate) async fn index() -> Result<Response, ApiError> {
    asset(Path("index.html".to_owned())).await
}

/// Serves a file of the interactive page. The page is embedded in the binary and loads nothing from
/// other hosts. It begins with a script of our own, so that forms begin empty.
pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    if path == "swagger-initializer.js" {
        let script = include_str!("../assets/swagger-initializer.js");
        return Ok(([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response());
    }
    let found = utoipa_swagger_ui::serve(&path, CONFIG.clone()).map_err(|error| {
        tracing::error!(%error, "the documentation page failed");
        ApiError::Internal
    })?;
    let file = found.ok_or(ApiError::RouteNotFound)?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response())
}
