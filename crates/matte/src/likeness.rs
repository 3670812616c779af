//! How far every pixel of a picture is from the backdrop, in one byte.

use clearcut_frame::Picture;

use crate::backdrop::{Light, NEUTRAL};

/// A distance at which a pixel stops being plain backdrop, in the bytes of [`Likeness::off`], at balanced tolerance.
pub(crate) const LIMIT: u8 = 32;

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
        let lines = [(0, width), (1, chroma_width), (2, chroma_width)].map(|(k, width)| light.field.lines(k, width));
        let mut expected = vec![0; width.max(chroma_width)];
        let mut chroma_off = vec![0_u8; chroma_width];
        let mut chroma_row = usize::MAX;
        for (y, row) in off.chunks_exact_mut(width).enumerate() {
            if y >> shift != chroma_row {
                chroma_row = y >> shift;
                let (line, below) = light.field.lines_around(chroma_row, chroma_height);
                let at = chroma_row * chroma_width;
                chroma_off.fill(0);
                for (k, plane) in [(1, picture.cb()), (2, picture.cr())] {
                    expect_row(NEUTRAL[k] as f32, &lines[k][line..], below, gain, &mut expected[..chroma_width]);
                    raise(&mut chroma_off, &plane[at..at + chroma_width], &expected, chroma_scale);
                }
            }
            spread(&chroma_off, shift, row);
            let (line, below) = light.field.lines_around(y, height);
            expect_row(NEUTRAL[0] as f32, &lines[0][line..], below, gain, &mut expected[..width]);
            raise(row, &picture.y()[y * width..(y + 1) * width], &expected, luma_scale);
        }
        Self { width, height, off, gain }
    }

    /// The backdrop's Y', Cb, Cr expected at a pixel of this picture.
    pub(crate) fn backdrop_at(&self, light: &Light, x: usize, y: usize) -> [f32; 3] {
        let (across, down) = ((x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32);
        let usual = light.field.at(across, down);
        [0, 1, 2].map(|k| NEUTRAL[k] as f32 + (usual[k] - NEUTRAL[k] as f32) * self.gain)
    }
}

/// Eighths of [`LIMIT`] per level of difference: five deviations and two levels of rounding make one limit.
fn scale_of(sigma: f32) -> u16 {
    (8.0 * f32::from(LIMIT) / (2.0 + 5.0 * sigma)).round().clamp(1.0, 255.0) as u16
}

/// The expected values of one row between two node lines at this picture's brightness, rounded to levels.
fn expect_row(neutral: f32, lines: &[Vec<f32>], below: f32, gain: f32, out: &mut [u8]) {
    for ((value, upper), lower) in out.iter_mut().zip(&lines[0]).zip(&lines[1]) {
        let usual = upper + (lower - upper) * below;
        *value = (neutral + (usual - neutral) * gain + 0.5) as u8;
    }
}

/// Raises each byte of `off` to the scaled distance between `values` and `expected`.
fn raise(off: &mut [u8], values: &[u8], expected: &[u8], scale: u16) {
    for ((off, value), expected) in off.iter_mut().zip(values).zip(expected) {
        let distance = (u16::from(value.abs_diff(*expected)) * scale) >> 3;
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
