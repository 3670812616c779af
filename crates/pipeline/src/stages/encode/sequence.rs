//! Encoding of a PNG sequence in this process: a ZIP archive of one PNG for each frame, and a file
//! that says how to play them. A poster is one such PNG.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use clearcut_ffmpeg::EncodePlan;
use clearcut_frame::Frame;
use clearcut_parallel::with_workers;
use serde::{Deserialize, Serialize};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::{Error, still::encode_png};

/// The file in the archive that says how to play the frames.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SequenceInfo {
    /// Frames per second, as a fraction.
    pub(crate) frame_rate: (u32, u32),
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Number of frames.
    pub(crate) frames: u64,
    /// Names of the frames, which count from 1.
    pub(crate) files: String,
}

impl SequenceInfo {
    /// Name of the file in the archive.
    pub(crate) const FILE: &str = "sequence.json";

    pub(crate) fn new(plan: &EncodePlan, frames: u64) -> Self {
        Self {
            frame_rate: (plan.frame_rate.frames(), plan.frame_rate.seconds()),
            width: plan.size.width(),
            height: plan.size.height(),
            frames,
            files: "frame-%06d.png".to_owned(),
        }
    }

    /// Name of frame number `index`, from 0, as `files` says.
    pub(crate) fn frame_name(index: u64) -> String {
        format!("frame-{:06}.png", index + 1)
    }
}

/// Writes `frames` to [`EncodePlan::file_name`] in `scratch`. PNGs are compressed on threads and
/// stored in order. Blocks until all are written.
///
/// # Errors
/// A full disk, or [`Error::Io`].
pub(crate) fn write_sequence(
    plan: &EncodePlan,
    scratch: &Path,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> Result<(), Error> {
    let failed = |source| Error::from_write("writing an output", source);
    let file = File::create_new(scratch.join(plan.file_name())).map_err(failed)?;
    let mut archive = ZipWriter::new(BufWriter::new(file));
    let mut add = |name: &str, content: &[u8]| {
        archive.start_file(name, stored()).map_err(io_error).and_then(|()| archive.write_all(content)).map_err(failed)
    };
    let mut count = 0;
    let threads = NonZeroUsize::new(plan.threads).unwrap_or(NonZeroUsize::MIN);
    with_workers(threads, |workers| {
        workers.map_in_order(frames, |frame: Arc<Frame>| encode_png(&frame)).into_iter().try_for_each(|png| {
            add(&SequenceInfo::frame_name(count), &png?)?;
            count += 1;
            Ok::<(), Error>(())
        })
    })?;
    let info = serde_json::to_vec_pretty(&SequenceInfo::new(plan, count)).map_err(|error| failed(error.into()))?;
    add(SequenceInfo::FILE, &info)?;
    archive.finish().map_err(io_error).and_then(|mut file| file.flush()).map_err(failed)
}

/// How a file is stored in an archive: PNGs are compressed already.
pub(super) fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored).last_modified_time(DateTime::DEFAULT)
}

/// A later frame becomes the poster if it has more than so many times the solid pixels of the one so
/// far: a speck that comes before the subject is no poster, and a subject that grows a little still is.
const GROWTH: usize = 4;

/// Writes an early frame of `frames` that shows the subject as a PNG, and takes all of them: it has at
/// least a [`GROWTH`]th of the solid pixels of the fullest one. Returns the frame that was written.
///
/// # Errors
/// A full disk, or [`Error::Io`].
pub(crate) fn write_poster(
    plan: &EncodePlan,
    scratch: &Path,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> Result<Option<Arc<Frame>>, Error> {
    let solid_pixels = |alpha: &[u8]| alpha.iter().map(|alpha| usize::from(*alpha == 255)).sum();
    let (mut chosen, mut solid) = (None, 0);
    for frame in frames {
        let found = frame.alpha().map_or(usize::MAX, solid_pixels);
        if chosen.is_none() || found > GROWTH.saturating_mul(solid) {
            (chosen, solid) = (Some(frame), found);
        }
    }
    if let Some(frame) = &chosen {
        let written = fs::write(scratch.join(plan.file_name()), encode_png(frame)?);
        written.map_err(|source| Error::from_write("writing an output", source))?;
    }
    Ok(chosen)
}

/// The error of an archive as one of its file.
pub(super) fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}
