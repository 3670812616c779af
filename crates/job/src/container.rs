//! Containers of video, detected from the first bytes of a file, and what is refused by name: still
//! images, sound, archives, playlists and manifests. What arrives at a server and what ffmpeg reads
//! are judged alike.

mod streams;

use crate::{NotVideo, not_video};

/// A container of video, detected from the first bytes of a file and never from its name or media
/// type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MP4, MOV, M4V, 3GP, animated AVIF: ISO base media and `QuickTime`.
    Mov,
    /// `WebM` and Matroska.
    Matroska,
    /// AVI.
    Avi,
    /// GIF.
    Gif,
    /// Animated PNG.
    Apng,
    /// Animated WebP. It is unpacked before ffmpeg reads it.
    Webp,
    /// MPEG transport stream: TS, M2TS, MTS.
    MpegTs,
    /// MPEG program stream: MPG, VOB.
    MpegPs,
    /// Flash video.
    Flv,
    /// ASF: WMV.
    Asf,
    /// MXF.
    Mxf,
    /// Ogg: OGV.
    Ogg,
    /// IVF.
    Ivf,
    /// DV without another container.
    Dv,
    /// YUV4MPEG2: raw frames.
    Y4m,
    /// A ZIP archive of images. It is unpacked before ffmpeg reads it.
    Zip,
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
            // The second bit of the flags of an extended file says that it is animated.
            let is_animated = at(12, b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0);
            return if is_animated { Ok(Self::Webp) } else { Err(NotVideo::StillImage) };
        }
        if at(0, b"GIF87a") || at(0, b"GIF89a") {
            return Ok(Self::Gif);
        }
        if at(0, b"\x89PNG\r\n\x1a\n") {
            return if contains_chunk(head, *b"acTL") { Ok(Self::Apng) } else { Err(NotVideo::StillImage) };
        }
        let atoms: [&[u8; 4]; 9] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp"];
        if atoms.iter().any(|atom| at(4, *atom)) {
            return if not_video::is_still_heif(head) { Err(NotVideo::StillImage) } else { Ok(Self::Mov) };
        }
        let signatures: [(&[u8], Self); 6] = [
            (b"FLV\x01", Self::Flv),
            (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", Self::Asf),
            (b"\x06\x0E\x2B\x34\x02\x05\x01\x01\x0D\x01\x02\x01\x01\x02", Self::Mxf),
            (b"OggS\0", Self::Ogg),
            (b"DKIF\0\0", Self::Ivf),
            (b"YUV4MPEG2 ", Self::Y4m),
        ];
        if let Some((_, container)) = signatures.into_iter().find(|(magic, _)| at(0, magic)) {
            return Ok(container);
        }
        if streams::is_program(head) {
            return Ok(Self::MpegPs);
        }
        if streams::is_dv(head) {
            return Ok(Self::Dv);
        }
        if streams::is_image_archive(head) {
            return Ok(Self::Zip);
        }
        // Last of all, because a transport stream may begin within a packet.
        match not_video::refusal(head) {
            None if streams::is_transport(head) => Ok(Self::MpegTs),
            refusal => Err(refusal.unwrap_or(NotVideo::UnknownContainer)),
        }
    }

    /// Whether the file that starts with `head` is a ZIP archive, whatever it holds.
    #[must_use]
    pub fn is_archive(head: &[u8]) -> bool {
        head.starts_with(b"PK\x03\x04")
    }

    /// Whether the file that starts with `head` is a ZIP archive, and not the document or program that
    /// some are.
    #[must_use]
    pub fn may_hold_images(head: &[u8]) -> bool {
        streams::first_archived_name(head).is_some()
    }

    /// Whether ffmpeg seeks to the codec keyframe before a time. In the other containers it lands at
    /// any packet.
    #[must_use]
    pub const fn seeks_to_keyframes(self) -> bool {
        !matches!(self, Self::MpegTs | Self::MpegPs | Self::Flv | Self::Ogg)
    }

    /// Whether the clip must be unpacked to another container before ffmpeg can read it. ffmpeg
    /// reads animated WebP only from version 8 on; one way serves all versions.
    #[must_use]
    pub const fn is_packed(self) -> bool {
        matches!(self, Self::Webp | Self::Zip)
    }

    /// The demuxer of ffmpeg that reads this container; no other is allowed. A name for people if the
    /// container is packed.
    #[must_use]
    pub const fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::Gif => "gif",
            Self::Apng => "apng",
            Self::Webp => "webp",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpeg",
            Self::Flv => "flv",
            Self::Asf => "asf",
            Self::Mxf => "mxf",
            Self::Ogg => "ogg",
            Self::Ivf => "ivf",
            Self::Dv => "dv",
            Self::Y4m => "yuv4mpegpipe",
            Self::Zip => "zip",
        }
    }
}

fn contains_chunk(head: &[u8], chunk: [u8; 4]) -> bool {
    head.windows(4).any(|window| *window == chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_is_detected_from_its_first_bytes() {
        let packets = |size: usize, lead: usize| -> Vec<u8> {
            let packet = [vec![0; lead], b"\x47\x40\x11\x10".to_vec(), vec![0xFF; size - lead - 4]].concat();
            packet.repeat(30)
        };
        let (plain, timed, cut_off) = (packets(188, 0), packets(192, 4), packets(188, 0).split_off(70));
        let dv = [b"\x1F\x07\x00\x3F".to_vec(), vec![0xFF; 76], b"\x3F\x07\x00".to_vec()].concat();
        let cases: [(&[u8], Container); 25] = [
            (b"\0\0\0\x20ftypisom", Container::Mov),
            (b"\0\0\x10\0moov", Container::Mov),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Container::Mov),
            (b"\x1A\x45\xDF\xA3\x01", Container::Matroska),
            (b"RIFF\0\0\0\0AVI LIST", Container::Avi),
            (b"GIF89a\0", Container::Gif),
            (b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x12\0\0\0", Container::Webp),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0acTL", Container::Apng),
            (b"\0\0\0\x20ftyp3gp5", Container::Mov),
            (b"\0\0\0\x1Cftypavis\0\0\0\0avifavismsf1", Container::Mov),
            (b"\0\0\0\x18ftypmif1\0\0\0\0msf1hevc", Container::Mov),
            (&plain, Container::MpegTs),
            (&timed, Container::MpegTs),
            (&cut_off, Container::MpegTs),
            (b"\0\0\x01\xBA\x44\0\x04\0\x04\x01", Container::MpegPs),
            (b"\0\0\x01\xBA\x21\0\x01\0\x01", Container::MpegPs),
            (b"FLV\x01\x05\0\0\0\x09", Container::Flv),
            (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", Container::Asf),
            (b"\x06\x0E\x2B\x34\x02\x05\x01\x01\x0D\x01\x02\x01\x01\x02\x04", Container::Mxf),
            (b"OggS\0\x02", Container::Ogg),
            (b"DKIF\0\0\x20\0VP80", Container::Ivf),
            (b"YUV4MPEG2 W4 H4", Container::Y4m),
            (b"PK\x03\x04\x14\0\0\0\x08\0aaaabbbbcccccccc\x06\0\0\0f1.PNG", Container::Zip),
            (b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x07\0\0\0frames/", Container::Zip),
            (b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x09\0\0\0Thumbs.db", Container::Zip),
        ];
        for (head, container) in cases {
            assert_eq!(Container::sniff(head), Ok(container));
        }
        assert_eq!(Container::sniff(&dv), Ok(Container::Dv));
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
        for still in [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..],
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x10",
            b"\xff\xd8\xff\xe0",
        ] {
            assert_eq!(Container::sniff(still), Err(NotVideo::StillImage));
        }
        for still in [&b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf"[..], b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"] {
            assert_eq!(Container::sniff(still), Err(NotVideo::StillImage));
        }
    }

    #[test]
    fn known_files_that_are_not_read_are_refused_by_name() {
        for (head, named) in [
            (&b"PK\x03\x04"[..], "a ZIP archive that does not begin with an image"),
            (b"PK\x03\x04\x14\0\0\0\x08\0aaaabbbbcccccccc\x05\0\0\0a.xml", "a ZIP archive"),
            (b"RIFF\0\0\0\0WAVEfmt ", "a sound file"),
            (b"ID3\x04", "a sound file"),
            (b".RMF\0\0", "RealMedia"),
            (b"\0\0\0\x01\x67\x64", "a video stream without a container"),
            (b"\0\0\x01\xB3\x14", "a video stream without a container"),
        ] {
            let Err(NotVideo::OtherKind { kind }) = Container::sniff(head) else { panic!("{named} is not refused") };
            assert!(kind.contains(named), "{kind}");
        }
    }

    #[test]
    fn text_and_noise_are_no_transport_stream() {
        let mut random = 1_u32;
        let noise = std::iter::repeat_with(|| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        });
        let mut few = vec![0; 752];
        few.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
        for head in [vec![b'G'; 4096], vec![0x47; 4096], noise.take(4096).collect(), few] {
            assert_eq!(Container::sniff(&head), Err(NotVideo::UnknownContainer));
        }
    }
}
