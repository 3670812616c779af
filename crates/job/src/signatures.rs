//! Signatures of files that are read neither as a clip nor as an image, and what each file is:
//! users then know what to do about it. One table answers for clips and for images.

use crate::{NotImage, NotVideo};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A still image. For clips it counts as one whether images of its kind are read or not.
    Still(&'static str),
    /// Something else.
    Other(&'static str),
}

impl Known {
    /// Why it is no clip.
    pub(crate) const fn not_video(self) -> NotVideo {
        match self {
            Self::Still(_) => NotVideo::StillImage,
            Self::Other(kind) => NotVideo::OtherKind { kind },
        }
    }

    /// Why it is no image that is read.
    pub(crate) const fn not_image(self) -> NotImage {
        match self {
            Self::Still(kind) | Self::Other(kind) => NotImage::OtherKind { kind },
        }
    }
}

/// What a file that starts with `head` is, if its signature is known. Formats that are read come
/// first; some of these signatures are short.
pub(crate) fn find(head: &[u8]) -> Option<Known> {
    let is_at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    SIGNATURES.iter().find(|(offset, magic, _)| is_at(*offset, magic)).map(|(.., known)| *known)
}

const RAW: Known = Known::Still("a camera RAW file");
const TIFF: Known = Known::Still("a TIFF image or a camera RAW file (DNG, NEF, ARW)");
const DPX: Known = Known::Still("a DPX image");
const JPEG_XL: Known = Known::Still("a JPEG XL image");
const JPEG_2000: Known = Known::Still("a JPEG 2000 image");
const SOUND: Known = Known::Other("a sound file");
const FLASH: Known = Known::Other("a Flash animation (SWF)");
const R3D: Known = Known::Other("camera raw (R3D)");
const BARE_STREAM: Known = Known::Other("a video stream without a container");

/// The signatures with their offsets. The first that fits counts.
const SIGNATURES: &[(usize, &[u8], Known)] = &[
    (0, b"\xFF\xD8\xFF", Known::Still("a JPEG image")),
    (8, b"CR\x02\0", Known::Still("a camera RAW file (CR2)")),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIU\0", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0", TIFF),
    (0, b"MM\0+", TIFF),
    (0, b"BM", Known::Still("a BMP image")),
    (0, b"8BPS", Known::Still("a Photoshop document (PSD)")),
    (0, b"\xFF\x0A", JPEG_XL),
    (0, b"\0\0\0\x0CJXL ", JPEG_XL),
    (0, b"\0\0\0\x0CjP  ", JPEG_2000),
    (0, b"\xFF\x4F\xFF\x51", JPEG_2000),
    (0, b"\0\0\x01\0", Known::Still("an icon (ICO)")),
    (0, b"\x76\x2F\x31\x01", Known::Still("an OpenEXR image")),
    (0, b"SDPX", DPX),
    (0, b"XPDS", DPX),
    (0, b"#?RADIANCE", Known::Still("a Radiance HDR image")),
    (0, b"<svg", Known::Still("an SVG drawing")),
    (0, b"%!PS", Known::Other("a PostScript file")),
    (0, b"%PDF-", Known::Other("a PDF document")),
    (0, b"ID3", SOUND),
    (0, b"fLaC", SOUND),
    (0, b"#!AMR", SOUND),
    (0, b"caff\0", SOUND),
    (8, b"WAVE", SOUND),
    (8, b"AIFF", SOUND),
    (0, b"\xFF\xFB", SOUND),
    (0, b"\xFF\xF3", SOUND),
    (0, b"\xFF\xF1", SOUND),
    (0, b".RMF\0", Known::Other("RealMedia")),
    (0, b"FWS", FLASH),
    (0, b"CWS", FLASH),
    (0, b"\xB7\xD8\x00\x20\x37\x49\xDA\x11", Known::Other("a Windows TV recording (WTV)")),
    (4, b"RED1", R3D),
    (4, b"RED2", R3D),
    (0, b"PK\x03\x04", Known::Other("a ZIP archive that does not begin with an image")),
    (0, b"PK\x05\x06", Known::Other("an empty ZIP archive")),
    (0, b"7z\xBC\xAF\x27\x1C", Known::Other("a 7z archive")),
    (0, b"Rar!\x1A\x07", Known::Other("a RAR archive")),
    (0, b"\x1F\x8B\x08", Known::Other("a gzip archive")),
    (0, b"\0\0\0\x01", BARE_STREAM),
    (0, b"\0\0\x01\x67", BARE_STREAM),
    (0, b"\0\0\x01\xB3", BARE_STREAM),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Container, StillFormat};

    #[test]
    fn every_signature_has_an_answer_for_clips_and_one_for_images() {
        for (offset, magic, known) in SIGNATURES {
            let mut head = vec![b'.'; 64];
            head[*offset..*offset + magic.len()].copy_from_slice(magic);
            let video = Container::sniff(&head);
            assert_eq!(video, Err(known.not_video()), "{known:?}");
            let image = StillFormat::sniff(&head);
            assert!(image == Err(known.not_image()) || image == Ok(StillFormat::Jpeg), "{known:?}: {image:?}");
        }
    }
}
