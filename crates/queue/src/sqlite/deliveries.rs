use clearcut_job::{JobId, UnixMillis};
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};

use super::{
    SqliteQueue,
    endpoints::{disable, find as find_endpoint},
    row, webhook_row, webhook_sql as sql,
};
use crate::{
    AfterAttempt, Answer, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, DeliveryState, Destination,
    DisabledReason, EndpointId, Event, EventKind, KeyId, QueueError, webhook::TEST_SPAN,
};

impl SqliteQueue {
    pub(super) async fn insert_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let Some(found) = find_endpoint(&mut tx, owner, endpoint).await? else { return Ok(None) };
        if row::column::<Option<i64>>(&found, "disabled_ms")?.is_some() {
            return Err(QueueError::EndpointDisabled);
        }
        sqlx::query(sql::FORGET_TESTS).bind(now.before(TEST_SPAN).0).execute(&mut *tx).await?;
        let event = sqlx::query(sql::NOTE_TEST).bind(now.0).execute(&mut *tx).await?.last_insert_rowid();
        let inserted = sqlx::query(sql::INSERT_DELIVERY)
            .bind(id.as_str())
            .bind(event)
            .bind(row::column::<i64>(&found, "seq")?)
            .bind(row::column::<String>(&found, "host")?)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.signals.call_courier();
        self.read_delivery(inserted.last_insert_rowid()).await
    }

    pub(super) async fn read_deliveries_of_job(
        &self,
        owner: KeyId,
        job: &JobId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let found = sqlx::query(sql::FIND_JOB).bind(job.as_str()).bind(owner.0).fetch_optional(&self.readers).await?;
        let Some(found) = found else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::DELIVERIES_OF_JOB).bind(seq).fetch_all(&self.readers).await?;
        self.with_attempts(rows).await.map(Some)
    }

    pub(super) async fn read_deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let query = sqlx::query(sql::READ_ENDPOINT).bind(owner.0).bind(endpoint.as_str());
        let Some(found) = query.fetch_optional(&self.readers).await? else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::DELIVERIES_TO).bind(seq).fetch_all(&self.readers).await?;
        self.with_attempts(rows).await.map(Some)
    }

    pub(super) async fn put_in_line_again(
        &self,
        owner: KeyId,
        job: &JobId,
        id: &DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let mut tx = self.write().await?;
        let query = sqlx::query(sql::FIND_REDELIVERY).bind(owner.0).bind(job.as_str()).bind(id.as_str());
        let Some(found) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        if row::column::<Option<i64>>(&found, "disabled_ms")?.is_some() {
            return Err(QueueError::EndpointDisabled);
        }
        let seq: i64 = row::column(&found, "seq")?;
        sqlx::query(sql::REDELIVER).bind(seq).bind(self.clock.now().0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_courier();
        self.read_delivery(seq).await
    }

    pub(super) async fn claim_due_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        let now = self.clock.now();
        // Most times there is nothing, which a reader tells without the write lock.
        if !sqlx::query_scalar::<_, bool>(sql::IS_ANY_DUE).bind(now.0).fetch_one(&self.readers).await? {
            return Ok(None);
        }
        let mut tx = self.write().await?;
        let due = sqlx::query(sql::FIND_DUE).bind(now.0).bind(max_per_host).fetch_optional(&mut *tx).await?;
        let Some(due) = due else { return Ok(None) };
        let seq: i64 = row::column(&due, "seq")?;
        let lease_ends = now.after(self.policy.delivery_lease);
        sqlx::query(sql::CLAIM_DELIVERY).bind(seq).bind(lease_ends.0).execute(&mut *tx).await?;
        let found = sqlx::query(sql::READ_CLAIMED).bind(seq).fetch_one(&mut *tx).await?;
        let owner = KeyId(row::column(&found, "owner")?);
        // Read before the commit: until then nobody can remove the job.
        let event = self.read_event(&found, owner).await?;
        tx.commit().await?;
        Ok(Some(ClaimedDelivery {
            id: webhook_row::word(&found, "id")?,
            claim: row::count(&found, "claim")?,
            tries: row::count(&found, "tries")? as u32 + 1,
            owner,
            destination: Destination {
                url: row::column(&found, "url")?,
                host: row::column(&found, "host")?,
                link_base: row::column(&found, "link_base")?,
            },
            secrets: webhook_row::secrets(&found)?,
            event,
        }))
    }

    /// The event with its job as it was: what ended a job is final, and what an end wrote is left out of what was before.
    async fn read_event(&self, found: &SqliteRow, owner: KeyId) -> Result<Event, QueueError> {
        let kind = webhook_row::kind(found)?;
        let mut job = None;
        if let Some(id) = row::column::<Option<String>>(found, "job")? {
            let id: JobId = id.parse().map_err(|_| QueueError::Damaged { what: "id" })?;
            let record = self.read_job(owner, &id).await?.ok_or(QueueError::Damaged { what: "job" })?;
            let progress = row::progress_of(row::column(found, "progress")?);
            let revision = row::count(found, "revision")?;
            job = Some(if kind == EventKind::JobStarted { record.when_started(progress, revision) } else { record });
        }
        Ok(Event { kind, happened: UnixMillis(row::column(found, "happened_ms")?), job })
    }

    pub(super) async fn write_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        then: AfterAttempt,
    ) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let found = find_claimed(&mut tx, id, claim).await?;
        let seq: i64 = row::column(&found, "seq")?;
        let latency_ms = attempt.latency.as_millis() as i64;
        let (status, no_answer, reply) = match attempt.answer {
            Answer::Status { status, reply } => (Some(status), None, reply),
            Answer::None(why) => (None, Some(why.name()), String::new()),
        };
        let insert = sqlx::query(sql::INSERT_ATTEMPT).bind(seq).bind(now.0 - latency_ms).bind(latency_ms);
        insert.bind(status).bind(no_answer).bind(reply).execute(&mut *tx).await?;
        let settled = match then {
            AfterAttempt::RetryIn(pause) => {
                sqlx::query(sql::TRY_AGAIN).bind(seq).bind(now.after(pause).0).execute(&mut *tx).await?;
                None
            }
            AfterAttempt::Delivered => Some(DeliveryState::Delivered),
            AfterAttempt::GiveUp => Some(DeliveryState::Failed),
            AfterAttempt::Gone => Some(DeliveryState::Stopped),
        };
        if let Some(state) = settled {
            sqlx::query(sql::SETTLE).bind(seq).bind(state.name()).execute(&mut *tx).await?;
        }
        if then == AfterAttempt::Gone {
            leave(&mut tx, &found, now.0).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn put_delivery_back(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        let mut tx = self.write().await?;
        let seq: i64 = row::column(&find_claimed(&mut tx, id, claim).await?, "seq")?;
        sqlx::query(sql::RELEASE).bind(seq).bind(self.clock.now().0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_courier();
        Ok(())
    }

    async fn read_delivery(&self, seq: i64) -> Result<Option<DeliveryRecord>, QueueError> {
        let rows = sqlx::query(sql::READ_DELIVERY).bind(seq).fetch_all(&self.readers).await?;
        Ok(self.with_attempts(rows).await?.pop())
    }

    async fn with_attempts(&self, rows: Vec<SqliteRow>) -> Result<Vec<DeliveryRecord>, QueueError> {
        let mut deliveries = Vec::with_capacity(rows.len());
        for found in rows {
            let seq: i64 = row::column(&found, "seq")?;
            let attempts = sqlx::query(sql::READ_ATTEMPTS).bind(seq).fetch_all(&self.readers).await?;
            let attempts = attempts.iter().map(webhook_row::attempt).collect::<Result<_, _>>()?;
            deliveries.push(webhook_row::delivery(&found, attempts)?);
        }
        Ok(deliveries)
    }
}

async fn find_claimed(
    tx: &mut Transaction<'static, Sqlite>,
    id: &DeliveryId,
    claim: u64,
) -> Result<SqliteRow, QueueError> {
    let query = sqlx::query(sql::FIND_CLAIMED).bind(id.as_str()).bind(row::stored(claim));
    query.fetch_optional(&mut **tx).await?.ok_or(QueueError::LeaseLost)
}

/// The receiver said that it is gone: nothing more goes to the endpoint, or to the `webhookUrl` of the job.
async fn leave(tx: &mut Transaction<'static, Sqlite>, found: &SqliteRow, now_ms: i64) -> Result<(), QueueError> {
    let endpoint: i64 = row::column(found, "endpoint_seq")?;
    if row::column::<Option<String>>(found, "url")?.is_some() {
        return disable(tx, endpoint, DisabledReason::Gone, now_ms).await;
    }
    let job: Option<i64> = row::column(found, "job_seq")?;
    sqlx::query(sql::URL_IS_GONE).bind(job).bind(now_ms).execute(&mut **tx).await?;
    sqlx::query(sql::STOP_OF_JOB).bind(endpoint).bind(job).execute(&mut **tx).await?;
    Ok(())
}
