//! The columns of a job that a transaction reads before it changes the job.

use clearcut_job::{FencingToken, JobId, JobState};

use super::{Row, Tx, row, statements as sql};
use crate::QueueError;

/// Columns of a job that a transaction is about to change, read within that transaction.
pub(super) struct JobRow {
    pub(super) seq: i64,
    pub(super) id: JobId,
    pub(super) owner: i64,
    pub(super) state: JobState,
    /// Last fencing token issued for the job.
    pub(super) token: FencingToken,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) input_bytes: i64,
    /// Token of the claim that wrote the end; `None` if no worker did.
    pub(super) winner: Option<FencingToken>,
}

impl JobRow {
    pub(super) fn read(row: &Row) -> Result<Self, QueueError> {
        let winner = row::column::<Option<i64>>(row, "winner_token")?.map(i64::unsigned_abs);
        Ok(Self {
            seq: row::column(row, "seq")?,
            id: row::job_id(row)?,
            owner: row::column(row, "owner")?,
            state: row::job_state(row)?,
            token: row::token(row)?,
            attempts: row::count(row, "attempts")? as u32,
            crashes: row::count(row, "crashes")? as u32,
            input_bytes: row::column(row, "input_size")?,
            winner: winner.map(FencingToken),
        })
    }
}

/// Reads the row of a job within `tx`.
pub(super) async fn find_job_row(tx: &mut Tx, id: &JobId) -> Result<Option<JobRow>, QueueError> {
    let found = sqlx::query(sql::READ_JOB_ROW).bind(id.as_str()).fetch_optional(&mut **tx).await?;
    found.as_ref().map(JobRow::read).transpose()
}
