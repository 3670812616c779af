//! What becomes of a claim that ends without a result: its job or part waits again, or the job
//! ends.

use clearcut_job::{FencingToken, UnixMillis};

use super::{
    Tx,
    claim_row::{ClaimRow, PartRow},
    ending::{require_one_row, write_end},
    job_row::JobRow,
    part_statements, row, statements as sql,
};
use crate::{Ending, NextStep, QueueError};

/// Applies the policy's decision after a setback. The counters of `claim` already include the
/// setback.
pub(super) async fn apply_setback(
    tx: &mut Tx,
    claim: &ClaimRow,
    step: NextStep,
    winner: Option<FencingToken>,
) -> Result<(), QueueError> {
    match step {
        NextStep::Retry { not_before } => requeue(tx, claim, Some(not_before)).await,
        NextStep::End(failure) => write_end(tx, &claim.job, &Ending::Failed(failure), winner).await,
    }
}

/// Puts what is claimed back to wait. `not_before` of `None` keeps its ready time.
pub(super) async fn requeue(tx: &mut Tx, claim: &ClaimRow, not_before: Option<UnixMillis>) -> Result<(), QueueError> {
    match &claim.part {
        None => requeue_job(tx, claim, &claim.job, not_before).await?,
        Some(part) => requeue_part(tx, claim, part, not_before).await?,
    }
    drop_claim(tx, claim).await
}

/// Ends the lease of a claim.
pub(super) async fn drop_claim(tx: &mut Tx, claim: &ClaimRow) -> Result<(), QueueError> {
    let token = row::sql_integer(claim.token.0);
    sqlx::query(part_statements::DROP_CLAIM).bind(claim.job.seq).bind(token).execute(&mut **tx).await?;
    Ok(())
}

async fn requeue_job(
    tx: &mut Tx,
    claim: &ClaimRow,
    job: &JobRow,
    not_before: Option<UnixMillis>,
) -> Result<(), QueueError> {
    let update = sqlx::query(sql::REQUEUE)
        .bind(job.seq)
        .bind(row::sql_integer(claim.token.0))
        .bind(not_before.map(|at| at.0))
        .bind(i64::from(job.attempts))
        .bind(i64::from(job.crashes))
        .bind(claim.progress)
        .bind(claim.revision);
    require_one_row(update.execute(&mut **tx).await?.rows_affected())
}

async fn requeue_part(
    tx: &mut Tx,
    claim: &ClaimRow,
    part: &PartRow,
    not_before: Option<UnixMillis>,
) -> Result<(), QueueError> {
    let update = sqlx::query(part_statements::REQUEUE_PART)
        .bind(part.seq)
        .bind(not_before.map(|at| at.0))
        .bind(i64::from(part.attempts))
        .bind(i64::from(part.crashes))
        .bind(claim.progress.min(row::SEGMENT_CUT));
    require_one_row(update.execute(&mut **tx).await?.rows_affected())?;
    // What a segment reached is kept with the segment; what the join reached, with the job.
    let reached = if part.is_join { claim.progress } else { 0 };
    let update = sqlx::query(part_statements::END_PART_CLAIM).bind(claim.job.seq).bind(claim.revision).bind(reached);
    update.execute(&mut **tx).await?;
    Ok(())
}
