//! The writer for the RIFF container of animated WebP, following the "WebP Container Specification"
//! (<https://developers.google.com/speed/webp/docs/riff_container>) and RFC 9649 §2.

use std::io::{Seek, SeekFrom, Write};

use clearcut_frame::Size;

use crate::{Error, rect::Rect};

/// The fields of an `ANMF` chunk in front of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PatchHeader {
    /// Position and size; left and top are even.
    pub(super) rect: Rect,
    /// Duration in milliseconds, below 2²⁴.
    pub(super) duration_ms: u32,
    pub(super) is_cleared_after: bool,
}

/// The file under construction.
#[derive(Debug)]
pub(super) struct Container<W> {
    out: W,
    bytes: u64,
}

/// Largest file in bytes. The RIFF size field has 32 bits, is even, and excludes its own header of
/// 8 bytes.
const MAX_BYTES: u64 = (1 << 32) - 2 + 8;
/// Length of the fields in front of the image of an `ANMF` chunk.
pub(super) const PATCH_HEADER_BYTES: usize = 16;
const HAS_ALPHA: u8 = 0x10;
const HAS_ANIMATION: u8 = 0x02;
const DISPOSE_TO_BACKGROUND: u8 = 0x01;
const DO_NOT_BLEND: u8 = 0x02;

impl<W: Write + Seek> Container<W> {
    /// Writes the chunks before the first patch. [`Self::finish`] fills in the file size.
    pub(super) fn begin(out: W, canvas: Size) -> Result<Self, Error> {
        let mut container = Self { out, bytes: 0 };
        container.put(b"RIFF\0\0\0\0WEBP")?;
        let mut features = vec![HAS_ALPHA | HAS_ANIMATION, 0, 0, 0];
        features.extend(three_bytes(canvas.width() - 1));
        features.extend(three_bytes(canvas.height() - 1));
        container.chunk(*b"VP8X", &[&features])?;
        // Transparent background, endless looping.
        container.chunk(*b"ANIM", &[&[0; 6]])?;
        Ok(container)
    }

    /// Writes a patch. `image` holds its complete, padded chunks: `ALPH` and `VP8 `, or one of `VP8
    /// ` and `VP8L`.
    pub(super) fn write_patch(&mut self, header: &PatchHeader, image: &[u8]) -> Result<(), Error> {
        let rect = header.rect;
        let mut fields = Vec::with_capacity(16);
        for field in [rect.left / 2, rect.top / 2, rect.width() - 1, rect.height() - 1] {
            fields.extend(three_bytes(field as u32));
        }
        fields.extend(three_bytes(header.duration_ms));
        // The patch replaces the pixels under it, including alpha.
        fields.push(DO_NOT_BLEND | if header.is_cleared_after { DISPOSE_TO_BACKGROUND } else { 0 });
        self.chunk(*b"ANMF", &[&fields, image])
    }

    /// Writes a patch of another file: both parts of its `ANMF` chunk.
    pub(super) fn copy_patch(&mut self, header: &[u8], image: &[u8]) -> Result<(), Error> {
        self.chunk(*b"ANMF", &[header, image])
    }

    /// Fills in the file size in the header and returns the length in bytes.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        self.out.seek(SeekFrom::Start(4))?;
        self.out.write_all(&((self.bytes - 8) as u32).to_le_bytes())?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.bytes)
    }

    fn chunk(&mut self, name: [u8; 4], parts: &[&[u8]]) -> Result<(), Error> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.bytes + length as u64 + 9 > MAX_BYTES {
            return Err(Error::TooLong { limit: MAX_BYTES });
        }
        self.put(&name)?;
        self.put(&(length as u32).to_le_bytes())?;
        for part in parts {
            self.put(part)?;
        }
        self.put(&[0][..length % 2])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn three_bytes(value: u32) -> impl Iterator<Item = u8> {
    value.to_le_bytes().into_iter().take(3)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn every_field_is_at_the_offset_of_the_specification() {
        let mut file = Cursor::new(Vec::new());
        let mut container = Container::begin(&mut file, Size::new(300, 2).unwrap()).unwrap();
        let rect = Rect::new(258, 0, 300, 2).unwrap();
        let header = PatchHeader { rect, duration_ms: 0x0001_0203, is_cleared_after: true };
        container.write_patch(&header, b"VP8 \x03\0\0\0abc\0").unwrap();
        assert_eq!(container.finish().unwrap(), 12 + 18 + 14 + 8 + 16 + 12);
        let mut expected = b"RIFF\x48\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\x2b\x01\0\x01\0\0".to_vec();
        expected.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0ANMF\x1c\0\0\0\x81\0\0\0\0\0\x29\0\0\x01\0\0\x03\x02\x01\x03");
        expected.extend(b"VP8 \x03\0\0\0abc\0");
        assert_eq!(file.into_inner(), expected);
    }
}
