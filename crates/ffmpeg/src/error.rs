//! Errors of ffmpeg and of clips: stable codes, fault and hints.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use clearcut_job::{ErrorCode, Fault, NotVideo, OutputFormat, is_shortage};

use crate::ImageError;

/// A failure of ffmpeg, ffprobe or their sandbox, or a clip that cannot be processed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is in none of the searched folders.
    #[error("{program} was not found")]
    ToolMissing {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
    },
    /// The ffmpeg that was found is older than the supported versions.
    #[error("ffmpeg {found} is too old: 5.1 or newer is needed")]
    ToolTooOld {
        /// The version that ffmpeg reports.
        found: String,
    },
    /// The clip must be unpacked before ffmpeg can read it, or the file is an image, and the program
    /// for that is not set or was removed.
    #[error("{container} is read by a program of its own, which is missing")]
    UnpackerMissing {
        /// The container of the clip, or the format of the image.
        container: &'static str,
    },
    /// The sandbox is required but does not work on this machine.
    #[error("bubblewrap is required by the settings but does not work on this machine")]
    SandboxUnavailable,
    /// No ffmpeg of this machine can write the format.
    #[error("no ffmpeg of this machine can write {format}: that takes one with {lacks}")]
    FormatUnavailable {
        /// The requested format.
        format: OutputFormat,
        /// What an ffmpeg for the format has, such as `libx264`.
        lacks: &'static str,
    },
    /// The operating system failed to start the program.
    #[error("{program} could not be started")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The program ended with an error. `stderr_tail` is for the log, never for a client.
    #[error("{program} ended with {status}")]
    Failed {
        /// The operation, such as `encoding webm`.
        program: &'static str,
        /// Exit status of the program.
        status: ExitStatus,
        /// The tail of its standard error, without control characters.
        stderr_tail: String,
    },
    /// The machine has no free file descriptor, process or memory at the moment.
    #[error("the machine is short of files, processes or memory for {program}")]
    Short {
        /// The operation.
        program: &'static str,
    },
    /// The system killed the program, as happens when memory runs out.
    #[error("{program} was ended by the system")]
    Killed {
        /// The operation.
        program: &'static str,
    },
    /// The program cannot be started: it is missing or being replaced.
    #[error("the program for {program} cannot be started")]
    Unstartable {
        /// The operation.
        program: &'static str,
    },
    /// The program exceeded its timeout and was killed.
    #[error("{program} took longer than {} s", .after.as_secs())]
    TimedOut {
        /// The operation.
        program: &'static str,
        /// The timeout.
        after: Duration,
    },
    /// The disk filled up during a write.
    #[error("the disk is full")]
    DiskFull,
    /// The file system of the output is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// Reading or writing a file or pipe failed.
    #[error("{doing} failed")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The clip is at fault.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The image is at fault.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// A reason to reject a clip.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The first bytes are those of no video.
    #[error(transparent)]
    NotVideo(#[from] NotVideo),
    /// The container is known, but its content cannot be read.
    #[error("the file is damaged or cut off")]
    Damaged,
    /// Audio only, or cover art only.
    #[error("the file holds no video stream")]
    NoVideoStream,
    /// No video track is in a supported codec.
    #[error("the video in track {track} is coded as {codec}, which is not supported")]
    UnsupportedCodec {
        /// Number of the track in the file, from 1.
        track: usize,
        /// ffmpeg's name of the codec.
        codec: String,
    },
    /// The decoder of a track, even of one that would be left out, does not take its header.
    #[error("track {track} cannot be opened: its header is damaged, or a variant that this ffmpeg does not know")]
    UnopenableTrack {
        /// Number of the track in the file, from 1.
        track: usize,
    },
    /// The archive holds no sequence of images.
    #[error("the archive is no image sequence: {finding}")]
    NoImageSequence {
        /// What it holds instead.
        finding: &'static str,
    },
    /// The video is encrypted.
    #[error("the video is encrypted")]
    Encrypted,
    /// The color is multiplied by the alpha of another track.
    #[error("the colors of the clip are premultiplied by its alpha track")]
    PremultipliedAlpha,
    /// This ffmpeg has no decoder for the codec.
    #[error("the video in track {track} is coded as {codec}, which this ffmpeg cannot decode: it lacks {decoders}")]
    DecoderMissing {
        /// Number of the track in the file, from 1.
        track: usize,
        /// ffmpeg's name of the codec.
        codec: String,
        /// The decoders, one of which is needed.
        decoders: String,
    },
    /// The video is in Dolby Vision without a picture that other decoders can show.
    #[error("the video is in Dolby Vision profile {profile}, whose colors only a Dolby decoder can show")]
    DolbyVision {
        /// The profile.
        profile: u8,
    },
    /// The colors of the video need a conversion that this ffmpeg lacks the filter for.
    #[error("the video's colors ({colors}) need a conversion that this ffmpeg lacks (the zscale filter)")]
    NoColorConversion {
        /// The colors, for people.
        colors: String,
    },
    /// The colors of the video are of a kind that cannot be converted.
    #[error("the video's colors are coded as {colors}, which is not supported")]
    UnsupportedColors {
        /// ffmpeg's name of the primaries, transfer or matrix.
        colors: String,
    },
    /// The headers take more CPU time than any legitimate ones.
    #[error("the file takes too long to read: its tables are damaged or crafted")]
    TooMuchWork,
    /// The headers or frames take more memory than the limit for one clip.
    #[error("reading the file takes more memory than the limit for one clip")]
    TooMuchMemory,
    /// A property of the clip exceeds its limit.
    #[error("the video has {found}, more than the limit of {limit}")]
    OverLimit {
        /// The value found, with its unit.
        found: String,
        /// The limit, with its unit.
        limit: String,
    },
}

impl Error {
    /// Stable error code for the API, the command line and docs/reference/errors.md. Never changed.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::ToolMissing { .. } | Self::Unstartable { .. } => ErrorCode::FfmpegMissing,
            Self::ToolTooOld { .. } => ErrorCode::FfmpegTooOld,
            Self::SandboxUnavailable => ErrorCode::SandboxUnavailable,
            Self::FormatUnavailable { .. } => ErrorCode::FormatUnavailable,
            Self::UnpackerMissing { .. } | Self::Spawn { .. } | Self::Failed { .. } | Self::Io { .. } => {
                ErrorCode::ProcessingFailed
            }
            Self::Short { .. } => ErrorCode::ShortOfResources,
            Self::Killed { .. } => ErrorCode::OutOfMemory,
            Self::TimedOut { .. } => ErrorCode::Timeout,
            Self::DiskFull => ErrorCode::InsufficientStorage,
            Self::ReadOnly => ErrorCode::StorageUnavailable,
            Self::Media(_) => ErrorCode::InvalidVideo,
            Self::Image(_) => ErrorCode::InvalidImage,
        }
    }

    /// The party that has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }

    /// A sentence that suggests a remedy; `None` if there is none.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::ToolMissing { .. } | Self::ToolTooOld { .. } | Self::Unstartable { .. } => {
                "Install ffmpeg 5.1 or newer (Debian, Ubuntu: apt-get install ffmpeg), or name it with --ffmpeg."
            }
            Self::SandboxUnavailable => "Install bubblewrap (apt-get install bubblewrap) or allow running without it.",
            Self::FormatUnavailable { format: OutputFormat::HevcAlpha, .. } => {
                "Install one that can, for this format only: clearcut ffmpeg install"
            }
            Self::FormatUnavailable { .. } => {
                "Ask for another format, or install an ffmpeg with that encoder; `clearcut doctor` lists them."
            }
            Self::Short { .. } => {
                "Run it again when the machine has less to do, or raise its limits (ulimit -n, ulimit -u)."
            }
            Self::Killed { .. } => "Give the machine more memory, or ask for a smaller size or fewer formats.",
            Self::DiskFull => "Free some space or choose another output folder, then run it again.",
            Self::ReadOnly => "Choose another output folder, or mount its file system for writing.",
            Self::Media(error) => return Some(error.hint()),
            Self::Image(error) => return Some(error.hint()),
            Self::UnpackerMissing { .. }
            | Self::Spawn { .. }
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Io { .. } => return None,
        })
    }
}

impl Error {
    /// Classifies a failed system call: a shortage of resources, or another I/O error.
    pub(crate) fn from_io(doing: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ if is_shortage(&source) => Self::Short { program: doing },
            _ => Self::Io { doing, source },
        }
    }

    /// Reinterprets the error of a program that only read an untrusted clip: if the program failed,
    /// the clip is at fault.
    #[must_use]
    pub fn of_reading(self) -> Self {
        match self {
            Self::Failed { .. } => MediaError::Damaged.into(),
            other => other,
        }
    }
}

impl MediaError {
    const fn hint(&self) -> &'static str {
        match self {
            Self::NotVideo(NotVideo::Empty) => "Check that the file was downloaded or copied whole.",
            Self::NotVideo(NotVideo::UnknownContainer) => {
                "Give an MP4, MOV, WebM, MKV, AVI, MPEG-TS, WMV, FLV, MXF, GIF, APNG or animated WebP file."
            }
            Self::NotVideo(NotVideo::NorImage) => "Give an image or a clip, such as a PNG or an MP4 file.",
            Self::NotVideo(NotVideo::OtherKind { .. }) => "Give a clip, such as an MP4, MOV or WebM file.",
            Self::NotVideo(NotVideo::PointsElsewhere { .. }) => "Give the video file itself.",
            Self::NotVideo(NotVideo::StillImage) => "Give a clip; still images have commands and routes of their own.",
            Self::TooMuchWork | Self::TooMuchMemory | Self::Damaged => {
                "Download or export the clip again; it should play to its end in a player."
            }
            Self::NoVideoStream => "Give a file with a video track.",
            Self::UnsupportedCodec { .. } => {
                "Convert it first, for example to H.264: ffmpeg -i clip -c:v libx264 -crf 12 clip.mp4"
            }
            Self::UnopenableTrack { .. } => {
                "Make a copy without that track, for example of the second: ffmpeg -i clip -map 0 -map -0:1 -c copy copy.mp4"
            }
            Self::NoImageSequence { .. } => {
                "Give a ZIP with the images of one clip, all of one size and format, numbered without gaps. Images that are no clip are cut one by one, or by a job of images."
            }
            Self::Encrypted => "Give a copy without protection.",
            Self::PremultipliedAlpha => "Export it with straight alpha, for example as WebM or ProRes 4444.",
            Self::DecoderMissing { .. } => {
                "Install a complete ffmpeg, or convert the clip first, for example to H.264."
            }
            Self::DolbyVision { .. } => "Export the clip as HDR10, HLG or SDR first.",
            Self::NoColorConversion { .. } => {
                "Install an ffmpeg built with libzimg, or convert the clip to BT.709 first."
            }
            Self::UnsupportedColors { .. } => "Convert the clip to BT.709 first.",
            Self::OverLimit { .. } => {
                "Make a smaller copy first: shorter, scaled down, at a lower frame rate or with fewer tracks, whichever is over the limit."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_faults_of_files() {
        let of = |kind: io::ErrorKind| Error::from_io("unpacking", kind.into()).code();
        assert_eq!(of(io::ErrorKind::StorageFull), ErrorCode::InsufficientStorage);
        assert_eq!(of(io::ErrorKind::QuotaExceeded), ErrorCode::InsufficientStorage);
        assert_eq!(of(io::ErrorKind::NotFound), ErrorCode::ProcessingFailed);
    }
}
