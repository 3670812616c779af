//! Grain of a clip: noise from pixel to pixel, measured over the whole frame whatever lies in front
//! of the background. Smooth things have none.

use clearcut_frame::Frame;

/// Grain is measured in every third sample frame, in every fourth row of it, at every third column
/// of the row: enough differences for a mean, in little time.
const FRAME_STEP: usize = 3;
const ROW_STEP: usize = 4;
const COLUMN_STEP: usize = 3;

/// Distance between a pixel and those it is compared with, in pixels: farther than a denoiser or
/// interpolated chroma makes neighbors alike, nearer than shading changes.
const OFFSET: usize = 3;

/// Share of all differences that counts as grain: the others are edges. A busier clip has more
/// edges than that, and its grain comes out too large.
const GRAIN_SHARE: f64 = 0.6;

/// Mean of the smallest 60 % of |N(0, 1)|.
const MEAN_OF_SMALLEST: f64 = 0.396;

/// Measures the standard deviation of Y', Cb and Cr from pixel to pixel, in levels. It uses second
/// differences along rows, `2 p(x) - p(x - 3) - p(x + 3)`, whose deviation is larger by the square
/// root of 6.
pub(crate) fn grain_of(samples: &[Frame]) -> [f64; 3] {
    [0, 1, 2].map(|plane| {
        let mut differences: Vec<u16> = Vec::new();
        for frame in samples.iter().step_by(FRAME_STEP) {
            let (values, width) = match plane {
                0 => (frame.y(), frame.size().width() as usize),
                1 => (frame.cb(), frame.format().chroma_size().0),
                _ => (frame.cr(), frame.format().chroma_size().0),
            };
            for row in values.chunks_exact(width).step_by(ROW_STEP) {
                let columns = (OFFSET..width.saturating_sub(OFFSET)).step_by(COLUMN_STEP);
                let neighbors = |x: usize| i16::from(row[x - OFFSET]) + i16::from(row[x + OFFSET]);
                differences.extend(columns.map(|x| (2 * i16::from(row[x]) - neighbors(x)).unsigned_abs()));
            }
        }
        let count = (differences.len() as f64 * GRAIN_SHARE) as usize;
        if count == 0 {
            return 0.0;
        }
        differences.select_nth_unstable(count - 1);
        let sum: u64 = differences[..count].iter().copied().map(u64::from).sum();
        sum as f64 / count as f64 / MEAN_OF_SMALLEST / 6.0_f64.sqrt()
    })
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// Measures the luma grain of a frame whose luma is `level(x, y)`.
    fn grain_of_luma(level: impl Fn(usize, usize) -> f64) -> f64 {
        let size = Size::new(96, 96).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        for (index, luma) in frame.planes_mut()[0].iter_mut().enumerate() {
            *luma = level(index % 96, index / 96).round() as u8;
        }
        grain_of(&[frame])[0]
    }

    #[test]
    fn a_smooth_gradient_has_no_grain() {
        assert!(grain_of_luma(|x, y| 40.0 + x as f64 + y as f64) < 0.01);
    }

    #[test]
    fn grain_equals_the_deviation_of_the_noise_despite_an_edge() {
        let mut state = 1_u32;
        let mut uniform = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1_u32 << 24)
        };
        // The sum of twelve uniform numbers is close to normal, with a deviation of 1.
        let noise: Vec<f64> = (0..96 * 96).map(|_| 4.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).collect();
        let grain = grain_of_luma(|x, y| 80.0 + noise[y * 96 + x] + if x < 40 { 0.0 } else { 90.0 });
        assert!((3.4..5.0).contains(&grain), "{grain}");
    }
}
