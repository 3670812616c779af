//! One frame compared with its background: the color seen at a pixel, and the background color
//! expected there.

use clearcut_frame::Frame;

use crate::{
    light::Light,
    likeness::{Likeness, spread},
    outline::place,
    siting::Siting,
};

/// The frame, the light of its background, and the comparison of both.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) width: usize,
    pub(crate) light: &'a Light,
    likeness: &'a Likeness,
    luma: &'a [u8],
    blue: &'a [u8],
    red: &'a [u8],
    chroma_size: (usize, usize),
    shift: u32,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(frame: &'a Frame, likeness: &'a Likeness, light: &'a Light) -> Self {
        Self {
            width: likeness.width,
            light,
            likeness,
            luma: frame.y(),
            blue: frame.cb(),
            red: frame.cr(),
            chroma_size: frame.format().chroma_size(),
            shift: frame.format().subsampling.shift(),
        }
    }

    /// See [`Likeness::contrast_gain`].
    pub(crate) fn contrast_gain(&self) -> f32 {
        self.likeness.contrast_gain()
    }

    /// The seen color, Y', Cb, Cr, at a luma index. Half-resolution chroma is interpolated:
    /// horizontally by its [`Siting`], vertically as lying halfway between two rows.
    pub(crate) fn seen(&self, index: usize) -> [f32; 3] {
        let (x, y) = place(index, self.width);
        let luma = f32::from(self.luma[index]);
        let (width, height) = self.chroma_size;
        if self.shift == 0 {
            return [luma, f32::from(self.blue[index]), f32::from(self.red[index])];
        }
        // Of two samples halfway between pixels, the nearer one weighs three quarters. A sample on
        // the pixel's own column has the full weight.
        let halfway = |at: usize, end: usize| {
            (at / 2, if at.is_multiple_of(2) { (at / 2).saturating_sub(1) } else { (at / 2 + 1).min(end - 1) }, 3)
        };
        let (row, next_row, _) = halfway(y, height);
        let (column, next_column, near) = match self.light.siting {
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

    /// See [`Likeness::contrast`].
    pub(crate) fn contrast(&self) -> &'a [u8] {
        &self.likeness.contrast
    }

    /// The expected background color, Y', Cb, Cr, at a luma index.
    pub(crate) fn background(&self, index: usize) -> [f32; 3] {
        let (x, y) = place(index, self.width);
        self.likeness.background_at(self.light, x, y)
    }

    /// The hue share of every pixel, one luma row at a time, in 1/128ths: 0..=255, saturated. It is
    /// approximate: relative to the background's color at the frame's centre, and interpolated
    /// chroma may have up to 1/16 less.
    pub(crate) fn hue_rows(&self) -> impl Iterator<Item = Vec<u8>> {
        let centre = self.light.field.at(0.5, 0.5);
        let (blue, red) = (centre[1] - 128.0, centre[2] - 128.0);
        let scale = 128.0 * 256.0 / (blue * blue + red * red).max(1.0);
        let (blue, red) = ((blue * scale) as i32, (red * scale) as i32);
        let height = self.luma.len() / self.width;
        let mut row = vec![0; self.width];
        let mut last = usize::MAX;
        (0..height).map(move |y| {
            let chroma = y >> self.shift;
            if chroma != last {
                last = chroma;
                let at = chroma * self.chroma_size.0..(chroma + 1) * self.chroma_size.0;
                let shares: Vec<u8> = self.blue[at.clone()]
                    .iter()
                    .zip(&self.red[at])
                    .map(|(&cb, &cr)| {
                        let share = (i32::from(cb) - 128) * blue + (i32::from(cr) - 128) * red;
                        ((share >> 8) + 8).clamp(0, 255) as u8
                    })
                    .collect();
                spread(&shares, self.shift, &mut row);
            }
            row.clone()
        })
    }
}
