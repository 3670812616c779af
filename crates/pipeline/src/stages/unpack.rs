//! Unpacking: a clip that ffmpeg cannot read becomes one that it can, before everything else.

use std::fs::File;

use crate::{CutJob, Error, Stop};

/// The unpacked clip of `job`, a file without a name in its scratch folder; `None` if ffmpeg reads
/// the clip as it is. Blocks, and calls `on_growth` again and again while the unpacked clip grows.
///
/// # Errors
/// If the clip is no video, is damaged or exceeds a limit.
pub(crate) fn unpack(job: &CutJob, stop: &Stop, on_growth: impl FnMut()) -> Result<Option<File>, Error> {
    stop.check()?;
    let unpacking = job.tools.unpack(job.input, job.scratch, &job.limits)?;
    unpacking.map(|unpacking| stop.unpacked(unpacking, on_growth)).transpose()
}
