//! The header of a ProRes frame: SMPTE RDD 36:2015, 5.1.1 and 6.1.1.

use clearcut_frame::Size;

use super::boxes::{u16_at, u32_at};

/// Bytes of a frame up to the size of its picture: length and identifier of the frame, its header
/// with both quantization matrices, and the start of the picture's header.
pub(super) const HEADER_BYTES: usize = 8 + 20 + 128 + 5;
/// Offset of the frame header, after length and identifier of the frame.
const HEADER_AT: usize = 8;
/// Length of the header without quantization matrices.
const SHORTEST: usize = 20;

// Offsets in the header.
const VERSION: usize = 2;
const CHROMA_AND_INTERLACING: usize = 12;
const ALPHA: usize = 17;

/// `chroma_format` of 4:4:4.
const CHROMA_444: u8 = 3;
/// `alpha_channel_type` of 16 bits.
const ALPHA_16_BITS: u8 = 2;

/// What the frames of an output must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) size: Size,
    /// Primaries, transfer and matrix.
    pub(super) code_points: [u8; 3],
}

/// The first bytes of a frame, whose lengths agree.
#[derive(Debug)]
pub(super) struct FrameHeader<'a> {
    frame: &'a [u8; HEADER_BYTES],
}

impl<'a> FrameHeader<'a> {
    /// The header of a sample of `sample_len` bytes that starts with `frame`.
    ///
    /// # Errors
    /// What is wrong with its identifier and lengths.
    pub(super) fn parse(frame: &'a [u8; HEADER_BYTES], sample_len: u32) -> Result<Self, String> {
        if &frame[4..8] != b"icpf" {
            return Err("it is no ProRes frame".to_owned());
        }
        let number = |at| u32_at(frame, at).map_or(0, u64::from);
        if number(0) != u64::from(sample_len) {
            return Err(format!("its length is {} instead of {sample_len} bytes", number(0)));
        }
        let header = Self { frame };
        let matrices = header.fields()[19] & 0b11;
        let header_len = SHORTEST + 64 * matrices.count_ones() as usize;
        let stated = header.u16(0);
        if usize::from(stated) != header_len {
            return Err(format!("its header has {stated} instead of {header_len} bytes"));
        }
        // The picture: the length of its header in bits, in units of 8, and its size in bytes.
        let picture_at = HEADER_AT + header_len;
        if picture_at as u64 + number(picture_at + 1) > u64::from(sample_len) {
            return Err("its picture is longer than the frame".to_owned());
        }
        Ok(header)
    }

    fn fields(&self) -> &[u8] {
        &self.frame[HEADER_AT..]
    }

    fn u16(&self, at: usize) -> u16 {
        u16_at(self.fields(), at).unwrap_or(0)
    }

    fn chroma_format(&self) -> u8 {
        self.fields()[CHROMA_AND_INTERLACING] >> 6
    }

    fn alpha_channel_type(&self) -> u8 {
        self.fields()[ALPHA] & 0x0F
    }

    /// The version that the content needs: 0 is only for 4:2:2 without alpha.
    fn needed_version(&self) -> u8 {
        u8::from(self.chroma_format() == CHROMA_444 || self.alpha_channel_type() != 0)
    }

    /// The frame's first bytes with the version that its content needs, and zero in the reserved
    /// bits beside the type of its alpha; `None` if they are so already. ffmpeg up to 6.1 writes
    /// version 0 and 4 there, and decoders on Apple Silicon then ignore the alpha.
    pub(super) fn mended(&self) -> Option<[u8; HEADER_AT + SHORTEST]> {
        let mut start = *self.frame.first_chunk()?;
        start[HEADER_AT + VERSION..][..2].copy_from_slice(&u16::from(self.needed_version()).to_be_bytes());
        start[HEADER_AT + ALPHA] = self.alpha_channel_type();
        (start[..] != self.frame[..start.len()]).then_some(start)
    }

    /// Compares the header with RDD 36 and with `expected`.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn check(&self, expected: &Expected) -> Result<(), String> {
        let fields = self.fields();
        let (width, height) = (u32::from(self.u16(8)), u32::from(self.u16(10)));
        let size = (expected.size.width(), expected.size.height());
        let reserved = [
            fields[VERSION],
            fields[CHROMA_AND_INTERLACING] & 0b0011_0011,
            fields[ALPHA] & 0xF0,
            fields[18],
            fields[19] & 0b1111_1100,
        ];
        let code_points = &fields[14..17];
        let version = fields[VERSION + 1];
        let checks = [
            (version == self.needed_version(), format!("its version is {version}")),
            (reserved == [0; 5], format!("its reserved bits are {reserved:x?}")),
            ((width, height) == size, format!("its size is {width}×{height}")),
            (self.chroma_format() == CHROMA_444, "its chroma is not 4:4:4".to_owned()),
            (fields[CHROMA_AND_INTERLACING] & 0b1100 == 0, "it is interlaced".to_owned()),
            (self.alpha_channel_type() == ALPHA_16_BITS, "its alpha has not 16 bits".to_owned()),
            (code_points == expected.code_points, format!("its color is {code_points:?}")),
        ];
        checks.into_iter().find(|(is_right, _)| !is_right).map_or(Ok(()), |(_, finding)| Err(finding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u32 = 1000;

    /// The start of a frame as `prores_ks` of ffmpeg 7 writes it: 720×360, BT.709, both matrices.
    fn frame() -> [u8; HEADER_BYTES] {
        let mut frame = [4; HEADER_BYTES];
        let header = b"\0\0\x03\xE8icpf\0\x94\0\x01apl0\x02\xD0\x01\x68\xC0\0\x01\x01\x01\x02\0\x03";
        frame[..header.len()].copy_from_slice(header);
        let picture = [0x40, 0, 0, 0x03, 0x4C]; // 844 bytes: all that follows.
        frame[HEADER_BYTES - picture.len()..].copy_from_slice(&picture);
        frame
    }

    /// The same as ffmpeg up to 6.1 writes it.
    fn old_frame() -> [u8; HEADER_BYTES] {
        let mut frame = frame();
        frame[HEADER_AT + 3] = 0;
        frame[HEADER_AT + 17] = 0x42;
        frame
    }

    fn check(frame: &[u8; HEADER_BYTES]) -> Result<(), String> {
        let expected = Expected { size: Size::new(720, 360).unwrap(), code_points: [1, 1, 1] };
        FrameHeader::parse(frame, LEN)?.check(&expected)
    }

    #[test]
    fn an_old_header_is_mended_and_a_right_one_is_left_alone() {
        assert_eq!(check(&frame()), Ok(()));
        assert_eq!(FrameHeader::parse(&frame(), LEN).unwrap().mended(), None);
        let mut mended = old_frame();
        assert!(check(&mended).is_err());
        let start = FrameHeader::parse(&old_frame(), LEN).unwrap().mended().unwrap();
        mended[..start.len()].copy_from_slice(&start);
        assert_eq!(mended, frame());
    }

    #[test]
    fn version_zero_is_kept_for_what_it_is_for() {
        let mut frame = frame();
        frame[HEADER_AT + 3] = 0;
        frame[HEADER_AT + 12] = 2 << 6;
        frame[HEADER_AT + 17] = 0;
        assert_eq!(FrameHeader::parse(&frame, LEN).unwrap().mended(), None);
        frame[HEADER_AT + 17] = 1;
        assert_eq!(FrameHeader::parse(&frame, LEN).unwrap().mended().unwrap()[HEADER_AT + 3], 1);
    }

    #[test]
    fn every_wrong_field_is_found() {
        let changes = [
            (0, 1, "length"),
            (4, b'x', "no ProRes"),
            (9, 0x54, "header has"),
            (10, 1, "reserved"),
            (11, 0, "version"),
            (11, 2, "version"),
            (17, 0xD1, "size"),
            (19, 0x69, "size"),
            (20, 0x80, "4:4:4"),
            (20, 0xC4, "interlaced"),
            (20, 0xC1, "reserved"),
            (22, 9, "color"),
            (23, 6, "color"),
            (24, 0, "color"),
            (25, 0x42, "reserved"),
            (25, 0x01, "16 bits"),
            (25, 0x00, "16 bits"),
            (26, 1, "reserved"),
            (27, 0x07, "reserved"),
            (27, 0x01, "header has"),
            (HEADER_BYTES - 1, 0x4D, "picture"),
        ];
        for (at, value, finding) in changes {
            let mut frame = frame();
            frame[at] = value;
            let found = check(&frame).expect_err(&format!("byte {at} as {value}"));
            assert!(found.contains(finding), "byte {at}: {found}");
        }
    }
}
