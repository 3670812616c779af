//! The moments of clips that were previewed last, so that another tolerance is shown soon.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clearcut_job::{CutRequest, Hints, KeyChoice, LongestSide, MethodChoice};
use clearcut_pipeline::Moment;
use clearcut_store::ObjectName;

/// Memory for frames of moments: a hundred previews of the usual size, one or two of the largest.
const MOST_BYTES: usize = 64 << 20;

/// How long a moment is of use: nobody drags a slider longer, and no clip that was removed lives on for long.
const LIFE: Duration = Duration::from_mins(5);

/// What makes two previews the same but for their tolerance and shadows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MomentName {
    input: String,
    at: Duration,
    key: KeyChoice,
    method: MethodChoice,
    size: Option<LongestSide>,
    hints: Hints,
}

impl MomentName {
    pub(super) fn of(input: &ObjectName, request: &CutRequest, at: Duration) -> Self {
        Self {
            input: input.to_string(),
            at,
            key: request.key,
            method: request.method,
            size: request.size,
            hints: request.hints.clone(),
        }
    }
}

/// The moments that were looked at last: a slider that is dragged asks for one again and again.
#[derive(Debug, Default)]
pub(super) struct Moments(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    name: MomentName,
    moment: Arc<Moment>,
    since: Instant,
}

impl Moments {
    pub(super) fn find(&self, name: &MomentName) -> Option<Arc<Moment>> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.since.elapsed() < LIFE);
        let place = kept.iter().position(|kept| kept.name == *name)?;
        let found = kept.remove(place)?;
        let moment = found.moment.clone();
        kept.push_back(found);
        Some(moment)
    }

    /// Keeps `moment` as `name` in the place of those that were not looked at for longest, and returns it.
    pub(super) fn keep(&self, name: MomentName, moment: Arc<Moment>) -> Arc<Moment> {
        let mut kept = self.kept();
        kept.push_back(Kept { name, moment: moment.clone(), since: Instant::now() });
        while kept.iter().map(|kept| kept.moment.byte_len()).sum::<usize>() > MOST_BYTES {
            kept.pop_front();
        }
        moment
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        // A list of frames is valid at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
