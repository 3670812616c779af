//! The trait [`Segments`] in SQL, and the claim of a part.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, StoredObject};

use super::{
    Backend, Tx,
    claim_row::require_claim,
    ending::{require_one_row, write_end},
    events::note_event,
    part_statements as sql, row,
    setback::{drop_claim, requeue, start_over},
    statements,
};
use crate::{Ending, EventKind, Finished, JobPart, NextStep, QueueError, SegmentFile, Segments, Split};

#[async_trait]
impl Segments for Backend {
    async fn split(&self, id: &JobId, token: FencingToken, split: Split) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let claim = require_claim(&mut tx, id, token).await?;
        if claim.part.is_some() {
            return Err(QueueError::LeaseLost);
        }
        let start = sqlx::query(statements::START).bind(id.as_str()).bind(row::sql_integer(token.0)).bind(now.0);
        require_one_row(start.execute(&mut *tx).await?.rows_affected())?;
        let progress = claim.progress.max(row::SEGMENT_BEGUN);
        let update = sqlx::query(sql::SPLIT).bind(claim.job.seq).bind(claim.revision).bind(progress);
        update.execute(&mut *tx).await?;
        drop_claim(&mut tx, &claim).await?;
        note_event(&mut tx, &claim.job, EventKind::JobStarted).await?;
        let count = split.frames.len();
        let segments = split.frames.into_iter().map(|frames| (Some(frames.get()), None));
        for (place, (frames, plan)) in (0_i64..).zip(segments.chain([(None, Some(split.plan))])) {
            let (is_join, plan) = (frames.is_none(), plan.as_ref());
            sqlx::query(sql::INSERT_PART)
                .bind(claim.job.seq)
                .bind(place)
                .bind(claim.job.owner)
                .bind(if is_join { "blocked" } else { "waiting" })
                .bind(frames.map(row::sql_integer))
                .bind(row::SEGMENT_BEGUN)
                .bind(now.0)
                .bind(plan.map(|plan| plan.name.as_str()))
                .bind(plan.map(|plan| row::sql_integer(plan.size_bytes)))
                .bind(plan.map(|plan| plan.sha256.as_str()))
                .bind(if is_join { row::sql_integer(split.processing_ms) } else { 0 })
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_courier();
        for _ in 0..count {
            self.signals.call_worker();
        }
        Ok(())
    }

    async fn finish_segment(
        &self,
        id: &JobId,
        token: FencingToken,
        segment: SegmentFile,
    ) -> Result<Finished, QueueError> {
        #[cfg(debug_assertions)]
        self.reach(crate::HaltAt::Stored).await;
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let has_won = sqlx::query_scalar(sql::HAS_WON).bind(id.as_str()).bind(row::sql_integer(token.0));
        if has_won.fetch_one(&mut *tx).await? {
            return Ok(Finished::AlreadyCommitted);
        }
        let claim = require_claim(&mut tx, id, token).await?;
        let part = claim.part.as_ref().filter(|part| !part.is_join).ok_or(QueueError::LeaseLost)?;
        let update = sqlx::query(sql::FINISH_SEGMENT)
            .bind(part.seq)
            .bind(row::sql_integer(token.0))
            .bind(row::SEGMENT_CUT)
            .bind(segment.object.name.as_str())
            .bind(row::sql_integer(segment.object.size_bytes))
            .bind(segment.object.sha256.as_str())
            .bind(row::sql_integer(segment.processing_ms));
        require_one_row(update.execute(&mut *tx).await?.rows_affected())?;
        let update = sqlx::query(sql::END_PART_CLAIM).bind(claim.job.seq).bind(claim.revision + 1).bind(0_i64);
        update.execute(&mut *tx).await?;
        drop_claim(&mut tx, &claim).await?;
        sqlx::query(sql::OPEN_JOIN).bind(claim.job.seq).bind(now.0).execute(&mut *tx).await?;
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_worker();
        #[cfg(debug_assertions)]
        self.reach(crate::HaltAt::Committed).await;
        Ok(Finished::Committed)
    }

    async fn refuse_plan(&self, id: &JobId, token: FencingToken) -> Result<Vec<ObjectName>, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let mut claim = require_claim(&mut tx, id, token).await?;
        if claim.part.is_none() {
            return Err(QueueError::LeaseLost);
        }
        let mut removable = Vec::new();
        if let Some(not_before) = self.policy.after_refusal(id, claim.count_attempt(), now) {
            requeue(&mut tx, &claim, Some(not_before)).await?;
        } else {
            claim.job.attempts += 1;
            match self.policy.after_unread_plan(id, claim.job.attempts, now) {
                NextStep::Retry { not_before } => removable = start_over(&mut tx, &claim.job, not_before).await?,
                NextStep::End(failure) => {
                    write_end(&mut tx, &claim.job, &Ending::Failed(failure), Some(token)).await?;
                }
            }
        }
        tx.commit().await?;
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        Ok(removable)
    }
}

/// Reads what is claimed by the claim of the part at `place` of a split job, and the time in
/// milliseconds that its finished parts took.
pub(super) async fn read_part(tx: &mut Tx, job_seq: i64, place: i64) -> Result<(JobPart, u64), QueueError> {
    let rows = sqlx::query(sql::READ_PARTS).bind(job_seq).fetch_all(&mut **tx).await?;
    let mut objects: Vec<Option<StoredObject>> = Vec::with_capacity(rows.len());
    let mut spent_ms = 0;
    for found in &rows {
        // Damage is no error here: the part is claimed already, and its worker has to end the job.
        objects.push(row::stored_object(found, ["object_key", "object_size", "object_sha256"]).ok());
        spent_ms += row::count(found, "processing_ms")?;
    }
    let place = usize::try_from(place).map_err(|_| QueueError::Damaged { what: "place" })?;
    Ok((JobPart::at(place, objects), spent_ms))
}
