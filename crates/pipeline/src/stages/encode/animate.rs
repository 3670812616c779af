//! Encoding of animated WebP, APNG and GIF in this process, without a child process.

use std::{fs::File, io::BufWriter, num::NonZeroUsize, path::Path};

use clearcut_animation::{AnimationSettings, Error as AnimationError, Summary};
use clearcut_ffmpeg::EncodePlan;
use clearcut_frame::FrameFormat;

use crate::Error;

/// Has `encode` write the frames, from number `first_frame` of the clip on, to
/// [`EncodePlan::file_name`] in `scratch`. Blocks until all are
/// written.
///
/// # Errors
/// [`Error::Io`], a full disk, or the failure of the encoder.
pub(crate) fn animate(
    plan: &EncodePlan,
    scratch: &Path,
    first_frame: u64,
    encode: impl FnOnce(&AnimationSettings, BufWriter<File>) -> Result<Summary, AnimationError>,
) -> Result<(), Error> {
    let frame =
        FrameFormat { size: plan.size, subsampling: plan.subsampling, has_alpha: true, matrix: plan.color.matrix };
    let settings = AnimationSettings {
        frame,
        frame_rate: plan.frame_rate,
        quality: plan.quality.get(),
        threads: NonZeroUsize::new(plan.threads).unwrap_or(NonZeroUsize::MIN),
        first_frame,
        plays: plan.plays,
    };
    let file = File::create_new(scratch.join(plan.file_name()))
        .map_err(|source| Error::from_write("writing an output", source))?;
    encode(&settings, BufWriter::new(file)).map(drop).map_err(|error| match error {
        AnimationError::Write(source) => Error::from_write("writing an output", source),
        source => Error::Encoder { format: plan.format, source },
    })
}

/// A file in `scratch` that has no name any more, so its space is free when it is closed.
///
/// # Errors
/// A full disk, or [`Error::Io`].
pub(crate) fn spool_in(scratch: &Path) -> Result<File, Error> {
    tempfile::tempfile_in(scratch).map_err(|source| Error::from_write("keeping the frames of an output", source))
}
