//! What becomes of a claim that ends without a result: its job or part waits again, or the job
//! starts over or ends.

use clearcut_job::{FencingToken, ObjectName, UnixMillis};

use super::{
    Tx,
    claim_row::{ClaimRow, PartRow},
    ending::{require_one_row, write_end},
    job_row::JobRow,
    part_statements, row,
    row::Reached,
    statements as sql,
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
        None => {
            let reached = Reached { progress: claim.progress, revision: claim.revision };
            wait_again(tx, &claim.job, not_before, reached).await?;
        }
        Some(part) => requeue_part(tx, claim, part, not_before).await?,
    }
    drop_claim(tx, claim).await
}

/// Puts a split job back to wait as a whole, and deletes its parts. Returns their objects. The
/// counters of `job` already include the setback.
pub(super) async fn start_over(
    tx: &mut Tx,
    job: &JobRow,
    not_before: UnixMillis,
) -> Result<Vec<ObjectName>, QueueError> {
    let reached = Reached::read(&sqlx::query(sql::READ_REACHED).bind(job.seq).fetch_one(&mut **tx).await?)?;
    let mut objects = Vec::new();
    for found in &sqlx::query(part_statements::FIND_PART_OBJECTS).bind(job.seq).fetch_all(&mut **tx).await? {
        objects.extend(row::released_object(found, "object_key")?);
    }
    for deletion in [sql::DROP_LEASES, part_statements::DELETE_PARTS] {
        sqlx::query(deletion).bind(job.seq).execute(&mut **tx).await?;
    }
    wait_again(tx, job, Some(not_before), reached).await?;
    Ok(objects)
}

/// Ends the lease of a claim.
pub(super) async fn drop_claim(tx: &mut Tx, claim: &ClaimRow) -> Result<(), QueueError> {
    let token = row::sql_integer(claim.token.0);
    sqlx::query(part_statements::DROP_CLAIM).bind(claim.job.seq).bind(token).execute(&mut **tx).await?;
    Ok(())
}

/// Puts a job back to wait as a whole. `reached` is what its claims had reached.
async fn wait_again(
    tx: &mut Tx,
    job: &JobRow,
    not_before: Option<UnixMillis>,
    reached: Reached,
) -> Result<(), QueueError> {
    let update = sqlx::query(sql::REQUEUE)
        .bind(job.seq)
        .bind(row::sql_integer(job.token.0))
        .bind(not_before.map(|at| at.0))
        .bind(i64::from(job.attempts))
        .bind(i64::from(job.crashes))
        .bind(reached.progress)
        .bind(reached.revision);
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
