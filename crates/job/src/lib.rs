//! Job vocabulary: what was asked for, typed and checked, and the life of a job as tables.
//!
//! The command line and the API parse their input into a [`CutRequest`] here, so that both know the same fields, the same
//! ranges and the same words for what is wrong. A value of these types is valid by existing.
//!
//! The life of a job is three tables: [`JobState`] with its legal [`Move`]s, [`Stage`] with its band of per cent, and
//! [`FailureCode`] with its wire word and [`Fault`]. Nothing in this crate does input or output.

mod clip_name;
mod clock;
mod day;
mod failure;
mod fault;
mod format;
mod hint;
mod id;
mod lease;
mod outcome;
mod persisted;
mod report;
mod request;
mod sniff;
mod stage;
mod state;

pub use clip_name::ClipName;
pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use day::{ParseDayError, UtcDay};
pub use failure::{Failure, FailureCode};
pub use fault::{Fault, is_shortage};
pub use format::{Formats, OutputFormat};
pub use hint::{Hint, HintKind, Hints};
pub use id::{JobId, ParseJobIdError, ParseUploadIdError, UploadId};
pub use lease::{FencingToken, WorkerId};
pub use outcome::{CutMethod, Measured, MethodReason, Outcome, OutputPointer, Sha256Hex};
pub use persisted::PersistedRequestError;
pub use report::{FrameBox, MatteReport, Place, Warning};
pub use request::{
    CutRequest, FpsChoice, KeyChoice, LongestSide, MethodChoice, Quality, RequestError, ShadowChoice, Speed, Tolerance,
};
pub use sniff::{SNIFF_BYTES, could_be_video};
pub use stage::{ParseStageError, Progress, Stage};
pub use state::{JobState, Move, ParseJobStateError};
