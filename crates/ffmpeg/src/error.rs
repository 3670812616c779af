//! What went wrong with ffmpeg or with a clip: codes, who is at fault, and what to do.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use clearcut_job::{Fault, OutputFormat, is_shortage};

/// Why a tool could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is on none of the searched folders.
    #[error("{program} was not found")]
    ToolMissing {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
    },
    /// The ffmpeg that was found is older than we can work with.
    #[error("ffmpeg {found} is too old: 5.1 or newer is needed")]
    ToolTooOld {
        /// Its version as it names it.
        found: String,
    },
    /// The sandbox is required but does not work here.
    #[error("bubblewrap is required by the settings but does not work on this machine")]
    SandboxUnavailable,
    /// This ffmpeg cannot encode the format.
    #[error("this ffmpeg cannot write {format}: it has no {encoder} encoder")]
    FormatUnavailable {
        /// The format asked for.
        format: OutputFormat,
        /// The encoder that is missing.
        encoder: &'static str,
    },
    /// The operating system did not start the program.
    #[error("{program} could not be started")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program ended with an error. `stderr_tail` is for the log, never for a client.
    #[error("{program} ended with {status}")]
    Failed {
        /// What it was doing, such as `encoding webm`.
        program: &'static str,
        /// Its exit status.
        status: ExitStatus,
        /// The end of what it wrote to standard error, control characters removed.
        stderr_tail: String,
    },
    /// The machine had no file, process or memory to give for it at the moment.
    #[error("the machine is short of files, processes or memory for {program}")]
    Short {
        /// What was to be done.
        program: &'static str,
    },
    /// The system killed the program, as it does when memory runs out.
    #[error("{program} was ended by the system")]
    Killed {
        /// What it was doing.
        program: &'static str,
    },
    /// The program cannot be started at the moment: it is gone, or is being replaced.
    #[error("the program for {program} cannot be started")]
    Unstartable {
        /// What was to be done.
        program: &'static str,
    },
    /// The program did not end in time and was killed.
    #[error("{program} took longer than {} s", .after.as_secs())]
    TimedOut {
        /// What it was doing.
        program: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The disk filled up while the program wrote.
    #[error("the disk is full")]
    DiskFull,
    /// The file system that the program was to write to can only be read.
    #[error("the file system is read-only")]
    ReadOnly,
    /// Reading or writing a file or pipe failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The clip is at fault.
    #[error(transparent)]
    Media(#[from] MediaError),
}

/// What is wrong with a clip.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The first bytes belong to no container that we read.
    #[error("the file is not a video in a known container")]
    UnknownContainer,
    /// The file is a playlist, script or manifest that points at other files.
    #[error("the file is a {kind}, which points at other files instead of holding video")]
    PointsElsewhere {
        /// Such as `m3u8 playlist`.
        kind: &'static str,
    },
    /// A frame that does not move.
    #[error("the file is a still image")]
    StillImage,
    /// The container is known, but its content cannot be read.
    #[error("the file is damaged or cut off")]
    Damaged,
    /// Sound only, or cover art only.
    #[error("the file holds no video stream")]
    NoVideoStream,
    /// The frames or the sound are in a codec that we do not decode.
    #[error("the clip is coded as {codec}, which is not supported")]
    UnsupportedCodec {
        /// ffmpeg's name of it.
        codec: String,
    },
    /// The video needs a key to be read.
    #[error("the video is encrypted")]
    Encrypted,
    /// High dynamic range, and this ffmpeg lacks what turns it into standard range.
    #[error("the video is HDR and this ffmpeg cannot tone-map it (it lacks the zscale filter)")]
    HdrUnsupported,
    /// Its headers take more processor time than any sane ones.
    #[error("the file takes too long to be read: its tables are damaged or made to")]
    TooMuchWork,
    /// Its headers or its frames take more memory than one clip may have.
    #[error("the file takes more memory to be read than one clip may have")]
    TooMuchMemory,
    /// Something about the clip is above its limit.
    #[error("the video has {found}, more than the limit of {limit}")]
    OverLimit {
        /// What was found, with its unit.
        found: String,
        /// The limit, with its unit.
        limit: String,
    },
}

impl Error {
    /// Stable, for the API, the command line and docs/errors.md. Never reworded.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ToolMissing { .. } | Self::Unstartable { .. } => "FFMPEG_MISSING",
            Self::ToolTooOld { .. } => "FFMPEG_TOO_OLD",
            Self::SandboxUnavailable => "SANDBOX_UNAVAILABLE",
            Self::FormatUnavailable { .. } => "FORMAT_UNAVAILABLE",
            Self::Spawn { .. } | Self::Failed { .. } | Self::Io { .. } => "PROCESSING_FAILED",
            Self::Short { .. } => "SHORT_OF_RESOURCES",
            Self::Killed { .. } => "OUT_OF_MEMORY",
            Self::TimedOut { .. } => "TIMEOUT",
            Self::DiskFull => "INSUFFICIENT_STORAGE",
            Self::ReadOnly => "STORAGE_UNAVAILABLE",
            Self::Media(_) => "INVALID_VIDEO",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::FormatUnavailable { .. } | Self::Media(_) => Fault::Input,
            Self::Short { .. } | Self::Killed { .. } | Self::Unstartable { .. } => Fault::Upstream,
            Self::ToolMissing { .. }
            | Self::ToolTooOld { .. }
            | Self::SandboxUnavailable
            | Self::Spawn { .. }
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::DiskFull
            | Self::ReadOnly
            | Self::Io { .. } => Fault::Host,
        }
    }

    /// What to do about it, as a sentence for a person; `None` where there is nothing useful to say.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::ToolMissing { .. } | Self::ToolTooOld { .. } | Self::Unstartable { .. } => {
                "Install ffmpeg 5.1 or newer (Debian, Ubuntu: apt-get install ffmpeg), or name it with --ffmpeg."
            }
            Self::SandboxUnavailable => "Install bubblewrap (apt-get install bubblewrap) or allow running without it.",
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
            Self::Spawn { .. } | Self::Failed { .. } | Self::TimedOut { .. } | Self::Io { .. } => return None,
        })
    }
}

impl Error {
    /// Something of the system that could not be had.
    pub(crate) fn of_system(doing: &'static str, source: io::Error) -> Self {
        if is_shortage(&source) { Self::Short { program: doing } } else { Self::Io { doing, source } }
    }

    /// The same of a program that read a stranger's clip and nothing else: if it ended with an error, the clip is at fault.
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
            Self::Empty => "Check that the file was downloaded or copied whole.",
            Self::UnknownContainer => "Give an MP4, MOV, WebM, MKV, AVI, GIF, APNG or animated WebP file.",
            Self::PointsElsewhere { .. } => "Give the video file itself.",
            Self::StillImage => "Give a clip; still images are not cut by this command.",
            Self::TooMuchWork | Self::TooMuchMemory | Self::Damaged => {
                "Download or export the clip again; it should play to its end in a player."
            }
            Self::NoVideoStream => "Give a file with a video track.",
            Self::UnsupportedCodec { .. } => {
                "Convert it first, for example to H.264: ffmpeg -i clip -c:v libx264 -crf 12 clip.mp4"
            }
            Self::Encrypted => "Give a copy without protection.",
            Self::HdrUnsupported => "Install an ffmpeg built with libzimg, or convert the clip to SDR first.",
            Self::OverLimit { .. } => {
                "Make a smaller copy first: shorter, scaled down, at a lower frame rate or with fewer tracks, whichever is over the limit."
            }
        }
    }
}
