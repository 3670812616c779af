//! Quantization of alpha. Its plane is coded losslessly, and noise in it would cost many bytes.

use std::sync::Arc;

use clearcut_frame::Frame;

/// Finest quantization step. Steps are 3 × 2ⁿ levels, so a multiple of one step is also a multiple
/// of the next finer step.
const FINEST_STEP: u8 = 3;
/// Hysteresis in quarters of a step: alpha keeps its previous value until it moves by more than
/// this. It is more than half a step, so that noise around the middle between two values does not
/// flicker.
const HYSTERESIS_QUARTERS: u8 = 3;

/// Quantizes the soft alpha of frames in time order. The steeper the matte, the coarser the step: a
/// steep edge hides an error that a faint shadow would show as a contour. Clear and solid stay
/// exact; soft stays soft.
///
/// A step is at most `(100 − quality) / 4` percent of the range of alpha in the surrounding 5×5
/// pixels. At quality 60 this is a tenth, or 24 levels at a hard edge. The error of alpha is at
/// most three quarters of a step, and half a step where it moves.
#[derive(Debug)]
pub(super) struct AlphaQuantizer {
    quality: u8,
    /// Quantized alpha of the previous frame.
    previous: Vec<u8>,
}

impl AlphaQuantizer {
    /// A quantizer for `quality` from 0 to 100; 100 is exact.
    pub(super) const fn new(quality: u8) -> Self {
        Self { quality, previous: Vec::new() }
    }

    /// Quantizes the next frame in time. All frames have the same size.
    pub(super) fn quantize(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        let exact = frame.alpha().unwrap_or_default().to_vec();
        if !exact.iter().any(|&alpha| is_soft(alpha)) {
            self.previous = exact;
            return frame;
        }
        let width = frame.size().width() as usize;
        let mut frame = Arc::unwrap_or_clone(frame);
        let [.., plane] = frame.planes_mut();
        for (index, alpha) in plane.iter_mut().enumerate().filter(|(_, alpha)| is_soft(**alpha)) {
            let step = self.step_for(local_range(&exact, width, index));
            let previous = self.previous.get(index).copied().filter(|&previous| is_soft(previous));
            *alpha = match previous {
                Some(previous)
                    if 4 * u16::from(previous.abs_diff(*alpha)) <= u16::from(HYSTERESIS_QUARTERS) * u16::from(step) =>
                {
                    previous
                }
                _ => quantized(*alpha, step),
            };
        }
        self.previous.clear();
        self.previous.extend_from_slice(plane);
        Arc::new(frame)
    }

    /// The quantization step where the local range of alpha is `span` levels; 1 is exact.
    fn step_for(&self, span: u8) -> u8 {
        let most = u32::from(span) * u32::from(100 - self.quality.min(100)) / 400;
        let steps = std::iter::successors(Some(FINEST_STEP), |step| step.checked_mul(2));
        steps.take_while(|&step| u32::from(step) <= most).last().unwrap_or(1)
    }
}

const fn is_soft(alpha: u8) -> bool {
    0 < alpha && alpha < 255
}

/// Range (maximum less minimum) of alpha in the 5×5 pixels around `index`.
fn local_range(alpha: &[u8], width: usize, index: usize) -> u8 {
    let (row, column) = (index / width, index % width);
    let rows = row.saturating_sub(2)..(row + 3).min(alpha.len() / width);
    let columns = column.saturating_sub(2)..(column + 3).min(width);
    let around = rows.flat_map(|row| &alpha[row * width + columns.start..row * width + columns.end]);
    let (least, most) = around.fold((255, 0), |(least, most), &alpha| (alpha.min(least), alpha.max(most)));
    most - least
}

/// The nearest multiple of `step` that is neither clear nor solid.
fn quantized(alpha: u8, step: u8) -> u8 {
    let (alpha, step) = (u16::from(alpha), u16::from(step));
    ((alpha + step / 2) / step * step).clamp(1, 254) as u8
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// A frame of one pixel row with this alpha.
    fn row(alpha: &[u8]) -> Arc<Frame> {
        let size = Size::new(alpha.len() as u32, 1).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt601 };
        let mut frame = Frame::new(format);
        let [.., plane] = frame.planes_mut();
        plane.copy_from_slice(alpha);
        Arc::new(frame)
    }

    fn quantize(quality: u8, frames: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut quantizer = AlphaQuantizer::new(quality);
        frames.iter().map(|alpha| quantizer.quantize(row(alpha)).alpha().unwrap().to_vec()).collect()
    }

    #[test]
    fn clear_and_solid_stay_exact_and_soft_stays_soft() {
        let out = quantize(0, &[&[0, 1, 0, 255, 254, 255, 0, 130, 255]]);
        let [0, 1..=254, 0, 255, 1..=254, 255, 0, 1..=254, 255] = out[0][..] else { panic!("{out:?}") };
    }

    #[test]
    fn a_hard_edge_is_quantized_and_a_faint_shadow_is_not() {
        let (edge, shadow) = ([0, 131, 255], [40, 43, 46, 48]);
        assert_eq!(quantize(60, &[&edge]), [[0, 24 * 5, 255]]);
        assert_eq!(quantize(60, &[&shadow]), [shadow]);
        assert_eq!(quantize(100, &[&edge]), [edge], "the best quality is exact");
    }

    #[test]
    fn noise_between_two_values_does_not_flicker_and_a_real_change_is_followed() {
        // Values around 132, the middle between 120 and 144.
        let out = quantize(60, &[&[0, 131, 255], &[0, 133, 255], &[0, 131, 255], &[0, 150, 255]]);
        let at: Vec<u8> = out.iter().map(|alpha| alpha[1]).collect();
        assert_eq!(at, [120, 120, 120, 144]);
    }
}
