//! Quick check of a file's first bytes, which rejects uploads that are plainly not video.

/// Number of leading bytes that [`could_be_video`] needs, or the whole file if it is shorter.
pub const SNIFF_BYTES: usize = 4096;

/// Whether the first bytes `head` of a file are those of a video container.
///
/// Rejects uploads that are plainly something else: text, a still image, a playlist, an archive.
/// The name and the MIME type of an upload are not trusted. A sandboxed process examines the
/// accepted files closely before they are cut.
#[must_use]
pub fn could_be_video(head: &[u8]) -> bool {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let contains_chunk = |chunk: &[u8; 4]| head.windows(4).any(|window| window == chunk);
    let matroska = at(0, &[0x1A, 0x45, 0xDF, 0xA3]);
    let avi = at(0, b"RIFF") && at(8, b"AVI ");
    let animated_webp = at(0, b"RIFF") && at(8, b"WEBP") && contains_chunk(b"ANIM");
    let gif = at(0, b"GIF87a") || at(0, b"GIF89a");
    let animated_png = at(0, b"\x89PNG\r\n\x1a\n") && contains_chunk(b"acTL");
    let atoms: [&[u8; 4]; 9] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp"];
    let quicktime = atoms.iter().any(|atom| at(4, *atom));
    matroska || avi || animated_webp || gif || animated_png || quicktime
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn video_containers_are_accepted() {
        let heads: [&[u8]; 5] = [
            b"\0\0\0\x20ftypisom",
            b"\x1a\x45\xdf\xa3\x01",
            b"RIFF\0\0\0\0AVI LIST",
            b"GIF89a\x01\0",
            b"\0\0\0\x08wide\0\0\0\0mdat",
        ];
        assert!(heads.iter().all(|head| could_be_video(head)));
    }

    #[test]
    fn files_that_are_not_video_are_rejected() {
        let heads: [&[u8]; 7] = [
            b"",
            b"\0",
            b"#EXTM3U\n#EXT-X-VERSION:3\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
            b"PK\x03\x04\x14\0\0\0",
            b"RIFF\0\0\0\0WEBPVP8 ",
        ];
        assert!(heads.iter().all(|head| !could_be_video(head)));
    }
}
