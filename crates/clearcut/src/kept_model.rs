//! A neural model that stays loaded from one cut to the next, for a command with many inputs.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clearcut_pipeline::{ModelError, ModelFailure, ModelInput, ModelSource, OpenModel, SegmentationModel};

use crate::installed_models::InstalledModels;

/// The installed models, of which the one that was used last stays loaded.
pub(crate) struct KeptModel<'a> {
    source: &'a InstalledModels,
    shelf: Shelf,
}

/// Where a model lies between two cuts.
type Shelf = Arc<Mutex<Option<OpenModel>>>;

impl<'a> KeptModel<'a> {
    pub(crate) fn new(source: &'a InstalledModels) -> Self {
        Self { source, shelf: Shelf::default() }
    }
}

impl fmt::Debug for KeptModel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptModel").field("source", &self.source).finish_non_exhaustive()
    }
}

impl ModelSource for KeptModel<'_> {
    fn open(&self, keep_waiting: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        let kept = locked(&self.shelf).take();
        let mut open = kept.map_or_else(|| self.source.open(keep_waiting), Ok)?;
        open.model.forget();
        let id = open.id.clone();
        let model = Lent { open: Some(open), shelf: Arc::clone(&self.shelf) };
        Ok(OpenModel { model: Box::new(model), id, held: Box::new(()) })
    }
}

fn locked(shelf: &Shelf) -> MutexGuard<'_, Option<OpenModel>> {
    // No code panics while holding this lock.
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A model in use. Dropping it puts it back.
struct Lent {
    /// `None` only while it is dropped.
    open: Option<OpenModel>,
    shelf: Shelf,
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
        *locked(&self.shelf) = self.open.take();
    }
}
