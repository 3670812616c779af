//! A neural model that stays loaded from one cut to the next, for work with many inputs.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::ErrorCode;
use clearcut_matte::{ModelError, ModelInput, SegmentationModel};

use crate::{ModelFailure, ModelSource, OpenModel};

/// A source that loads the model of another source once, and lends it to one cut at a time: the
/// others wait.
pub struct KeptModel<'a> {
    source: &'a dyn ModelSource,
    shelf: Arc<Shelf>,
}

/// Where the model lies between two cuts.
#[derive(Default)]
struct Shelf {
    place: Mutex<Place>,
    returned: Condvar,
}

#[derive(Default)]
enum Place {
    /// Not loaded yet.
    #[default]
    Empty,
    /// Loaded, and free.
    Here(OpenModel),
    /// Being loaded, or in use.
    Lent,
}

/// Interval at which a cut that waits for the model asks whether to go on.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

impl<'a> KeptModel<'a> {
    /// Keeps the model of `source`.
    #[must_use]
    pub fn new(source: &'a dyn ModelSource) -> Self {
        Self { source, shelf: Arc::default() }
    }
}

impl fmt::Debug for KeptModel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptModel").field("source", &self.source).finish_non_exhaustive()
    }
}

impl ModelSource for KeptModel<'_> {
    fn open(&self, keep_waiting: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        let kept = self.shelf.take(keep_waiting)?;
        let opened = kept.map_or_else(|| self.source.open(keep_waiting), Ok);
        let mut open = opened.inspect_err(|_| self.shelf.put(Place::Empty))?;
        open.model.forget();
        let id = open.id.clone();
        let model = Lent { open: Some(open), shelf: Arc::clone(&self.shelf) };
        Ok(OpenModel { model: Box::new(model), id, held: Box::new(()) })
    }
}

impl Shelf {
    /// Takes the model once it is free; `None` if it has to be loaded.
    fn take(&self, keep_waiting: &dyn Fn() -> bool) -> Result<Option<OpenModel>, ModelFailure> {
        let mut place = self.place();
        loop {
            match std::mem::replace(&mut *place, Place::Lent) {
                Place::Empty => return Ok(None),
                Place::Here(open) => return Ok(Some(open)),
                Place::Lent => {}
            }
            let waited = self.returned.wait_timeout(place, ASK_INTERVAL);
            place = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !keep_waiting() {
                let message = "the cut was stopped while it waited for the model".to_owned();
                return Err(ModelFailure { code: ErrorCode::Cancelled, message, hint: None });
            }
        }
    }

    fn put(&self, now: Place) {
        *self.place() = now;
        self.returned.notify_one();
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        // No code panics while holding this lock.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model in use. Dropping it puts it back.
struct Lent {
    /// `None` only while it is dropped.
    open: Option<OpenModel>,
    shelf: Arc<Shelf>,
}

impl SegmentationModel for Lent {
    fn input(&self) -> ModelInput {
        self.open.as_ref().map_or(NO_INPUT, |open| open.model.input())
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
        self.open.as_mut().map_or(Ok(Vec::new()), |open| open.model.segment(planes))
    }

    fn has_states(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.model.has_states())
    }

    fn forget(&mut self) {
        if let Some(open) = &mut self.open {
            open.model.forget();
        }
    }
}

/// Of a model that was put back.
const NO_INPUT: ModelInput = ModelInput { width: 1, height: 1, mean: [0.0; 3], deviation: [1.0; 3] };

impl Drop for Lent {
    fn drop(&mut self) {
        self.shelf.put(self.open.take().map_or(Place::Empty, Place::Here));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        thread,
    };

    use super::*;

    /// Counts how often it loads, and how many cuts have the model at the moment.
    #[derive(Debug, Default)]
    struct Counting {
        loaded: AtomicUsize,
    }

    struct Nothing;

    impl SegmentationModel for Nothing {
        fn input(&self) -> ModelInput {
            NO_INPUT
        }

        fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
            Ok(planes.to_vec())
        }
    }

    impl ModelSource for Counting {
        fn open(&self, _: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
            self.loaded.fetch_add(1, SeqCst);
            Ok(OpenModel { model: Box::new(Nothing), id: "nothing".into(), held: Box::new(()) })
        }
    }

    #[test]
    fn the_model_is_loaded_once_and_lent_to_one_cut_at_a_time() {
        let (source, users) = (Counting::default(), AtomicUsize::new(0));
        let kept = KeptModel::new(&source);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let open = kept.open(&|| true).unwrap();
                        assert_eq!(users.fetch_add(1, SeqCst), 0);
                        thread::yield_now();
                        users.fetch_sub(1, SeqCst);
                        drop(open);
                    }
                });
            }
        });
        assert_eq!(source.loaded.into_inner(), 1);
    }

    #[test]
    fn a_cut_that_is_stopped_does_not_wait_for_the_model() {
        let source = Counting::default();
        let kept = KeptModel::new(&source);
        let _in_use = kept.open(&|| true).unwrap();
        assert_eq!(kept.open(&|| false).unwrap_err().code, ErrorCode::Cancelled);
    }
}
