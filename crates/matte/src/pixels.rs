//! The pixels of a frame at luma resolution, with interpolated chroma.

use clearcut_frame::Frame;

use crate::{outline::place, siting::Siting};

/// The color planes of a frame.
#[derive(Clone, Copy)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: usize,
    pub(crate) luma: &'a [u8],
    pub(crate) blue: &'a [u8],
    pub(crate) red: &'a [u8],
    /// Width and height of the chroma planes.
    pub(crate) chroma_size: (usize, usize),
    /// 1 if chroma has half the resolution of luma, else 0.
    pub(crate) chroma_shift: u32,
    siting: Siting,
}

impl<'a> Pixels<'a> {
    pub(crate) fn new(frame: &'a Frame, siting: Siting) -> Self {
        Self {
            width: frame.size().width() as usize,
            luma: frame.y(),
            blue: frame.cb(),
            red: frame.cr(),
            chroma_size: frame.format().chroma_size(),
            chroma_shift: frame.format().subsampling.shift(),
            siting,
        }
    }

    /// Y', Cb, Cr at a luma index. Half-resolution chroma is interpolated:
    /// horizontally by its [`Siting`], vertically as lying halfway between two rows.
    pub(crate) fn at(&self, index: usize) -> [f32; 3] {
        let (x, y) = place(index, self.width);
        let luma = f32::from(self.luma[index]);
        let (width, height) = self.chroma_size;
        if self.chroma_shift == 0 {
            return [luma, f32::from(self.blue[index]), f32::from(self.red[index])];
        }
        // Of two samples halfway between pixels, the nearer one weighs three quarters. A sample on
        // the pixel's own column has the full weight.
        let halfway = |at: usize, end: usize| {
            (at / 2, if at.is_multiple_of(2) { (at / 2).saturating_sub(1) } else { (at / 2 + 1).min(end - 1) }, 3)
        };
        let (row, next_row, _) = halfway(y, height);
        let (column, next_column, near) = match self.siting {
            Siting::Centre => halfway(x, width),
            Siting::Left => (x / 2, x.div_ceil(2).min(width - 1), 2),
        };
        let far = 4 - near;
        let weights = [
            (row, column, 3 * near),
            (row, next_column, 3 * far),
            (next_row, column, near),
            (next_row, next_column, far),
        ];
        let mix = |plane: &[u8]| {
            let sum: u16 =
                weights.iter().map(|&(row, column, weight)| weight * u16::from(plane[row * width + column])).sum();
            f32::from(sum) / 16.0
        };
        [luma, mix(self.blue), mix(self.red)]
    }
}

/// Copies one row at chroma resolution to luma resolution.
pub(crate) fn spread(chroma: &[u8], shift: u32, row: &mut [u8]) {
    if shift == 0 {
        row.copy_from_slice(chroma);
    } else {
        let (pairs, rest) = row.as_chunks_mut::<2>();
        for (pair, value) in pairs.iter_mut().zip(chroma) {
            *pair = [*value; 2];
        }
        if let (Some(last), Some(value)) = (rest.first_mut(), chroma.last()) {
            *last = *value;
        }
    }
}
