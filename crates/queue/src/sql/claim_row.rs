//! A running claim of a job or of one of its parts, as a transaction reads it before it changes it.

use clearcut_job::{FencingToken, JobId};

use super::{Row, Tx, job_row::JobRow, part_statements as sql, row};
use crate::QueueError;

/// A running claim, read within a transaction.
pub(super) struct ClaimRow {
    pub(super) job: JobRow,
    /// Token of the claim.
    pub(super) token: FencingToken,
    /// The claimed part; `None` if the job is claimed as a whole.
    pub(super) part: Option<PartRow>,
    /// Progress that the claim has reached.
    pub(super) progress: i64,
    /// Number of visible changes by the claim.
    pub(super) revision: i64,
}

/// The columns of a claimed part.
pub(super) struct PartRow {
    pub(super) seq: i64,
    pub(super) is_join: bool,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
}

impl ClaimRow {
    fn read(row: &Row) -> Result<Self, QueueError> {
        let part = match row::column::<Option<i64>>(row, "part")? {
            None => None,
            Some(seq) => Some(PartRow {
                seq,
                is_join: row::column::<Option<i64>>(row, "frames")?.is_none(),
                attempts: row::count(row, "part_attempts")? as u32,
                crashes: row::count(row, "part_crashes")? as u32,
            }),
        };
        Ok(Self {
            job: JobRow::read(row)?,
            token: FencingToken(row::count(row, "claim_token")?),
            part,
            progress: row::column(row, "claim_progress")?,
            revision: row::column(row, "claim_revision")?,
        })
    }

    /// Whether the claim is that of a segment, which cannot complete its job.
    pub(super) fn is_segment(&self) -> bool {
        self.part.as_ref().is_some_and(|part| !part.is_join)
    }

    /// Counts a failed attempt of the part or the job. Returns their number.
    pub(super) const fn count_attempt(&mut self) -> u32 {
        let attempts = match &mut self.part {
            Some(part) => &mut part.attempts,
            None => &mut self.job.attempts,
        };
        *attempts += 1;
        *attempts
    }

    /// Counts a lost worker of the part or the job. Returns their number.
    pub(super) const fn count_crash(&mut self) -> u32 {
        let crashes = match &mut self.part {
            Some(part) => &mut part.crashes,
            None => &mut self.job.crashes,
        };
        *crashes += 1;
        *crashes
    }
}

/// Reads the running claim of `id` with `token`.
pub(super) async fn find_claim(tx: &mut Tx, id: &JobId, token: FencingToken) -> Result<Option<ClaimRow>, QueueError> {
    let query = sqlx::query(sql::FIND_CLAIM).bind(id.as_str()).bind(row::sql_integer(token.0));
    query.fetch_optional(&mut **tx).await?.as_ref().map(ClaimRow::read).transpose()
}

/// Reads the running claim of `id` with `token`, which must be one.
pub(super) async fn require_claim(tx: &mut Tx, id: &JobId, token: FencingToken) -> Result<ClaimRow, QueueError> {
    find_claim(tx, id, token).await?.ok_or(QueueError::LeaseLost)
}
