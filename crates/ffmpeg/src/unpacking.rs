//! Clips that ffmpeg cannot read: another process in the same sandbox unpacks them first.

use std::{
    fs::File,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use clearcut_job::UnpackFailure;

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaLimits, Tools, child::ending_signal, limits::ChildLimits,
    probe::sniff, tools::duplicate_as_stdin,
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

/// Interval at which the unpacked clip is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

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
        let child = Child::spawn_into("unpacking the clip", command, duplicate_as_stdin(input)?, Stdio::from(out))
            .map_err(|error| reason(error, container, limits))?;
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

    /// Waits for the end of the process, and returns the clip for ffmpeg. Blocks. Calls
    /// `on_growth` about once a second while the unpacked clip grows.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault, [`Error::UnpackerMissing`].
    pub fn finish(self, mut on_growth: impl FnMut()) -> Result<File, Error> {
        let Self { container, child, unpacked, limits } = self;
        let mut last = 0;
        let look = || {
            let bytes = unpacked.metadata().map_or(last, |meta| meta.len());
            if bytes > last {
                last = bytes;
                on_growth();
            }
        };
        child.wait_ticking(LOOK_INTERVAL, look).map_err(|error| reason(error, container, &limits))?;
        Ok(unpacked)
    }
}

/// The reason that the exit code of the process gives.
fn reason(error: Error, container: Container, limits: &MediaLimits) -> Error {
    let status = match &error {
        Error::Failed { status, .. } => status,
        // The program was removed. Clips that need no unpacking can be cut, so this is no shortage.
        Error::Unstartable { .. } => return Error::UnpackerMissing { container: container.demuxer() },
        _ => return error,
    };
    let over_limit = |found: &str, limit: String| MediaError::OverLimit { found: found.to_owned(), limit };
    let no_sequence = |finding| MediaError::NoImageSequence { finding };
    let reason = match status.code().and_then(UnpackFailure::from_exit_code) {
        Some(UnpackFailure::TooManyPixels) => {
            // libwebp's reader has a lower limit of its own.
            let webp = if container == Container::Webp { 3840 * 2160 } else { u64::MAX };
            over_limit("too many pixels", format!("{} million pixels", limits.max_pixels.min(webp) / 1_000_000))
        }
        Some(UnpackFailure::TooManyFrames) => over_limit("too many frames", format!("{} frames", limits.max_frames)),
        Some(UnpackFailure::TooMuchWork) => {
            over_limit("too many pixels in all frames", format!("{} billion", limits.max_work / 1_000_000_000))
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
        Some(UnpackFailure::Damaged) => MediaError::Damaged,
        None if has_crashed(*status) => MediaError::Damaged,
        Some(UnpackFailure::TooManyImages | UnpackFailure::Io) | None => return error,
    };
    reason.into()
}

/// Exit code of a Rust program that panics.
const PANIC: i32 = 101;

/// Whether a file brought the process down. Any other unknown end is that of a program that could
/// not do its work, such as one of another version.
pub(crate) fn has_crashed(status: ExitStatus) -> bool {
    status.code() == Some(PANIC) || ending_signal(status).is_some()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::*;

    #[test]
    fn a_program_that_was_removed_is_missing() {
        let removed = Error::Unstartable { program: "unpacking the clip" };
        let reason = reason(removed, Container::Webp, &MediaLimits::default());
        assert!(matches!(reason, Error::UnpackerMissing { .. }), "{reason:?}");
    }

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
        // The sandbox fails with 1, and a program that does not know the command with 2.
        for machine in [code(UnpackFailure::Io), 1, 2] {
            assert!(matches!(reason(machine), Error::Failed { .. }), "{machine}");
        }
    }
}
