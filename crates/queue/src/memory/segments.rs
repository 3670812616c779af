//! The trait [`Segments`] for the in-memory model.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, Move, ObjectName, Progress, Stage};

use super::{
    MemoryQueue,
    parts::{Held, PartRow, PartState},
};
use crate::{Ending, Finished, NextStep, QueueError, SegmentFile, Segments, Split};

#[async_trait]
impl Segments for MemoryQueue {
    async fn split(&self, id: &JobId, token: FencingToken, split: Split) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let row = tables.leased_job(id, token)?;
        row.apply_move(Move::Start)?;
        row.started.get_or_insert(now);
        row.revision += 1;
        row.lease_expires = None;
        row.parts = PartRow::all(split, now);
        self.signals.call_courier();
        self.signals.call_watchers(id);
        for _ in 1..row.parts.len() {
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
        let now = self.clock.now();
        let mut tables = self.tables();
        if tables.job(id).is_some_and(|row| row.parts.iter().any(|part| part.winner == Some(token))) {
            return Ok(Finished::AlreadyCommitted);
        }
        let (row, held) = tables.held(id, token)?;
        let Held::Part(place) = held else { return Err(QueueError::LeaseLost) };
        let part = &mut row.parts[place];
        if part.frames.is_none() {
            return Err(QueueError::LeaseLost);
        }
        part.state = PartState::Done;
        part.winner = Some(token);
        part.progress = Progress::within(Stage::Cutting, 1.0);
        part.object = Some(segment.object);
        part.processing_ms = segment.processing_ms;
        row.revision += 1;
        if let Some((join, segments)) = row.parts.split_last_mut()
            && segments.iter().all(|part| part.state == PartState::Done)
        {
            (join.state, join.not_before) = (PartState::Waiting, now);
        }
        self.signals.call_watchers(id);
        self.signals.call_worker();
        Ok(Finished::Committed)
    }

    async fn refuse_plan(&self, id: &JobId, token: FencingToken) -> Result<Vec<ObjectName>, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let (row, held) = tables.held(id, token)?;
        if held == Held::Whole {
            return Err(QueueError::LeaseLost);
        }
        let (attempts, _) = row.counters(held);
        *attempts += 1;
        let mut removable = Vec::new();
        if let Some(not_before) = self.policy.after_refusal(id, *attempts, now) {
            row.requeue(held, Some(not_before))?;
        } else {
            row.attempts += 1;
            match self.policy.after_unread_plan(id, row.attempts, now) {
                NextStep::Retry { not_before } => removable = row.start_over(not_before)?,
                NextStep::End(failure) => row.end(Ending::Failed(failure), Some(token), now)?,
            }
        }
        self.signals.call_watchers(id);
        self.signals.call_waiters();
        Ok(removable)
    }
}
