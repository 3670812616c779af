//! The [`Cutter`] trait: the boundary between the worker and the code that cuts clips and images.

use std::path::PathBuf;

use clearcut_job::{CutStep, Failure, FileFormat, JobRequest, Measured};
use clearcut_pipeline::Stop;

/// Order for one cut.
#[derive(Debug)]
pub struct CutOrder {
    /// Path of the input on this machine.
    pub input: PathBuf,
    /// The request: formats and options.
    pub request: JobRequest,
    /// Empty scratch folder of this cut. The worker removes it afterwards.
    pub scratch: PathBuf,
}

/// Output file that a cut wrote to its scratch folder.
#[derive(Debug, Clone)]
pub struct CutFile {
    /// Output format.
    pub format: FileFormat,
    /// Path of the file.
    pub path: PathBuf,
}

/// Result of a successful cut.
#[derive(Debug, Clone)]
pub struct CutOutcome {
    /// Measurements of the clip or the images.
    pub measured: Measured,
    /// Output files, in the order of the requested formats.
    pub files: Vec<CutFile>,
}

/// Maker of cuts.
pub trait Cutter: Send + Sync + 'static {
    /// Makes one cut and blocks this thread. It returns soon after `stop` is cancelled, and all its
    /// child processes have ended by then. It calls `progress` at every step, and repeatedly while
    /// the cut waits for a resource. A cut that does not call `progress` for long counts as
    /// stalled.
    ///
    /// # Errors
    /// A failure whose message may be shown to the user. After `stop`, any failure will do.
    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure>;
}
