//! Reasons to reject a still image.

use clearcut_frame::Size;
use clearcut_job::{ImageEncoding, NotImage, StillFormat};

/// A reason to reject a still image.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The first bytes are those of no image that is read.
    #[error(transparent)]
    NotImage(#[from] NotImage),
    /// The format is known, but the image cannot be read.
    #[error("the image is damaged or cut off")]
    Damaged,
    /// The image is in a variant of its format that is not read.
    #[error("the image is a {format} of a kind that is not read")]
    Unsupported {
        /// The format.
        format: StillFormat,
    },
    /// This ffmpeg cannot read the format.
    #[error("the image is a {format}, which this ffmpeg cannot read")]
    ReaderMissing {
        /// The format.
        format: StillFormat,
    },
    /// A part of the image would be left out.
    #[error("the {format} has {part}, which is not read")]
    UnreadPart {
        /// The format.
        format: StillFormat,
        /// The part, such as `transparency`.
        part: &'static str,
    },
    /// The image has too many pixels, in all or on a side.
    #[error("the image has more than {limit} million pixels, or more than 65535 on a side")]
    TooManyPixels {
        /// The limit in millions.
        limit: u64,
    },
    /// A scaled image would be larger than the limit.
    #[error("an image of {size} scaled as asked is larger than {max_side} pixels a side or {} million pixels", ImageEncoding::MAX_PIXELS / 1_000_000)]
    ResultTooLarge {
        /// Size of the image before it is scaled.
        size: Size,
        /// Longest side of the asked format.
        max_side: u32,
    },
    /// The file has too many bytes.
    #[error("the file is larger than {} MiB", .max_bytes >> 20)]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The ZIP archive of images cannot be read.
    #[error("the ZIP archive {finding}")]
    Archive {
        /// What is wrong with it.
        finding: &'static str,
    },
    /// Reading the image takes more memory than the limit.
    #[error("reading the image takes more memory than the limit for one image")]
    TooMuchMemory,
    /// Reading the image takes more processor time than the limit.
    #[error("reading the image takes longer than the limit for one image")]
    TooMuchWork,
}

impl ImageError {
    /// A sentence that suggests a remedy.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotImage(reason) => reason.hint(),
            Self::Damaged => "Download or export the image again; it should open in a browser.",
            Self::Unsupported { .. } | Self::UnreadPart { .. } => "Save it as a plain JPEG or PNG first.",
            Self::ReaderMissing { .. } => {
                "Convert it to JPEG or PNG first, or install a newer ffmpeg (HEIC needs 7.0 or newer)."
            }
            Self::TooManyPixels { .. } | Self::TooLarge { .. } | Self::TooMuchMemory | Self::TooMuchWork => {
                "Make a smaller copy first."
            }
            Self::Archive { .. } => "Pack up to 500 images, 16 GiB in all, without a password.",
            Self::ResultTooLarge { .. } => "Ask for a smaller width and height.",
        }
    }
}
