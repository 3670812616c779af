use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use clearcut_job::RequestError;
use clearcut_queue::{
    EndpointChange, EndpointId, EventKinds, JobWebhook, NewEndpoint, SecretOf, SigningSecrets, WebhookSecret,
};

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        json_body::JsonBody,
        reply::{ErrorReply, Reply},
    },
    random::draw_random,
    webhooks::{
        destination::read_destination,
        shapes::{NewWebhook, Secret, Webhook, WebhookChange, WebhookMade, WebhookRemoved, Webhooks},
    },
};

const EVENTS_ALLOWED: &str = "a list with any of job.started, job.completed, job.failed, each once";
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Have an endpoint told of all your jobs.
///
/// Every event is sent until it is answered with 2xx, over about three days. `secret` verifies what comes.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", security(("key" = [])), request_body = NewWebhook,
    responses(
        (status = 201, description = "The endpoint, with its secret", body = Reply<WebhookMade>),
        (status = 400, description = "A field is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 409, description = "The key has as many endpoints as it may", body = ErrorReply),
        (status = 413, description = "The request is too large", body = ErrorReply),
        (status = 415, description = "The body is not application/json", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn create(
    State(api): State<Api>,
    Caller(owner): Caller,
    headers: HeaderMap,
    JsonBody(fields): JsonBody<NewWebhook>,
) -> Result<Response, ApiError> {
    let secret = draw_secret()?;
    let endpoint = NewEndpoint {
        id: draw_id()?,
        destination: read_destination(&api, "url", &fields.url, &headers)?,
        events: fields.events.as_deref().map_or(Ok(EventKinds::all()), read_events)?,
        description: fields.description.map_or(Ok(String::new()), read_description)?,
        secret: secret.clone(),
    };
    let made = api.queue.create_endpoint(owner, endpoint).await?;
    let reply = Reply::new(WebhookMade::new(made, secret.reveal().to_owned()));
    Ok((StatusCode::CREATED, reply).into_response())
}

/// Your endpoints.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", security(("key" = [])),
    responses(
        (status = 200, description = "All endpoints of the key", body = Reply<Webhooks>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn list(State(api): State<Api>, Caller(owner): Caller) -> Result<Reply<Webhooks>, ApiError> {
    Ok(Reply::new(api.queue.list_endpoints(owner).await?.into()))
}

/// Read an endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 200, description = "The endpoint", body = Reply<Webhook>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn read(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Webhook>, ApiError> {
    let id = read_id(&id)?;
    let found = api.queue.list_endpoints(owner).await?.into_iter().find(|endpoint| endpoint.id == id);
    found.map(|endpoint| Reply::new(endpoint.into())).ok_or(ApiError::WebhookNotFound)
}

/// Change an endpoint.
///
/// `enabled: true` takes back one that was disabled by its owner or by answering 410.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")), request_body = WebhookChange,
    responses(
        (status = 200, description = "The endpoint as it is now", body = Reply<Webhook>),
        (status = 400, description = "A field is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 413, description = "The request is too large", body = ErrorReply),
        (status = 415, description = "The body is not application/json", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn change(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(fields): JsonBody<WebhookChange>,
) -> Result<Reply<Webhook>, ApiError> {
    let id = read_id(&id)?;
    let change = EndpointChange {
        destination: fields.url.map(|url| read_destination(&api, "url", &url, &headers)).transpose()?,
        events: fields.events.as_deref().map(read_events).transpose()?,
        description: fields.description.map(read_description).transpose()?,
        enabled: fields.enabled,
    };
    let changed = api.queue.change_endpoint(owner, &id, change).await?.ok_or(ApiError::WebhookNotFound)?;
    Ok(Reply::new(changed.into()))
}

/// Forget an endpoint, with the log of its deliveries.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 200, description = "It is forgotten", body = Reply<WebhookRemoved>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<WebhookRemoved>, ApiError> {
    let id = read_id(&id)?;
    if !api.queue.delete_endpoint(owner, &id).await? {
        return Err(ApiError::WebhookNotFound);
    }
    Ok(Reply::new(WebhookRemoved { webhook_id: id.to_string(), deleted: true }))
}

/// What verifies the deliveries to an endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}/secret", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 200, description = "The secret, and while it rotates the one before", body = Reply<Secret>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn read_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Secret>, ApiError> {
    let of = SecretOf::Endpoint(read_id(&id)?);
    show(&api, api.queue.read_secrets(owner, of, draw_secret()?).await?)
}

/// Change what verifies the deliveries to an endpoint.
///
/// The secret before signs as well for a day: verify with both, then drop the old one.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/secret/rotate", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 200, description = "The new secret and the one before", body = Reply<Secret>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn rotate_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Secret>, ApiError> {
    let of = SecretOf::Endpoint(read_id(&id)?);
    show(&api, api.queue.rotate_secret(owner, of, draw_secret()?).await?)
}

/// What verifies the deliveries to the `webhookUrl` of your jobs.
///
/// One for each API key. Read it before you submit the first job with a `webhookUrl`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/secret", tag = "webhooks", security(("key" = [])),
    responses(
        (status = 200, description = "The secret, and while it rotates the one before", body = Reply<Secret>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn read_key_secret(State(api): State<Api>, Caller(owner): Caller) -> Result<Reply<Secret>, ApiError> {
    let of = SecretOf::Jobs { fresh: draw_id()? };
    show(&api, api.queue.read_secrets(owner, of, draw_secret()?).await?)
}

/// Change what verifies the deliveries to the `webhookUrl` of your jobs.
///
/// The secret before signs as well for a day.
#[utoipa::path(
    post, path = "/api/v1/webhooks/secret/rotate", tag = "webhooks", security(("key" = [])),
    responses(
        (status = 200, description = "The new secret and the one before", body = Reply<Secret>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn rotate_key_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
) -> Result<Reply<Secret>, ApiError> {
    let of = SecretOf::Jobs { fresh: draw_id()? };
    show(&api, api.queue.rotate_secret(owner, of, draw_secret()?).await?)
}

fn show(api: &Api, secrets: Option<SigningSecrets>) -> Result<Reply<Secret>, ApiError> {
    let secrets = secrets.ok_or(ApiError::WebhookNotFound)?;
    Ok(Reply::new(Secret::new(secrets, api.clock.now())))
}

/// The `webhookUrl` of a submit, checked.
pub(crate) fn read_job_webhook(api: &Api, url: &str, headers: &HeaderMap) -> Result<JobWebhook, ApiError> {
    let destination = read_destination(api, "webhookUrl", url, headers)?;
    Ok(JobWebhook { destination, fresh: (draw_id()?, draw_secret()?) })
}

pub(crate) fn read_id(text: &str) -> Result<EndpointId, ApiError> {
    text.parse().map_err(|_| ApiError::WebhookNotFound)
}

fn read_events(names: &[String]) -> Result<EventKinds, ApiError> {
    let kinds = names.iter().map(|name| name.parse()).collect::<Result<_, _>>().ok();
    let shown = || RequestError::new("events", &names.join(", "), EVENTS_ALLOWED);
    Ok(kinds.and_then(EventKinds::new).ok_or_else(shown)?)
}

fn read_description(text: String) -> Result<String, ApiError> {
    if text.chars().count() <= MAX_DESCRIPTION_CHARS {
        return Ok(text);
    }
    Err(RequestError::new("description", &text, "at most 200 characters").into())
}

fn draw_id() -> Result<EndpointId, ApiError> {
    draw_random().map(EndpointId::from_random)
}

fn draw_secret() -> Result<WebhookSecret, ApiError> {
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(|_| ApiError::Internal)?;
    Ok(WebhookSecret::from_random(random))
}
