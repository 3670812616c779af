//! Job vocabulary: what was asked for, typed and checked.
//!
//! The command line and the API parse their input into a [`CutRequest`] here, so that both know the same fields, the same
//! ranges and the same words for what is wrong. A value of these types is valid by existing.

mod fault;
mod format;
mod request;

pub use fault::Fault;
pub use format::{Formats, OutputFormat};
pub use request::{CutRequest, FpsChoice, KeyChoice, LongestSide, Quality, RequestError, Tolerance};
