use std::path::PathBuf;

use clearcut_job::{CutRequest, Failure, Measured, OutputFormat, Progress};

use crate::CancelFlag;

/// A cut to be made.
#[derive(Debug)]
pub struct CutOrder {
    /// The clip, a file of this machine.
    pub input: PathBuf,
    /// What to make of it.
    pub request: CutRequest,
    /// An empty folder of its own, removed afterwards.
    pub scratch: PathBuf,
}

/// A file that a cut left in its scratch folder.
#[derive(Debug, Clone)]
pub struct CutFile {
    /// Its format.
    pub format: OutputFormat,
    /// Where it lies.
    pub path: PathBuf,
}

/// What came of a cut.
#[derive(Debug, Clone)]
pub struct CutOutcome {
    /// What was learned about the clip.
    pub measured: Measured,
    /// The files, in the order in which they were asked.
    pub files: Vec<CutFile>,
}

/// What makes cuts.
pub trait Cutter: Send + Sync + 'static {
    /// Makes one cut, blocking this thread. All its child processes have ended when it returns, which it does soon after
    /// `cancel`. `progress` is told of every step, and from time to time while the cut waits for something that is no fault of
    /// its own; a cut that says nothing for long stands still.
    ///
    /// # Errors
    /// A failure whose message may be shown to the one who asked. After `cancel` it does not matter which.
    fn cut(
        &self,
        order: &CutOrder,
        cancel: &CancelFlag,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<CutOutcome, Failure>;
}
