use clearcut_job::UnixMillis;
use sqlx::{Sqlite, Transaction};

use super::{ending::Held, row, webhook_sql as sql};
use crate::{DeliveryId, EndpointId, EventKind, EventKinds, JobWebhook, KeyId, QueueError, WebhookSecret};

/// Notes, in the transaction in which it happens, that something happened to `job`: one event however often it is said, with
/// a delivery for each endpoint that wants it now.
pub(super) async fn note_event(
    tx: &mut Transaction<'static, Sqlite>,
    job: &Held,
    kind: EventKind,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let noted = sqlx::query(sql::NOTE_EVENT).bind(job.seq).bind(kind.name()).bind(now.0).execute(&mut **tx).await?;
    if noted.rows_affected() == 0 {
        return Ok(());
    }
    let event_seq = noted.last_insert_rowid();
    let listeners = sqlx::query(sql::FIND_LISTENERS).bind(job.seq).bind(job.owner).bind(kind.name());
    for found in listeners.fetch_all(&mut **tx).await? {
        let endpoint = row::column::<String>(&found, "id")?;
        let endpoint: EndpointId = endpoint.parse().map_err(|_| QueueError::Damaged { what: "endpoint" })?;
        sqlx::query(sql::INSERT_DELIVERY)
            .bind(DeliveryId::of(&job.id, kind, &endpoint).as_str())
            .bind(event_seq)
            .bind(row::column::<i64>(&found, "seq")?)
            .bind(row::column::<String>(&found, "host")?)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Keeps the `webhookUrl` of a job that is put in line.
pub(super) async fn keep_url(
    tx: &mut Transaction<'static, Sqlite>,
    job_seq: i64,
    owner: KeyId,
    webhook: JobWebhook,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let (id, secret) = webhook.fresh;
    keep_endpoint_of_jobs(tx, owner, &id, &secret, now).await?;
    sqlx::query(sql::INSERT_URL)
        .bind(job_seq)
        .bind(webhook.destination.url)
        .bind(webhook.destination.host)
        .bind(webhook.destination.link_base)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes sure that there is something that names and signs the deliveries for single jobs of a key.
pub(super) async fn keep_endpoint_of_jobs(
    tx: &mut Transaction<'static, Sqlite>,
    owner: KeyId,
    id: &EndpointId,
    secret: &WebhookSecret,
    now: UnixMillis,
) -> Result<(), QueueError> {
    sqlx::query(sql::INSERT_ENDPOINT_OF_JOBS)
        .bind(id.as_str())
        .bind(owner.0)
        .bind(EventKinds::all().stored())
        .bind(secret.reveal())
        .bind(now.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
