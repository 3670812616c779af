//! Files that are no clip, by name: users then know what to do about them.

use crate::signatures::{self, Known};

/// Why the first bytes of a file are not those of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotVideo {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is a still image.
    #[error("the file is a still image")]
    StillImage,
    /// The file is a playlist, script or manifest that references other files.
    #[error("the file is a {kind}, which points at other files instead of holding video")]
    PointsElsewhere {
        /// The kind of file, such as `m3u8 playlist`.
        kind: &'static str,
    },
    /// The file is of a known kind that is not read.
    #[error("the file is {kind}, which is not read")]
    OtherKind {
        /// The kind of file with its article, such as `a ZIP archive`.
        kind: &'static str,
    },
    /// The bytes match no supported container.
    #[error("the file is not a video in a known container")]
    UnknownContainer,
    /// Where an image would do as well, the bytes match none either.
    #[error("the file is neither an image nor a video in a known format")]
    NorImage,
}

impl NotVideo {
    /// The same reason where an image would do as well.
    #[must_use]
    pub const fn or_image(self) -> Self {
        match self {
            Self::UnknownContainer => Self::NorImage,
            other => other,
        }
    }
}

/// Brands of image files in ISO base media: HEIC and AVIF (ISO/IEC 23008-12, AV1 Image File Format).
const STILL_BRANDS: [&[u8; 4]; 7] = [b"mif1", b"mif2", b"heic", b"heix", b"heim", b"heis", b"avif"];

/// Brands of image sequences.
const SEQUENCE_BRANDS: [&[u8; 4]; 5] = [b"msf1", b"hevc", b"hevx", b"avis", b"msf2"];

/// Whether `head` starts an image file in ISO base media that holds no sequence of images.
pub(crate) fn is_still_heif(head: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = head.get(..4).filter(|_| head.get(4..8) == Some(b"ftyp")) else { return false };
    let end = (u32::from_be_bytes([a, b, c, d]) as usize).min(head.len());
    // The main brand, and behind its version the compatible ones.
    let brands = head.get(8..end).unwrap_or_default().chunks_exact(4);
    let major_is_still = brands.clone().next().is_some_and(|brand| STILL_BRANDS.iter().any(|still| brand == *still));
    major_is_still && !brands.into_iter().any(|brand| SEQUENCE_BRANDS.iter().any(|sequence| brand == *sequence))
}

/// The reason why a file that starts with `head` and is no supported container is refused, if its
/// kind is known.
pub(crate) fn refusal(head: &[u8]) -> Option<NotVideo> {
    let known = signatures::find(head).map(Known::not_video);
    known.or_else(|| reference_kind(head).map(|kind| NotVideo::PointsElsewhere { kind }))
}

/// The kind of text file that references other files.
fn reference_kind(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let kinds = [
        ("#EXTM3U", "m3u8 playlist"),
        ("ffconcat", "concat script"),
        ("v=0", "session description (SDP)"),
        ("<?xml", "manifest or XML document"),
        ("<MPD", "DASH manifest"),
        ("[playlist]", "playlist"),
        ("file '", "concat script"),
    ];
    kinds.into_iter().find(|(start, _)| text.starts_with(start)).map(|(_, kind)| kind)
}
