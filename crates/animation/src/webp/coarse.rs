//! Alpha in steps, which lossless coding of its plane is spared the noise of.

use std::sync::Arc;

use clearcut_frame::Frame;

/// Steps are 3 × 2ⁿ levels: what has been rounded to one stands on the next finer, too.
const FINEST_STEP: u8 = 3;
/// How far alpha may move before another step is taken for it, in quarters of a step: more than half of one, so that noise about the middle
/// between two steps does not flicker.
const HOLD_QUARTERS: u8 = 3;

/// Rounds the soft alpha of frames in time order to steps that are the coarser the steeper the matte is there, since a steep edge hides
/// an error that a faint shadow would show as a contour. Clear and solid stay exact, soft stays soft.
///
/// A step spans at most `(100 − quality) / 4` per cent of what the 5×5 pixels around span: at quality 60 a tenth, which is 24 levels at a
/// hard edge. Alpha is off by at most three quarters of a step, by half of one where it moves.
#[derive(Debug)]
pub(super) struct CoarseAlpha {
    quality: u8,
    /// What the frame before was given.
    before: Vec<u8>,
}

impl CoarseAlpha {
    /// Of quality 0 to 100, which is exact.
    pub(super) const fn new(quality: u8) -> Self {
        Self { quality, before: Vec::new() }
    }

    /// The next frame in time, as large as the one before.
    pub(super) fn next(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        let exact = frame.alpha().unwrap_or_default().to_vec();
        if !exact.iter().any(|&alpha| is_soft(alpha)) {
            self.before = exact;
            return frame;
        }
        let width = frame.size().width() as usize;
        let mut frame = Arc::unwrap_or_clone(frame);
        let [.., coarse] = frame.planes_mut();
        for (index, alpha) in coarse.iter_mut().enumerate().filter(|(_, alpha)| is_soft(**alpha)) {
            let step = self.step_of(span_around(&exact, width, index));
            let before = self.before.get(index).copied().filter(|&before| is_soft(before));
            *alpha = match before {
                Some(before)
                    if 4 * u16::from(before.abs_diff(*alpha)) <= u16::from(HOLD_QUARTERS) * u16::from(step) =>
                {
                    before
                }
                _ => rounded(*alpha, step),
            };
        }
        self.before.clear();
        self.before.extend_from_slice(coarse);
        Arc::new(frame)
    }

    /// The step where the matte spans so many levels; 1 is exact.
    fn step_of(&self, span: u8) -> u8 {
        let most = u32::from(span) * u32::from(100 - self.quality.min(100)) / 400;
        let steps = std::iter::successors(Some(FINEST_STEP), |step| step.checked_mul(2));
        steps.take_while(|&step| u32::from(step) <= most).last().unwrap_or(1)
    }
}

const fn is_soft(alpha: u8) -> bool {
    0 < alpha && alpha < 255
}

/// What alpha spans in the 5×5 pixels around `index`.
fn span_around(alpha: &[u8], width: usize, index: usize) -> u8 {
    let (row, column) = (index / width, index % width);
    let rows = row.saturating_sub(2)..(row + 3).min(alpha.len() / width);
    let columns = column.saturating_sub(2)..(column + 3).min(width);
    let around = rows.flat_map(|row| &alpha[row * width + columns.start..row * width + columns.end]);
    let (least, most) = around.fold((255, 0), |(least, most), &alpha| (alpha.min(least), alpha.max(most)));
    most - least
}

/// The nearest multiple of `step` that is neither clear nor solid.
fn rounded(alpha: u8, step: u8) -> u8 {
    let (alpha, step) = (u16::from(alpha), u16::from(step));
    ((alpha + step / 2) / step * step).clamp(1, 254) as u8
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// A frame one row of pixels high.
    fn row(alpha: &[u8]) -> Arc<Frame> {
        let size = Size::new(alpha.len() as u32, 1).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt601 };
        let mut frame = Frame::new(format);
        let [.., plane] = frame.planes_mut();
        plane.copy_from_slice(alpha);
        Arc::new(frame)
    }

    fn coarse(quality: u8, frames: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut steps = CoarseAlpha::new(quality);
        frames.iter().map(|alpha| steps.next(row(alpha)).alpha().unwrap().to_vec()).collect()
    }

    #[test]
    fn clear_and_solid_are_exact_and_soft_stays_soft() {
        let out = coarse(0, &[&[0, 1, 0, 255, 254, 255, 0, 130, 255]]);
        let [0, 1..=254, 0, 255, 1..=254, 255, 0, 1..=254, 255] = out[0][..] else { panic!("{out:?}") };
    }

    #[test]
    fn a_hard_edge_is_coarse_and_a_faint_shadow_is_not() {
        let (edge, shadow) = ([0, 131, 255], [40, 43, 46, 48]);
        assert_eq!(coarse(60, &[&edge]), [[0, 24 * 5, 255]]);
        assert_eq!(coarse(60, &[&shadow]), [shadow]);
        assert_eq!(coarse(100, &[&edge]), [edge], "the best quality is exact");
    }

    #[test]
    fn noise_between_two_steps_does_not_flicker_and_a_move_is_followed() {
        // The middle between 120 and 144 is 132.
        let out = coarse(60, &[&[0, 131, 255], &[0, 133, 255], &[0, 131, 255], &[0, 150, 255]]);
        let at: Vec<u8> = out.iter().map(|alpha| alpha[1]).collect();
        assert_eq!(at, [120, 120, 120, 144]);
    }
}
