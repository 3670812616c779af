use clearcut_job::{Failure, FencingToken, JobId, JobState, Outcome, Progress, Stage, UnixMillis, WorkerId};
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};

use super::{SqliteQueue, row, sql};
use crate::{Claimed, Depth, Ending, Finished, JobRecord, KeyId, NewJob, NextStep, QueueError, Reaped};

/// What the database says of a job when its worker ends it.
pub(super) struct Held {
    pub(super) seq: i64,
    pub(super) owner: i64,
    state: JobState,
    attempts: u32,
    crashes: u32,
    input_bytes: i64,
    winner: Option<i64>,
    pub(super) leased_under: Option<i64>,
}

impl Held {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, QueueError> {
        Ok(Self {
            seq: row::column(row, "seq")?,
            owner: row::column(row, "owner")?,
            state: row::job_state(row)?,
            attempts: row::count(row, "attempts")? as u32,
            crashes: row::count(row, "crashes")? as u32,
            input_bytes: row::column(row, "input_size")?,
            winner: row::column(row, "winner_token")?,
            leased_under: row::column(row, "lease_token")?,
        })
    }
}

/// The counters that a setback leaves behind.
struct Setbacks {
    attempts: u32,
    crashes: u32,
}

impl SqliteQueue {
    pub(super) async fn submit_job(&self, job: NewJob) -> Result<(), QueueError> {
        let mut tx = self.write().await?;
        let input = self.admit_input(&mut tx, job.owner, job.input).await?;
        sqlx::query(sql::SUBMIT)
            .bind(job.id.as_str())
            .bind(job.owner.0)
            .bind(job.request.to_json())
            .bind(input.key)
            .bind(input.size)
            .bind(input.sha256)
            .bind(self.clock.now().0)
            .bind(input.url)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.signals.call_worker();
        Ok(())
    }

    pub(super) async fn read_job(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        let query = sqlx::query(sql::READ_JOB).bind(id.as_str()).bind(owner.0);
        let Some(found) = query.fetch_optional(&self.readers).await? else { return Ok(None) };
        let mut outputs = Vec::new();
        if row::job_state(&found)? == JobState::Completed {
            let seq: i64 = row::column(&found, "seq")?;
            let rows = sqlx::query(sql::READ_OUTPUTS).bind(seq).fetch_all(&self.readers).await?;
            outputs = rows.iter().map(row::output).collect::<Result<_, _>>()?;
        }
        row::job(&found, outputs, &self.policy).map(Some)
    }

    pub(super) async fn claim_job(&self, worker: &WorkerId) -> Result<Option<Claimed>, QueueError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let Some(found) = sqlx::query(sql::FIND_READY).bind(now.0).fetch_optional(&mut *tx).await? else {
            return Ok(None);
        };
        let seq: i64 = row::column(&found, "seq")?;
        let last = row::token(&found)?;
        let token = FencingToken(last.0 + 1);
        sqlx::query(sql::CLAIM).bind(seq).bind(row::stored(last.0)).execute(&mut *tx).await?;
        let waiting = row::progress_number(Progress::within(Stage::Waiting, 1.0));
        sqlx::query(sql::INSERT_LEASE)
            .bind(seq)
            .bind(row::stored(token.0))
            .bind(worker.as_str())
            .bind(now.after(self.policy.lease_ttl).0)
            .bind(waiting.max(row::column(&found, "progress")?))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(Claimed {
            id: row::job_id(&found)?,
            token,
            request_json: row::column(&found, "request")?,
            input: row::input(&found)?,
            waited: now.since(UnixMillis(row::column(&found, "not_before_ms")?)),
        }))
    }

    pub(super) async fn start_job(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let query = sqlx::query(sql::START).bind(id.as_str()).bind(row::stored(token.0)).bind(self.clock.now().0);
        held(query.execute(&self.writer).await?.rows_affected())
    }

    pub(super) async fn renew_lease(
        &self,
        id: &JobId,
        token: FencingToken,
        progress: Progress,
    ) -> Result<(), QueueError> {
        let expires = self.clock.now().after(self.policy.lease_ttl);
        let query = sqlx::query(sql::RENEW).bind(id.as_str()).bind(row::stored(token.0)).bind(expires.0);
        held(query.bind(row::progress_number(progress)).execute(&self.writer).await?.rows_affected())
    }

    pub(super) async fn finish_job(
        &self,
        id: &JobId,
        token: FencingToken,
        ending: Ending,
    ) -> Result<Finished, QueueError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let found = sqlx::query(sql::FIND_HELD).bind(id.as_str()).fetch_optional(&mut *tx).await?;
        let job = Held::read(&found.ok_or(QueueError::LeaseLost)?)?;
        let said = Some(row::stored(token.0));
        if job.state.is_final() && job.winner == said {
            return Ok(Finished::AlreadyCommitted);
        }
        if job.leased_under != said {
            return Err(QueueError::LeaseLost);
        }
        let mut finished = Finished::Committed;
        match ending {
            Ending::Completed(outcome) => complete(&mut tx, id, &job, token, &outcome, now).await?,
            Ending::Failed(failure) => {
                let setbacks = Setbacks { attempts: job.attempts + 1, crashes: job.crashes };
                let step = self.policy.after_failure(id, failure, setbacks.attempts, now);
                if let NextStep::Retry { not_before } = step {
                    finished = Finished::Retrying { not_before };
                }
                set_back(&mut tx, job.seq, token, (step, said), &setbacks, now).await?;
            }
        }
        sqlx::query(sql::DROP_LEASE).bind(job.seq).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_waiters();
        Ok(finished)
    }

    pub(super) async fn release_job(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        let mut tx = self.write().await?;
        let found = sqlx::query(sql::FIND_HELD).bind(id.as_str()).fetch_optional(&mut *tx).await?;
        let job = Held::read(&found.ok_or(QueueError::LeaseLost)?)?;
        if job.leased_under != Some(row::stored(token.0)) {
            return Err(QueueError::LeaseLost);
        }
        let setbacks = Setbacks { attempts: job.attempts, crashes: job.crashes };
        requeue(&mut tx, job.seq, token, None, &setbacks).await?;
        sqlx::query(sql::DROP_LEASE).bind(job.seq).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_worker();
        Ok(())
    }

    pub(super) async fn reap_jobs(&self) -> Result<Vec<Reaped>, QueueError> {
        let now = self.clock.now();
        // Most times there is nothing, which a reader tells without the write lock.
        if sqlx::query(sql::FIND_EXPIRED).bind(now.0).fetch_optional(&self.readers).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let expired = sqlx::query(sql::FIND_EXPIRED).bind(now.0).fetch_all(&mut *tx).await?;
        let mut reaped = Vec::with_capacity(expired.len());
        for found in &expired {
            let seq: i64 = row::column(found, "seq")?;
            let crashes = row::count(found, "crashes")? as u32 + 1;
            let setbacks = Setbacks { attempts: row::count(found, "attempts")? as u32, crashes };
            let step = self.policy.after_crash(crashes, now);
            reaped.push(Reaped { id: row::job_id(found)?, given_up: matches!(step, NextStep::End(_)) });
            set_back(&mut tx, seq, row::token(found)?, (step, None), &setbacks, now).await?;
            sqlx::query(sql::DROP_LEASE).bind(seq).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        for _ in &reaped {
            self.signals.call_worker();
        }
        self.signals.call_waiters();
        Ok(reaped)
    }

    pub(super) async fn keep_pointed_to(&self, keys: Vec<String>) -> Result<Vec<String>, QueueError> {
        let mut kept = Vec::new();
        for key in keys {
            let pointed: bool = sqlx::query_scalar(sql::IS_POINTED_TO).bind(&key).fetch_one(&self.readers).await?;
            kept.extend(pointed.then_some(key));
        }
        Ok(kept)
    }

    pub(super) async fn read_running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        let found = sqlx::query(sql::RUNNING_CLAIM).bind(id.as_str()).fetch_optional(&self.readers).await?;
        found.as_ref().map(row::token).transpose()
    }

    pub(super) async fn count_jobs(&self) -> Result<Depth, QueueError> {
        let queued: i64 = sqlx::query_scalar(sql::COUNT_QUEUED).fetch_one(&self.readers).await?;
        let leased: i64 = sqlx::query_scalar(sql::COUNT_LEASED).fetch_one(&self.readers).await?;
        Ok(Depth { queued: queued.unsigned_abs(), leased: leased.unsigned_abs() })
    }
}

/// The token fitted exactly one row, or the lease is lost.
fn held(rows: u64) -> Result<(), QueueError> {
    if rows == 1 { Ok(()) } else { Err(QueueError::LeaseLost) }
}

async fn complete(
    tx: &mut Transaction<'static, Sqlite>,
    id: &JobId,
    job: &Held,
    token: FencingToken,
    outcome: &Outcome,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let measured = serde_json::to_string(&outcome.measured).map_err(|_| QueueError::Damaged { what: "measured" })?;
    let processing_ms = row::stored(outcome.processing_ms);
    let update = sqlx::query(sql::COMPLETE).bind(job.seq).bind(row::stored(token.0)).bind(now.0);
    held(update.bind(measured).bind(processing_ms).execute(&mut **tx).await?.rows_affected())?;
    for (place, output) in (0_i64..).zip(&outcome.outputs) {
        sqlx::query(sql::INSERT_OUTPUT)
            .bind(job.seq)
            .bind(place)
            .bind(output.format.name())
            .bind(&output.key)
            .bind(row::stored(output.size_bytes))
            .bind(&output.sha256.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
    }
    let output_bytes: u64 = outcome.outputs.iter().map(|output| output.size_bytes).sum();
    sqlx::query(sql::INSERT_USAGE)
        .bind(id.as_str())
        .bind(job.owner)
        .bind(now.0)
        .bind(job.input_bytes)
        .bind(row::stored(output_bytes))
        .bind(row::stored(outcome.measured.frames))
        .bind(processing_ms)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Carries out what the policy said of a setback; the second part of `step` is who says it, `None` for the reaper.
async fn set_back(
    tx: &mut Transaction<'static, Sqlite>,
    seq: i64,
    token: FencingToken,
    step: (NextStep, Option<i64>),
    setbacks: &Setbacks,
    now: UnixMillis,
) -> Result<(), QueueError> {
    match step {
        (NextStep::Retry { not_before }, _) => requeue(tx, seq, token, Some(not_before), setbacks).await,
        (NextStep::End(failure), winner) => {
            let failure = write_failure(&failure)?;
            let update = sqlx::query(sql::FAIL).bind(seq).bind(row::stored(token.0)).bind(now.0).bind(winner);
            let update = update.bind(failure).bind(setbacks.attempts).bind(setbacks.crashes);
            held(update.execute(&mut **tx).await?.rows_affected())
        }
    }
}

async fn requeue(
    tx: &mut Transaction<'static, Sqlite>,
    seq: i64,
    token: FencingToken,
    not_before: Option<UnixMillis>,
    setbacks: &Setbacks,
) -> Result<(), QueueError> {
    let update = sqlx::query(sql::REQUEUE).bind(seq).bind(row::stored(token.0)).bind(not_before.map(|at| at.0));
    held(update.bind(setbacks.attempts).bind(setbacks.crashes).execute(&mut **tx).await?.rows_affected())
}

fn write_failure(failure: &Failure) -> Result<String, QueueError> {
    serde_json::to_string(failure).map_err(|_| QueueError::Damaged { what: "failure" })
}
