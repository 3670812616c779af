//! The trait [`Deliveries`] for SQLite: tests, lists, redelivery, claims and attempts.

use async_trait::async_trait;
use clearcut_job::{JobId, UnixMillis};
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};

use super::{
    SqliteQueue,
    endpoints::{disable, find_endpoint},
    row, webhook_row, webhook_sql as sql,
};
use crate::{
    AfterAttempt, Answer, Attempt, ClaimedDelivery, Deliveries, DeliveryId, DeliveryRecord, DeliveryState, Destination,
    DisabledReason, EndpointId, Event, EventKind, Jobs as _, KeyId, QueueError, deliveries::TEST_RETENTION,
};

#[async_trait]
impl Deliveries for SqliteQueue {
    async fn send_test(
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
        sqlx::query(sql::DELETE_OLD_TESTS).bind(now.before(TEST_RETENTION).0).execute(&mut *tx).await?;
        let event = sqlx::query(sql::INSERT_TEST_EVENT).bind(now.0).execute(&mut *tx).await?.last_insert_rowid();
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

    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let found = sqlx::query(sql::FIND_JOB).bind(job.as_str()).bind(owner.0).fetch_optional(&self.readers).await?;
        let Some(found) = found else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::LIST_JOB_DELIVERIES).bind(seq).fetch_all(&self.readers).await?;
        self.read_with_attempts(rows).await.map(Some)
    }

    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let query = sqlx::query(sql::READ_ENDPOINT).bind(owner.0).bind(endpoint.as_str());
        let Some(found) = query.fetch_optional(&self.readers).await? else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::LIST_ENDPOINT_DELIVERIES).bind(seq).fetch_all(&self.readers).await?;
        self.read_with_attempts(rows).await.map(Some)
    }

    async fn redeliver(
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

    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        let now = self.clock.now();
        // Usually nothing is due. A reader finds that out without the write lock.
        if !sqlx::query_scalar::<_, bool>(sql::HAS_DUE_DELIVERY).bind(now.0).fetch_one(&self.readers).await? {
            return Ok(None);
        }
        let mut tx = self.write().await?;
        let due = sqlx::query(sql::FIND_DUE_DELIVERY).bind(now.0).bind(max_per_host).fetch_optional(&mut *tx).await?;
        let Some(due) = due else { return Ok(None) };
        let seq: i64 = row::column(&due, "seq")?;
        let lease_ends = now.after(self.policy.delivery_lease);
        sqlx::query(sql::CLAIM_DELIVERY).bind(seq).bind(lease_ends.0).execute(&mut *tx).await?;
        let found = sqlx::query(sql::READ_CLAIMED_DELIVERY).bind(seq).fetch_one(&mut *tx).await?;
        let owner = KeyId(row::column(&found, "owner")?);
        // Read before the commit, while no other writer can remove the job.
        let event = self.read_event(&found, owner).await?;
        tx.commit().await?;
        Ok(Some(ClaimedDelivery {
            id: row::parsed_column(&found, "id")?,
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

    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        next_step: AfterAttempt,
    ) -> Result<(), QueueError> {
        #[cfg(debug_assertions)]
        if next_step == AfterAttempt::Delivered {
            self.reach(crate::HaltAt::Delivered).await;
        }
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let found = find_claimed_delivery(&mut tx, id, claim).await?;
        let seq: i64 = row::column(&found, "seq")?;
        let latency_ms = attempt.latency.as_millis() as i64;
        let (status, no_answer, reply) = match attempt.answer {
            Answer::Status { status, reply } => (Some(status), None, reply),
            Answer::None(reason) => (None, Some(reason.name()), String::new()),
        };
        let insert = sqlx::query(sql::INSERT_ATTEMPT).bind(seq).bind(now.0 - latency_ms).bind(latency_ms);
        insert.bind(status).bind(no_answer).bind(reply).execute(&mut *tx).await?;
        let final_state = match next_step {
            AfterAttempt::RetryIn(delay) => {
                sqlx::query(sql::RETRY_DELIVERY).bind(seq).bind(now.after(delay).0).execute(&mut *tx).await?;
                None
            }
            AfterAttempt::Delivered => Some(DeliveryState::Delivered),
            AfterAttempt::GiveUp => Some(DeliveryState::Failed),
            AfterAttempt::Gone => Some(DeliveryState::Stopped),
        };
        if let Some(state) = final_state {
            sqlx::query(sql::FINISH_DELIVERY).bind(seq).bind(state.name()).execute(&mut *tx).await?;
        }
        if next_step == AfterAttempt::Gone {
            stop_gone_destination(&mut tx, &found, now.0).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        let mut tx = self.write().await?;
        let seq: i64 = row::column(&find_claimed_delivery(&mut tx, id, claim).await?, "seq")?;
        sqlx::query(sql::RELEASE_DELIVERY).bind(seq).bind(self.clock.now().0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_courier();
        Ok(())
    }
}

impl SqliteQueue {
    /// Reads the event with its job as it was at that time.
    ///
    /// An end is final, so the job's row still shows it. For a start, the fields written by the end
    /// are left out.
    async fn read_event(&self, found: &SqliteRow, owner: KeyId) -> Result<Event, QueueError> {
        let kind = webhook_row::kind(found)?;
        let mut job = None;
        if let Some(id) = row::column::<Option<String>>(found, "job")? {
            let id: JobId = id.parse().map_err(|_| QueueError::Damaged { what: "id" })?;
            let record = self.read(owner, &id).await?.ok_or(QueueError::Damaged { what: "job" })?;
            let progress = row::progress_from_number(row::column(found, "progress")?);
            let revision = row::count(found, "revision")?;
            job = Some(if kind == EventKind::JobStarted { record.at_start(progress, revision) } else { record });
        }
        Ok(Event { kind, happened: UnixMillis(row::column(found, "happened_ms")?), job })
    }

    async fn read_delivery(&self, seq: i64) -> Result<Option<DeliveryRecord>, QueueError> {
        let rows = sqlx::query(sql::READ_DELIVERY).bind(seq).fetch_all(&self.readers).await?;
        Ok(self.read_with_attempts(rows).await?.pop())
    }

    async fn read_with_attempts(&self, rows: Vec<SqliteRow>) -> Result<Vec<DeliveryRecord>, QueueError> {
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

async fn find_claimed_delivery(
    tx: &mut Transaction<'static, Sqlite>,
    id: &DeliveryId,
    claim: u64,
) -> Result<SqliteRow, QueueError> {
    let query = sqlx::query(sql::FIND_CLAIMED_DELIVERY).bind(id.as_str()).bind(row::sql_integer(claim));
    query.fetch_optional(&mut **tx).await?.ok_or(QueueError::LeaseLost)
}

/// Handles 410 Gone: disables the endpoint, or stops deliveries to the job's `webhookUrl`.
async fn stop_gone_destination(
    tx: &mut Transaction<'static, Sqlite>,
    found: &SqliteRow,
    now_ms: i64,
) -> Result<(), QueueError> {
    let endpoint: i64 = row::column(found, "endpoint_seq")?;
    if row::column::<Option<String>>(found, "url")?.is_some() {
        return disable(tx, endpoint, DisabledReason::Gone, now_ms).await;
    }
    let job: Option<i64> = row::column(found, "job_seq")?;
    sqlx::query(sql::MARK_JOB_URL_GONE).bind(job).bind(now_ms).execute(&mut **tx).await?;
    sqlx::query(sql::STOP_JOB_DELIVERIES).bind(endpoint).bind(job).execute(&mut **tx).await?;
    Ok(())
}
