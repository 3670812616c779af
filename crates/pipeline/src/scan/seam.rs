//! The seam of a loop: the two frames of a part between which a jump back is seen least.

use clearcut_frame::{Frame, Subsampling};

/// Most frames of a part in which a seam is looked for: each is compared with each that is half of the part
/// away.
pub(super) const MAX_FRAMES: u64 = 3000;

/// Cells of a thumbnail, across and down.
const SIDE: usize = 32;

/// A frame in 32 × 32 cells: what is seen of the subject over gray, and where. 4 KiB.
pub(super) struct Thumbnail {
    /// Means of alpha and of premultiplied Y', Cb and Cr.
    cells: Vec<u8>,
    /// Mean alpha: 0.0..=255.0.
    cover: f64,
}

impl Thumbnail {
    /// The thumbnail of a frame.
    pub(super) fn of(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let (step, stride) = match frame.format().subsampling {
            Subsampling::Half => (2, width.div_ceil(2)),
            Subsampling::Full => (1, width),
        };
        let mut sums = vec![[0_i64; 5]; SIDE * SIDE];
        for y in 0..height {
            for x in 0..width {
                let alpha = frame.alpha().map_or(255, |alpha| i64::from(alpha[y * width + x]));
                let chroma = y / step * stride + x / step;
                let planes = [
                    i64::from(frame.y()[y * width + x]),
                    i64::from(frame.cb()[chroma]) - 128,
                    i64::from(frame.cr()[chroma]) - 128,
                ];
                let sum = &mut sums[y * SIDE / height * SIDE + x * SIDE / width];
                sum[0] += 1;
                sum[1] += alpha;
                for (sum, level) in sum[2..].iter_mut().zip(planes) {
                    *sum += level * alpha / 255;
                }
            }
        }
        let cells: Vec<u8> = sums
            .iter()
            .flat_map(|&[count, alpha, y, cb, cr]| {
                let mean = |sum: i64| sum / count.max(1);
                [mean(alpha), mean(y), mean(cb) + 128, mean(cr) + 128].map(|level| level.clamp(0, 255) as u8)
            })
            .collect();
        let cover = cells.iter().step_by(4).map(|alpha| f64::from(*alpha)).sum::<f64>() / (SIDE * SIDE) as f64;
        Self { cells, cover }
    }

    /// Mean difference from another frame where the larger of both subjects is, in levels of 255.
    fn difference(&self, other: &Self) -> f64 {
        let sum: u64 = self.cells.iter().zip(&other.cells).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let cover = self.cover.max(other.cover).max(1.0) / 255.0;
        sum as f64 / self.cells.len() as f64 / cover
    }
}

/// A loop within a part: its frames, and how well it closes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seam {
    /// Number of the first frame.
    pub(super) first: usize,
    /// Number of the frame after the last one.
    pub(super) end: usize,
    /// How much the frames around the end differ from those around the beginning, in levels of 255 where the subject is.
    pub(super) difference: f64,
    /// How much a frame differs from the next one.
    pub(super) usual: f64,
}

/// Price of leaving out all frames but half of them, in usual differences: of two seams that are about
/// alike, that of the longer loop is better.
const PRICE_OF_LENGTH: f64 = 0.5;

impl Seam {
    /// The best seam of a loop that has at least half of the frames of `thumbnails`. `None` if there are fewer than four.
    ///
    /// A jump from the end to the beginning is not seen if the frames around the one look like those around
    /// the other: then places and motion agree. Two frames before and two after the jump are compared, as
    /// far as there are any.
    pub(super) fn find(thumbnails: &[Thumbnail]) -> Option<Self> {
        let count = thumbnails.len();
        if count < 4 {
            return None;
        }
        let difference = |a: usize, b: usize| thumbnails[a].difference(&thumbnails[b]);
        let usual = (1..count).map(|at| difference(at - 1, at)).sum::<f64>() / (count - 1) as f64;
        // The whole part has no frame after its end: the jump is to look like the steps beside it.
        let step = f64::midpoint(difference(count - 2, count - 1), difference(0, 1));
        let two_steps = f64::midpoint(difference(count - 3, count - 1), difference(0, 2));
        let over_two = f64::midpoint(difference(count - 1, 1), difference(count - 2, 0));
        let whole = f64::midpoint((difference(count - 1, 0) - step).abs(), (over_two - two_steps).abs());
        let mut best = Self { first: 0, end: count, difference: whole, usual };
        let mut least = whole;
        for length in (count.div_ceil(2)..count).rev() {
            let apart: Vec<f64> = (0..count - length).map(|at| difference(at, at + length)).collect();
            let price = PRICE_OF_LENGTH * usual * (count - length) as f64 / count as f64;
            for first in 0..=count - length {
                let around = &apart[first.saturating_sub(2)..(first + 2).min(apart.len())];
                let mean = around.iter().sum::<f64>() / around.len() as f64;
                if around.len() >= 2 && mean + price < least {
                    best = Self { first, end: first + length, difference: mean, usual };
                    least = mean + price;
                }
            }
        }
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size};

    use super::*;

    /// Frames of a bright square at these columns.
    fn thumbnails(columns: impl Iterator<Item = f64>) -> Vec<Thumbnail> {
        let size = Size::new(64, 64).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 };
        let draw = |column: f64| {
            let mut frame = Frame::new(format);
            let [y, .., alpha] = frame.planes_mut();
            for row in 24..40 {
                for at in column.round() as usize..column.round() as usize + 16 {
                    (y[row * 64 + at], alpha[row * 64 + at]) = (200, 255);
                }
            }
            Thumbnail::of(&frame)
        };
        columns.map(draw).collect()
    }

    #[test]
    fn a_swing_loops_after_whole_periods_in_the_same_direction() {
        let swing = |frames: u32, start: f64| {
            let at = move |frame| 24.0 + 20.0 * (std::f64::consts::TAU * f64::from(frame) / 20.0 + start).sin();
            Seam::find(&thumbnails((0..frames).map(at))).unwrap()
        };
        for start in [0.0, 1.0, 2.5] {
            let seam = swing(50, start);
            assert_eq!(seam.end - seam.first, 40, "two periods of 20 frames, not two and a half: {seam:?}");
            assert!(seam.difference < 0.3 * seam.usual, "{seam:?}");
        }
        let whole = swing(40, 0.5);
        assert_eq!((whole.first, whole.end), (0, 40), "a clip that loops is kept whole");
    }

    #[test]
    fn a_clip_that_never_returns_closes_badly() {
        let seam = Seam::find(&thumbnails((0..30).map(f64::from))).unwrap();
        assert!(seam.end - seam.first >= 15 && seam.difference > 5.0 * seam.usual, "{seam:?}");
        assert!(Seam::find(&thumbnails((0..3).map(f64::from))).is_none());
        let still = Seam::find(&thumbnails((0..9).map(|_| 10.0))).unwrap();
        assert_eq!((still.first, still.end, still.difference), (0, 9, 0.0));
    }
}
