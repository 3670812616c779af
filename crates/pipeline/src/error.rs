//! Why a cut did not come to its end: codes, who is at fault, and what to do.

use std::{io, time::Duration};

use clearcut_animation::Error as AnimationError;
use clearcut_ffmpeg::Error as ToolError;
use clearcut_frame::Size;
use clearcut_job::{Fault, OutputFormat, is_shortage};
use clearcut_matte::ModelError;
use clearcut_webm::Error as WebmError;

use crate::ModelFailure;

/// Why a cut did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// ffmpeg or the clip.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The border of the clip has no dominant color, so there is no background to key.
    #[error("the clip has no flat background: no color dominates its border")]
    NoFlatBackground {
        /// Whether a neural model would have been used, were one installed.
        could_use_model: bool,
    },
    /// There is no model, and one was asked for.
    #[error(transparent)]
    Model(ModelFailure),
    /// The model gave no answer that can be used.
    #[error(transparent)]
    ModelOutput(#[from] ModelError),
    /// The clip ended much earlier than its headers say.
    #[error("only {decoded} of {stated} frames could be decoded")]
    EndedEarly {
        /// Frames that came out of the decoder.
        decoded: u64,
        /// Frames that the headers promise.
        stated: u64,
    },
    /// One frame was asked for that lies beyond the clip's end.
    #[error("the clip is {:.3} s long, and the time lies beyond", .length.as_secs_f64())]
    NoSuchMoment {
        /// How long the clip is.
        length: Duration,
    },
    /// More frames came out of the decoder than are allowed.
    #[error("the clip has more than {limit} frames")]
    TooManyFrames {
        /// The limit.
        limit: u64,
    },
    /// The frame is too large for a format.
    #[error("a frame of {size} is too large for {format}, which takes {max_side} pixels a side")]
    TooLargeFor {
        /// Which format.
        format: OutputFormat,
        /// Of what would be encoded; twice as high as the frame in a stacked file.
        size: Size,
        /// What the format takes.
        max_side: u32,
    },
    /// The frame has more pixels than a format can be read back with.
    #[error("a frame of {size} is too large for {format}, which takes {max_pixels} pixels")]
    TooManyPixelsFor {
        /// Which format.
        format: OutputFormat,
        /// Of the frame.
        size: Size,
        /// What the format takes.
        max_pixels: u64,
    },
    /// An output was written but does not hold what was meant to be in it.
    #[error("the {format} file failed its check: {finding}")]
    CheckFailed {
        /// Which output.
        format: OutputFormat,
        /// What is wrong with it.
        finding: String,
    },
    /// An encoder of our own gave up.
    #[error("encoding {format} failed")]
    Encoder {
        /// Which output.
        format: OutputFormat,
        /// Why it gave up.
        source: AnimationError,
    },
    /// The streams of a WebM do not belong together.
    #[error("putting the webm file together failed")]
    Layers {
        /// What is wrong with them.
        source: WebmError,
    },
    /// Nothing moved for too long.
    #[error("no frame was finished for {secs} s")]
    Stalled {
        /// How long nothing moved.
        secs: u64,
    },
    /// Somebody asked to stop.
    #[error("the cut was cancelled")]
    Cancelled,
    /// A file or pipe of ours failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// A file of ours that could not be written.
    pub(crate) fn of_writing(doing: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ToolError::DiskFull.into(),
            io::ErrorKind::ReadOnlyFilesystem => ToolError::ReadOnly.into(),
            _ if is_shortage(&source) => ToolError::Short { program: doing }.into(),
            _ => Self::Io { doing, source },
        }
    }

    /// Stable, for the API, the command line and docs/errors.md. Never reworded.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Tool(error) => error.code(),
            Self::NoFlatBackground { .. } => "NO_FLAT_BACKGROUND",
            Self::Model(failure) => failure.code,
            Self::ModelOutput(_) => "MODEL_UNUSABLE",
            Self::EndedEarly { .. }
            | Self::TooManyFrames { .. }
            | Self::TooLargeFor { .. }
            | Self::TooManyPixelsFor { .. } => "INVALID_VIDEO",
            Self::NoSuchMoment { .. } => "INVALID_REQUEST",
            Self::CheckFailed { .. } => "OUTPUT_CHECK_FAILED",
            Self::Stalled { .. } => "TIMEOUT",
            Self::Cancelled => "JOB_CANCELLED",
            Self::Encoder { .. } | Self::Layers { .. } | Self::Io { .. } => "PROCESSING_FAILED",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Tool(error) => error.fault(),
            Self::Model(failure) => failure.fault,
            Self::NoFlatBackground { .. }
            | Self::EndedEarly { .. }
            | Self::NoSuchMoment { .. }
            | Self::TooManyFrames { .. }
            | Self::TooLargeFor { .. }
            | Self::TooManyPixelsFor { .. }
            | Self::Cancelled => Fault::Input,
            Self::CheckFailed { .. }
            | Self::Encoder { .. }
            | Self::Layers { .. }
            | Self::ModelOutput(_)
            | Self::Stalled { .. }
            | Self::Io { .. } => Fault::Host,
        }
    }

    /// What to do about it, as a sentence for a person; `None` where there is nothing useful to say.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Tool(error) => error.hint(),
            Self::NoFlatBackground { could_use_model: false } => Some(
                "Name the background color, for example --key '#00FF00', or leave --method out. A clip without a flat background cannot be keyed by color.",
            ),
            Self::NoFlatBackground { could_use_model: true } => Some(
                "A neural model would find the subject: install one with `clearcut models install u2netp`. Or name the background color, for example --key '#00FF00'.",
            ),
            Self::Model(failure) => failure.hint.as_deref(),
            Self::ModelOutput(_) => Some("`clearcut models verify` looks at the model's file; try another --runtime."),
            Self::EndedEarly { .. } => {
                Some("Download or export the clip again; it should play to its end in a player.")
            }
            Self::NoSuchMoment { .. } => Some("Ask for a moment between the clip's beginning and its end."),
            Self::TooManyFrames { .. } => Some("Cut the clip shorter."),
            Self::TooLargeFor { .. } | Self::TooManyPixelsFor { .. } => {
                Some("Ask for a smaller frame with --size, or for another format.")
            }
            Self::CheckFailed { .. } => {
                Some("Run it again; if it stays, report it with the output of `clearcut doctor`.")
            }
            Self::Encoder { .. } | Self::Layers { .. } | Self::Stalled { .. } | Self::Cancelled | Self::Io { .. } => {
                None
            }
        }
    }
}
