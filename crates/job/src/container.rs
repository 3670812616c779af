//! Containers of video, detected from the first bytes of a file, and what is refused: still images,
//! playlists and manifests. What arrives at a server and what ffmpeg reads are judged alike.

/// A container of video, detected from the first bytes of a file and never from its name or media
/// type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MP4, MOV, M4V: ISO base media and `QuickTime`.
    Mov,
    /// `WebM` and Matroska.
    Matroska,
    /// AVI.
    Avi,
    /// GIF.
    Gif,
    /// Animated PNG.
    Apng,
    /// Animated WebP. Only some ffmpeg versions read it.
    Webp,
}

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
    /// The bytes match no supported container.
    #[error("the file is not a video in a known container")]
    UnknownContainer,
}

impl Container {
    /// Number of leading bytes that [`Self::sniff`] needs, or the whole file if it is shorter.
    pub const SNIFF_BYTES: usize = 4096;

    /// Detects the container of the file that starts with `head`.
    ///
    /// # Errors
    /// The reason why the file is no video. That it is one is only certain once it was read.
    pub fn sniff(head: &[u8]) -> Result<Self, NotVideo> {
        if head.is_empty() {
            return Err(NotVideo::Empty);
        }
        let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
        if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            return Ok(Self::Matroska);
        }
        if at(0, b"RIFF") && at(8, b"AVI ") {
            return Ok(Self::Avi);
        }
        if at(0, b"RIFF") && at(8, b"WEBP") {
            return if contains_chunk(head, *b"ANIM") { Ok(Self::Webp) } else { Err(NotVideo::StillImage) };
        }
        if at(0, b"GIF87a") || at(0, b"GIF89a") {
            return Ok(Self::Gif);
        }
        if at(0, b"\x89PNG\r\n\x1a\n") {
            return if contains_chunk(head, *b"acTL") { Ok(Self::Apng) } else { Err(NotVideo::StillImage) };
        }
        if at(0, &[0xFF, 0xD8, 0xFF]) {
            return Err(NotVideo::StillImage);
        }
        let atoms: [&[u8; 4]; 9] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp"];
        if atoms.iter().any(|atom| at(4, *atom)) {
            return Ok(Self::Mov);
        }
        reference_kind(head).map_or(Err(NotVideo::UnknownContainer), |kind| Err(NotVideo::PointsElsewhere { kind }))
    }

    /// The demuxer of ffmpeg that reads this container; no other is allowed.
    #[must_use]
    pub const fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::Gif => "gif",
            Self::Apng => "apng",
            Self::Webp => "webp_pipe",
        }
    }
}

fn contains_chunk(head: &[u8], chunk: [u8; 4]) -> bool {
    head.windows(4).any(|window| *window == chunk)
}

/// The kind of text file that references other files, for a more specific error than "unknown".
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_is_detected_from_its_first_bytes() {
        let cases: [(&[u8], Container); 8] = [
            (b"\0\0\0\x20ftypisom", Container::Mov),
            (b"\0\0\x10\0moov", Container::Mov),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Container::Mov),
            (b"\x1A\x45\xDF\xA3\x01", Container::Matroska),
            (b"RIFF\0\0\0\0AVI LIST", Container::Avi),
            (b"GIF89a\0", Container::Gif),
            (b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0ANIM", Container::Webp),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0acTL", Container::Apng),
        ];
        for (head, container) in cases {
            assert_eq!(Container::sniff(head), Ok(container));
        }
    }

    #[test]
    fn playlists_and_manifests_are_rejected_as_pointing_elsewhere() {
        for head in ["#EXTM3U\n", "\u{feff}#EXTM3U", "ffconcat version 1.0", "v=0\r\no=-", "<?xml version", " file 'a'"]
        {
            assert!(matches!(Container::sniff(head.as_bytes()), Err(NotVideo::PointsElsewhere { .. })), "{head}");
        }
    }

    #[test]
    fn empty_files_still_images_and_unknown_bytes_are_rejected() {
        assert_eq!(Container::sniff(b""), Err(NotVideo::Empty));
        assert_eq!(Container::sniff(b"x"), Err(NotVideo::UnknownContainer));
        for still in [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0"] {
            assert_eq!(Container::sniff(still), Err(NotVideo::StillImage));
        }
        assert_eq!(Container::sniff(b"PK\x03\x04"), Err(NotVideo::UnknownContainer));
    }
}
