//! Frames and their planes: the raw image format that decoder, matte and encoders share.

use crate::{Matrix, Size};

/// Chroma resolution relative to luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subsampling {
    /// 4:2:0: one chroma sample for every 2×2 luma samples, rounded up on odd sides. Used by
    /// cameras and the web.
    Half,
    /// 4:4:4: one chroma sample for every luma sample. Used for RGB sources (GIF, PNG, ProRes
    /// 4444).
    Full,
}

impl Subsampling {
    /// Number of bits by which a luma coordinate is shifted right to get its chroma coordinate: 1
    /// or 0.
    #[must_use]
    pub const fn shift(self) -> u32 {
        match self {
            Self::Half => 1,
            Self::Full => 0,
        }
    }
}

/// The properties that all frames of a clip share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameFormat {
    /// Size of the luma and alpha planes.
    pub size: Size,
    /// Resolution of the chroma planes.
    pub subsampling: Subsampling,
    /// Whether an alpha plane (0 clear – 255 solid, full range) follows the chroma planes.
    pub has_alpha: bool,
    /// Matrix of the Y'CbCr values.
    pub matrix: Matrix,
}

impl FrameFormat {
    /// Width and height of each chroma plane in samples.
    #[must_use]
    pub const fn chroma_size(self) -> (usize, usize) {
        let step = 1 << self.subsampling.shift();
        (self.size.width().div_ceil(step) as usize, self.size.height().div_ceil(step) as usize)
    }

    /// Number of samples in the luma plane, and in the alpha plane if there is one.
    #[must_use]
    pub const fn luma_len(self) -> usize {
        self.size.pixels() as usize
    }

    /// Number of samples in each of the two chroma planes.
    #[must_use]
    pub const fn chroma_len(self) -> usize {
        let (width, height) = self.chroma_size();
        width * height
    }

    /// Number of bytes in one frame.
    #[must_use]
    pub const fn byte_len(self) -> usize {
        let alpha = if self.has_alpha { self.luma_len() } else { 0 };
        self.luma_len() + 2 * self.chroma_len() + alpha
    }

    /// The same format with an alpha plane.
    #[must_use]
    pub const fn with_alpha(self) -> Self {
        Self { has_alpha: true, ..self }
    }

    /// The same format without an alpha plane.
    #[must_use]
    pub const fn without_alpha(self) -> Self {
        Self { has_alpha: false, ..self }
    }
}

/// One frame: 8-bit limited-range planes Y', Cb, Cr and optional alpha in one buffer, without row
/// padding.
///
/// The layout is exactly ffmpeg's raw `yuv420p`, `yuva420p`, `yuv444p` or `yuva444p`, so a frame
/// can be read from and written to a pipe without a copy. Color is straight (not premultiplied).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    format: FrameFormat,
    bytes: Vec<u8>,
}

impl Frame {
    /// A black frame, fully transparent if the format has alpha.
    #[must_use]
    pub fn new(format: FrameFormat) -> Self {
        let mut bytes = vec![0; format.byte_len()];
        let (luma, chroma) = (format.luma_len(), 2 * format.chroma_len());
        bytes[..luma].fill(16);
        bytes[luma..luma + chroma].fill(128);
        Self { format, bytes }
    }

    /// A frame from its planes in order; `None` unless `bytes` holds exactly
    /// [`FrameFormat::byte_len`] bytes.
    #[must_use]
    pub fn from_bytes(format: FrameFormat, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == format.byte_len()).then_some(Self { format, bytes })
    }

    /// The format of the frame.
    #[must_use]
    pub const fn format(&self) -> FrameFormat {
        self.format
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.format.size
    }

    /// All planes in order, as they are written to a pipe.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All planes in order, writable, for reading a frame from a pipe in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The buffer of the frame, for reuse.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Luma, row by row.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        &self.bytes[..self.format.luma_len()]
    }

    /// Blue-difference chroma, row by row, [`FrameFormat::chroma_size`].
    #[must_use]
    pub fn cb(&self) -> &[u8] {
        let start = self.format.luma_len();
        &self.bytes[start..start + self.format.chroma_len()]
    }

    /// Red-difference chroma, row by row, [`FrameFormat::chroma_size`].
    #[must_use]
    pub fn cr(&self) -> &[u8] {
        let start = self.format.luma_len() + self.format.chroma_len();
        &self.bytes[start..start + self.format.chroma_len()]
    }

    /// Alpha (0 clear – 255 solid), row by row; `None` if the frame has none.
    #[must_use]
    pub fn alpha(&self) -> Option<&[u8]> {
        self.format.has_alpha.then(|| &self.bytes[self.format.luma_len() + 2 * self.format.chroma_len()..])
    }

    /// The planes Y', Cb, Cr and alpha (empty if the frame has none), all writable at once.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 4] {
        let (y, rest) = self.bytes.split_at_mut(self.format.luma_len());
        let (cb, rest) = rest.split_at_mut(self.format.chroma_len());
        let (cr, alpha) = rest.split_at_mut(self.format.chroma_len());
        [y, cb, cr, alpha]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, subsampling: Subsampling, has_alpha: bool) -> FrameFormat {
        FrameFormat { size: Size::new(width, height).unwrap(), subsampling, has_alpha, matrix: Matrix::Bt709 }
    }

    #[test]
    fn odd_sides_round_chroma_up_as_ffmpeg_does() {
        let odd = format(5, 3, Subsampling::Half, true);
        assert_eq!(odd.chroma_size(), (3, 2));
        assert_eq!(odd.byte_len(), 15 + 2 * 6 + 15);
        assert_eq!(format(5, 3, Subsampling::Full, false).byte_len(), 45);
    }

    #[test]
    fn planes_do_not_overlap_and_cover_the_buffer() {
        let mut frame = Frame::new(format(5, 3, Subsampling::Half, true));
        for (value, plane) in (1..).zip(frame.planes_mut()) {
            plane.fill(value);
        }
        assert!(frame.y().iter().all(|&v| v == 1));
        assert!(frame.cb().iter().all(|&v| v == 2));
        assert!(frame.cr().iter().all(|&v| v == 3));
        assert!(frame.alpha().unwrap().iter().all(|&v| v == 4));
        assert!(frame.bytes().iter().all(|&v| v != 0));
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_rejected() {
        let small = format(4, 4, Subsampling::Half, false);
        assert!(Frame::from_bytes(small, vec![0; 24]).is_some());
        assert!(Frame::from_bytes(small, vec![0; 25]).is_none());
    }
}
