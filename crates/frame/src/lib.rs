//! Pixel vocabulary: frames, color, geometry and frame rate.
//!
//! Pure values, no input or output. Everything downstream of the decoder uses frames in **8-bit,
//! limited-range Y'CbCr with straight alpha**, in the matrix of the source ([`Matrix`]), with
//! chroma at half or full resolution ([`Subsampling`]).

mod area;
mod color;
mod frame;
mod rate;
mod size;

pub use area::Area;
pub use color::{Matrix, ParseColorError, Rgb8, Ycc8};
pub use frame::{Frame, FrameFormat, Subsampling};
pub use rate::{FrameRate, ParseFrameRateError};
pub use size::Size;
