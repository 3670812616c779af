//! The routes that list deliveries, repeat them, and send test events.

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
        error_responses::{DiskFull, KeyErrors, NoSuchJob, NoSuchWebhook},
        reply::{ErrorReply, Reply},
    },
    random::draw_random,
    webhooks::{
        endpoints::read_id,
        shapes::{Deliveries, Delivery},
    },
};

/// List the deliveries of a job.
///
/// Each delivery has all its attempts and the replies of its receiver.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}/deliveries", tag = "webhooks", operation_id = "listJobDeliveries", security(("key" = [])),
    params(("jobId" = String, Path, description = "The `jobId` that submit returned.")),
    responses(
        (status = 200, description = "All deliveries, in the order of their events.", body = Reply<Deliveries>),
        KeyErrors, NoSuchJob,
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

/// Redeliver an event.
///
/// The delivery starts over, like a new one. The receiver sees the same `webhook-id`, so it can
/// detect the duplicate.
#[utoipa::path(
    post, path = "/api/v1/jobs/{jobId}/deliveries/{deliveryId}/redeliver", tag = "webhooks", operation_id = "redeliverEvent", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The `jobId` that submit returned."),
        ("deliveryId" = String, Path, description = "The `deliveryId` from the list of deliveries."),
    ),
    responses(
        (status = 202, description = "The delivery is queued again.", body = Reply<Delivery>),
        KeyErrors, DiskFull,
        (status = 404, description = "No such job or delivery for this API key.", body = ErrorReply),
        (status = 409, description = "The endpoint is disabled.", body = ErrorReply),
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

/// List the deliveries to an endpoint.
///
/// Returns the last 100 deliveries, including test events.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{webhookId}/deliveries", tag = "webhooks", operation_id = "listWebhookDeliveries", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 200, description = "The last 100 deliveries, newest first.", body = Reply<Deliveries>),
        KeyErrors, NoSuchWebhook,
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
/// The event is sent once. Its result appears in the deliveries of the endpoint.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/test", tag = "webhooks", operation_id = "sendTestEvent", security(("key" = [])),
    params(("webhookId" = String, Path, description = "The `webhookId` of the endpoint.")),
    responses(
        (status = 202, description = "The test event is queued for delivery.", body = Reply<Delivery>),
        KeyErrors, NoSuchWebhook, DiskFull,
        (status = 409, description = "The endpoint is disabled.", body = ErrorReply),
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
