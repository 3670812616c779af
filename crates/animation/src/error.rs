use std::io;

/// Why an animation was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The writer failed.
    #[error("the animation could not be written")]
    Write(#[from] io::Error),
    /// libwebp refused a frame.
    #[error("libwebp failed with error {code} on a frame of {width}×{height}")]
    Libwebp {
        /// `WebPEncodingError`; 1 is out of memory, 5 a frame that is too large.
        code: u32,
        /// Of the rectangle that was encoded.
        width: u32,
        /// Of the rectangle that was encoded.
        height: u32,
    },
    /// The file would be larger than its format can say: 4 GiB in WebP.
    #[error("the animation is larger than {limit} bytes, which its format cannot say")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
}
