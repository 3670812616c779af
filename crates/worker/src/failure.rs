//! The failures that users see: errors of cut, store and folders, each as a code and a message.
//! The full errors go to the log.

use std::io;

use clearcut_ffmpeg::{Error as ToolError, MediaError};
use clearcut_job::{Failure, FailureCode, Fault, NotAccepted, error_line, is_shortage};
use clearcut_pipeline::Error;
use clearcut_queue::ClaimedJob;
use clearcut_store::StoreError;

/// Failure of a cut.
pub(crate) fn cut_failure(error: &Error) -> Failure {
    if !matches!(error, Error::Cancelled) {
        tracing::warn!(error = error_line(error), code = %error.code(), "a cut failed");
    }
    // Treated as a shortage: the next job would fail alike, and a program that is being replaced
    // comes back.
    let program = match error {
        Error::Tool(ToolError::Unstartable { .. }) => Some("ffmpeg"),
        Error::Tool(ToolError::UnpackerMissing { .. }) => Some("program"),
        _ => None,
    };
    if let Some(program) = program {
        let message = format!("the server's {program} cannot be started at the moment");
        return Failure::new(FailureCode::ShortOfResources, message);
    }
    if let Error::Tool(ToolError::Media(MediaError::NotVideo(reason))) = error {
        return Failure::new(FailureCode::InvalidVideo, NotAccepted::Video(*reason).with_routes());
    }
    let is_input = error.fault() == Fault::Input;
    let fallback = if is_input { FailureCode::InvalidVideo } else { FailureCode::ProcessingFailed };
    let code = FailureCode::from_code(error.code()).unwrap_or(fallback);
    if is_input { Failure::new(code, error.to_string()) } else { Failure::new(code, host_message(code)) }
}

/// Failure of a file or folder of a cut.
pub(crate) fn local_failure(error: &io::Error) -> Failure {
    tracing::error!(%error, "a file of a cut failed");
    let code = match error.kind() {
        _ if is_shortage(error) => FailureCode::ShortOfResources,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureCode::InsufficientStorage,
        _ => FailureCode::StorageUnavailable,
    };
    Failure::new(code, host_message(code))
}

/// Message for a failure on the server's side. The tools' own messages may contain paths.
fn host_message(code: FailureCode) -> &'static str {
    match code {
        FailureCode::InsufficientStorage => DISK_FULL,
        FailureCode::StorageUnavailable => UNREACHABLE,
        FailureCode::ModelMissing => "the neural model of this server is not installed",
        FailureCode::Timeout => "the cut took too long",
        FailureCode::ShortOfResources => "the server is short of files, processes or memory at the moment",
        FailureCode::OutOfMemory => "the system killed a process of the cut, probably because memory ran out",
        FailureCode::OutputCheckFailed => "an output failed its check after encoding",
        _ => "the clip could not be cut",
    }
}

/// Failure of the store.
pub(crate) fn store_failure(claimed: &ClaimedJob, error: &StoreError) -> Failure {
    tracing::error!(job = %claimed.id, error = error_line(error), "the store failed");
    match error {
        StoreError::DiskFull => Failure::new(FailureCode::InsufficientStorage, DISK_FULL),
        StoreError::Short => Failure::new(FailureCode::ShortOfResources, SHORT),
        StoreError::Missing => Failure::new(FailureCode::ProcessingFailed, "the input of the job is lost"),
        _ => Failure::new(FailureCode::StorageUnavailable, UNREACHABLE),
    }
}

/// Failure of the scratch folder of a job.
pub(crate) fn scratch_failure(claimed: &ClaimedJob, error: &io::Error) -> Failure {
    tracing::error!(job = %claimed.id, %error, "the scratch folder failed");
    if is_shortage(error) {
        return Failure::new(FailureCode::ShortOfResources, SHORT);
    }
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if full {
        return Failure::new(FailureCode::InsufficientStorage, "the server has no room to work");
    }
    Failure::new(FailureCode::StorageUnavailable, UNREACHABLE)
}

pub(crate) const DISK_FULL: &str = "the server's disk is full";
pub(crate) const UNREACHABLE: &str = "the server could not reach its files";
const SHORT: &str = "the server is short of files or memory at the moment";

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

    use clearcut_frame::Size;
    use clearcut_job::{ErrorCode, NotVideo, OutputFormat};
    use clearcut_matte::ModelError;
    use clearcut_pipeline::{BackgroundFinding, ModelFailure};

    use super::*;

    /// Part of a path that no message may contain.
    const PATH: &str = "/srv/data";

    fn io_error() -> io::Error {
        io::Error::other(PATH)
    }

    fn model_error(code: ErrorCode) -> Error {
        Error::Model(ModelFailure { code, message: format!("{PATH} is unusable"), hint: None })
    }

    #[test]
    fn errors_of_the_clip_keep_their_message() {
        let format = OutputFormat::Webm;
        let size = Size::new(64, 48).unwrap();
        let cases = [
            (ToolError::Media(MediaError::Damaged).into(), FailureCode::InvalidVideo, "the file is damaged or cut off"),
            (
                ToolError::Media(NotVideo::StillImage.into()).into(),
                FailureCode::InvalidVideo,
                "the file is a still image; send one image to POST /api/v1/image/remove-background, several to POST /api/v1/jobs/image/remove-background",
            ),
            (
                ToolError::FormatUnavailable { format, lacks: "libvpx-vp9" }.into(),
                FailureCode::FormatUnavailable,
                "no ffmpeg of this machine can write webm: that takes one with libvpx-vp9",
            ),
            (
                Error::NoFlatBackground { finding: BackgroundFinding::NoDominantColor, could_use_model: true },
                FailureCode::NoFlatBackground,
                "there is no flat background: no color dominates the border",
            ),
            (
                Error::EndedEarly { decoded: 3, stated: 9 },
                FailureCode::InvalidVideo,
                "only 3 of 9 frames could be decoded",
            ),
            (
                Error::NoSuchMoment { length: Duration::from_secs(2) },
                FailureCode::InvalidRequest,
                "the clip is 2.000 s long, and the requested time is beyond its end",
            ),
            (Error::TooManyFrames { limit: 7 }, FailureCode::InvalidVideo, "the clip has more than 7 frames"),
            (
                Error::TooLargeFor { format, size, max_side: 32 },
                FailureCode::InvalidVideo,
                "a frame of 64×48 is too large for webm, which takes 32 pixels a side",
            ),
            (
                Error::TooManyPixelsFor { format, size, max_pixels: 99 },
                FailureCode::InvalidVideo,
                "a frame of 64×48 is too large for webm, which takes 99 pixels",
            ),
            (Error::Cancelled, FailureCode::Cancelled, "the cut was cancelled"),
        ];
        for (error, code, message) in cases {
            assert_eq!(cut_failure(&error), Failure::new(code, message));
        }
    }

    #[test]
    fn errors_of_the_server_get_a_message_without_paths() {
        let failed = "the clip could not be cut";
        let stderr_tail = format!("{PATH}: no such file");
        let cases = [
            (ToolError::ToolMissing { program: "ffmpeg" }.into(), FailureCode::ProcessingFailed, failed),
            (ToolError::ToolTooOld { found: PATH.to_owned() }.into(), FailureCode::ProcessingFailed, failed),
            (ToolError::SandboxUnavailable.into(), FailureCode::ProcessingFailed, failed),
            (
                ToolError::Spawn { program: PATH.into(), source: io_error() }.into(),
                FailureCode::ProcessingFailed,
                failed,
            ),
            (
                ToolError::Failed { program: PATH, status: ExitStatus::from_raw(256), stderr_tail }.into(),
                FailureCode::ProcessingFailed,
                failed,
            ),
            (
                ToolError::Short { program: PATH }.into(),
                FailureCode::ShortOfResources,
                "the server is short of files, processes or memory at the moment",
            ),
            (
                ToolError::Killed { program: PATH }.into(),
                FailureCode::OutOfMemory,
                "the system killed a process of the cut, probably because memory ran out",
            ),
            (
                ToolError::Unstartable { program: PATH }.into(),
                FailureCode::ShortOfResources,
                "the server's ffmpeg cannot be started at the moment",
            ),
            (
                ToolError::UnpackerMissing { container: "WebP" }.into(),
                FailureCode::ShortOfResources,
                "the server's program cannot be started at the moment",
            ),
            (
                ToolError::TimedOut { program: PATH, after: Duration::from_secs(1) }.into(),
                FailureCode::Timeout,
                "the cut took too long",
            ),
            (ToolError::DiskFull.into(), FailureCode::InsufficientStorage, DISK_FULL),
            (ToolError::ReadOnly.into(), FailureCode::StorageUnavailable, UNREACHABLE),
            (ToolError::Io { doing: PATH, source: io_error() }.into(), FailureCode::ProcessingFailed, failed),
            (
                model_error(ErrorCode::ModelMissing),
                FailureCode::ModelMissing,
                "the neural model of this server is not installed",
            ),
            (model_error(ErrorCode::ModelDamaged), FailureCode::ProcessingFailed, failed),
            (model_error(ErrorCode::ModelFolder), FailureCode::ProcessingFailed, failed),
            (ModelError::Failed(Box::new(io_error())).into(), FailureCode::ProcessingFailed, failed),
            (
                Error::CheckFailed { format: OutputFormat::Webm, finding: PATH.to_owned() },
                FailureCode::OutputCheckFailed,
                "an output failed its check after encoding",
            ),
            (Error::Stalled { secs: 9 }, FailureCode::Timeout, "the cut took too long"),
            (Error::Io { doing: PATH, source: io_error() }, FailureCode::ProcessingFailed, failed),
        ];
        for (error, code, message) in cases {
            assert_eq!(cut_failure(&error), Failure::new(code, message), "{error:?}");
        }
    }

    #[test]
    fn a_file_of_a_cut_fails_by_the_reason_of_the_system() {
        // EMFILE, ENOSPC and EDQUOT, ENOENT and EACCES on Linux.
        let cases = [
            (24, FailureCode::ShortOfResources, "the server is short of files, processes or memory at the moment"),
            (28, FailureCode::InsufficientStorage, DISK_FULL),
            (122, FailureCode::InsufficientStorage, DISK_FULL),
            (2, FailureCode::StorageUnavailable, UNREACHABLE),
            (13, FailureCode::StorageUnavailable, UNREACHABLE),
        ];
        for (number, code, message) in cases {
            assert_eq!(local_failure(&io::Error::from_raw_os_error(number)), Failure::new(code, message), "{number}");
        }
    }
}
