//! Clips that ffmpeg cannot read: another process in the same sandbox unpacks them first.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use clearcut_job::UnpackFailure;

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaLimits, Tools, limits::ChildLimits, probe::sniff,
    tools::duplicate_as_stdin,
};

/// A running process that unpacks a clip into a file without a name.
#[derive(Debug)]
pub struct Unpacking {
    container: Container,
    child: Child,
    unpacked: File,
    limits: MediaLimits,
}

/// Size limit of an unpacked clip.
const MAX_BYTES: u64 = 16 << 30;

/// Interval in which the unpacked clip is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

impl Tools {
    /// Starts to unpack the clip in `input` into a file without a name in `folder`, if it is one
    /// that ffmpeg cannot read. `None` if ffmpeg can.
    ///
    /// # Errors
    /// [`Error::Media`] if the first bytes belong to no video container,
    /// [`Error::UnpackerMissing`], [`Error::Io`], [`Error::Spawn`].
    pub fn unpack(&self, input: &File, folder: &Path, limits: &MediaLimits) -> Result<Option<Unpacking>, Error> {
        let container = sniff(input)?;
        if !container.is_packed() {
            return Ok(None);
        }
        let program = self.unpacker().ok_or(Error::UnpackerMissing { container: container.demuxer() })?;
        let unpacked = tempfile::tempfile_in(folder).map_err(|source| Error::from_io("unpacking the clip", source))?;
        let out = unpacked.try_clone().map_err(|source| Error::from_io("unpacking the clip", source))?;
        let mut command = self.sandbox().command_alone(program, ChildLimits::UNPACKING);
        command.arg("unpack");
        for limit in [limits.max_pixels, limits.max_frames, limits.max_work, MAX_BYTES] {
            command.arg(limit.to_string());
        }
        let child = Child::spawn_into("unpacking the clip", command, duplicate_as_stdin(input)?, Stdio::from(out))?;
        Ok(Some(Unpacking { container, child, unpacked, limits: *limits }))
    }
}

impl Unpacking {
    /// The container of the clip before it is unpacked.
    #[must_use]
    pub const fn container(&self) -> Container {
        self.container
    }

    /// A handle that kills the process from another thread; [`Self::finish`] then returns an error.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.child.kill_handle()
    }

    /// Waits for the end of the process, and returns the clip for ffmpeg. Blocks. Calls `on_progress`
    /// repeatedly while the unpacked clip grows.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault.
    pub fn finish(self, mut on_progress: impl FnMut()) -> Result<File, Error> {
        let mut bytes = 0;
        let waited = self.child.wait_visiting(INTERVAL, || {
            let grown = self.unpacked.metadata().map_or(0, |metadata| metadata.len());
            if grown > bytes {
                bytes = grown;
                on_progress();
            }
        });
        waited.map_err(|error| reason(error, self.container, &self.limits))?;
        Ok(self.unpacked)
    }
}

/// The reason that the exit code of the process gives.
fn reason(error: Error, container: Container, limits: &MediaLimits) -> Error {
    let Error::Failed { status, .. } = &error else { return error };
    let over_limit = |found: &str, limit: String| MediaError::OverLimit { found: found.to_owned(), limit };
    let no_sequence = |finding| MediaError::NoImageSequence { finding };
    let reason = match status.code().and_then(UnpackFailure::from_exit_code) {
        Some(UnpackFailure::TooManyPixels) => {
            // libwebp's reader has a lower limit of its own.
            let webp = if container == Container::Webp { 3840 * 2160 } else { u64::MAX };
            over_limit("a larger frame", format!("{} million pixels", limits.max_pixels.min(webp) / 1_000_000))
        }
        Some(UnpackFailure::TooManyFrames) => over_limit("more frames", format!("{} frames", limits.max_frames)),
        Some(UnpackFailure::TooMuchWork) => {
            over_limit("more pixels in all frames", format!("{} billion", limits.max_work / 1_000_000_000))
        }
        Some(UnpackFailure::TooManyBytes) => {
            over_limit("too much content", format!("{} GiB unpacked", MAX_BYTES >> 30))
        }
        Some(UnpackFailure::Encrypted) => MediaError::Encrypted,
        Some(UnpackFailure::NoImages) => no_sequence("it holds no PNG, JPEG or WebP images"),
        Some(UnpackFailure::OneImage) => no_sequence("it holds only one image"),
        Some(UnpackFailure::NotNumbered) => no_sequence("its images are not numbered"),
        Some(UnpackFailure::SeveralSequences) => no_sequence("its images have several names, folders or formats"),
        Some(UnpackFailure::MissingImages) => no_sequence("numbers are missing between its images, or are there twice"),
        Some(UnpackFailure::MixedSizes) => no_sequence("its images have different sizes"),
        Some(UnpackFailure::Io) => return error,
        Some(UnpackFailure::Damaged) | None => MediaError::Damaged,
    };
    reason.into()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::*;

    #[test]
    fn the_exit_code_names_the_reason() {
        let reason = |code: i32| {
            let status = ExitStatus::from_raw(code << 8);
            let failed = Error::Failed { program: "unpacking the clip", status, stderr_tail: String::new() };
            reason(failed, Container::Zip, &MediaLimits::default())
        };
        let code = |failure: UnpackFailure| i32::from(failure.exit_code());
        for damaged in [code(UnpackFailure::Damaged), 101, 134] {
            assert!(matches!(reason(damaged), Error::Media(MediaError::Damaged)), "{damaged}");
        }
        let too_many = [UnpackFailure::TooManyPixels, UnpackFailure::TooManyFrames, UnpackFailure::TooManyBytes];
        for over in too_many.into_iter().chain([UnpackFailure::TooMuchWork]) {
            assert!(matches!(reason(code(over)), Error::Media(MediaError::OverLimit { .. })), "{over:?}");
        }
        assert!(matches!(reason(code(UnpackFailure::Io)), Error::Failed { .. }));
    }
}
