//! How far every pixel of a picture is from the backdrop, in one byte.

use clearcut_frame::Picture;

use crate::{
    light::{Light, NEUTRAL},
    specks,
};

/// A distance at which a pixel stops being plain backdrop, in the bytes of [`Likeness::off`], at balanced tolerance.
pub(crate) const LIMIT: u8 = 32;

/// For how many rows the expected levels are held: light changes by a fraction of a level over them.
const HELD_ROWS: usize = 4;

/// How unlike the backdrop each pixel of one picture is, and the backdrop itself as it was expected there.
#[derive(Debug)]
pub(crate) struct Likeness {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Distance from the backdrop per luma pixel, the larger of luma's and chroma's, in 1/[`LIMIT`] of what the
    /// backdrop's noise explains; 255 and more saturate.
    pub(crate) off: Vec<u8>,
    gain: f32,
}

impl Likeness {
    /// Compares `picture` with `light` at the brightness of this picture.
    pub(crate) fn measured(picture: &Picture, light: &Light) -> Self {
        let (width, height) = (picture.size().width() as usize, picture.size().height() as usize);
        let gain = light.gain_in(picture);
        let shift = picture.format().subsampling.shift();
        let (chroma_width, chroma_height) = picture.format().chroma_size();
        let [luma_scale, chroma_scale] = light.noise.map(scale_of);
        let mut off = vec![0; width * height];
        let chroma_format = (chroma_width, chroma_height);
        let mut luma = Expected::new(0, light, gain, (width, height));
        let mut chroma = [1, 2].map(|k| Expected::new(k, light, gain, chroma_format));
        let mut chroma_off = vec![0_u8; chroma_width];
        for (y, row) in off.chunks_exact_mut(width).enumerate() {
            if y & ((1 << shift) - 1) == 0 {
                let at = (y >> shift) * chroma_width..((y >> shift) + 1) * chroma_width;
                chroma_off.fill(0);
                raise(&mut chroma_off, &picture.cb()[at.clone()], chroma[0].row(y >> shift), chroma_scale);
                raise(&mut chroma_off, &picture.cr()[at], chroma[1].row(y >> shift), chroma_scale);
            }
            spread(&chroma_off, shift, row);
            raise(row, &picture.y()[y * width..(y + 1) * width], luma.row(y), luma_scale);
        }
        Self { width, height, off, gain }
    }

    /// The same with coding's specks taken for backdrop.
    pub(crate) fn without_specks(mut self) -> Self {
        specks::take_for_backdrop(&mut self.off, self.width);
        self
    }

    /// The backdrop's Y', Cb, Cr expected at a pixel of this picture.
    pub(crate) fn backdrop_at(&self, light: &Light, x: usize, y: usize) -> [f32; 3] {
        let (across, down) = ((x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32);
        let usual = light.field.at(across, down);
        [0, 1, 2].map(|k| NEUTRAL[k] as f32 + (usual[k] - NEUTRAL[k] as f32) * self.gain)
    }
}

/// Eighths of [`LIMIT`] per level of difference: five deviations and two levels of rounding make one limit.
fn scale_of(sigma: f32) -> i16 {
    (8.0 * f32::from(LIMIT) / (2.0 + 5.0 * sigma)).round().clamp(1.0, 128.0) as i16
}

/// The expected rows of one plane, one after the other.
struct Expected<'a> {
    light: &'a Light,
    neutral: f32,
    gain: f32,
    rows: usize,
    /// The field's node lines, drawn out to the plane's width.
    lines: Vec<Vec<f32>>,
    levels: Vec<u8>,
}

impl<'a> Expected<'a> {
    fn new(k: usize, light: &'a Light, gain: f32, (width, rows): (usize, usize)) -> Self {
        let (neutral, lines) = (NEUTRAL[k] as f32, light.field.lines(k, width));
        Self { light, neutral, gain, rows, lines, levels: vec![0; width] }
    }

    /// The levels of `row`, to be asked for row by row: they are made anew every [`HELD_ROWS`] rows.
    fn row(&mut self, row: usize) -> &[u8] {
        if row.is_multiple_of(HELD_ROWS) {
            let (line, below) = self.light.field.lines_around((row + HELD_ROWS / 2).min(self.rows - 1), self.rows);
            let (neutral, gain) = (self.neutral, self.gain);
            for ((level, upper), lower) in self.levels.iter_mut().zip(&self.lines[line]).zip(&self.lines[line + 1]) {
                let usual = upper + (lower - upper) * below;
                *level = (neutral + (usual - neutral) * gain + 0.5) as u8;
            }
        }
        &self.levels
    }
}

/// Raises each byte of `off` to the scaled distance between `values` and `expected`.
fn raise(off: &mut [u8], values: &[u8], expected: &[u8], scale: i16) {
    for ((off, value), expected) in off.iter_mut().zip(values).zip(expected) {
        let distance = (i16::from(value.abs_diff(*expected)) * scale) >> 3;
        *off = (*off).max(distance.min(255) as u8);
    }
}

/// Copies one row at chroma's resolution to luma's.
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
