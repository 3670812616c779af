//! Sharpness of the edges of a clip, measured on its luma. Drawings are sharper than photographs,
//! and half-resolution chroma does not show the difference.

use clearcut_frame::Frame;

/// Largest number of samples that are measured, and the step between the rows and columns that are
/// measured in them. They bound the time; a clip has thousands of edges.
const MAX_SAMPLES: usize = 8;
const STRIDE: usize = 3;

/// Number of luma steps on each side of the steepest one that belong to the same edge: the extent
/// of the blur of an edge that counts as sharp.
const REACH: usize = 5;

/// Least height of an edge, in levels: well above coding noise.
const LEAST_STEP: i32 = 40;

/// Least number of edges that replaces the default sharpness by the measured one. The
/// [`PERCENTILE`] of fewer is a handful of edges.
const LEAST_EDGES: usize = 256;

/// Percentile of the edges, from the softest, that gives the sharpness. A tenth of the edges is as
/// sharp as the clip can show; many others are soft objects, out of focus or in motion.
const PERCENTILE: usize = 90;

/// Sharpness of a clip without clear luma edges, as the share of its height that an edge climbs
/// within one pixel: that of a drawing with smooth edges.
const DEFAULT_SHARPNESS: f32 = 0.5;

/// The same share for a sharp edge in chroma that was halved and interpolated again: a half where
/// the edge falls between two samples, a quarter where it falls on one. The quarter must be handled
/// too.
const HALVED_CHROMA: f32 = 0.25;

/// The factor, at least 1.0, that makes edges seen only in chroma as sharp as the luma edges of the
/// clip.
pub(crate) fn steepening(samples: &[Frame]) -> f32 {
    if samples.iter().all(|frame| frame.format().subsampling.shift() == 0) {
        return 1.0;
    }
    let mut shares = Vec::new();
    for frame in samples.iter().step_by(samples.len().div_ceil(MAX_SAMPLES).max(1)) {
        let width = frame.size().width() as usize;
        for row in frame.y().chunks_exact(width).step_by(STRIDE) {
            collect_edges(row.iter().copied(), &mut shares);
        }
        for column in (0..width).step_by(STRIDE) {
            collect_edges(frame.y().iter().skip(column).step_by(width).copied(), &mut shares);
        }
    }
    let sharpness = if shares.len() < LEAST_EDGES {
        DEFAULT_SHARPNESS
    } else {
        let at = shares.len() * PERCENTILE / 100;
        *shares.select_nth_unstable_by(at, f32::total_cmp).1
    };
    (sharpness / HALVED_CHROMA).max(1.0)
}

/// Adds, for every edge along `line`, the share of its height that its steepest step climbs. An
/// edge is the only one within [`REACH`] on both sides and runs in one direction, except for noise:
/// the path is at most 6/5 of the height.
fn collect_edges(line: impl Iterator<Item = u8>, shares: &mut Vec<f32>) {
    let mut window = [0_i32; 2 * REACH + 1];
    let mut before = None;
    // Sum of all steps in the window, and sum of their absolute values.
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
    fn sharp_edges_get_a_steepening_factor_and_soft_edges_get_none() {
        let measured = |width| steepening(&vec![disc(width, Subsampling::Half); 8]);
        let factors = [1.0, 2.0, 3.0, 5.0].map(measured);
        let expected = [1.0, 2.0, 3.0, 5.0].map(|width| (1.0 / width / HALVED_CHROMA).max(1.0));
        for (factor, expected) in factors.iter().zip(expected) {
            assert!((factor / expected - 1.0).abs() < 0.2, "{factors:?} instead of {expected:?}");
        }
    }

    #[test]
    fn full_resolution_chroma_gets_no_steepening() {
        assert!((steepening(&vec![disc(1.0, Subsampling::Full); 8]) - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_clip_without_edges_gets_the_default_sharpness() {
        assert!(
            (steepening(&vec![disc(1e6, Subsampling::Half); 8]) - DEFAULT_SHARPNESS / HALVED_CHROMA).abs()
                < f32::EPSILON
        );
    }
}
