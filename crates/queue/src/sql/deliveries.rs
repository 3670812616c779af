//! The trait [`Deliveries`] in SQL: tests, lists, redelivery, claims and attempts.

use async_trait::async_trait;
use clearcut_job::{JobId, UnixMillis};

use super::{
    Backend, Row, Tx,
    endpoints::{disable, find_endpoint},
    row, webhook_row, webhook_statements as sql,
};
use crate::{
    AfterAttempt, Answer, Attempt, ClaimedDelivery, Deliveries, DeliveryId, DeliveryRecord, DeliveryState, Destination,
    DisabledReason, EndpointId, Event, EventKind, KeyId, QueueError, deliveries::TEST_RETENTION,
};

#[async_trait]
impl Deliveries for Backend {
    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let Some(found) = find_endpoint(&mut tx, owner, endpoint).await? else { return Ok(None) };
        if row::column::<Option<i64>>(&found, "disabled_ms")?.is_some() {
            return Err(QueueError::EndpointDisabled);
        }
        sqlx::query(sql::DELETE_OLD_TESTS).bind(now.before(TEST_RETENTION).0).execute(&mut *tx).await?;
        let event = sqlx::query(sql::INSERT_TEST_EVENT).bind(now.0).fetch_one(&mut *tx).await?;
        let event: i64 = row::column(&event, "seq")?;
        let inserted = sqlx::query(sql::INSERT_DELIVERY)
            .bind(id.as_str())
            .bind(event)
            .bind(row::column::<i64>(&found, "seq")?)
            .bind(row::column::<String>(&found, "host")?)
            .bind(now.0)
            .fetch_one(&mut *tx)
            .await?;
        let delivery = read_delivery(&mut tx, row::column(&inserted, "seq")?).await?;
        tx.commit().await?;
        self.signals.call_courier();
        Ok(delivery)
    }

    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let mut tx = self.begin_read().await?;
        let found = sqlx::query(sql::FIND_JOB).bind(job.as_str()).bind(owner.0).fetch_optional(&mut *tx).await?;
        let Some(found) = found else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::LIST_JOB_DELIVERIES).bind(seq).fetch_all(&mut *tx).await?;
        read_with_attempts(&mut tx, rows).await.map(Some)
    }

    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        let mut tx = self.begin_read().await?;
        let query = sqlx::query(sql::READ_ENDPOINT).bind(owner.0).bind(endpoint.as_str());
        let Some(found) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        let rows = sqlx::query(sql::LIST_ENDPOINT_DELIVERIES).bind(seq).fetch_all(&mut *tx).await?;
        read_with_attempts(&mut tx, rows).await.map(Some)
    }

    async fn redeliver(
        &self,
        owner: KeyId,
        job: &JobId,
        id: &DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        let mut tx = self.begin_write().await?;
        let query = sqlx::query(sql::FIND_REDELIVERY).bind(owner.0).bind(job.as_str()).bind(id.as_str());
        let Some(found) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        if row::column::<Option<i64>>(&found, "disabled_ms")?.is_some() {
            return Err(QueueError::EndpointDisabled);
        }
        let seq: i64 = row::column(&found, "seq")?;
        sqlx::query(sql::REDELIVER).bind(seq).bind(tx.now().0).execute(&mut *tx).await?;
        let delivery = read_delivery(&mut tx, seq).await?;
        tx.commit().await?;
        self.signals.call_courier();
        Ok(delivery)
    }

    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        // Usually nothing is due. A reader finds that out without the write lock.
        let mut reading = self.begin_read().await?;
        let now = reading.now();
        if !sqlx::query_scalar::<_, bool>(sql::HAS_DUE_DELIVERY).bind(now.0).fetch_one(&mut *reading).await? {
            return Ok(None);
        }
        drop(reading);
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let due = sqlx::query(sql::FIND_DUE_DELIVERY)
            .bind(now.0)
            .bind(i64::from(max_per_host))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(due) = due else { return Ok(None) };
        let seq: i64 = row::column(&due, "seq")?;
        let lease_ends = now.after(self.policy.delivery_lease);
        sqlx::query(sql::CLAIM_DELIVERY).bind(seq).bind(lease_ends.0).execute(&mut *tx).await?;
        let found = sqlx::query(sql::READ_CLAIMED_DELIVERY).bind(seq).fetch_one(&mut *tx).await?;
        let owner = KeyId(row::column(&found, "owner")?);
        let event = self.read_event(&mut tx, &found, owner).await?;
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
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let found = find_claimed_delivery(&mut tx, id, claim).await?;
        let seq: i64 = row::column(&found, "seq")?;
        let latency_ms = attempt.latency.as_millis() as i64;
        let (status, no_answer, reply) = match attempt.answer {
            Answer::Status { status, reply } => (Some(status), None, reply),
            Answer::None(reason) => (None, Some(reason.name()), String::new()),
        };
        let insert = sqlx::query(sql::INSERT_ATTEMPT).bind(seq).bind(now.0 - latency_ms).bind(latency_ms);
        insert.bind(status.map(i64::from)).bind(no_answer).bind(reply).execute(&mut *tx).await?;
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
            stop_gone_destination(&mut tx, &found).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let seq: i64 = row::column(&find_claimed_delivery(&mut tx, id, claim).await?, "seq")?;
        sqlx::query(sql::RELEASE_DELIVERY).bind(seq).bind(tx.now().0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_courier();
        Ok(())
    }
}

impl Backend {
    /// Reads the event with its job as it was at that time.
    ///
    /// An end is final, so the job's row still shows it. For a start, the fields written by the end
    /// are left out.
    async fn read_event(&self, tx: &mut Tx, found: &Row, owner: KeyId) -> Result<Event, QueueError> {
        let kind = webhook_row::kind(found)?;
        let mut job = None;
        if let Some(id) = row::column::<Option<String>>(found, "job")? {
            let id: JobId = id.parse().map_err(|_| QueueError::Damaged { what: "id" })?;
            let record = self.find_record(tx, owner, &id).await?.ok_or(QueueError::Damaged { what: "job" })?;
            let progress = row::progress_from_number(row::column(found, "progress")?);
            let revision = row::count(found, "revision")?;
            job = Some(if kind == EventKind::JobStarted { record.at_start(progress, revision) } else { record });
        }
        Ok(Event { kind, happened: UnixMillis(row::column(found, "happened_ms")?), job })
    }
}

async fn read_delivery(tx: &mut Tx, seq: i64) -> Result<Option<DeliveryRecord>, QueueError> {
    let rows = sqlx::query(sql::READ_DELIVERY).bind(seq).fetch_all(&mut **tx).await?;
    Ok(read_with_attempts(tx, rows).await?.pop())
}

async fn read_with_attempts(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<DeliveryRecord>, QueueError> {
    let mut deliveries = Vec::with_capacity(rows.len());
    for found in rows {
        let seq: i64 = row::column(&found, "seq")?;
        let attempts = sqlx::query(sql::READ_ATTEMPTS).bind(seq).fetch_all(&mut **tx).await?;
        let attempts = attempts.iter().map(webhook_row::attempt).collect::<Result<_, _>>()?;
        deliveries.push(webhook_row::delivery(&found, attempts)?);
    }
    Ok(deliveries)
}

async fn find_claimed_delivery(tx: &mut Tx, id: &DeliveryId, claim: u64) -> Result<Row, QueueError> {
    let query = sqlx::query(sql::FIND_CLAIMED_DELIVERY).bind(id.as_str()).bind(row::sql_integer(claim));
    query.fetch_optional(&mut **tx).await?.ok_or(QueueError::LeaseLost)
}

/// Handles 410 Gone: disables the endpoint, or stops deliveries to the job's `webhookUrl`.
async fn stop_gone_destination(tx: &mut Tx, found: &Row) -> Result<(), QueueError> {
    let endpoint: i64 = row::column(found, "endpoint_seq")?;
    if row::column::<Option<String>>(found, "url")?.is_some() {
        return disable(tx, endpoint, DisabledReason::Gone).await;
    }
    let job: Option<i64> = row::column(found, "job_seq")?;
    sqlx::query(sql::MARK_JOB_URL_GONE).bind(job).bind(tx.now().0).execute(&mut **tx).await?;
    sqlx::query(sql::STOP_JOB_DELIVERIES).bind(endpoint).bind(job).execute(&mut **tx).await?;
    Ok(())
}
