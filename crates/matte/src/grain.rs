//! The grain of a clip: what differs from pixel to pixel, whatever lies in front of what. Smooth things have none.

use clearcut_frame::Frame;

/// Grain is measured in every third sample, in every fourth row of it, at every third place of the row.
const SAMPLES: usize = 3;
const ROWS: usize = 4;
const PLACES: usize = 3;

/// Pixels between one that is looked at and those that it is compared with.
const REACH: usize = 3;

/// The share of all differences that are grain: the others are edges.
const GRAIN: f64 = 0.6;

/// The mean of the least 60 % of |N(0, 1)|.
const MEAN_OF_GRAIN: f64 = 0.396;

/// Standard deviation of Y', Cb and Cr from pixel to pixel, in levels: from second differences along rows, `2 p(x) - p(x - 3) - p(x + 3)`, whose
/// deviation is the square root of 6 times as large.
pub(crate) fn grain_of(samples: &[Frame]) -> [f64; 3] {
    [0, 1, 2].map(|plane| {
        let mut differences: Vec<u16> = Vec::new();
        for frame in samples.iter().step_by(SAMPLES) {
            let (values, width) = match plane {
                0 => (frame.y(), frame.size().width() as usize),
                1 => (frame.cb(), frame.format().chroma_size().0),
                _ => (frame.cr(), frame.format().chroma_size().0),
            };
            for row in values.chunks_exact(width).step_by(ROWS) {
                let places = (REACH..width.saturating_sub(REACH)).step_by(PLACES);
                let beside = |x: usize| i16::from(row[x - REACH]) + i16::from(row[x + REACH]);
                differences.extend(places.map(|x| (2 * i16::from(row[x]) - beside(x)).unsigned_abs()));
            }
        }
        let count = (differences.len() as f64 * GRAIN) as usize;
        if count == 0 {
            return 0.0;
        }
        differences.select_nth_unstable(count - 1);
        let sum: u64 = differences[..count].iter().copied().map(u64::from).sum();
        sum as f64 / count as f64 / MEAN_OF_GRAIN / 6.0_f64.sqrt()
    })
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// The grain of luma in a frame of which `level(x, y)` is the luma.
    fn grain_where(level: impl Fn(usize, usize) -> f64) -> f64 {
        let size = Size::new(96, 96).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        for (index, luma) in frame.planes_mut()[0].iter_mut().enumerate() {
            *luma = level(index % 96, index / 96).round() as u8;
        }
        grain_of(&[frame])[0]
    }

    #[test]
    fn what_is_smooth_has_no_grain() {
        assert!(grain_where(|x, y| 40.0 + x as f64 + y as f64) < 0.01);
    }

    #[test]
    fn noise_is_grain_of_its_deviation_even_before_an_edge() {
        let mut state = 1_u32;
        let mut uniform = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1_u32 << 24)
        };
        // The sum of twelve uniform numbers is normal enough, with a deviation of 1.
        let noise: Vec<f64> = (0..96 * 96).map(|_| 4.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).collect();
        let grain = grain_where(|x, y| 80.0 + noise[y * 96 + x] + if x < 40 { 0.0 } else { 90.0 });
        assert!((3.4..5.0).contains(&grain), "{grain}");
    }
}
