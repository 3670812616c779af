//! Parts of the split jobs of the in-memory model.

use clearcut_job::{FencingToken, JobId, ObjectName, Progress, Stage, StoredObject, UnixMillis};

use super::tables::{JobRow, Tables};
use crate::{KeyId, QueueError, Split};

/// A part of a split job: a segment, or last the join.
#[derive(Debug, Clone)]
pub(super) struct PartRow {
    /// Number of frames; `None` in the join.
    pub(super) frames: Option<u64>,
    pub(super) state: PartState,
    pub(super) progress: Progress,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) not_before: UnixMillis,
    /// Token of the claim that cut the segment.
    pub(super) winner: Option<FencingToken>,
    /// File of the segment; of the join, the plan.
    pub(super) object: Option<StoredObject>,
    pub(super) processing_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartState {
    Blocked,
    Waiting,
    Claimed { token: FencingToken, expires: UnixMillis },
    Done,
}

impl PartRow {
    /// The parts of a job that is split.
    pub(super) fn all(split: Split, now: UnixMillis) -> Vec<Self> {
        let segment = |frames| Self {
            frames: Some(frames),
            state: PartState::Waiting,
            progress: Progress::within(Stage::Cutting, 0.0),
            attempts: 0,
            crashes: 0,
            not_before: now,
            winner: None,
            object: None,
            processing_ms: 0,
        };
        let join = Self {
            frames: None,
            state: PartState::Blocked,
            object: Some(split.plan),
            processing_ms: split.processing_ms,
            ..segment(0)
        };
        split.frames.into_iter().map(|frames| segment(frames.get())).chain([join]).collect()
    }

    pub(super) fn has_token(&self, token: FencingToken) -> bool {
        matches!(self.state, PartState::Claimed { token: running, .. } if running == token)
    }

    pub(super) const fn expires(&self) -> Option<UnixMillis> {
        if let PartState::Claimed { expires, .. } = self.state { Some(expires) } else { None }
    }
}

/// What a running claim holds: the whole job, or the part at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Whole,
    Part(usize),
}

impl JobRow {
    /// What the running claim with `token` holds.
    pub(super) fn held_by(&self, token: FencingToken) -> Option<Held> {
        if self.lease_expires.is_some() && self.token == token {
            return Some(Held::Whole);
        }
        self.parts.iter().position(|part| part.has_token(token)).map(Held::Part)
    }

    /// Whether a segment is `held`.
    pub(super) fn is_segment(&self, held: Held) -> bool {
        matches!(held, Held::Part(place) if self.parts[place].frames.is_some())
    }

    /// The failed attempts and the lost workers of what is `held`.
    pub(super) fn counters(&mut self, held: Held) -> (&mut u32, &mut u32) {
        match held {
            Held::Whole => (&mut self.attempts, &mut self.crashes),
            Held::Part(place) => {
                let part = &mut self.parts[place];
                (&mut part.attempts, &mut part.crashes)
            }
        }
    }

    /// All running claims, each with its token and the end of its lease.
    pub(super) fn claims(&self) -> impl Iterator<Item = (FencingToken, UnixMillis)> {
        let whole = self.lease_expires.map(|expires| (self.token, expires));
        whole.into_iter().chain(self.parts.iter().filter_map(|part| match part.state {
            PartState::Claimed { token, expires } => Some((token, expires)),
            _ => None,
        }))
    }

    /// Progress that shows: of a split job, the mean of its segments, weighted by their frames.
    pub(super) fn visible_progress(&self) -> Progress {
        let cut = Progress::within(Stage::Cutting, 1.0);
        let segments =
            || self.parts.iter().filter_map(|part| part.frames.map(|frames| (frames, part.progress.min(cut))));
        let all: u64 = segments().map(|(frames, _)| frames).sum();
        let done: u64 = segments().map(|(frames, progress)| frames * u64::from(progress.percent())).sum();
        let mean = done.checked_div(all).map(|percent| Progress::stored(Stage::Cutting, percent as u8));
        let join = self.parts.last().filter(|join| join.expires().is_some()).map(|join| join.progress);
        self.progress.max(mean.unwrap_or(Progress::NONE)).max(join.unwrap_or(Progress::NONE))
    }

    /// Puts a split job back to wait as a whole, and deletes its parts. Returns their objects.
    pub(super) fn start_over(&mut self, not_before: UnixMillis) -> Result<Vec<ObjectName>, QueueError> {
        self.progress = self.visible_progress();
        let parts = std::mem::take(&mut self.parts);
        self.requeue(Held::Whole, Some(not_before))?;
        Ok(parts.into_iter().filter_map(|part| part.object).map(|object| object.name).collect())
    }

    /// Puts the claimed part at `place` back to wait. `not_before` of `None` keeps its ready time.
    pub(super) fn requeue_part(&mut self, place: usize, not_before: Option<UnixMillis>) {
        if self.parts[place].frames.is_none() {
            self.progress = self.visible_progress();
        }
        let part = &mut self.parts[place];
        part.state = PartState::Waiting;
        part.not_before = not_before.unwrap_or(part.not_before);
        part.progress = part.progress.min(Progress::within(Stage::Cutting, 1.0));
    }
}

impl Tables {
    /// The job `id`, and what of it the running claim with `token` holds.
    pub(super) fn held(&mut self, id: &JobId, token: FencingToken) -> Result<(&mut JobRow, Held), QueueError> {
        let row = self.job(id).ok_or(QueueError::LeaseLost)?;
        let held = row.held_by(token).ok_or(QueueError::LeaseLost)?;
        Ok((row, held))
    }

    /// Number of running claims of `owner`.
    pub(super) fn running_claims(&self, owner: KeyId) -> usize {
        self.jobs.iter().filter(|row| row.owner == owner).map(|row| row.claims().count()).sum()
    }
}
