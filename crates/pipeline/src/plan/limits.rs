//! The limits of time, memory and formats, by which a cut is refused before any work is done.

use clearcut_ffmpeg::{EncodePlan, Error as ToolError, MediaError, MediaInfo, MediaLimits};
use clearcut_job::OutputFormat;

use super::{Plan, Resources};
use crate::{Error, stages::encode::Grid};

/// Largest number of frames of a PNG sequence: the directory of the archive is in memory, at about half
/// a kilobyte for each.
const MAX_SEQUENCE_FRAMES: u64 = 100_000;

impl Plan {
    /// Rejects a cut that exceeds the limits of time, memory or a format, before any work is done.
    pub(crate) fn check(&self, info: &MediaInfo, limits: &MediaLimits, resources: &Resources) -> Result<(), Error> {
        self.check_clip(info, limits, resources)?;
        self.encodes.iter().try_for_each(|encode| {
            check_size(encode)?;
            self.check_frames(encode.format)
        })
    }

    /// Rejects a clip that exceeds the limits of time or memory, whatever is made of it.
    pub(crate) fn check_clip(
        &self,
        info: &MediaInfo,
        limits: &MediaLimits,
        resources: &Resources,
    ) -> Result<(), Error> {
        self.check_rate(limits)?;
        if self.encoded_frames() > limits.max_frames {
            return Err(Error::TooManyFrames { limit: limits.max_frames });
        }
        self.check_work(info, limits, resources)
    }

    /// Refuses more frames than a file of `format` holds.
    fn check_frames(&self, format: OutputFormat) -> Result<(), Error> {
        let (frames, size) = (self.encoded_frames(), self.size());
        match format {
            OutputFormat::PngSequence if frames > MAX_SEQUENCE_FRAMES => {
                Err(Error::TooManyFramesFor { format, frames, size, limit: MAX_SEQUENCE_FRAMES })
            }
            OutputFormat::SpriteSheet => Grid::of_sheet(size, frames).map(drop),
            _ => Ok(()),
        }
    }

    fn check_rate(&self, limits: &MediaLimits) -> Result<(), Error> {
        let rate = self.frame_rate.per_second();
        if rate <= f64::from(limits.max_rate) {
            return Ok(());
        }
        over_limit(format!("{rate:.0} frames/s"), format!("{} frames/s", limits.max_rate))
    }

    fn check_work(&self, info: &MediaInfo, limits: &MediaLimits, resources: &Resources) -> Result<(), Error> {
        if self.work() > limits.max_work {
            let (found, limit) = (self.work() / 1_000_000_000, limits.max_work / 1_000_000_000);
            return over_limit(format!("{found} billion pixels to cut"), format!("{limit} billion"));
        }
        let (frames, max_frames) =
            (self.expected_frames, limits.max_held_frames.saturating_add(info.frames.saturating_mul(30)));
        if frames > max_frames {
            return over_limit(
                format!("{} frames that are repeated to {frames} frames", info.frames),
                format!("{max_frames} frames"),
            );
        }
        if self.memory_bytes() > resources.max_bytes {
            let mib = |bytes: u64| format!("{} MiB of memory", bytes >> 20);
            return over_limit(format!("frames that take {}", mib(self.memory_bytes())), mib(resources.max_bytes));
        }
        Ok(())
    }
}

fn over_limit(found: String, limit: String) -> Result<(), Error> {
    Err(ToolError::Media(MediaError::OverLimit { found, limit }).into())
}

/// Rejects a frame that is too small or too large for the format of `encode`.
fn check_size(encode: &EncodePlan) -> Result<(), Error> {
    let (format, size, max_side) = (encode.format, encode.raw_size(), encode.max_side());
    if size.width().min(size.height()) < encode.min_side() {
        return Err(Error::TooSmallFor { format, size: encode.size, min_side: encode.min_side() });
    }
    if let Some(max_pixels) = encode.max_pixels().filter(|max_pixels| encode.size.pixels() > *max_pixels) {
        return Err(Error::TooManyPixelsFor { format, size: encode.size, max_pixels });
    }
    if size.longest_side() > max_side {
        return Err(Error::TooLargeFor { format, size, max_side });
    }
    Ok(())
}
