//! Clips that ffmpeg cannot read, unpacked to ones that it can: animated WebP and ZIP archives of
//! numbered images to animated PNG. ZIP archives of images for a job, unpacked file by file.
//!
//! The input is untrusted, and libwebp is C. Only the hidden commands `clearcut unpack` and
//! `clearcut unpack-images` call this crate, in the sandbox that ffmpeg has.

mod apng;
mod folder;
mod images;
mod names;
mod webp;

use std::io::{Read, Seek, Write};

use clearcut_job::{Container, UnpackFailure};
pub use folder::{FolderLimits, unpack_folder};

/// Limits of an unpacked clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height of one frame.
    pub max_pixels: u64,
    /// Number of frames.
    pub max_frames: u64,
    /// Pixels of all frames.
    pub max_work: u64,
    /// Bytes of the unpacked clip, and of all files of an archive that are read.
    pub max_bytes: u64,
}

impl Limits {
    /// Checks a clip before its second frame is decoded.
    fn check(&self, (width, height): (u32, u32), frames: u32) -> Result<(), UnpackFailure> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            return Err(UnpackFailure::TooManyPixels);
        }
        if u64::from(frames) > self.max_frames {
            return Err(UnpackFailure::TooManyFrames);
        }
        if pixels.saturating_mul(frames.into()) > self.max_work {
            return Err(UnpackFailure::TooMuchWork);
        }
        Ok(())
    }
}

/// Unpacks the clip `packed`, and writes it to `out` as a container that ffmpeg reads.
///
/// # Errors
/// The reason why it cannot be unpacked. What was written then is no clip.
pub fn unpack(mut packed: impl Read + Seek, limits: &Limits, out: impl Write) -> Result<(), UnpackFailure> {
    let mut bytes = Vec::new();
    packed.by_ref().take(Container::SNIFF_BYTES as u64).read_to_end(&mut bytes).map_err(|_| UnpackFailure::Io)?;
    match Container::sniff(&bytes) {
        Ok(Container::Webp) => {
            packed.read_to_end(&mut bytes).map_err(|_| UnpackFailure::Io)?;
            webp::unpack(&bytes, limits, out)
        }
        Ok(Container::Zip) => images::unpack(packed, limits, out),
        _ => Err(UnpackFailure::Damaged),
    }
}
