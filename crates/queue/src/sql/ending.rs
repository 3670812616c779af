//! The end of a job in SQL: the one place that writes a final state.

use clearcut_job::{Failure, FencingToken, Outcome};

use super::{Tx, events::note_event, job_row::JobRow, part_statements, row, row::Reached, statements as sql};
use crate::{Ending, EventKind, QueueError};

/// Writes the end of a job. No other function sets a final state.
///
/// State, pointers, usage, the webhook event and the end of all leases and parts become part of the
/// transaction `tx`. `winner` is the claim that ends the job; `None` if no worker ends it.
pub(super) async fn write_end(
    tx: &mut Tx,
    job: &JobRow,
    ending: &Ending,
    winner: Option<FencingToken>,
) -> Result<(), QueueError> {
    let reached = Reached::read(&sqlx::query(sql::READ_REACHED).bind(job.seq).fetch_one(&mut **tx).await?)?;
    let kind = match ending {
        Ending::Completed(outcome) => {
            complete(tx, job, outcome, reached).await?;
            EventKind::JobCompleted
        }
        Ending::Failed(failure) => {
            fail(tx, job, failure, winner, reached).await?;
            EventKind::JobFailed
        }
    };
    sqlx::query(sql::DROP_LEASES).bind(job.seq).execute(&mut **tx).await?;
    sqlx::query(part_statements::END_PARTS).bind(job.seq).execute(&mut **tx).await?;
    note_event(tx, job, kind).await
}

/// Fails with [`QueueError::LeaseLost`] unless the token matched exactly one row.
pub(super) fn require_one_row(rows: u64) -> Result<(), QueueError> {
    if rows == 1 { Ok(()) } else { Err(QueueError::LeaseLost) }
}

async fn complete(tx: &mut Tx, job: &JobRow, outcome: &Outcome, reached: Reached) -> Result<(), QueueError> {
    let measured = serde_json::to_string(&outcome.measured).map_err(|_| QueueError::Damaged { what: "measured" })?;
    let processing_ms = row::sql_integer(outcome.processing_ms);
    let update = sqlx::query(sql::COMPLETE).bind(job.seq).bind(row::sql_integer(job.token.0)).bind(tx.now().0);
    let update = update.bind(measured).bind(processing_ms).bind(reached.progress).bind(reached.revision);
    require_one_row(update.execute(&mut **tx).await?.rows_affected())?;
    for (place, output) in (0_i64..).zip(&outcome.outputs) {
        sqlx::query(sql::INSERT_OUTPUT)
            .bind(job.seq)
            .bind(place)
            .bind(output.format.name())
            .bind(output.object_name.as_str())
            .bind(row::sql_integer(output.size_bytes))
            .bind(output.sha256.as_str())
            .bind(tx.now().0)
            .execute(&mut **tx)
            .await?;
    }
    let output_bytes: u64 = outcome.outputs.iter().map(|output| output.size_bytes).sum();
    sqlx::query(sql::INSERT_USAGE)
        .bind(job.id.as_str())
        .bind(job.owner)
        .bind(tx.now().0)
        .bind(job.input_bytes)
        .bind(row::sql_integer(output_bytes))
        .bind(row::sql_integer(outcome.measured.frames()))
        .bind(processing_ms)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn fail(
    tx: &mut Tx,
    job: &JobRow,
    failure: &Failure,
    winner: Option<FencingToken>,
    reached: Reached,
) -> Result<(), QueueError> {
    let failure = serde_json::to_string(failure).map_err(|_| QueueError::Damaged { what: "failure" })?;
    let winner = winner.map(|token| row::sql_integer(token.0));
    let update = sqlx::query(sql::FAIL).bind(job.seq).bind(row::sql_integer(job.token.0)).bind(tx.now().0).bind(winner);
    let update = update.bind(failure).bind(i64::from(job.attempts)).bind(i64::from(job.crashes));
    let update = update.bind(reached.progress).bind(reached.revision);
    require_one_row(update.execute(&mut **tx).await?.rows_affected())
}
