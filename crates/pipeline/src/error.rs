//! Errors of a cut, with their stable code, the responsible party and a hint.

use std::{io, time::Duration};

use clearcut_animation::Error as AnimationError;
use clearcut_ffmpeg::Error as ToolError;
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{Crop, CropRect, ErrorCode, Fault, MaxBytes, OutputFormat, Preset, Trim, is_shortage};
use clearcut_matte::ModelError;
use clearcut_webm::Error as WebmError;

use crate::model_source::ModelFailure;

/// The reason a cut failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A failure of ffmpeg or a defect of the clip.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The clip has no background that can be keyed by its color.
    #[error("{finding}")]
    NoFlatBackground {
        /// What the border of the clip shows instead.
        finding: BackgroundFinding,
        /// Whether a neural model would have been used if one were installed.
        could_use_model: bool,
    },
    /// A model is needed, but none is available.
    #[error(transparent)]
    Model(ModelFailure),
    /// The output of the model is unusable.
    #[error(transparent)]
    ModelOutput(#[from] ModelError),
    /// The clip ended much earlier than its headers say.
    #[error("only {decoded} of {stated} frames could be decoded")]
    EndedEarly {
        /// Number of decoded frames.
        decoded: u64,
        /// Number of frames according to the headers.
        stated: u64,
    },
    /// The requested frame is beyond the end of the clip.
    #[error("the clip is {:.3} s long, and the requested time is beyond its end", .length.as_secs_f64())]
    NoSuchMoment {
        /// Duration of the clip.
        length: Duration,
    },
    /// The part of the frame that was asked for does not lie in it.
    #[error("the frames of the clip are {size}, and crop {crop} does not lie in them")]
    CropOutside {
        /// The part.
        crop: Crop,
        /// Size of the frames.
        size: Size,
    },
    /// No frame has a subject, so it has no box.
    #[error("crop is auto, and no frame has a subject: the background is everywhere")]
    NoSubject,
    /// The frame is too small for the shape around the subject.
    #[error("the frames of the clip are {size}, and hold no rectangle of {}:{} around the subject, {subject}", .shape.0, .shape.1)]
    ShapeAroundSubject {
        /// Width and height of the shape.
        shape: (u32, u32),
        /// The box of the subject: distances from the left and top side, width and height.
        subject: CropRect,
        /// Size of the frames.
        size: Size,
    },
    /// A part has too many frames for the search of a loop in it.
    #[error("a seamless loop is looked for in up to {limit} frames, and the part that is cut has {frames}")]
    LoopTooLong {
        /// Number of frames.
        frames: u64,
        /// Maximum number of frames.
        limit: u64,
    },
    /// A hint lies outside of the part of the frame that is cut.
    #[error("hint {number} lies outside of the part of the frame that is cut, {rect}")]
    HintOutsideCrop {
        /// Number of the hint, from 1.
        number: usize,
        /// The part: distances from the left and top side, width and height.
        rect: CropRect,
    },
    /// The requested frame is outside of the part that is cut.
    #[error("time is {:.3} s, and trim {trim} leaves it out", .at.as_secs_f64())]
    MomentOutsideTrim {
        /// The time of the frame.
        at: Duration,
        /// The part.
        trim: Trim,
    },
    /// The part that was asked for does not lie in the clip.
    #[error("the clip is {:.3} s long, and trim {trim} {finding}", .length.as_secs_f64())]
    TrimOutside {
        /// The part.
        trim: Trim,
        /// What is wrong with it, for people.
        finding: &'static str,
        /// Duration of the clip.
        length: Duration,
    },
    /// The part that is cut has a length that the preset does not take.
    #[error("{preset} {fault}, and the part that is cut has {secs:.3} s; {remedy}")]
    UnfitLength {
        /// The preset.
        preset: Preset,
        /// What it takes, for people.
        fault: String,
        /// Length of the part in seconds.
        secs: f64,
        /// Which part fits, for people.
        remedy: String,
    },
    /// No settings that were tried keep the limit of bytes.
    #[error("the smallest {format} file that was made has {closest} bytes, and may have {}", .limit.get())]
    LimitNotMet {
        /// The format of the output.
        format: OutputFormat,
        /// The limit.
        limit: MaxBytes,
        /// Bytes of the smallest file.
        closest: u64,
    },
    /// The clip has more frames than the limit allows.
    #[error("the clip has more than {limit} frames")]
    TooManyFrames {
        /// Maximum number of frames.
        limit: u64,
    },
    /// More frames than a file of a format holds.
    #[error("{frames} frames of {size} are too many for {format}, which takes {limit}")]
    TooManyFramesFor {
        /// The format.
        format: OutputFormat,
        /// Number of frames of the output.
        frames: u64,
        /// Size of a frame.
        size: Size,
        /// Maximum number of frames of this size.
        limit: u64,
    },
    /// A side of the frame is too long for a format.
    #[error("a frame of {size} is too large for {format}, which takes {max_side} pixels a side")]
    TooLargeFor {
        /// The format.
        format: OutputFormat,
        /// Size of the encoded image; twice as high as the frame in a stacked file.
        size: Size,
        /// The format's limit in pixels per side.
        max_side: u32,
    },
    /// A side of the frame is too short for a format.
    #[error("a frame of {size} is too small for {format}, which takes {min_side} pixels a side or more")]
    TooSmallFor {
        /// The format.
        format: OutputFormat,
        /// Size of the frame.
        size: Size,
        /// The format's least pixels per side.
        min_side: u32,
    },
    /// The frame has more pixels than the decoders of a format can read back.
    #[error("a frame of {size} is too large for {format}, which takes {max_pixels} pixels")]
    TooManyPixelsFor {
        /// The format.
        format: OutputFormat,
        /// Size of the frame.
        size: Size,
        /// The format's limit in pixels.
        max_pixels: u64,
    },
    /// The file of the new background is at fault.
    #[error("background: {finding}")]
    InvalidBackground {
        /// What is wrong with it.
        finding: ToolError,
    },
    /// The clip is transparent already, so it has no background that could be blurred.
    #[error("background is blur, but the clip is transparent already")]
    NothingToBlur,
    /// A written output does not have the expected content.
    #[error("the {format} file failed its check: {finding}")]
    CheckFailed {
        /// The format of the output.
        format: OutputFormat,
        /// The difference found, for people.
        finding: String,
    },
    /// An encoder in this process failed.
    #[error("encoding {format} failed")]
    Encoder {
        /// The format of the output.
        format: OutputFormat,
        /// Cause of the failure.
        source: AnimationError,
    },
    /// The streams of a WebM could not be muxed.
    #[error("muxing the webm file failed")]
    Layers {
        /// Cause of the failure.
        source: WebmError,
    },
    /// Frames of a segment are missing, although its packets are there.
    #[error("only {decoded} of the {expected} frames of a segment could be decoded")]
    SegmentIncomplete {
        /// Number of decoded frames.
        decoded: u64,
        /// Number of frames of the segment and of its neighbors that it needs.
        expected: u64,
    },
    /// The plan of the segments was made by another version.
    #[error("the plan of the segments has format {found}, and this version cuts by format {supported}")]
    PlanVersion {
        /// The format of the plan.
        found: u32,
        /// The format that this version cuts by.
        supported: u32,
    },
    /// The plan of the segments is damaged or belongs to another clip.
    #[error("the plan of the segments does not fit: {finding}")]
    PlanMismatch {
        /// What does not fit, for people.
        finding: String,
    },
    /// The files of a segment cannot be used.
    #[error("the files of segment {index} are damaged")]
    SegmentDamaged {
        /// Number of the segment, from 0.
        index: usize,
    },
    /// The cut made no progress for too long.
    #[error("no frame was finished for {secs} s")]
    Stalled {
        /// Seconds without progress.
        secs: u64,
    },
    /// The cut was cancelled.
    #[error("the cut was cancelled")]
    Cancelled,
    /// An operation on a file, pipe or thread failed.
    #[error("{doing} failed")]
    Io {
        /// The operation that failed.
        doing: &'static str,
        /// Cause of the failure.
        source: io::Error,
    },
}

/// What a clip has instead of a background that can be keyed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BackgroundFinding {
    /// No color dominates the border.
    #[error("there is no flat background: no color dominates the border")]
    NoDominantColor,
    /// The most common color of the border has too small a share of it to be keyed unasked.
    #[error(
        "it is not sure what the background is: {:.0} % of the border is {color}, less than the {:.0} % that are needed",
        100.0 * .share, 100.0 * MIN_UNASKED_SHARE
    )]
    Unsure {
        /// The color.
        color: Rgb8,
        /// Its share of the border: 0.0..1.0.
        share: f32,
    },
    /// The border is transparent already.
    #[error("the border is transparent already, so there is no background color")]
    Transparent,
    /// A checkerboard is painted behind the subject, the sign of transparency.
    #[error("the background is a painted checkerboard, not transparency")]
    Checkerboard,
}

/// Least share of the border, not counting the side where fewest agree, that a background must have
/// to be keyed by [`MethodChoice::Auto`], without a color from the user. A frame that is half of one
/// color has 0.67. The backgrounds of the evaluation kit have 0.77 and more.
///
/// [`MethodChoice::Auto`]: clearcut_job::MethodChoice::Auto
pub(crate) const MIN_UNASKED_SHARE: f32 = 0.7;

impl Error {
    /// The error for a failed write to a file. Known causes, such as a full disk, get an error of
    /// their own.
    pub(crate) fn from_write(doing: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ToolError::DiskFull.into(),
            io::ErrorKind::ReadOnlyFilesystem => ToolError::ReadOnly.into(),
            _ if is_shortage(&source) => ToolError::Short { program: doing }.into(),
            _ => Self::Io { doing, source },
        }
    }

    /// The error for segments of a format whose files are not joined.
    pub(crate) fn not_of_pieces(format: OutputFormat) -> Self {
        Self::PlanMismatch { finding: format!("{format} is not made of pieces") }
    }

    /// Stable error code for the API and the command line; docs/reference/errors.md explains it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Tool(error) => error.code(),
            Self::NoFlatBackground { .. } => ErrorCode::NoFlatBackground,
            Self::Model(failure) => failure.code,
            Self::ModelOutput(_) => ErrorCode::ModelUnusable,
            Self::EndedEarly { .. }
            | Self::SegmentIncomplete { .. }
            | Self::TooManyFrames { .. }
            | Self::TooManyFramesFor { .. }
            | Self::TooLargeFor { .. }
            | Self::TooSmallFor { .. }
            | Self::TooManyPixelsFor { .. } => ErrorCode::InvalidVideo,
            Self::InvalidBackground { .. } => ErrorCode::InvalidBackground,
            Self::NothingToBlur
            | Self::NoSuchMoment { .. }
            | Self::MomentOutsideTrim { .. }
            | Self::TrimOutside { .. }
            | Self::CropOutside { .. }
            | Self::NoSubject
            | Self::LoopTooLong { .. }
            | Self::ShapeAroundSubject { .. }
            | Self::HintOutsideCrop { .. } => ErrorCode::InvalidRequest,
            Self::UnfitLength { .. } => ErrorCode::UnfitLength,
            Self::LimitNotMet { .. } => ErrorCode::LimitNotMet,
            Self::CheckFailed { .. } => ErrorCode::OutputCheckFailed,
            Self::Stalled { .. } => ErrorCode::Timeout,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Encoder { .. }
            | Self::Layers { .. }
            | Self::PlanVersion { .. }
            | Self::PlanMismatch { .. }
            | Self::SegmentDamaged { .. }
            | Self::Io { .. } => ErrorCode::ProcessingFailed,
        }
    }

    /// The party that has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }

    /// Advice for the user as one or more sentences; `None` if there is none.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Tool(error) => error.hint(),
            Self::NoFlatBackground { finding: BackgroundFinding::Checkerboard, could_use_model: false } => Some(
                "Export the clip with real transparency (ProRes 4444, WebM) or on one color, or leave --method out and install a model with `clearcut models install u2netp`.",
            ),
            Self::NoFlatBackground { finding: BackgroundFinding::Checkerboard, could_use_model: true } => Some(
                "A neural model would find the subject: install one with `clearcut models install u2netp`. Or export the clip with real transparency (ProRes 4444, WebM), or on one color.",
            ),
            Self::NoFlatBackground { could_use_model: false, .. } => Some(
                "Name the background color, for example --key '#00FF00', or leave --method out. A clip without a flat background cannot be keyed by color.",
            ),
            Self::NoFlatBackground { could_use_model: true, .. } => Some(
                "A neural model would find the subject: install one with `clearcut models install u2netp`. Or name the background color, for example --key '#00FF00' (`chromaKey` of the API).",
            ),
            Self::Model(failure) => failure.hint.as_deref(),
            Self::ModelOutput(_) => {
                Some("Check the model's file with `clearcut models verify`, or try another --runtime.")
            }
            Self::EndedEarly { .. } | Self::SegmentIncomplete { .. } => {
                Some("Download or export the clip again; it should play to its end in a player.")
            }
            Self::InvalidBackground { .. } => {
                Some("Give an image or a video that opens in a viewer or player, or a color such as #FF8800.")
            }
            Self::NothingToBlur => Some("Give a color, an image or a video as the background."),
            Self::CropOutside { .. } => Some("Name a rectangle within the frame; `clearcut probe` shows its size."),
            Self::NoSubject => {
                Some("Lower the tolerance, mark the subject with a hint, choose another method, or name a rectangle.")
            }
            Self::ShapeAroundSubject { .. } => {
                Some("Crop to auto alone, and let width, height and fit pad give the shape, or choose another shape.")
            }
            Self::LoopTooLong { .. } => Some("Name a shorter part with --trim START,END (`trim` of the API)."),
            Self::HintOutsideCrop { .. } => Some("Leave the hint out, or crop less."),
            Self::MomentOutsideTrim { .. } => Some("Request a time within the part that is cut."),
            Self::NoSuchMoment { .. } => Some("Request a time between the start and the end of the clip."),
            Self::TrimOutside { .. } => Some("Name a part between the start and the end of the clip."),
            Self::UnfitLength { .. } => {
                Some("Cut a part of a length that fits, with --trim START,END (`trim` of the API).")
            }
            Self::LimitNotMet { .. } => {
                Some("Cut a shorter part with --trim START,END, a smaller one with --crop, or allow more bytes.")
            }
            Self::TooManyFrames { .. } => Some("Cut a shorter part of the clip, with --trim START,END."),
            Self::TooManyFramesFor { .. } => {
                Some("Request fewer frames with --fps or --trim, smaller ones with --size, or another format.")
            }
            Self::TooLargeFor { .. } | Self::TooManyPixelsFor { .. } => {
                Some("Request a smaller frame with --size, or another format.")
            }
            Self::TooSmallFor { .. } => Some("Request a larger frame with --size, or another format."),
            Self::CheckFailed { .. } => {
                Some("Run it again; if it fails again, report it with the output of `clearcut doctor`.")
            }
            Self::PlanVersion { .. } => Some("Run the same version on every machine."),
            Self::Encoder { .. }
            | Self::Layers { .. }
            | Self::PlanMismatch { .. }
            | Self::SegmentDamaged { .. }
            | Self::Stalled { .. }
            | Self::Cancelled
            | Self::Io { .. } => None,
        }
    }
}
