//! Small copies of the frames: the colors of their cells, and the regions of cells that they show.

use clearcut_frame::Frame;

use super::cells::{connected_to, cut_at_neck, reaches_border};
use crate::outline::{around, beside, chroma_of, place};

/// Largest difference of luma and chroma at which two colors cannot be told apart, in levels:
/// coding noise of a mean.
const INDISTINGUISHABLE: [i16; 2] = [4, 3];

/// Largest distance of a point from its region, in cells, and the largest difference of luma and
/// chroma between neighboring cells of a calm area, in levels: shading and grain, but no rim. A
/// click farther away means another thing.
const POINT_REACH: usize = 2;
const CALM_STEP: [i16; 2] = [8, 6];

/// Largest difference of luma and chroma between a cell and the mean of its region, in levels. More
/// lets small steps lead to another object, less cuts shaded ones apart.
const SPREAD: [i16; 2] = [24, 16];

/// Y', Cb, Cr of each cell of a frame.
#[derive(Debug, Clone)]
pub(crate) struct SmallFrame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) colors: Vec<[i16; 3]>,
}

impl SmallFrame {
    pub(crate) fn of(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let colors = frame.y().iter().enumerate().map(|(index, luma)| {
            let sample = chroma_of(index, frame.format());
            [*luma, frame.cb()[sample], frame.cr()[sample]].map(i16::from)
        });
        Self { width, height, colors: colors.collect() }
    }

    /// Mean color of `cells`.
    pub(crate) fn mean(&self, cells: impl Iterator<Item = usize>) -> [i16; 3] {
        let (mut sum, mut count) = ([0_i64; 3], 0_i64);
        for cell in cells {
            sum = [0, 1, 2].map(|k| sum[k] + i64::from(self.colors[cell][k]));
            count += 1;
        }
        sum.map(|sum| (sum / count.max(1)) as i16)
    }

    /// The cell that a click on `point` means: within [`POINT_REACH`], the cell with calm
    /// surroundings that is nearest in color, since people click on rims. `point` itself if there
    /// is none.
    pub(crate) fn calm_cell_near(&self, point: usize) -> usize {
        let is_calm = |cell: &usize| {
            let mut beside = around(*cell, self.width, self.colors.len(), 1);
            beside.all(|other| is_near(self.colors[*cell], self.colors[other], CALM_STEP))
        };
        let farness = |cell: &usize| {
            let difference_of = |k: usize| i32::from(self.colors[*cell][k] - self.colors[point][k]).pow(2);
            let ((x, y), (px, py)) = (place(*cell, self.width), place(point, self.width));
            (difference_of(0) + difference_of(1) + difference_of(2), x.abs_diff(px) + y.abs_diff(py))
        };
        around(point, self.width, self.colors.len(), POINT_REACH).filter(is_calm).min_by_key(farness).unwrap_or(point)
    }

    /// The cells that are reached from `seeds` in steps of at most `steps` levels, within
    /// [`SPREAD`] of `reference`.
    pub(crate) fn flood_fill(&self, seeds: &[usize], steps: [i16; 2], reference: [i16; 3]) -> Vec<u8> {
        let mut cells = vec![0; self.colors.len()];
        let mut open = Vec::new();
        for &seed in seeds {
            cells[seed] = 255;
            open.push(seed);
        }
        while let Some(cell) = open.pop() {
            for other in beside(cell, self.width, cells.len()) {
                if cells[other] == 0
                    && is_near(self.colors[cell], self.colors[other], steps)
                    && is_near(reference, self.colors[other], SPREAD)
                {
                    cells[other] = 255;
                    open.push(other);
                }
            }
        }
        cells
    }

    /// The part of `cells` around `point`, without the outside that they reach at the border of the
    /// frame. `None` if the two cannot be separated.
    ///
    /// The outside is nearer to the color at the border than to `reference`, or lies behind a neck.
    pub(crate) fn without_outside(&self, cells: &[u8], point: usize, reference: [i16; 3]) -> Option<Vec<u8>> {
        if !reaches_border(cells, self.width) {
            return Some(cells.to_vec());
        }
        let at_border = |cell: &usize| {
            let (x, y) = place(*cell, self.width);
            cells[*cell] != 0 && (x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height)
        };
        let outside = self.mean((0..cells.len()).filter(at_border));
        if !is_near(reference, outside, INDISTINGUISHABLE) {
            let nearer = cells.iter().zip(&self.colors).map(|(cell, levels)| {
                let squared_distance =
                    |color: [i16; 3]| (0..3).map(|k| i32::from(levels[k] - color[k]).pow(2)).sum::<i32>();
                if squared_distance(reference) < squared_distance(outside) { *cell } else { 0 }
            });
            let nearer = connected_to(&nearer.collect::<Vec<u8>>(), self.width, point);
            if !reaches_border(&nearer, self.width) {
                return Some(nearer);
            }
        }
        cut_at_neck(cells, self.width, point)
    }
}

/// Whether two colors differ by at most `most` levels of luma and of each chroma.
pub(crate) fn is_near(one: [i16; 3], other: [i16; 3], most: [i16; 2]) -> bool {
    let difference_of = |k: usize| (one[k] - other[k]).abs();
    difference_of(0) <= most[0] && difference_of(1).max(difference_of(2)) <= most[1]
}
