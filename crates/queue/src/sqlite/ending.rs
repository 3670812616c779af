use clearcut_job::{Failure, FencingToken, JobId, JobState, Outcome, UnixMillis};
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};

use super::{events::note_event, row, sql};
use crate::{Ending, EventKind, QueueError};

/// What the database says of a job that something happens to, read in the transaction in which it happens.
pub(super) struct Held {
    pub(super) seq: i64,
    pub(super) id: JobId,
    pub(super) owner: i64,
    pub(super) state: JobState,
    /// The last one given out.
    pub(super) token: FencingToken,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) input_bytes: i64,
    pub(super) winner: Option<FencingToken>,
    /// The claim that runs, if one does.
    pub(super) leased_under: Option<FencingToken>,
}

impl Held {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, QueueError> {
        let claim = |name| Ok::<_, QueueError>(row::column::<Option<i64>>(row, name)?.map(i64::unsigned_abs));
        Ok(Self {
            seq: row::column(row, "seq")?,
            id: row::job_id(row)?,
            owner: row::column(row, "owner")?,
            state: row::job_state(row)?,
            token: row::token(row)?,
            attempts: row::count(row, "attempts")? as u32,
            crashes: row::count(row, "crashes")? as u32,
            input_bytes: row::column(row, "input_size")?,
            winner: claim("winner_token")?.map(FencingToken),
            leased_under: claim("lease_token")?.map(FencingToken),
        })
    }
}

/// Writes the end of a job: the only way into a final state, whoever ends it. State, pointers, usage, the event for
/// webhooks and the end of the lease are one transaction with whatever else `tx` holds. `winner` is the claim that says it, `None` where it is not the
/// worker's word.
pub(super) async fn write_end(
    tx: &mut Transaction<'static, Sqlite>,
    job: &Held,
    ending: &Ending,
    winner: Option<FencingToken>,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let kind = match ending {
        Ending::Completed(outcome) => {
            complete(tx, job, outcome, now).await?;
            EventKind::JobCompleted
        }
        Ending::Failed(failure) => {
            fail(tx, job, failure, winner, now).await?;
            EventKind::JobFailed
        }
    };
    sqlx::query(sql::DROP_LEASE).bind(job.seq).execute(&mut **tx).await?;
    note_event(tx, job, kind, now).await
}

/// The token fitted exactly one row, or the lease is lost.
pub(super) fn held(rows: u64) -> Result<(), QueueError> {
    if rows == 1 { Ok(()) } else { Err(QueueError::LeaseLost) }
}

async fn complete(
    tx: &mut Transaction<'static, Sqlite>,
    job: &Held,
    outcome: &Outcome,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let measured = serde_json::to_string(&outcome.measured).map_err(|_| QueueError::Damaged { what: "measured" })?;
    let processing_ms = row::stored(outcome.processing_ms);
    let update = sqlx::query(sql::COMPLETE).bind(job.seq).bind(row::stored(job.token.0)).bind(now.0);
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
        .bind(job.id.as_str())
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

async fn fail(
    tx: &mut Transaction<'static, Sqlite>,
    job: &Held,
    failure: &Failure,
    winner: Option<FencingToken>,
    now: UnixMillis,
) -> Result<(), QueueError> {
    let failure = serde_json::to_string(failure).map_err(|_| QueueError::Damaged { what: "failure" })?;
    let winner = winner.map(|token| row::stored(token.0));
    let update = sqlx::query(sql::FAIL).bind(job.seq).bind(row::stored(job.token.0)).bind(now.0).bind(winner);
    let update = update.bind(failure).bind(job.attempts).bind(job.crashes);
    held(update.execute(&mut **tx).await?.rows_affected())
}
