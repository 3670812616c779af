use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use clearcut_job::JobId;
use clearcut_queue::DeliveryId;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    random::draw_random,
    webhooks::{
        endpoints::read_id,
        shapes::{Deliveries, Delivery},
    },
};

/// What was told of a job, to whom, and what they answered.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}/deliveries", tag = "webhooks", security(("key" = [])),
    params(("jobId" = String, Path, description = "The name that submit gave")),
    responses(
        (status = 200, description = "All deliveries, in the order of what happened", body = Reply<Deliveries>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn of_job(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Deliveries>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let found = api.queue.deliveries_of_job(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    Ok(Reply::new(found.into()))
}

/// Send a delivery again, under the same name.
///
/// It is tried from now on like a new one. The receiver sees the same `webhook-id`, so that it can tell that it has had it.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/deliveries/{deliveryId}/redeliver", tag = "webhooks", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The name that submit gave"),
        ("deliveryId" = String, Path, description = "The name in the list of deliveries"),
    ),
    responses(
        (status = 202, description = "It is sent again", body = Reply<Delivery>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job, or no such delivery of it", body = ErrorReply),
        (status = 409, description = "The endpoint is disabled", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn redeliver(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path((job, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::JobNotFound)?;
    let id: DeliveryId = id.parse().map_err(|_| ApiError::DeliveryNotFound)?;
    let found = api.queue.redeliver(owner, &job, &id).await?.ok_or(ApiError::DeliveryNotFound)?;
    Ok((StatusCode::ACCEPTED, Reply::new(Delivery::from(found))).into_response())
}

/// The last deliveries to an endpoint, tests included.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}/deliveries", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 200, description = "The last 100, newest first", body = Reply<Deliveries>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn to_webhook(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Reply<Deliveries>, ApiError> {
    let found = api.queue.deliveries_to(owner, &read_id(&id)?).await?.ok_or(ApiError::WebhookNotFound)?;
    Ok(Reply::new(found.into()))
}

/// Send a test event to an endpoint.
///
/// It is tried once; the list of the endpoint's deliveries says what came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/test", tag = "webhooks", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The name that create gave")),
    responses(
        (status = 202, description = "It is sent", body = Reply<Delivery>),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such endpoint of this key", body = ErrorReply),
        (status = 409, description = "The endpoint is disabled", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn send_test(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = read_id(&id)?;
    let name = DeliveryId::from_random(draw_random()?);
    let sent = api.queue.send_test(owner, &id, name).await?.ok_or(ApiError::WebhookNotFound)?;
    Ok((StatusCode::ACCEPTED, Reply::new(Delivery::from(sent))).into_response())
}
