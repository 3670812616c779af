//! Errors of the animation encoders.

use std::io;

/// The reason an animation was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The writer failed, or a piece could not be read.
    #[error("the animation could not be written")]
    Write(#[from] io::Error),
    /// A piece that is joined is no file that this crate wrote, or is not whole.
    #[error("a piece of the animation is damaged")]
    Piece,
    /// libwebp rejected a rectangle of a frame.
    #[error("libwebp failed with error {code} on a frame of {width}×{height}")]
    Libwebp {
        /// The `WebPEncodingError`: for example 1 for out of memory, 5 for too large a frame.
        code: u32,
        /// Width of the encoded rectangle.
        width: u32,
        /// Height of the encoded rectangle.
        height: u32,
    },
    /// The file exceeds the size limit of its format: 4 GiB for WebP.
    #[error("the animation is larger than its format allows ({limit} bytes)")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
}
