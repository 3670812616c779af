//! The canvas of lossless WebP and APNG: conversion of frames to R'G'B' with alpha, and comparison
//! of such frames.

use std::ops::Range;

use clearcut_frame::{Frame, Matrix};

use crate::{
    chroma::{FullChroma, SCALE},
    rect::{Rect, difference_bounds},
    schedule::Canvas,
};

/// Converts `frame` to full-range R'G'B' and straight alpha, 8 bits each, row by row. Pixels with
/// alpha 0 are all zero.
#[must_use]
pub fn straight_rgba(frame: &Frame) -> Vec<[u8; 4]> {
    Rgba::from_frame(frame).pixels
}

/// A frame as full-range R'G'B' and straight alpha, 8 bits each. Pixels with alpha 0 are all zero,
/// so pixels that look equal have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rgba {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// The pixels, row by row.
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl Rgba {
    /// Converts all of `frame`.
    pub(crate) fn from_frame(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let weights = Weights::for_matrix(frame.format().matrix);
        let mut chroma = FullChroma::new(frame.format());
        let mut pixels = vec![[0; 4]; width * height];
        let alpha = frame.alpha();
        for (row, out) in pixels.chunks_exact_mut(width).enumerate() {
            let alpha = alpha.map(|alpha| &alpha[row * width..][..width]);
            if alpha.is_some_and(|alpha| alpha.iter().all(|&alpha| alpha == 0)) {
                continue;
            }
            chroma.read_row(frame, row);
            let luma = &frame.y()[row * width..][..width];
            let colors = luma.iter().zip(&chroma.cb).zip(&chroma.cr);
            for (column, (out, ((&y, &cb), &cr))) in out.iter_mut().zip(colors).enumerate() {
                let alpha = alpha.map_or(255, |alpha| alpha[column]);
                if alpha > 0 {
                    let [r, g, b] = weights.rgb(y, cb, cr);
                    *out = [r, g, b, alpha];
                }
            }
        }
        Self { width, height, pixels }
    }

    /// The pixels of row `row` within the columns of `rect`.
    pub(crate) fn row_of(&self, rect: Rect, row: usize) -> &[[u8; 4]] {
        &self.pixels[row * self.width..][rect.left..rect.right]
    }
}

impl Canvas for Rgba {
    fn bounds(&self) -> Rect {
        Rect { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    fn changed_since(&self, before: Option<&Self>, within: Rect) -> Option<Rect> {
        difference_bounds(
            within,
            |row, columns: Range<usize>| {
                let now = &self.pixels[row * self.width..][columns.clone()];
                before.map_or_else(
                    || now.iter().all(|pixel| *pixel == [0; 4]),
                    |before| *now == before.pixels[row * self.width..][columns],
                )
            },
            |row, column| {
                let index = row * self.width + column;
                self.pixels[index] != before.map_or([0; 4], |before| before.pixels[index])
            },
        )
    }
}

/// Fraction bits of the fixed-point factors in [`Weights`].
const FRACTION_BITS: u32 = 16;

/// Fixed-point factors from limited-range Y'CbCr to full-range R'G'B' (ITU-R BT.601-7 §2.5,
/// BT.709-6 §3). Chroma is in eighths.
#[derive(Debug, Clone, Copy)]
struct Weights {
    y: i32,
    r_cr: i32,
    g_cb: i32,
    g_cr: i32,
    b_cb: i32,
}

impl Weights {
    fn for_matrix(matrix: Matrix) -> Self {
        // The change of red, green and blue for one step of each component.
        let black = [16.0, 128.0, 128.0];
        let step = |axis: usize| {
            let mut ycc = black;
            ycc[axis] += 1.0;
            matrix.rgb_from_ycc(ycc).map(|value| f64::from(value) * f64::from(1 << FRACTION_BITS))
        };
        let [luma, cb, cr] = [step(0), step(1), step(2)];
        let eighth = |value: f64| (value / f64::from(SCALE)).round() as i32;
        Self {
            y: luma[0].round() as i32,
            r_cr: eighth(cr[0]),
            g_cb: eighth(cb[1]),
            g_cr: eighth(cr[1]),
            b_cb: eighth(cb[2]),
        }
    }

    fn rgb(self, y: u8, cb: u16, cr: u16) -> [u8; 3] {
        let (cb, cr) = (i32::from(cb) - 128 * SCALE, i32::from(cr) - 128 * SCALE);
        let y = (i32::from(y) - 16) * self.y + (1 << (FRACTION_BITS - 1));
        let level = |value: i32| (value >> FRACTION_BITS).clamp(0, 255) as u8;
        [level(y + cr * self.r_cr), level(y + cb * self.g_cb + cr * self.g_cr), level(y + cb * self.b_cb)]
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Size, Subsampling, Ycc8};

    use super::*;

    #[test]
    fn colors_match_the_reference_conversion_within_one_level() {
        let size = Size::new(1, 1).unwrap();
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let format = FrameFormat { size, subsampling: Subsampling::Full, has_alpha: true, matrix };
            for y in (0..=255).step_by(17) {
                for cb in (0..=255).step_by(17) {
                    for cr in (0..=255).step_by(17) {
                        let frame = Frame::from_bytes(format, vec![y, cb, cr, 9]).unwrap();
                        let rgb = matrix.rgb8(Ycc8 { y, cb, cr });
                        let expected = [rgb.r, rgb.g, rgb.b, 9];
                        let found = Rgba::from_frame(&frame).pixels[0];
                        let error = expected.iter().zip(found).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
                        assert!(error <= 1, "{matrix:?} {y} {cb} {cr}: {found:?} instead of {expected:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn transparent_pixels_are_all_zero() {
        let format = FrameFormat {
            size: Size::new(2, 1).unwrap(),
            subsampling: Subsampling::Full,
            has_alpha: true,
            matrix: Matrix::Bt709,
        };
        let frame = Frame::from_bytes(format, vec![90, 90, 50, 50, 60, 60, 0, 1]).unwrap();
        let rgba = Rgba::from_frame(&frame);
        assert_eq!(rgba.pixels[0], [0; 4]);
        assert_eq!(rgba.pixels[1][3], 1);
        assert_eq!(rgba.changed_since(None, rgba.bounds()), Rect::new(1, 0, 2, 1));
    }
}
