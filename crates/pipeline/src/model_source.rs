//! The boundary to the code that installs and loads neural models.

use std::{any::Any, fmt};

use clearcut_job::ErrorCode;
use clearcut_matte::SegmentationModel;

/// A source of neural models for cuts.
pub trait ModelSource: fmt::Debug + Sync {
    /// Loads the model for one cut. Blocks. Waits for memory that other cuts use as long as
    /// `keep_waiting` returns true.
    ///
    /// # Errors
    /// The reason why no model is available.
    fn open(&self, keep_waiting: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure>;
}

/// A loaded model for one cut.
pub struct OpenModel {
    /// The model.
    pub model: Box<dyn SegmentationModel>,
    /// Its id in the registry.
    pub id: String,
    /// Guard that is dropped together with the model: its memory reservation.
    pub held: Box<dyn Any + Send>,
}

impl fmt::Debug for OpenModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenModel").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Error: no model is available for a cut.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ModelFailure {
    /// The stable error code.
    pub code: ErrorCode,
    /// The problem, for people. Contains no details of the machine.
    pub message: String,
    /// Advice for the user.
    pub hint: Option<String>,
}
