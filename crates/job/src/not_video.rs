//! Files that are no clip, by name: users then know what to do about them.

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

/// Signatures of files that are refused, with their offset and what the file is.
const SIGNATURES: [(usize, &[u8], NotVideo); 34] = [
    (0, b"\xFF\xD8\xFF", NotVideo::StillImage),
    (0, b"II*\0", NotVideo::StillImage),
    (0, b"MM\0*", NotVideo::StillImage),
    (0, b"\x76\x2F\x31\x01", NotVideo::StillImage),
    (0, b"SDPX", NotVideo::StillImage),
    (0, b"XPDS", NotVideo::StillImage),
    (0, b"8BPS", NotVideo::StillImage),
    (0, b"\xFF\x0A", NotVideo::StillImage),
    (0, b"\0\0\0\x0CJXL ", NotVideo::StillImage),
    (0, b"<svg", NotVideo::StillImage),
    (0, b"ID3", SOUND),
    (0, b"fLaC", SOUND),
    (0, b"#!AMR", SOUND),
    (0, b"caff\0", SOUND),
    (8, b"WAVE", SOUND),
    (8, b"AIFF", SOUND),
    (0, b"\xFF\xFB", SOUND),
    (0, b"\xFF\xF3", SOUND),
    (0, b"\xFF\xF1", SOUND),
    (0, b".RMF\0", kind("RealMedia")),
    (0, b"FWS", kind("a Flash animation (SWF)")),
    (0, b"CWS", kind("a Flash animation (SWF)")),
    (0, b"\xB7\xD8\x00\x20\x37\x49\xDA\x11", kind("a Windows TV recording (WTV)")),
    (4, b"RED1", kind("camera raw (R3D)")),
    (4, b"RED2", kind("camera raw (R3D)")),
    (0, b"PK\x03\x04", kind("a ZIP archive that does not begin with an image")),
    (0, b"PK\x05\x06", kind("an empty ZIP archive")),
    (0, b"7z\xBC\xAF\x27\x1C", kind("a 7z archive")),
    (0, b"Rar!\x1A\x07", kind("a RAR archive")),
    (0, b"\x1F\x8B\x08", kind("a gzip archive")),
    (0, b"%PDF-", kind("a PDF document")),
    (0, b"\0\0\0\x01", BARE_STREAM),
    (0, b"\0\0\x01\x67", BARE_STREAM),
    (0, b"\0\0\x01\xB3", BARE_STREAM),
];

const SOUND: NotVideo = kind("a sound file");
const BARE_STREAM: NotVideo = kind("a video stream without a container");

const fn kind(kind: &'static str) -> NotVideo {
    NotVideo::OtherKind { kind }
}

/// The reason why a file that starts with `head` and is no supported container is refused, if its
/// kind is known.
pub(crate) fn refusal(head: &[u8]) -> Option<NotVideo> {
    let is_at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let known = SIGNATURES.into_iter().find(|(offset, magic, _)| is_at(*offset, magic)).map(|(_, _, refusal)| refusal);
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
