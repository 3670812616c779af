//! The [`Cutter`] trait: the boundary between the worker and the code that cuts clips and images.

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use clearcut_job::{CutStep, Failure, FailureCode, FileFormat, JobRequest, Measured};
use clearcut_pipeline::Stop;

/// Order for one cut.
#[derive(Debug, Clone)]
pub struct CutOrder {
    /// Path of the input on this machine.
    pub input: PathBuf,
    /// Path of the file of the new background on this machine, if the request has one.
    pub background: Option<PathBuf>,
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

/// The plan of a clip that is cut in segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutPlan {
    /// The plan as JSON, by which any worker of this version cuts alike.
    pub json: Vec<u8>,
    /// Number of frames of each segment.
    pub frames: Vec<NonZeroU64>,
}

/// Maker of cuts.
///
/// All methods block their thread, return soon after `stop` is cancelled, and have ended all their
/// child processes by then. They call `progress` at every step, and repeatedly while the work waits
/// for a resource. Work that does not call `progress` for long counts as stalled. After `stop`, any
/// failure will do. A cutter that plans no segments has only [`Self::cut`].
pub trait Cutter: Send + Sync + 'static {
    /// Makes one cut.
    ///
    /// # Errors
    /// A failure whose message may be shown to the user; so for all methods.
    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure>;

    /// Plans the cut of a clip in segments. `None` if it is to be cut whole, as one shorter than
    /// `min_clip`. Leaves no files.
    ///
    /// # Errors
    /// As [`Self::cut`].
    fn plan(
        &self,
        _order: &CutOrder,
        _min_clip: Duration,
        _stop: &Stop,
        _progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<Option<CutPlan>, Failure> {
        Ok(None)
    }

    /// Whether this cutter can read the plan with the JSON `plan`: another version may have made it.
    fn can_read(&self, _plan: &[u8]) -> bool {
        true
    }

    /// Cuts the segment number `index`, from 0, of the plan with the JSON `plan`. Leaves its files
    /// in the scratch folder, and nothing else.
    ///
    /// # Errors
    /// As [`Self::cut`].
    fn cut_segment(
        &self,
        _order: &CutOrder,
        _plan: &[u8],
        _index: usize,
        _stop: &Stop,
        _progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<(), Failure> {
        Err(cannot_split())
    }

    /// Joins all segments of the plan, whose files are in the folders `segments`, in order.
    ///
    /// # Errors
    /// As [`Self::cut_segment`].
    fn join(
        &self,
        _order: &CutOrder,
        _plan: &[u8],
        _segments: &[PathBuf],
        _stop: &Stop,
        _progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        Err(cannot_split())
    }
}

fn cannot_split() -> Failure {
    Failure::new(FailureCode::ProcessingFailed, "this worker cannot cut clips in segments")
}
