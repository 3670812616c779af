//! The canvas of lossy WebP: conversion of frames to BT.601 4:2:0, and comparison of such frames.

use std::{ops::Range, sync::Arc};

use clearcut_frame::{Frame, FrameFormat, Matrix, Subsampling};

use crate::{
    chroma::{FullChroma, SCALE},
    rect::{Rect, difference_bounds},
    schedule::Canvas,
};

/// Converts `frame` to the color format of lossy WebP: limited-range BT.601 in 4:2:0 (RFC 6386
/// §9.2). A frame that already has this format is not copied.
pub(crate) fn to_webp_format(frame: &Arc<Frame>) -> Arc<Frame> {
    let format = frame.format();
    match (format.subsampling, format.matrix) {
        (Subsampling::Half, Matrix::Bt601) => Arc::clone(frame),
        (Subsampling::Half, Matrix::Bt709) => Arc::new(to_bt601(frame)),
        (Subsampling::Full, Matrix::Bt601) => Arc::new(halve_chroma(frame)),
        (Subsampling::Full, Matrix::Bt709) => Arc::new(halve_chroma(&to_bt601(frame))),
    }
}

/// Fraction bits of the fixed-point coefficients in [`Bt601Conversion`].
const FRACTION_BITS: u32 = 14;

/// Fixed-point conversion from BT.709 to BT.601. Grey stays grey, so luma depends on chroma but
/// chroma does not depend on luma.
#[derive(Debug, Clone, Copy)]
struct Bt601Conversion {
    y_cb: i32,
    y_cr: i32,
    cb_cb: i32,
    cb_cr: i32,
    cr_cb: i32,
    cr_cr: i32,
}

impl Bt601Conversion {
    fn new() -> Self {
        // Steps of ten levels keep the rounding of 32-bit floats below half a unit of the fixed
        // point.
        let step = |cb: f32, cr: f32| {
            let rgb = Matrix::Bt709.rgb_from_ycc([16.0, 128.0 + cb, 128.0 + cr]);
            let [y, cb, cr] = Matrix::Bt601.ycc_from_rgb(rgb);
            [y - 16.0, cb - 128.0, cr - 128.0].map(|value| (value / 10.0 * (1 << FRACTION_BITS) as f32).round() as i32)
        };
        let ([y_cb, cb_cb, cr_cb], [y_cr, cb_cr, cr_cr]) = (step(10.0, 0.0), step(0.0, 10.0));
        Self { y_cb, y_cr, cb_cb, cb_cr, cr_cb, cr_cr }
    }
}

fn clamp_to_u8(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// Converts BT.709 to BT.601 at the same chroma resolution.
fn to_bt601(frame: &Frame) -> Frame {
    let (conversion, half) = (Bt601Conversion::new(), 1 << (FRACTION_BITS - 1));
    let mut out = Frame::new(FrameFormat { matrix: Matrix::Bt601, ..frame.format() });
    let mut chroma = FullChroma::new(frame.format());
    let width = frame.size().width() as usize;
    let [out_y, out_cb, out_cr, out_alpha] = out.planes_mut();
    for (row, (out, luma)) in out_y.chunks_exact_mut(width).zip(frame.y().chunks_exact(width)).enumerate() {
        chroma.read_row(frame, row);
        for (((out, &y), &cb), &cr) in out.iter_mut().zip(luma).zip(&chroma.cb).zip(&chroma.cr) {
            let (cb, cr) = (i32::from(cb) - 128 * SCALE, i32::from(cr) - 128 * SCALE);
            *out = clamp_to_u8(
                i32::from(y) + ((cb * conversion.y_cb + cr * conversion.y_cr + half * SCALE) >> (FRACTION_BITS + 3)),
            );
        }
    }
    for ((out_cb, out_cr), (&cb, &cr)) in out_cb.iter_mut().zip(out_cr).zip(frame.cb().iter().zip(frame.cr())) {
        let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
        *out_cb = clamp_to_u8(128 + ((cb * conversion.cb_cb + cr * conversion.cb_cr + half) >> FRACTION_BITS));
        *out_cr = clamp_to_u8(128 + ((cb * conversion.cr_cb + cr * conversion.cr_cr + half) >> FRACTION_BITS));
    }
    if let Some(alpha) = frame.alpha() {
        out_alpha.copy_from_slice(alpha);
    }
    out
}

/// Converts 4:4:4 to 4:2:0: the mean of the visible samples in each block of 2×2.
fn halve_chroma(frame: &Frame) -> Frame {
    let format = frame.format();
    let mut out = Frame::new(FrameFormat { subsampling: Subsampling::Half, ..format });
    let ((half_width, _), width) = (out.format().chroma_size(), format.size.width() as usize);
    let height = format.size.height() as usize;
    let alpha = frame.alpha();
    let [out_y, out_cb, out_cr, out_alpha] = out.planes_mut();
    out_y.copy_from_slice(frame.y());
    if let Some(alpha) = alpha {
        out_alpha.copy_from_slice(alpha);
    }
    let mean = |plane: &[u8], row: usize, column: usize| {
        let (mut sum, mut count) = (0, 0);
        for row in row..(row + 2).min(height) {
            for index in row * width + column..row * width + (column + 2).min(width) {
                let weight = u32::from(alpha.is_none_or(|alpha| alpha[index] > 0));
                sum += weight * u32::from(plane[index]);
                count += weight;
            }
        }
        (sum + count / 2).checked_div(count).unwrap_or(128) as u8
    };
    for (out, plane) in [(out_cb, frame.cb()), (out_cr, frame.cr())] {
        for (row, out) in out.chunks_exact_mut(half_width).enumerate() {
            for (column, out) in out.iter_mut().enumerate() {
                *out = mean(plane, 2 * row, 2 * column);
            }
        }
    }
    out
}

/// Canvas of a lossy WebP; implemented for 4:2:0 frames only.
impl Canvas for Frame {
    fn bounds(&self) -> Rect {
        let (right, bottom) = (self.size().width() as usize, self.size().height() as usize);
        Rect { left: 0, top: 0, right, bottom }
    }

    fn changed_since(&self, before: Option<&Self>, within: Rect) -> Option<Rect> {
        let width = self.size().width() as usize;
        let alpha = self.alpha();
        let Some(before) = before else {
            return difference_bounds(
                within,
                |row, columns| alpha.is_some_and(|alpha| alpha[row * width..][columns].iter().all(|&alpha| alpha == 0)),
                |row, column| alpha.is_none_or(|alpha| alpha[row * width + column] > 0),
            );
        };
        let (half_width, _) = self.format().chroma_size();
        let before_alpha = before.alpha();
        let opacity = |alpha: Option<&[u8]>, index: usize| alpha.map_or(255, |alpha| alpha[index]);
        let is_equal = |row: usize, columns: Range<usize>| {
            let luma_range = row * width + columns.start..row * width + columns.end;
            let chroma_range = row / 2 * half_width + columns.start / 2..row / 2 * half_width + columns.end.div_ceil(2);
            alpha.map(|alpha| &alpha[luma_range.clone()]) == before_alpha.map(|alpha| &alpha[luma_range.clone()])
                && self.y()[luma_range.clone()] == before.y()[luma_range]
                && self.cb()[chroma_range.clone()] == before.cb()[chroma_range.clone()]
                && self.cr()[chroma_range.clone()] == before.cr()[chroma_range]
        };
        difference_bounds(within, is_equal, |row, column| {
            let (index, chroma) = (row * width + column, row / 2 * half_width + column / 2);
            let (now, then) = (opacity(alpha, index), opacity(before_alpha, index));
            let is_recolored = self.y()[index] != before.y()[index]
                || self.cb()[chroma] != before.cb()[chroma]
                || self.cr()[chroma] != before.cr()[chroma];
            now != then || (now > 0 && is_recolored)
        })
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Rgb8, Size};

    use super::*;

    fn format(matrix: Matrix, subsampling: Subsampling) -> FrameFormat {
        FrameFormat { size: Size::new(3, 3).unwrap(), subsampling, has_alpha: true, matrix }
    }

    fn plain(format: FrameFormat, rgb: Rgb8) -> Arc<Frame> {
        let (mut frame, ycc) = (Frame::new(format), format.matrix.ycc8(rgb));
        for (plane, value) in frame.planes_mut().into_iter().zip([ycc.y, ycc.cb, ycc.cr, 255]) {
            plane.fill(value);
        }
        Arc::new(frame)
    }

    #[test]
    fn conversion_to_bt601_keeps_the_visible_colors() {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            for rgb in [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (120, 90, 200), (0, 0, 0)] {
                let rgb = Rgb8::new(rgb.0, rgb.1, rgb.2);
                let converted = to_webp_format(&plain(format(Matrix::Bt709, subsampling), rgb));
                let expected = plain(format(Matrix::Bt601, Subsampling::Half), rgb);
                let error = converted.bytes().iter().zip(expected.bytes()).map(|(&a, &b)| a.abs_diff(b)).max();
                assert!(error <= Some(1), "{rgb}: {:?} instead of {:?}", converted.bytes(), expected.bytes());
            }
        }
    }

    #[test]
    fn a_frame_in_the_target_format_is_not_copied() {
        let frame = plain(format(Matrix::Bt601, Subsampling::Half), Rgb8::new(1, 2, 3));
        assert!(Arc::ptr_eq(&frame, &to_webp_format(&frame)));
    }

    #[test]
    fn invisible_chroma_does_not_bleed_into_visible_chroma() {
        let mut frame = Frame::new(format(Matrix::Bt601, Subsampling::Full));
        let [_, cb, _, alpha] = frame.planes_mut();
        cb.copy_from_slice(&[200, 10, 10, 10, 10, 10, 10, 10, 10]);
        alpha[0] = 1;
        assert_eq!(halve_chroma(&frame).cb(), [200, 128, 128, 128]);
    }

    #[test]
    fn only_visible_differences_count_as_changes() {
        let grey = plain(format(Matrix::Bt601, Subsampling::Half), Rgb8::new(9, 9, 9));
        let mut next = Frame::clone(&grey);
        let bounds = next.bounds();
        assert_eq!(next.changed_since(Some(&grey), bounds), None);
        next.planes_mut()[1][0] += 1;
        assert_eq!(next.changed_since(Some(&grey), bounds), Rect::new(0, 0, 2, 2));
        let mut clear = Frame::clone(&grey);
        clear.planes_mut()[3].fill(0);
        next.planes_mut()[3].fill(0);
        assert_eq!(next.changed_since(Some(&clear), bounds), None);
        next.planes_mut()[3][8] = 1;
        assert_eq!(next.changed_since(Some(&clear), bounds), Rect::new(2, 2, 3, 3));
        assert_eq!(next.changed_since(None, bounds), Rect::new(2, 2, 3, 3));
    }
}
