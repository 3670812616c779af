//! How sharp the edges of a clip are, told from its luma: drawings are sharper than photographs, and half-resolution chroma hides which.

use clearcut_frame::Frame;

/// How many of the samples are looked into, at most, and every which row and column of them.
const LOOKED_INTO: usize = 8;
const STRIDE: usize = 3;

/// Luma steps beside the steepest that belong to one edge, on each side: as far as the blur of an edge that counts as sharp.
const REACH: usize = 5;

/// The least height of an edge, in levels: well above coding noise.
const LEAST_STEP: i32 = 40;

/// Edges that must have been seen before the usual is doubted.
const ENOUGH: usize = 256;

/// Which of the edges tells, in per cent from the softest: a tenth of them is as sharp as this clip can show, many others are
/// soft things, out of focus or in motion.
const TELLING: usize = 90;

/// The share of its height that an edge of a clip without clear luma edges climbs within one pixel: drawn with smooth edges.
const USUAL: f32 = 0.5;

/// The share of its height that a sharp edge climbs within one pixel of chroma that was halved and interpolated again: a
/// half where it falls between two samples, a quarter where it falls on one and is to be told all the same.
const HALVED: f32 = 0.25;

/// By what factor edges that only chroma shows are to be steepened to be as sharp as those that luma shows, 1.0 and more.
pub(crate) fn steepening(samples: &[Frame]) -> f32 {
    if samples.iter().all(|frame| frame.format().subsampling.shift() == 0) {
        return 1.0;
    }
    let mut shares = Vec::new();
    for frame in samples.iter().step_by(samples.len().div_ceil(LOOKED_INTO).max(1)) {
        let width = frame.size().width() as usize;
        for row in frame.y().chunks_exact(width).step_by(STRIDE) {
            look_along(row.iter().copied(), &mut shares);
        }
        for column in (0..width).step_by(STRIDE) {
            look_along(frame.y().iter().skip(column).step_by(width).copied(), &mut shares);
        }
    }
    let sharpness = if shares.len() < ENOUGH {
        USUAL
    } else {
        let at = shares.len() * TELLING / 100;
        *shares.select_nth_unstable_by(at, f32::total_cmp).1
    };
    (sharpness / HALVED).max(1.0)
}

/// Adds, for every edge along `line`, the share of its height that its steepest step climbs: edges are alone within
/// [`REACH`] on both sides and go one way but for a sixth of noise.
fn look_along(line: impl Iterator<Item = u8>, shares: &mut Vec<f32>) {
    let mut window = [0_i32; 2 * REACH + 1];
    let mut before = None;
    // All steps of the window, and all of them regardless of direction.
    let (mut height, mut path) = (0, 0);
    for (at, value) in line.map(i32::from).enumerate() {
        let step = value - before.replace(value).unwrap_or(value);
        let slot = at % window.len();
        height += step - window[slot];
        path += step.abs() - window[slot].abs();
        window[slot] = step;
        let middle = window[(at + window.len() - REACH) % window.len()].abs();
        if height.abs() >= LEAST_STEP && 5 * path <= 6 * height.abs() && window.iter().all(|step| step.abs() <= middle)
        {
            shares.push(middle as f32 / height.abs() as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// A disc whose edge climbs over `width` pixels.
    fn disc(width: f32, subsampling: Subsampling) -> Frame {
        let size = Size::new(128, 128).unwrap();
        let mut frame = Frame::new(FrameFormat { size, subsampling, has_alpha: false, matrix: Matrix::Bt709 });
        for (index, value) in frame.planes_mut()[0].iter_mut().enumerate() {
            let inside = 40.0 - ((index % 128) as f32 - 63.3).hypot((index / 128) as f32 - 64.1);
            *value = (60.0 + 120.0 * (inside / width + 0.5).clamp(0.0, 1.0)).round() as u8;
        }
        frame
    }

    #[test]
    fn sharp_edges_are_steepened_by_what_chroma_has_lost_and_soft_ones_are_not() {
        let of = |width| steepening(&vec![disc(width, Subsampling::Half); 8]);
        let factors = [1.0, 2.0, 3.0, 5.0].map(of);
        let expected = [1.0, 2.0, 3.0, 5.0].map(|width| (1.0 / width / HALVED).max(1.0));
        for (factor, expected) in factors.iter().zip(expected) {
            assert!((factor / expected - 1.0).abs() < 0.2, "{factors:?} instead of {expected:?}");
        }
    }

    #[test]
    fn full_resolution_chroma_is_as_sharp_as_luma() {
        assert!((steepening(&vec![disc(1.0, Subsampling::Full); 8]) - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_clip_without_edges_has_the_usual_sharpness() {
        assert!((steepening(&vec![disc(1e6, Subsampling::Half); 8]) - USUAL / HALVED).abs() < f32::EPSILON);
    }
}
