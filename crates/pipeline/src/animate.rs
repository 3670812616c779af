//! Encoding of animated WebP and APNG in this process, without a child process.

use std::{fs::File, io::BufWriter, num::NonZeroUsize, path::Path, sync::Arc};

use clearcut_animation::{AnimationSettings, Error as AnimationError, encode_apng, encode_webp};
use clearcut_ffmpeg::EncodePlan;
use clearcut_frame::{Frame, FrameFormat};
use clearcut_job::OutputFormat;

use crate::Error;

/// Encodes `frames` to [`EncodePlan::file_name`] in `scratch`, in this process. Blocks until all
/// are written.
///
/// # Errors
/// [`Error::Io`], a full disk, or the failure of the encoder.
pub(crate) fn animate(
    plan: &EncodePlan,
    scratch: &Path,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> Result<(), Error> {
    let frame =
        FrameFormat { size: plan.size, subsampling: plan.subsampling, has_alpha: true, matrix: plan.color.matrix };
    let settings = AnimationSettings {
        frame,
        frame_rate: plan.frame_rate,
        quality: plan.quality.get(),
        threads: NonZeroUsize::new(plan.threads).unwrap_or(NonZeroUsize::MIN),
    };
    let file = File::create_new(scratch.join(plan.file_name()))
        .map_err(|source| Error::from_write("writing an output", source))?;
    let out = BufWriter::new(file);
    let written = match plan.format {
        OutputFormat::Apng => encode_apng(&settings, frames, out),
        _ => encode_webp(&settings, frames, out),
    };
    written.map(drop).map_err(|error| match error {
        AnimationError::Write(source) => Error::from_write("writing an output", source),
        source => Error::Encoder { format: plan.format, source },
    })
}
