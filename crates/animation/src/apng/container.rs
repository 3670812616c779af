//! The writer for the chunks of animated PNG, following the W3C's "Portable Network Graphics (PNG)
//! Specification (Third Edition)", §11.

use std::io::{Seek, SeekFrom, Write};

use clearcut_frame::Size;

use crate::{Error, rect::Rect};

/// The fields of an `fcTL` chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PatchHeader {
    pub(super) rect: Rect,
    /// Duration in milliseconds.
    pub(super) duration_ms: u16,
    pub(super) is_cleared_after: bool,
}

/// The file under construction.
#[derive(Debug)]
pub(super) struct Container<W> {
    out: W,
    bytes: u64,
    patches: u32,
    plays: u32,
    /// Sequence number of the next `fcTL` or `fdAT` chunk.
    sequence: u32,
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Offset of the `acTL` chunk: after the signature and the 25 bytes of `IHDR`.
const CONTROL_AT: u64 = 8 + 25;
/// `APNG_DISPOSE_OP_NONE` and `APNG_DISPOSE_OP_BACKGROUND`.
const DISPOSE: [u8; 2] = [0, 1];
/// `APNG_BLEND_OP_SOURCE`: a patch replaces the pixels under it, including alpha.
const BLEND: u8 = 0;

impl<W: Write + Seek> Container<W> {
    /// Writes the chunks before the first patch of a file that plays `plays` times, 0 for forever.
    /// [`Self::finish`] fills in the number of patches.
    pub(super) fn begin(out: W, canvas: Size, plays: u32) -> Result<Self, Error> {
        let mut container = Self { out, bytes: 0, patches: 0, plays, sequence: 0 };
        container.put(SIGNATURE)?;
        let mut header = Vec::from(canvas.width().to_be_bytes());
        header.extend(canvas.height().to_be_bytes());
        // 8 bits, R'G'B' with alpha, deflate, the five filters, not interlaced.
        header.extend([8, 6, 0, 0, 0]);
        container.chunk(*b"IHDR", &[&header])?;
        container.control()?;
        // sRGB colors, perceptual intent.
        container.chunk(*b"sRGB", &[&[0]])?;
        Ok(container)
    }

    /// Writes a patch. The first patch must cover the canvas. `image` is a zlib stream of filtered
    /// rows.
    pub(super) fn write_patch(&mut self, header: &PatchHeader, image: &[u8]) -> Result<(), Error> {
        let rect = header.rect;
        let mut control = Vec::with_capacity(22);
        for side in [rect.width(), rect.height(), rect.left, rect.top] {
            control.extend((side as u32).to_be_bytes());
        }
        control.extend(header.duration_ms.to_be_bytes());
        control.extend(1000_u16.to_be_bytes());
        control.extend([DISPOSE[usize::from(header.is_cleared_after)], BLEND]);
        self.begin_patch(&control)?;
        self.write_image(image)
    }

    /// Writes the `fcTL` chunk of the next patch: a sequence number and `control`.
    pub(super) fn begin_patch(&mut self, control: &[u8]) -> Result<(), Error> {
        let number = self.next_sequence_number().to_be_bytes();
        self.patches += 1;
        self.chunk(*b"fcTL", &[&number, control])
    }

    /// Writes image data of the patch that was begun.
    pub(super) fn write_image(&mut self, image: &[u8]) -> Result<(), Error> {
        if self.patches == 1 {
            return self.chunk(*b"IDAT", &[image]);
        }
        let number = self.next_sequence_number().to_be_bytes();
        self.chunk(*b"fdAT", &[&number, image])
    }

    /// Ends the file, fills in the number of patches, and returns the length in bytes.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        self.chunk(*b"IEND", &[])?;
        let bytes = self.bytes;
        self.out.seek(SeekFrom::Start(CONTROL_AT))?;
        self.control()?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(bytes)
    }

    /// Writes the `acTL` chunk: the numbers of patches and of plays.
    fn control(&mut self) -> Result<(), Error> {
        self.chunk(*b"acTL", &[&self.patches.to_be_bytes(), &self.plays.to_be_bytes()])
    }

    const fn next_sequence_number(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence - 1
    }

    fn chunk(&mut self, name: [u8; 4], parts: &[&[u8]]) -> Result<(), Error> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        // PNG lengths are 31 bits.
        let limit = (1 << 31) - 1;
        let length = u32::try_from(length).ok().filter(|&length| u64::from(length) <= limit);
        let length = length.ok_or(Error::TooLong { limit })?;
        let mut checksum = crc32fast::Hasher::new();
        self.put(&length.to_be_bytes())?;
        for part in [&name[..]].iter().chain(parts) {
            checksum.update(part);
            self.put(part)?;
        }
        self.put(&checksum.finalize().to_be_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
