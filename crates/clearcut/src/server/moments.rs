//! Cache of recently previewed moments, so that a preview with another tolerance is fast.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clearcut_job::{CutRequest, Hints, KeyColorChoice, LongestSide, MethodChoice, ObjectName};
use clearcut_pipeline::Moment;

/// Memory limit for the frames of cached moments: about a hundred previews of the usual size, one
/// or two of the largest.
const MAX_BYTES: usize = 64 << 20;

/// Maximum age of a cached moment. Nobody drags a slider for longer, and frames of a removed clip
/// must not stay for long.
const MAX_AGE: Duration = Duration::from_mins(5);

/// Cache identity of a moment: everything but tolerance and shadows that a preview depends on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MomentId {
    input: String,
    at: Duration,
    key: KeyColorChoice,
    method: MethodChoice,
    size: Option<LongestSide>,
    hints: Hints,
}

impl MomentId {
    pub(super) fn new(input: &ObjectName, request: &CutRequest, at: Duration) -> Self {
        Self {
            input: input.to_string(),
            at,
            key: request.key_color,
            method: request.method,
            size: request.size,
            hints: request.hints.clone(),
        }
    }
}

/// Cache of moments, least recently used first. A dragged slider requests the same moment again and
/// again.
#[derive(Debug, Default)]
pub(super) struct Moments(Mutex<VecDeque<CachedMoment>>);

#[derive(Debug)]
struct CachedMoment {
    id: MomentId,
    moment: Arc<Moment>,
    inserted: Instant,
}

impl Moments {
    /// Looks up a moment and marks it as most recently used.
    pub(super) fn find(&self, id: &MomentId) -> Option<Arc<Moment>> {
        let mut cache = self.cache();
        cache.retain(|cached| cached.inserted.elapsed() < MAX_AGE);
        let index = cache.iter().position(|cached| cached.id == *id)?;
        let found = cache.remove(index)?;
        let moment = found.moment.clone();
        cache.push_back(found);
        Some(moment)
    }

    /// Adds a moment, evicts the least recently used ones beyond [`MAX_BYTES`], and returns the
    /// moment.
    pub(super) fn insert(&self, id: MomentId, moment: Arc<Moment>) -> Arc<Moment> {
        let mut cache = self.cache();
        cache.push_back(CachedMoment { id, moment: moment.clone(), inserted: Instant::now() });
        while cache.iter().map(|cached| cached.moment.byte_len()).sum::<usize>() > MAX_BYTES {
            cache.pop_front();
        }
        moment
    }

    fn cache(&self) -> MutexGuard<'_, VecDeque<CachedMoment>> {
        // The list is valid even after a panic of another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
