//! The trait [`OwnedJobs`] in SQL.

use async_trait::async_trait;
use clearcut_job::{Failure, FailureCode, JobId, JobState, ObjectName, UnixMillis};

use super::{
    Backend, Row, Tx, ending::write_end, job_row::JobRow, part_statements, retention::unreferenced, row,
    statements as sql, webhook_statements,
};
use crate::{
    ClaimedInput, DayUsage, Ending, Idempotency, JobRecord, KeyId, Listing, NewJob, OwnedJobs, QueueError,
    QueueOutlook, RetryResult, Submission,
    fairness::{Backlog, position},
    owned_jobs::{CANCELLED, RECENT_JOBS},
};

#[async_trait]
impl OwnedJobs for Backend {
    async fn submit_once(&self, job: NewJob, once: Idempotency) -> Result<Submission, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let too_old = now.before(self.policy.idempotency_span);
        sqlx::query(sql::DELETE_OLD_IDEMPOTENCY_KEYS).bind(too_old.0).execute(&mut *tx).await?;
        let query = sqlx::query(sql::FIND_IDEMPOTENCY_KEY).bind(job.owner.0).bind(&once.key);
        if let Some(before) = query.fetch_optional(&mut *tx).await? {
            let is_same_body = row::column::<String>(&before, "body")? == once.body;
            let id: String = row::column(&before, "job_id")?;
            // Keeps the deletion of old idempotency keys, whatever the result.
            tx.commit().await?;
            let id = id.parse().map_err(|_| QueueError::Damaged { what: "job_id" })?;
            return if is_same_body { Ok(Submission::Before(id)) } else { Err(QueueError::IdempotencyMismatch) };
        }
        let (owner, id) = (job.owner, job.id.clone());
        self.insert_job(&mut tx, job).await?;
        let insert = sqlx::query(sql::INSERT_IDEMPOTENCY_KEY).bind(owner.0).bind(once.key).bind(once.body);
        insert.bind(id.as_str()).bind(now.0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_worker();
        Ok(Submission::Accepted)
    }

    async fn was_submitted(&self, owner: KeyId, idempotency_key: &str) -> Result<bool, QueueError> {
        let mut tx = self.begin_read().await?;
        let too_old = tx.now().before(self.policy.idempotency_span);
        let query = sqlx::query_scalar(sql::HAS_IDEMPOTENCY_KEY).bind(owner.0).bind(idempotency_key).bind(too_old.0);
        Ok(query.fetch_one(&mut *tx).await?)
    }

    async fn list(&self, owner: KeyId, listing: Listing) -> Result<Vec<JobRecord>, QueueError> {
        let text = if listing.state.is_some() { sql::LIST_JOBS_IN_STATE } else { sql::LIST_JOBS };
        // Whatever is behind both bounds is behind the lower one. No id is less than the empty one.
        let until = (listing.until.map_or(i64::MAX, |until| until.0), String::new());
        let after = listing.after.map(|place| (place.created.0, place.id.into()));
        let (before, id) = after.map_or(until.clone(), |after| after.min(until));
        let since = listing.since.map_or(i64::MIN, |since| since.0);
        let query = sqlx::query(text).bind(owner.0).bind(since).bind(before).bind(id).bind(i64::from(listing.limit));
        let query = if let Some(state) = listing.state { query.bind(state.name()) } else { query };
        let mut tx = self.begin_read().await?;
        let mut jobs = Vec::new();
        for found in query.fetch_all(&mut *tx).await? {
            jobs.push(self.read_record(&mut tx, &found).await?);
        }
        Ok(jobs)
    }

    async fn cancel(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        let mut tx = self.begin_write().await?;
        let Some(found) = find_owned(&mut tx, owner, id).await? else { return Ok(None) };
        let has_ended = end_cancelled(&mut tx, &JobRow::read(&found)?).await?;
        let job = self.find_record(&mut tx, owner, id).await?;
        tx.commit().await?;
        if has_ended {
            self.signals.call_watchers(id);
            self.signals.call_waiters();
        }
        Ok(job)
    }

    async fn remove(&self, owner: KeyId, id: &JobId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        let mut tx = self.begin_write().await?;
        let Some(found) = find_owned(&mut tx, owner, id).await? else { return Ok(None) };
        let job = JobRow::read(&found)?;
        end_cancelled(&mut tx, &job).await?;
        let mut removable = Vec::new();
        for objects in [sql::FIND_KEPT_OUTPUTS, part_statements::FIND_PART_OBJECTS] {
            for found in &sqlx::query(objects).bind(job.seq).fetch_all(&mut *tx).await? {
                removable.extend(row::released_object(found, "object_key")?);
            }
        }
        for deletion in [sql::DELETE_OUTPUTS, part_statements::DELETE_PARTS, sql::DELETE_JOB] {
            sqlx::query(deletion).bind(job.seq).execute(&mut *tx).await?;
        }
        let input = row::released_object(&found, "input_key")?;
        removable.extend(unreferenced(&mut tx, input).await?);
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        Ok(Some(removable))
    }

    async fn retry(&self, owner: KeyId, id: &JobId, retry_id: JobId) -> Result<RetryResult, QueueError> {
        let mut tx = self.begin_write().await?;
        let Some(found) = find_owned(&mut tx, owner, id).await? else { return Ok(RetryResult::Missing) };
        let job = JobRow::read(&found)?;
        if job.state != JobState::Failed {
            return Ok(RetryResult::NotFailed(job.state));
        }
        let is_null = |name| Ok::<_, QueueError>(row::column::<Option<String>>(&found, name)?.is_none());
        if is_null("input_key")? && is_null("input_url")? {
            return Ok(RetryResult::InputGone);
        }
        self.check_waiting_limit(&mut tx, owner).await?;
        self.admit_bytes(&mut tx, owner, 0).await?;
        let insert = sqlx::query(sql::RETRY).bind(job.seq).bind(retry_id.as_str()).bind(tx.now().0);
        let inserted = insert.fetch_one(&mut *tx).await?;
        let inserted: i64 = row::column(&inserted, "seq")?;
        sqlx::query(webhook_statements::COPY_JOB_URL).bind(job.seq).bind(inserted).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_worker();
        Ok(RetryResult::Accepted)
    }

    async fn find_input(&self, owner: KeyId, id: &JobId) -> Result<Option<ClaimedInput>, QueueError> {
        let mut tx = self.begin_read().await?;
        find_owned(&mut tx, owner, id).await?.map(|found| row::input(&found)).transpose()
    }

    async fn outlook(&self, owner: KeyId, jobs: Vec<JobId>) -> Result<QueueOutlook, QueueError> {
        let mut tx = self.begin_read().await?;
        let rows = sqlx::query(sql::FIND_BACKLOGS).fetch_all(&mut *tx).await?;
        let backlogs = rows.iter().map(backlog).collect::<Result<Vec<Backlog>, _>>()?;
        let mut positions = Vec::with_capacity(jobs.len());
        for id in jobs {
            let query = sqlx::query_scalar(sql::COUNT_AHEAD).bind(id.as_str()).bind(owner.0);
            let ahead: Option<i64> = query.fetch_optional(&mut *tx).await?;
            positions.push(ahead.map(|ahead| position(&backlogs, owner, ahead.unsigned_abs())));
        }
        let running: i64 = sqlx::query_scalar(sql::COUNT_LEASED).fetch_one(&mut *tx).await?;
        let query = sqlx::query_scalar(sql::MEAN_RECENT_PROCESSING).bind(row::sql_integer(RECENT_JOBS as u64));
        let mean: Option<f64> = query.fetch_one(&mut *tx).await?;
        let mean_processing_ms = mean.map(|millis| millis as u64);
        Ok(QueueOutlook { positions, running: running.unsigned_abs(), mean_processing_ms })
    }

    async fn usage(&self, owner: KeyId, from: UnixMillis, until: UnixMillis) -> Result<Vec<DayUsage>, QueueError> {
        let query = sqlx::query(sql::USAGE_BY_DAY).bind(owner.0).bind(from.0).bind(until.0);
        let mut tx = self.begin_read().await?;
        query.fetch_all(&mut *tx).await?.iter().map(day_usage).collect()
    }
}

/// Ends the job as cancelled. Returns `false` if it had ended before.
async fn end_cancelled(tx: &mut Tx, job: &JobRow) -> Result<bool, QueueError> {
    if job.state.is_final() {
        return Ok(false);
    }
    let ending = Ending::Failed(Failure::new(FailureCode::Cancelled, CANCELLED));
    write_end(tx, job, &ending, None).await?;
    Ok(true)
}

async fn find_owned(tx: &mut Tx, owner: KeyId, id: &JobId) -> Result<Option<Row>, QueueError> {
    Ok(sqlx::query(sql::READ_OWNED_JOB_ROW).bind(id.as_str()).bind(owner.0).fetch_optional(&mut **tx).await?)
}

fn backlog(row: &Row) -> Result<Backlog, QueueError> {
    Ok(Backlog {
        owner: KeyId(row::column(row, "owner")?),
        waiting: row::count(row, "waiting")?,
        turn: row::count(row, "turn")?,
        first: (UnixMillis(row::column(row, "since")?), row::column(row, "first")?),
    })
}

fn day_usage(row: &Row) -> Result<DayUsage, QueueError> {
    Ok(DayUsage {
        day: row::column(row, "day")?,
        jobs: row::count(row, "jobs")?,
        frames: row::count(row, "frames")?,
        input_bytes: row::count(row, "input_bytes")?,
        output_bytes: row::count(row, "output_bytes")?,
        processing_ms: row::count(row, "processing_ms")?,
    })
}
