//! Domain types of a job: the validated request, and the life cycle as tables.
//!
//! The command line and the API both parse their input into a [`CutRequest`], so that they share
//! the same fields, ranges and error messages. Every value of these types is valid by construction.
//!
//! The life cycle consists of three tables: [`JobState`] with its legal [`Move`]s, [`Stage`] with
//! its percentage range, and [`ErrorCode`] with its [`Fault`], HTTP
//! statuses and exit code. This crate does no
//! input or output.
//!
//! ```
//! use clearcut_job::{Formats, JobState, Move, Progress, Stage, Tolerance};
//!
//! let formats: Formats = Formats::new(vec!["webm".parse()?, "mov".parse()?])?;
//! assert_eq!(formats.first().mime(), "video/webm");
//!
//! let error = "101".parse::<Tolerance>().unwrap_err();
//! assert_eq!(error.code(), "INVALID_TOLERANCE");
//!
//! assert_eq!(JobState::Queued.after(Move::Claim), Some(JobState::Submitted));
//! assert_eq!(JobState::Completed.after(Move::Requeue), None);
//! assert_eq!(Progress::within(Stage::Cutting, 0.0).stage(), Stage::Cutting);
//! # Ok::<(), clearcut_job::RequestError>(())
//! ```

mod accepted;
mod audio;
mod backdrop;
mod bounds;
mod clip_name;
mod clock;
mod code;
mod container;
mod crop;
mod cut_step;
mod day;
mod edge_color;
mod error_chain;
mod failure;
mod fault;
mod file_format;
mod format;
mod hex_color;
mod hint;
mod id;
mod image;
mod image_encoding;
mod image_failure;
mod image_info;
mod image_path;
mod interactive;
mod job_request;
mod lease;
mod max_bytes;
mod measured_images;
mod method;
mod not_video;
mod note;
mod object_name;
mod outcome;
mod packed_state;
mod persisted;
mod playback;
mod preset;
mod preset_request;
mod preview;
mod report;
mod request;
mod request_error;
mod signatures;
mod stage;
mod state;
mod still_format;
mod stored_object;
mod trim;
mod unpack_failure;
mod warning;

pub use accepted::{Accepted, NotAccepted};
pub use audio::AudioChoice;
pub use backdrop::{Backdrop, BackdropFile};
pub use bounds::{Bounds, Fit};
pub use clip_name::ClipName;
pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use code::ErrorCode;
pub use container::Container;
pub use crop::{Crop, CropRect};
pub use cut_step::CutStep;
pub use day::{ParseDayError, UtcDay};
pub use edge_color::EdgeColor;
pub use error_chain::{error_chain, error_line};
pub use failure::{Failure, FailureCode, ParseFailureCodeError};
pub use fault::{Fault, is_shortage};
pub use file_format::FileFormat;
pub use format::{Formats, OutputFormat};
pub use hint::{Hint, HintKind, Hints};
pub use id::{JobId, ParseJobIdError, ParseUploadIdError, UploadId};
pub use image::{
    CutImage, EncodedImage, ImageCutRequest, ImageEncoding, ImageFit, ImageFormat, ImageOutcome, ImageRequest,
    ImageTask,
};
pub use image_encoding::ParseImageEncodingError;
pub use image_failure::ImageFailure;
pub use image_info::{ImageColors, ImageInfo};
pub use image_path::{ImagePaths, sanitized_path};
pub use interactive::InteractiveFailure;
pub use job_request::{JobKind, JobRequest};
pub use lease::{FencingToken, WorkerId};
pub use max_bytes::MaxBytes;
pub use measured_images::{ImageResult, MeasuredCut, MeasuredImage, MeasuredImages};
pub use method::{CutMethod, MethodReason};
pub use not_video::NotVideo;
pub use note::{Note, NoteCode};
pub use object_name::{ObjectName, ParseObjectNameError};
pub use outcome::{Measured, MeasuredClip, Outcome, OutputPointer};
pub use packed_state::PackedState;
pub use persisted::PersistedRequestError;
pub use playback::{LoopChoice, Tempo};
pub use preset::{Canvas, LIMITS_AS_OF, Limits, Preset};
pub use preview::{PreviewFrame, PreviewRequest};
pub use report::{AlphaCheck, FrameBox, MatteReport, Place};
pub use request::{
    CutRequest, DeinterlaceChoice, FpsChoice, KeyColorChoice, LongestSide, MethodChoice, Quality, ShadowChoice, Speed,
    Tolerance,
};
pub use request_error::RequestError;
pub use stage::{ParseStageError, Progress, Stage};
pub use state::{JobState, Move, ParseJobStateError};
pub use still_format::{NotImage, StillFormat};
pub use stored_object::{ParseSha256Error, Sha256Hex, StoredObject};
pub use trim::Trim;
pub use unpack_failure::UnpackFailure;
pub use warning::Warning;
