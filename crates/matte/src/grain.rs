//! The grain of a clip: what differs from pixel to pixel, whatever lies in front of what. Smooth things have none.

use clearcut_frame::Picture;

/// Every which sample, row and place of a row is looked at.
const SAMPLES: usize = 3;
const ROWS: usize = 4;
const PLACES: usize = 3;

/// Pixels between one that is looked at and those that it is compared with.
const REACH: usize = 3;

/// The share of all differences that are grain: the others are edges.
const GRAIN: f64 = 0.6;

/// The mean of the least 60 % of |N(0, 1)|.
const MEAN_OF_GRAIN: f64 = 0.36;

/// Standard deviation of Y', Cb and Cr from pixel to pixel, in levels: from second differences along rows, `2 p(x) - p(x - 3) - p(x + 3)`, whose
/// deviation is the square root of 6 times as large.
pub(crate) fn grain_of(samples: &[Picture]) -> [f64; 3] {
    [0, 1, 2].map(|plane| {
        let mut differences: Vec<u16> = Vec::new();
        for picture in samples.iter().step_by(SAMPLES) {
            let (values, width) = match plane {
                0 => (picture.y(), picture.size().width() as usize),
                1 => (picture.cb(), picture.format().chroma_size().0),
                _ => (picture.cr(), picture.format().chroma_size().0),
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
