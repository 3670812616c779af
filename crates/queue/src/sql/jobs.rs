//! The trait [`Jobs`] in SQL: submit, claim, heartbeat, finish, release and reap.

use std::time::Duration;

use async_trait::async_trait;
use clearcut_job::{
    ClipName, FencingToken, JobId, JobRequest, JobState, ObjectName, Progress, Stage, UnixMillis, WorkerId,
};

use super::{
    Backend, Row, Tx,
    claim_row::{find_claim, require_claim},
    ending::{require_one_row, write_end},
    events::{insert_job_url, note_event},
    job_row::find_job_row,
    part_statements, row,
    segments::read_part,
    setback::{apply_setback, requeue},
    statements as sql, webhook_statements,
};
use crate::{
    ClaimedJob, Ending, EventKind, Finished, JobPart, JobRecord, Jobs, KeyId, NewJob, NextStep, QueueDepth, QueueError,
    QueueGauges, Reaped,
};

#[async_trait]
impl Jobs for Backend {
    async fn submit(&self, job: NewJob) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        self.insert_job(&mut tx, job).await?;
        tx.commit().await?;
        self.signals.call_worker();
        Ok(())
    }

    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        let mut tx = self.begin_read().await?;
        self.find_record(&mut tx, owner, id).await
    }

    async fn claim(&self, worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError> {
        // Most calls find nothing. A reader finds that out without the write lock.
        let mut reading = self.begin_read().await?;
        if self.find_ready(&mut reading).await?.is_none() {
            return Ok(None);
        }
        drop(reading);
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let Some(found) = self.find_ready(&mut tx).await? else { return Ok(None) };
        let (seq, place): (i64, Option<i64>) = (row::column(&found, "seq")?, row::optional_column(&found, "place")?);
        let last = row::token(&found)?;
        let token = FencingToken(last.0 + 1);
        let (part, spent_ms) = match place {
            None => {
                sqlx::query(sql::CLAIM).bind(seq).bind(row::sql_integer(last.0)).execute(&mut *tx).await?;
                (JobPart::Whole, 0)
            }
            Some(place) => {
                sqlx::query(part_statements::RAISE_TOKEN).bind(seq).execute(&mut *tx).await?;
                let part: i64 = row::column(&found, "part")?;
                sqlx::query(part_statements::CLAIM_PART).bind(part).execute(&mut *tx).await?;
                read_part(&mut tx, seq, place).await?
            }
        };
        let begun = match place {
            None => row::progress_number(Progress::within(Stage::Waiting, 1.0)),
            Some(_) => row::SEGMENT_BEGUN,
        };
        let progress = if place.is_some() { "part_progress" } else { "progress" };
        sqlx::query(sql::INSERT_LEASE)
            .bind(seq)
            .bind(row::sql_integer(token.0))
            .bind(row::optional_column::<i64>(&found, "part")?)
            .bind(worker.as_str())
            .bind(now.after(self.policy.lease_ttl).0)
            .bind(begun.max(row::column(&found, progress)?))
            .execute(&mut *tx)
            .await?;
        sqlx::query(sql::TAKE_TURN).bind(row::column::<i64>(&found, "owner")?).execute(&mut *tx).await?;
        tx.commit().await?;
        let id = row::job_id(&found)?;
        self.signals.call_watchers(&id);
        Ok(Some(ClaimedJob {
            id,
            owner: KeyId(row::column(&found, "owner")?),
            token,
            request: JobRequest::from_json(row::column(&found, "request")?),
            input: row::input(&found)?,
            part,
            waited: now.since(UnixMillis(row::column(&found, "ready_ms")?)),
            spent: Duration::from_millis(spent_ms),
        }))
    }

    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let claim = require_claim(&mut tx, id, token).await?;
        let last = row::sql_integer(claim.job.token.0);
        let query = sqlx::query(sql::START).bind(id.as_str()).bind(last).bind(now.0);
        require_one_row(query.execute(&mut *tx).await?.rows_affected())?;
        note_event(&mut tx, &claim.job, EventKind::JobStarted).await?;
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_courier();
        Ok(())
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        let mut tx = self.begin_write_of_one_row().await?;
        let expires = tx.now().after(self.policy.lease_ttl);
        let query = sqlx::query(sql::RENEW).bind(id.as_str()).bind(row::sql_integer(token.0)).bind(expires.0);
        let renewed = query.bind(row::progress_number(progress)).execute(&mut *tx).await?;
        require_one_row(renewed.rows_affected())?;
        tx.commit().await?;
        self.signals.call_watchers(id);
        Ok(())
    }

    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        #[cfg(debug_assertions)]
        self.reach(crate::HaltAt::Stored).await;
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let job = find_job_row(&mut tx, id).await?.ok_or(QueueError::LeaseLost)?;
        if job.state.is_final() && job.winner == Some(token) {
            return Ok(Finished::AlreadyCommitted);
        }
        let mut claim = require_claim(&mut tx, id, token).await?;
        let mut finished = Finished::Committed;
        match ending {
            Ending::Completed(_) if claim.is_segment() => return Err(QueueError::LeaseLost),
            Ending::Completed(_) => write_end(&mut tx, &claim.job, &ending, Some(token)).await?,
            Ending::Failed(failure) => {
                let step = self.policy.after_failure(id, failure, claim.count_attempt(), now);
                if let NextStep::Retry { not_before } = step {
                    finished = Finished::Retrying { not_before };
                }
                apply_setback(&mut tx, &claim, step, Some(token)).await?;
            }
        }
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        #[cfg(debug_assertions)]
        self.reach(crate::HaltAt::Committed).await;
        Ok(finished)
    }

    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let claim = require_claim(&mut tx, id, token).await?;
        requeue(&mut tx, &claim, None).await?;
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_worker();
        Ok(())
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        // Usually no lease has expired. A reader finds that out without the write lock.
        let mut reading = self.begin_read().await?;
        let now = reading.now();
        if sqlx::query(sql::FIND_EXPIRED_LEASES).bind(now.0).fetch_optional(&mut *reading).await?.is_none() {
            return Ok(Vec::new());
        }
        drop(reading);
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let expired = sqlx::query(sql::FIND_EXPIRED_LEASES).bind(now.0).fetch_all(&mut *tx).await?;
        let mut reaped = Vec::with_capacity(expired.len());
        for found in &expired {
            let (id, token) = (row::job_id(found)?, row::token(found)?);
            // The loss of another part may have ended the job.
            let Some(mut claim) = find_claim(&mut tx, &id, token).await? else { continue };
            let step = self.policy.after_crash(claim.count_crash(), now);
            reaped.push(Reaped { id, has_failed: matches!(step, NextStep::End(_)) });
            apply_setback(&mut tx, &claim, step, None).await?;
        }
        tx.commit().await?;
        for lost in &reaped {
            self.signals.call_watchers(&lost.id);
            self.signals.call_worker();
        }
        self.signals.call_waiters();
        Ok(reaped)
    }

    async fn clock_jumped(&self) -> Result<(), QueueError> {
        if !self.has_own_clock() {
            return Ok(());
        }
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        sqlx::query(sql::RENEW_ALL).bind(now.after(self.policy.lease_ttl).0).execute(&mut *tx).await?;
        self.make_delayed_work_due(&mut tx).await?;
        tx.commit().await?;
        self.signals.call_worker();
        self.signals.call_courier();
        Ok(())
    }

    async fn is_claimed(&self, id: &JobId, token: FencingToken) -> Result<bool, QueueError> {
        let mut tx = self.begin_read().await?;
        let query = sqlx::query_scalar(part_statements::IS_CLAIMED).bind(id.as_str()).bind(row::sql_integer(token.0));
        Ok(query.fetch_one(&mut *tx).await?)
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let mut tx = self.begin_read().await?;
        let queued: i64 = sqlx::query_scalar(sql::COUNT_QUEUED).fetch_one(&mut *tx).await?;
        let leased: i64 = sqlx::query_scalar(sql::COUNT_LEASED).fetch_one(&mut *tx).await?;
        Ok(QueueDepth { queued: queued.unsigned_abs(), leased: leased.unsigned_abs() })
    }

    async fn gauges(&self) -> Result<QueueGauges, QueueError> {
        let depth = self.depth().await?;
        let mut tx = self.begin_read().await?;
        let now = tx.now();
        let ready: Option<i64> = sqlx::query_scalar(sql::LONGEST_READY).fetch_one(&mut *tx).await?;
        let expired: i64 = sqlx::query_scalar(sql::COUNT_EXPIRED_LEASES).bind(now.0).fetch_one(&mut *tx).await?;
        let deliveries = sqlx::query_scalar(webhook_statements::COUNT_PENDING_DELIVERIES);
        let pending: i64 = deliveries.fetch_one(&mut *tx).await?;
        Ok(QueueGauges {
            depth,
            longest_wait: ready.map(UnixMillis).filter(|ready| *ready <= now).map(|ready| now.since(ready)),
            expired_leases: expired.unsigned_abs(),
            pending_deliveries: pending.unsigned_abs(),
        })
    }
}

impl Backend {
    /// Finds what is claimed next, a job or a part, with the columns of both.
    async fn find_ready(&self, tx: &mut Tx) -> Result<Option<Row>, QueueError> {
        let (now, max_running) = (tx.now().0, i64::from(self.policy.max_running));
        let job = sqlx::query(sql::FIND_READY).bind(now).bind(max_running).fetch_optional(&mut **tx).await?;
        let query = sqlx::query(part_statements::FIND_READY_PART).bind(now).bind(max_running);
        let Some(part) = query.fetch_optional(&mut **tx).await? else { return Ok(job) };
        let Some(job) = job else { return Ok(Some(part)) };
        // Each is the first of its kind, so a key that has both is the first of both kinds.
        let turn = |row: &Row| Ok::<_, QueueError>((row::count(row, "running")?, row::count(row, "turn")?));
        Ok(Some(if turn(&part)? <= turn(&job)? { part } else { job }))
    }

    /// Enqueues a job within `tx`, after checking the limits of its owner.
    pub(super) async fn insert_job(&self, tx: &mut Tx, job: NewJob) -> Result<(), QueueError> {
        let now = tx.now();
        self.check_waiting_limit(tx, job.owner).await?;
        let input = self.admit_input(tx, job.owner, job.input).await?;
        let submitted = sqlx::query(sql::SUBMIT)
            .bind(job.id.as_str())
            .bind(job.owner.0)
            .bind(job.request.to_json())
            .bind(input.name.as_ref().map(ObjectName::as_str))
            .bind(input.size)
            .bind(input.sha256)
            .bind(now.0)
            .bind(input.url)
            .bind(job.clip_name.as_ref().map(ClipName::as_str))
            .fetch_one(&mut **tx)
            .await?;
        if let Some(webhook) = job.webhook {
            insert_job_url(tx, row::column(&submitted, "seq")?, job.owner, webhook).await?;
        }
        Ok(())
    }

    /// Fails if `owner` has the maximum number of waiting jobs.
    pub(super) async fn check_waiting_limit(&self, tx: &mut Tx, owner: KeyId) -> Result<(), QueueError> {
        let found = sqlx::query(sql::COUNT_WAITING).bind(owner.0).fetch_one(&mut **tx).await?;
        let limit = row::optional_count(&found, "max_waiting")?.map_or(self.policy.max_waiting, |limit| limit as u32);
        let waiting = row::count(&found, "waiting")?;
        if waiting < u64::from(limit) { Ok(()) } else { Err(QueueError::TooManyQueuedJobs { limit }) }
    }

    /// Reads the job `id` of `owner`.
    pub(super) async fn find_record(
        &self,
        tx: &mut Tx,
        owner: KeyId,
        id: &JobId,
    ) -> Result<Option<JobRecord>, QueueError> {
        let query = sqlx::query(sql::READ_JOB).bind(id.as_str()).bind(owner.0);
        let Some(found) = query.fetch_optional(&mut **tx).await? else { return Ok(None) };
        self.read_record(tx, &found).await.map(Some)
    }

    /// Reads the job in the row `found`, with its outputs if it has completed.
    pub(super) async fn read_record(&self, tx: &mut Tx, found: &Row) -> Result<JobRecord, QueueError> {
        let mut outputs = Vec::new();
        if row::job_state(found)? == JobState::Completed {
            let seq: i64 = row::column(found, "seq")?;
            let rows = sqlx::query(sql::READ_OUTPUTS).bind(seq).fetch_all(&mut **tx).await?;
            outputs = rows.iter().map(row::output).collect::<Result<_, _>>()?;
        }
        row::job(found, outputs, &self.policy)
    }

    /// Makes jobs and parts due whose wait exceeds the maximum backoff, and first delivery attempts
    /// that lie in the future. Both come from a clock that was ahead.
    pub(super) async fn make_delayed_work_due(&self, tx: &mut Tx) -> Result<(), QueueError> {
        let now = tx.now();
        let latest = now.after(self.policy.backoff_cap);
        for statement in [sql::MAKE_DELAYED_JOBS_DUE, part_statements::MAKE_DELAYED_PARTS_DUE] {
            sqlx::query(statement).bind(now.0).bind(latest.0).execute(&mut **tx).await?;
        }
        sqlx::query(webhook_statements::MAKE_FIRST_ATTEMPTS_DUE).bind(now.0).execute(&mut **tx).await?;
        Ok(())
    }
}
