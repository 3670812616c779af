//! Region of a hint in one frame, and its movement from frame to frame.

use clearcut_frame::Area;

use super::{
    cells::reaches_border,
    small_frame::{SmallFrame, is_near},
};
use crate::{
    hints::{KEEP, REMOVE, WHOLE},
    levels::length,
    outline::{around, depths, dilated, place},
};

/// Largest change of luma and chroma of a cell from frame to frame, in levels: flicker and grain.
/// Half of the spread of colors in a region, so that a cell of another object does not keep its
/// color.
const FRAME_CHANGE: [i16; 2] = [12, 8];

/// Width of the surroundings that move along with a region, in cells. A flat region shows its
/// movement only there; farther out, other things move differently.
const SURROUNDINGS: usize = 6;

/// Number of cells that are compared to measure a movement. It bounds the time; more cells change
/// the mean little.
const MAX_SAMPLES: usize = 500;

/// Largest movement of a region from frame to frame, as a divisor of the longer side. A wider
/// search costs time by its square and finds look-alikes.
const MOVEMENT_DIVISOR: usize = 6;

/// Largest contribution of one cell to the difference between two frames, in levels. It limits the
/// weight of uncovered cells.
const MAX_DIFFERENCE: i16 = 40;

/// Mean difference above which a frame does not show the region, in levels. More
/// follows it onto something else, less loses it in flicker.
const LOST_DIFFERENCE: f32 = 16.0;

/// Cost of a movement by one cell, in levels of that difference. Without it, a flat region would
/// drift.
const COST_PER_CELL: f32 = 0.03;

/// Growth limit in cells, for a frame in which a region becomes more than twice as large or reaches
/// the border of the frame. It has leaked then; a real region grows by a cell or two.
const GROWTH_MARGIN: usize = 2;

/// The region of a hint in one frame.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// 255 inside the region, else 0.
    pub(crate) cells: Vec<u8>,
    /// Whether the region is a box, which covers its cells whatever they show.
    is_box: bool,
    /// Whether the region reaches the border of the frame.
    is_open: bool,
    /// Largest change of luma and chroma between neighboring cells of the region, in levels.
    steps: [i16; 2],
}

impl Region {
    /// The region that a hint on `area` marks in its own frame. `None` if its point is on the outer
    /// background, which is never kept and is removed anyway.
    pub(crate) fn from_hint(
        area: Area,
        steps: [i16; 2],
        frame: &SmallFrame,
        is_background: &dyn Fn(usize) -> bool,
    ) -> Option<Self> {
        let (width, height) = (frame.width, frame.height);
        let cell_at = |share: f64, side: usize| ((share * side as f64) as usize).min(side - 1);
        match area {
            Area::Box { x, y, width: wide, height: high } => {
                let mut cells = vec![0; frame.colors.len()];
                let last = |share: f64, side: usize| ((share * side as f64).ceil() as usize).clamp(1, side);
                for row in cell_at(y, height)..last(y + high, height) {
                    cells[row * width + cell_at(x, width)..row * width + last(x + wide, width)].fill(255);
                }
                Some(Self { cells, is_box: true, is_open: false, steps })
            }
            Area::Point { x, y } => {
                let point = frame.calm_cell_near(cell_at(y, height) * width + cell_at(x, width));
                let reference = frame.mean(around(point, width, frame.colors.len(), 1));
                let cells = frame.flood_fill(&[point], steps, reference);
                match frame.without_outside(&cells, point, reference) {
                    Some(cells) => Some(Self { cells, is_box: false, is_open: false, steps }),
                    None if is_background(point) => None,
                    None => Some(Self { cells, is_box: false, is_open: true, steps }),
                }
            }
        }
    }

    /// The value of its cells in a [`HintMap`].
    pub(crate) const fn label(&self, keeps: bool) -> u8 {
        (if keeps { KEEP } else { REMOVE }) | if self.is_box { WHOLE } else { 0 }
    }

    fn len(&self) -> usize {
        self.cells.iter().filter(|&&cell| cell != 0).count()
    }

    /// The indices of its cells, in order.
    fn indices(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().filter(|(_, cell)| **cell != 0).map(|(index, _)| index)
    }

    /// The region of the frame `before`, found again in the frame `after`; `None` if that does not
    /// show it.
    pub(crate) fn moved(&self, before: &SmallFrame, after: &SmallFrame) -> Option<Self> {
        let width = before.width;
        // A box at the border of the frame, such as a watermark, does not move.
        let is_fixed = self.is_box && reaches_border(&self.cells, width);
        let movement = self.movement(before, after)?;
        let [right, down] = if is_fixed { [0, 0] } else { movement };
        let target = |cell: usize| {
            let (x, y) = place(cell, width);
            let (x, y) = (x.checked_add_signed(right)?, y.checked_add_signed(down)?);
            (x < width && y < before.height).then_some(y * width + x)
        };
        let mut shifted = vec![0; self.cells.len()];
        let mut seeds = Vec::new();
        for cell in self.indices() {
            if let Some(there) = target(cell) {
                shifted[there] = 255;
                if is_near(before.colors[cell], after.colors[there], FRAME_CHANGE) {
                    seeds.push(there);
                }
            }
        }
        if self.is_box {
            return shifted.contains(&255).then_some(Self { cells: shifted, ..*self });
        }
        if 4 * seeds.len() < self.len() {
            return None;
        }
        let reference = before.mean(self.indices());
        let grown = after.flood_fill(&seeds, self.steps, reference);
        let within = |reach: usize| {
            let near = dilated(&shifted, width, reach);
            grown.iter().zip(near).map(|(grown, near)| grown & near).collect::<Vec<u8>>()
        };
        let deepest = |cells: &[u8]| {
            let depth = depths(cells, width);
            seeds.iter().copied().max_by_key(|&seed| depth[seed])
        };
        let cells = if self.is_open {
            within(2 * GROWTH_MARGIN)
        } else {
            after.without_outside(&grown, deepest(&shifted)?, reference).unwrap_or_else(|| within(0))
        };
        let count = cells.iter().filter(|&&cell| cell != 0).count();
        let cells = if count > 2 * self.len() + 4 * GROWTH_MARGIN { within(GROWTH_MARGIN) } else { cells };
        Some(Self { cells, ..*self })
    }

    /// The movement of the region and its surroundings from `before` to `after`: cells to the right
    /// and down. `None` if nothing in `after` looks like it.
    fn movement(&self, before: &SmallFrame, after: &SmallFrame) -> Option<[isize; 2]> {
        let width = before.width;
        let near = dilated(&self.cells, width, SURROUNDINGS);
        let samples: Vec<usize> = (0..near.len()).filter(|&cell| near[cell] != 0).collect();
        let step = samples.len().div_ceil(MAX_SAMPLES).max(1);
        let samples: Vec<([usize; 2], [i16; 3])> = samples
            .into_iter()
            .step_by(step)
            .map(|cell| {
                let (x, y) = place(cell, width);
                ([x, y], before.colors[cell])
            })
            .collect();
        let difference = |[right, down]: [isize; 2]| {
            let difference_of = |&([x, y], seen): &([usize; 2], [i16; 3])| {
                let there = x.checked_add_signed(right).zip(y.checked_add_signed(down));
                let there = there.filter(|(x, y)| *x < width && *y < before.height);
                there.map_or(MAX_DIFFERENCE / 4, |(x, y)| {
                    let color = after.colors[y * width + x];
                    (0..3).map(|k| (seen[k] - color[k]).abs()).sum::<i16>().min(MAX_DIFFERENCE)
                })
            };
            let sum: i32 = samples.iter().map(|cell| i32::from(difference_of(cell))).sum();
            sum as f32 / samples.len().max(1) as f32 + COST_PER_CELL * length([right as f32, down as f32, 0.0])
        };
        let reach = (width.max(before.height) / MOVEMENT_DIVISOR) as isize;
        let best = |around: [isize; 2], reach: isize, step: usize| {
            let places = (-reach..=reach).step_by(step).flat_map(|right| {
                (-reach..=reach).step_by(step).map(move |down| [around[0] + right, around[1] + down])
            });
            places
                .map(|place| (difference(place), place))
                .min_by(|(one, _), (other, _)| one.total_cmp(other))
                .unwrap_or((f32::MAX, around))
        };
        // The reach is a multiple of the step, so that "no movement" is among the candidates.
        let (_, rough) = best([0, 0], reach / 3 * 3, 3);
        let (least, movement) = best(rough, 1, 1);
        (least <= LOST_DIFFERENCE).then_some(movement)
    }
}
