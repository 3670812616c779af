//! Formats of still images, detected from the first bytes of a file, and what is refused by name.
//! What arrives at a server and what is decoded are judged alike.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Container, NotVideo, not_video,
    signatures::{self, Known},
};

/// A format of still images that is read, detected from the first bytes of a file and never from its
/// name or media type. Of an animation, the first frame is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StillFormat {
    /// JPEG: baseline and progressive; gray, color and CMYK.
    Jpeg,
    /// PNG, also animated.
    Png,
    /// WebP, also animated.
    Webp,
    /// GIF, also animated.
    Gif,
    /// AVIF: AV1 in HEIF. Read by ffmpeg.
    Avif,
    /// HEIC: HEVC in HEIF. Read by an ffmpeg that can.
    Heic,
}

/// Why the first bytes of a file are not those of a still image that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotImage {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is a video.
    #[error("the file is a video, not a still image")]
    Video,
    /// The file is of a known kind that is not read.
    #[error("the file is {kind}, which is not read")]
    OtherKind {
        /// The kind of file with its article, such as `a PDF document`.
        kind: &'static str,
    },
    /// The file is a ZIP archive, which may hold images.
    #[error("the file is a ZIP archive, not one image")]
    Archive,
    /// The file names other files.
    #[error("the file is a {kind}, not a still image")]
    PointsElsewhere {
        /// The kind of file, such as `m3u8 playlist`.
        kind: &'static str,
    },
    /// The bytes match no known format.
    #[error("the file is not an image in a known format")]
    Unknown,
}

impl NotImage {
    /// A sentence that says what to give instead.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Empty => "Check that the file was downloaded or copied whole.",
            Self::Video => "Cut it as a clip: a video has commands and routes of its own.",
            Self::Archive => "Unpack it first; a job of images takes it as it is.",
            Self::OtherKind { .. } | Self::PointsElsewhere { .. } | Self::Unknown => {
                "Give a JPEG, PNG, WebP, GIF, AVIF or HEIC image."
            }
        }
    }
}

impl StillFormat {
    /// Number of leading bytes that [`Self::sniff`] needs, or the whole file if it is shorter.
    pub const SNIFF_BYTES: usize = Container::SNIFF_BYTES;

    /// The formats that are read, for messages.
    pub const ALLOWED: &str = "JPEG, PNG, WebP, GIF, AVIF or HEIC";

    /// Detects the format of the image that starts with `head`.
    ///
    /// # Errors
    /// The reason why the file is no image that is read. That it is one is only certain once it was
    /// decoded.
    pub fn sniff(head: &[u8]) -> Result<Self, NotImage> {
        if head.is_empty() {
            return Err(NotImage::Empty);
        }
        let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
        if at(0, b"\xFF\xD8\xFF") {
            return Ok(Self::Jpeg);
        }
        if at(0, b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if at(0, b"RIFF") && at(8, b"WEBP") {
            return Ok(Self::Webp);
        }
        if at(0, b"GIF87a") || at(0, b"GIF89a") {
            return Ok(Self::Gif);
        }
        if not_video::is_still_heif(head) {
            return heif(head);
        }
        if let Some(kind) = markup(head) {
            return Err(NotImage::OtherKind { kind });
        }
        if at(4, CANON_RAW) {
            return Err(kind("a camera RAW file"));
        }
        match Container::sniff(head) {
            Ok(Container::Zip) => Err(NotImage::Archive),
            Ok(_) => Err(NotImage::Video),
            Err(NotVideo::PointsElsewhere { kind }) => Err(NotImage::PointsElsewhere { kind }),
            Err(_) => Err(signatures::find(head).map_or(NotImage::Unknown, Known::not_image)),
        }
    }

    /// The format's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }
}

impl fmt::Display for StillFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
        })
    }
}

const fn kind(kind: &'static str) -> NotImage {
    NotImage::OtherKind { kind }
}

/// How the RAW files of Canon begin, which are ISO base media, as clips are.
const CANON_RAW: &[u8] = b"ftypcrx ";

/// A text that describes a picture or a page.
fn markup(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return Some("a web page");
    }
    let is_xml = ["<?xml", "<!--", "<!doctype svg", "<svg"].iter().any(|start| text.starts_with(start));
    (is_xml && text.contains("<svg")).then_some("an SVG drawing")
}

/// The format of an image in HEIF, by its brands.
fn heif(head: &[u8]) -> Result<StillFormat, NotImage> {
    let length = head.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
    let mut brands = head.get(8..length.min(head.len())).unwrap_or_default().chunks_exact(4);
    let has = |names: &[&[u8; 4]], brand: &[u8]| names.iter().any(|name| brand == *name);
    let is_avif = brands.clone().any(|brand| has(&[b"avif"], brand));
    match (is_avif, brands.any(|brand| has(&[b"heic", b"heix", b"heim", b"heis"], brand))) {
        (true, _) => Ok(StillFormat::Avif),
        (false, true) => Ok(StillFormat::Heic),
        (false, false) => Err(kind("a HEIF image in another codec than AV1 and HEVC")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_detected_from_its_first_bytes() {
        let cases: [(&[u8], StillFormat); 9] = [
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", StillFormat::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", StillFormat::Png),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0acTL", StillFormat::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", StillFormat::Webp),
            (b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x12\0\0\0", StillFormat::Webp),
            (b"GIF89a\0", StillFormat::Gif),
            (b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf", StillFormat::Avif),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", StillFormat::Heic),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", StillFormat::Heic),
        ];
        for (head, format) in cases {
            assert_eq!(StillFormat::sniff(head), Ok(format), "{head:?}");
        }
    }

    #[test]
    fn files_that_are_not_read_are_refused_by_name() {
        for (head, named) in [
            (&b"<svg xmlns='http://www.w3.org/2000/svg'>"[..], "an SVG drawing"),
            (b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- a --><svg>", "an SVG drawing"),
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"%PDF-1.7", "a PDF document"),
            (b"II*\0\x10\0\0\0CR\x02\0", "(CR2)"),
            (b"II*\0\x08\0\0\0", "a TIFF image or a camera RAW"),
            (b"MM\0*\0\0\0\x08", "a TIFF image or a camera RAW"),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01", "a camera RAW"),
            (b"BM\x36\x10", "a BMP"),
            (b"8BPS\0\x01", "a Photoshop document"),
            (b"\xFF\x0A\xFA", "JPEG XL"),
            (b"\0\0\0\x0CJXL \r\n", "JPEG XL"),
            (b"\0\0\x01\0\x01\0", "an icon"),
            (b"ID3\x04", "a sound file"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "a HEIF image"),
        ] {
            let Err(NotImage::OtherKind { kind }) = StillFormat::sniff(head) else { panic!("{named} is not refused") };
            assert!(kind.contains(named), "{kind}");
        }
    }

    #[test]
    fn videos_empty_files_and_unknown_bytes_are_told_apart() {
        assert_eq!(StillFormat::sniff(b""), Err(NotImage::Empty));
        assert_eq!(StillFormat::sniff(b"x"), Err(NotImage::Unknown));
        let archive = b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x07\0\0\0frames/";
        assert_eq!(StillFormat::sniff(archive), Err(NotImage::Archive));
        for video in [&b"\0\0\0\x20ftypisom"[..], b"\x1A\x45\xDF\xA3\x01", b"\0\0\0\x1Cftypavis\0\0\0\0avifavismsf1"] {
            assert_eq!(StillFormat::sniff(video), Err(NotImage::Video));
        }
    }
}
