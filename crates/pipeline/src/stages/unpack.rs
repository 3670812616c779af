//! Unpacking: a clip that ffmpeg cannot read becomes one that it can, before everything else.

use std::fs::File;

use clearcut_job::CutStep;

use crate::{CutJob, Error, Stop};

/// The unpacked clip of `job`, a file without a name in its scratch folder; `None` if ffmpeg reads
/// the clip as it is. Blocks. Reports progress while it goes on: a large archive takes minutes.
///
/// # Errors
/// If the clip is no video, is damaged or exceeds a limit.
pub(crate) fn unpack(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<Option<File>, Error> {
    stop.check()?;
    let unpacking = job.tools.unpack(job.input, job.scratch, &job.limits)?;
    unpacking.map(|unpacking| stop.unpacked(unpacking, || progress(CutStep::Surveying))).transpose()
}
