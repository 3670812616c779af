//! Pixel vocabulary: frames, color, geometry and frame rate.
//!
//! Pure values, no input or output. Everything downstream of the decoder uses frames in **8-bit,
//! limited-range Y'CbCr with straight alpha**, in the matrix of the source ([`Matrix`]), with
//! chroma at half or full resolution ([`Subsampling`]).
//!
//! ```
//! use clearcut_frame::{Frame, FrameFormat, Matrix, Rgb8, Size, Subsampling};
//!
//! let size = Size::new(5, 3).expect("both sides are at least 1");
//! let (subsampling, matrix) = (Subsampling::Half, Matrix::Bt709);
//! let format = FrameFormat { size, subsampling, has_alpha: true, matrix };
//! assert_eq!(format.chroma_size(), (3, 2), "half of an odd side is rounded up");
//!
//! // Fill a frame with a solid color.
//! let green: Rgb8 = "#00b140".parse()?;
//! let color = format.matrix.ycc8(green);
//! let mut frame = Frame::new(format);
//! for (plane, level) in frame.planes_mut().into_iter().zip([color.y, color.cb, color.cr, 255]) {
//!     plane.fill(level);
//! }
//! assert_eq!(frame.bytes().len(), 15 + 6 + 6 + 15, "Y', Cb, Cr and alpha, as ffmpeg's yuva420p");
//!
//! let back = format.matrix.rgb8(color);
//! assert!(back.g.abs_diff(green.g) <= 1, "levels are rounded: {back}");
//! # Ok::<(), clearcut_frame::ParseColorError>(())
//! ```

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
