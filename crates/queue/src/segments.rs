//! The trait [`Segments`]: one long clip cut by several workers, as parts of its job.

use std::num::NonZeroU64;

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, StoredObject};

use crate::{Finished, QueueError};

/// Split jobs.
///
/// The worker that claimed a job may split it: the job then consists of parts, its segments and
/// their join. Each part is claimed, renewed, released, retried and taken back like a whole job, by
/// the methods of [`crate::Jobs`] with the token of its own claim, and has attempts and crashes of
/// its own. The join can be claimed once all segments are cut; who has it completes the job. A part
/// that fails for good ends the job, and the end of the job ends the claims of all its parts. A job
/// that was split stays split, unless no worker can read its plan.
#[async_trait]
pub trait Segments: Send + Sync + std::fmt::Debug {
    /// Splits a job that is claimed as a whole. The claim ends, and the segments wait.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim of the whole job. A
    /// caller that does not know whether an earlier call succeeded gets it, too.
    async fn split(&self, id: &JobId, token: FencingToken, split: Split) -> Result<(), QueueError>;

    /// Records the file of a cut segment, and ends its claim. The last segment makes the join
    /// ready. Idempotent until the job has ended or starts over.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim of a segment.
    async fn finish_segment(
        &self,
        id: &JobId,
        token: FencingToken,
        segment: SegmentFile,
    ) -> Result<Finished, QueueError>;

    /// Puts a claimed part back whose plan this worker cannot read, because another version made it.
    /// It waits for the backoff of a failed attempt, and counts as one of the part. After
    /// [`crate::Policy::max_refusals`] attempts the job starts over: it waits as a whole, to be planned
    /// again, which counts as a failed attempt of the job. Returns the objects that no row points to
    /// any more then; they can be removed.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim of a part.
    async fn refuse_plan(&self, id: &JobId, token: FencingToken) -> Result<Vec<ObjectName>, QueueError>;
}

/// How a job is split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The plan, by which all segments are cut alike.
    pub(crate) plan: StoredObject,
    /// Number of frames of each segment.
    pub(crate) frames: Vec<NonZeroU64>,
    /// Duration of the planning, in milliseconds.
    pub(crate) processing_ms: u64,
}

impl Split {
    /// A split into segments of `frames` each, which took `processing_ms` milliseconds to plan.
    /// `None` if there are fewer than two segments.
    #[must_use]
    pub fn new(plan: StoredObject, frames: Vec<NonZeroU64>, processing_ms: u64) -> Option<Self> {
        (frames.len() >= 2).then_some(Self { plan, frames, processing_ms })
    }
}

/// The file of a cut segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    /// The stored file.
    pub object: StoredObject,
    /// Duration of the cut, in milliseconds.
    pub processing_ms: u64,
}

/// What of a job a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPart {
    /// All of it: it was not split.
    Whole,
    /// One segment.
    Segment {
        /// The plan.
        plan: StoredObject,
        /// Number of the segment, from 0.
        index: usize,
    },
    /// The join of all segments.
    Join {
        /// The plan.
        plan: StoredObject,
        /// The files of the segments, in order.
        segments: Vec<StoredObject>,
    },
    /// A part whose plan or segments cannot be read from the database. The worker fails the job.
    Lost,
}

impl JobPart {
    /// What the rows of a split job say about the part at `place`; the last place is the join.
    pub(crate) fn at(place: usize, mut objects: Vec<Option<StoredObject>>) -> Self {
        let Some(plan) = objects.pop().flatten() else { return Self::Lost };
        if place < objects.len() {
            return Self::Segment { plan, index: place };
        }
        match objects.into_iter().collect() {
            Some(segments) => Self::Join { plan, segments },
            None => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use clearcut_job::Sha256Hex;

    use super::*;

    fn object(number: u64) -> StoredObject {
        let name = ObjectName::segment(&JobId::from_random(1), FencingToken(number));
        StoredObject { name, size_bytes: number, sha256: Sha256Hex::of_digest([1; 32]) }
    }

    #[test]
    fn a_part_is_lost_only_if_one_of_its_own_objects_is() {
        let rows = |first: Option<u64>, plan: Option<u64>| vec![first.map(object), Some(object(2)), plan.map(object)];
        let plan = object(3);
        assert_eq!(JobPart::at(1, rows(None, Some(3))), JobPart::Segment { plan: plan.clone(), index: 1 });
        let segments = vec![object(1), object(2)];
        assert_eq!(JobPart::at(2, rows(Some(1), Some(3))), JobPart::Join { plan, segments });
        assert_eq!(JobPart::at(2, rows(None, Some(3))), JobPart::Lost);
        assert_eq!(JobPart::at(0, rows(Some(1), None)), JobPart::Lost);
    }

    #[test]
    fn a_job_is_split_into_at_least_two_segments() {
        for (count, is_split) in [(0, false), (1, false), (2, true)] {
            assert_eq!(Split::new(object(1), vec![NonZeroU64::MIN; count], 5).is_some(), is_split, "{count}");
        }
    }
}
