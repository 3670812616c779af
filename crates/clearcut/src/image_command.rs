//! The arguments of `clearcut image`, by which the program starts itself in the sandbox.

use clap::Subcommand;
use clearcut_job::ImageEncoding;

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// What the image is
    Inspect {
        /// Width × height, at most
        max_pixels: u64,
    },
    /// The pixels
    Pixels {
        /// Width × height, at most
        max_pixels: u64,
    },
    /// The size, by the headers
    Size {
        /// Width × height, at most
        max_pixels: u64,
    },
    /// One file for each encoding
    Encode {
        /// Width × height, at most
        max_pixels: u64,
        /// Each as WIDTH:HEIGHT:FIT:FORMAT:QUALITY
        encodings: Vec<ImageEncoding>,
    },
}
