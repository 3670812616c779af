//! Webhook events in SQL (transactional outbox), and the `webhookUrl`s of single jobs.

use super::{Tx, job_row::JobRow, row, webhook_statements as sql};
use crate::{DeliveryId, EndpointId, EventKind, EventKinds, JobWebhook, KeyId, QueueError, WebhookSecret};

/// Writes an event of `job`, with a delivery for each endpoint that subscribes to it now.
///
/// Call it in the transaction that makes the event happen. A repeated call writes nothing.
pub(super) async fn note_event(tx: &mut Tx, job: &JobRow, kind: EventKind) -> Result<(), QueueError> {
    let inserted = sqlx::query(sql::INSERT_EVENT)
        .bind(job.seq)
        .bind(kind.name())
        .bind(tx.now().0)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(inserted) = inserted else { return Ok(()) };
    let event_seq: i64 = row::column(&inserted, "seq")?;
    let subscribers = sqlx::query(sql::FIND_SUBSCRIBERS).bind(job.seq).bind(job.owner).bind(kind.name());
    for found in subscribers.fetch_all(&mut **tx).await? {
        let endpoint = row::column::<String>(&found, "id")?;
        let endpoint: EndpointId = endpoint.parse().map_err(|_| QueueError::Damaged { what: "endpoint" })?;
        sqlx::query(sql::INSERT_DELIVERY)
            .bind(DeliveryId::derive(&job.id, kind, &endpoint).as_str())
            .bind(event_seq)
            .bind(row::column::<i64>(&found, "seq")?)
            .bind(row::column::<String>(&found, "host")?)
            .bind(tx.now().0)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Stores the `webhookUrl` of a new job.
pub(super) async fn insert_job_url(
    tx: &mut Tx,
    job_seq: i64,
    owner: KeyId,
    webhook: JobWebhook,
) -> Result<(), QueueError> {
    let (id, secret) = webhook.fresh;
    ensure_implicit_endpoint(tx, owner, &id, &secret).await?;
    sqlx::query(sql::INSERT_JOB_URL)
        .bind(job_seq)
        .bind(webhook.destination.url)
        .bind(webhook.destination.host)
        .bind(webhook.destination.link_base)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Creates the implicit endpoint of an API key if it does not exist. It identifies and signs the
/// deliveries to the `webhookUrl`s of single jobs.
pub(super) async fn ensure_implicit_endpoint(
    tx: &mut Tx,
    owner: KeyId,
    id: &EndpointId,
    secret: &WebhookSecret,
) -> Result<(), QueueError> {
    sqlx::query(sql::INSERT_IMPLICIT_ENDPOINT)
        .bind(id.as_str())
        .bind(owner.0)
        .bind(EventKinds::all().to_stored())
        .bind(secret.reveal())
        .bind(tx.now().0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
