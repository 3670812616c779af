//! The routes of webhook endpoints and their signing secrets.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use clearcut_job::RequestError;
use clearcut_queue::{
    EndpointChange, EndpointId, EventKinds, JobWebhook, NewEndpoint, SecretScope, SigningSecrets, WebhookSecret,
};

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{DiskFull, JsonErrors, KeyErrors, NoSuchWebhook},
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

/// Create a webhook endpoint.
///
/// The endpoint receives the events of all jobs of the API key. Each event is sent until the
/// endpoint replies with 2xx, for about three days. Verify events with `secret`.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "createWebhook", security(("key" = [])), request_body = NewWebhook,
    responses(
        (status = 201, description = "The endpoint and its signing secret.", body = Reply<WebhookMade>),
        KeyErrors, JsonErrors, DiskFull,
        (status = 409, description = "The API key has the maximum number of endpoints.", body = ErrorReply),
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

/// List webhook endpoints.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "listWebhooks", security(("key" = [])),
    responses(
        (status = 200, description = "All endpoints of the API key.", body = Reply<Webhooks>),
        KeyErrors,
    )
)]
pub(crate) async fn list(State(api): State<Api>, Caller(owner): Caller) -> Result<Reply<Webhooks>, ApiError> {
    Ok(Reply::new(api.queue.list_endpoints(owner).await?.into()))
}

/// Read a webhook endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "getWebhook", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 200, description = "The endpoint.", body = Reply<Webhook>),
        KeyErrors, NoSuchWebhook,
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

/// Change a webhook endpoint.
///
/// Fields that are missing stay as they are. `enabled: true` re-enables an endpoint that was
/// disabled by its owner or by replying with 410.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "changeWebhook", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")), request_body = WebhookChange,
    responses(
        (status = 200, description = "The updated endpoint.", body = Reply<Webhook>),
        KeyErrors, JsonErrors, NoSuchWebhook, DiskFull,
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

/// Delete a webhook endpoint.
///
/// Its delivery log is deleted, too.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "deleteWebhook", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 200, description = "The endpoint was deleted.", body = Reply<WebhookRemoved>),
        KeyErrors, NoSuchWebhook, DiskFull,
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

/// Read the signing secret of an endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}/secret", tag = "webhooks", operation_id = "getWebhookSecret", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 200, description = "The current secret, and the previous one during a rotation.", body = Reply<Secret>),
        KeyErrors, NoSuchWebhook, DiskFull,
    )
)]
pub(crate) async fn read_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Secret>, ApiError> {
    let secret_of = SecretScope::Endpoint(read_id(&id)?);
    secret_reply(&api, api.queue.read_secrets(owner, secret_of, draw_secret()?).await?)
}

/// Rotate the signing secret of an endpoint.
///
/// The previous secret also signs for one more day: verify with both, then drop the old one.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/secret/rotate", tag = "webhooks", operation_id = "rotateWebhookSecret", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 200, description = "The new secret and the previous one.", body = Reply<Secret>),
        KeyErrors, NoSuchWebhook, DiskFull,
    )
)]
pub(crate) async fn rotate_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Secret>, ApiError> {
    let secret_of = SecretScope::Endpoint(read_id(&id)?);
    secret_reply(&api, api.queue.rotate_secret(owner, secret_of, draw_secret()?).await?)
}

/// Read the signing secret for the `webhookUrl` of jobs.
///
/// Each API key has one. Read it before you submit the first job with a `webhookUrl`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/secret", tag = "webhooks", operation_id = "getJobWebhookSecret", security(("key" = [])),
    responses(
        (status = 200, description = "The current secret, and the previous one during a rotation.", body = Reply<Secret>),
        KeyErrors, DiskFull,
    )
)]
pub(crate) async fn read_key_secret(State(api): State<Api>, Caller(owner): Caller) -> Result<Reply<Secret>, ApiError> {
    let secret_of = SecretScope::Jobs { fresh: draw_id()? };
    secret_reply(&api, api.queue.read_secrets(owner, secret_of, draw_secret()?).await?)
}

/// Rotate the signing secret for the `webhookUrl` of jobs.
///
/// The previous secret also signs for one more day.
#[utoipa::path(
    post, path = "/api/v1/webhooks/secret/rotate", tag = "webhooks", operation_id = "rotateJobWebhookSecret", security(("key" = [])),
    responses(
        (status = 200, description = "The new secret and the previous one.", body = Reply<Secret>),
        KeyErrors, DiskFull,
    )
)]
pub(crate) async fn rotate_key_secret(
    State(api): State<Api>,
    Caller(owner): Caller,
) -> Result<Reply<Secret>, ApiError> {
    let secret_of = SecretScope::Jobs { fresh: draw_id()? };
    secret_reply(&api, api.queue.rotate_secret(owner, secret_of, draw_secret()?).await?)
}

fn secret_reply(api: &Api, secrets: Option<SigningSecrets>) -> Result<Reply<Secret>, ApiError> {
    let secrets = secrets.ok_or(ApiError::WebhookNotFound)?;
    Ok(Reply::new(Secret::new(secrets, api.clock.now())))
}

/// Checks the `webhookUrl` of a submit.
pub(crate) fn read_job_webhook(api: &Api, url: &str, headers: &HeaderMap) -> Result<JobWebhook, ApiError> {
    let destination = read_destination(api, "webhookUrl", url, headers)?;
    Ok(JobWebhook { destination, fresh: (draw_id()?, draw_secret()?) })
}

pub(crate) fn read_id(text: &str) -> Result<EndpointId, ApiError> {
    text.parse().map_err(|_| ApiError::WebhookNotFound)
}

fn read_events(names: &[String]) -> Result<EventKinds, ApiError> {
    let kinds = names.iter().map(|name| name.parse()).collect::<Result<_, _>>().ok();
    let invalid = || RequestError::new("events", &names.join(", "), EVENTS_ALLOWED);
    Ok(kinds.and_then(EventKinds::new).ok_or_else(invalid)?)
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
