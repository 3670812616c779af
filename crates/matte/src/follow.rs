//! Tracking of hinted regions: the region that a hint marks in one frame is found again in the
//! frames before and after it.
//!
//! Works on small frames of the whole clip; their pixels are called cells. A point marks the
//! connected cells around it whose color changes softly from one cell to the next. A box marks
//! everything inside it. From frame to frame, the movement of a region is measured on the region
//! and its surroundings; a point's region is then grown again from the cells that kept their color.
//! A lost region (covered, or behind a cut) is searched for during [`PATIENCE`] frames. After that,
//! its hint ends in that direction.

use clearcut_frame::{Area, Frame};

use crate::{
    Background,
    grain::grain_of,
    hints::{HintMap, KEEP, REMOVE, WHOLE},
    levels::length,
    outline::{around, beside, chroma_of, depths, place, raise, widened},
};

/// Largest change of luma and chroma between neighboring cells of a region, in levels: shading.
/// Three deviations of grain are added.
const STEP: f64 = 2.0;
const STEP_OF_GRAIN: f64 = 3.0;

/// Largest difference of luma and chroma at which two colors cannot be told apart, in levels.
const INDISTINGUISHABLE: [i16; 2] = [4, 3];

/// Largest distance of a point from its region, in cells, and the largest difference of luma and
/// chroma between neighboring cells of a calm area, in levels.
const POINT_REACH: usize = 2;
const CALM_STEP: [i16; 2] = [8, 6];

/// Largest difference of luma and chroma between a cell and the mean of its region, in levels.
const SPREAD: [i16; 2] = [24, 16];

/// Largest change of luma and chroma of a cell from frame to frame, in levels.
const FRAME_CHANGE: [i16; 2] = [12, 8];

/// Width of the surroundings that move along with a region, in cells.
const SURROUNDINGS: usize = 6;

/// Number of cells that are compared to measure a movement.
const MAX_SAMPLES: usize = 500;

/// Largest movement of a region from frame to frame, as a divisor of the longer side.
const MOVEMENT_DIVISOR: usize = 6;

/// Largest contribution of one cell to the difference between two frames, in levels. It limits the
/// weight of uncovered cells.
const MAX_DIFFERENCE: i16 = 40;

/// Mean difference above which a frame does not show the region, in levels.
const LOST_DIFFERENCE: f32 = 16.0;

/// Cost of a movement by one cell, in levels of that difference. Without it, a flat region would
/// drift.
const COST_PER_CELL: f32 = 0.03;

/// Number of frames during which a lost region is searched for.
const PATIENCE: usize = 12;

/// Growth limit in cells, for a frame in which a region becomes more than twice as large or reaches
/// the border of the frame.
const GROWTH_MARGIN: usize = 2;

/// Distance from a point within which the deepest cell of its region is searched, in cells.
const SEED_REACH: usize = 4;

/// A region that the user has marked in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hint {
    /// Index of the frame in which it was marked.
    pub frame: usize,
    /// Its place in that frame.
    pub area: Area,
    /// Whether the region is subject; otherwise it is background.
    pub keeps: bool,
}

/// The frames of a clip in which its hints hold.
#[derive(Debug)]
pub struct Followed {
    /// Per frame, the hinted cells; `None` where no hint holds.
    pub maps: Vec<Option<HintMap>>,
    /// Per hint, the number of frames in which it holds. 0 if the region cannot be separated from
    /// its surroundings: a point on the outer background.
    pub frames: Vec<usize>,
}

/// Follows `hints` through `frames`: small frames of the whole clip, all of one size. `background`
/// identifies the outer background, if it is known.
///
/// Where two hints overlap, the later one in the list wins. Calls `should_continue` before every
/// frame of every hint, and ends that hint when it returns false.
#[must_use]
pub fn follow(
    hints: &[Hint],
    frames: &[Frame],
    background: Option<&Background>,
    should_continue: &dyn Fn() -> bool,
) -> Followed {
    let [luma, blue, red] = grain_of(frames);
    let steps = [luma, blue.max(red)].map(|grain| (STEP + STEP_OF_GRAIN * grain).round() as i16);
    let mut followed = Followed { maps: vec![None; frames.len()], frames: vec![0; hints.len()] };
    for (hint, count) in hints.iter().zip(&mut followed.frames) {
        let Some(frame) = frames.get(hint.frame) else { continue };
        let levels = Levels::of(frame);
        let is_background = |cell: usize| background.is_some_and(|background| background.is_seen_at(frame, cell));
        let Some(region) = Region::from_hint(hint, steps, &levels, &is_background) else { continue };
        let mut mark = |index: usize, region: &Region| {
            let map = followed.maps[index].get_or_insert_with(|| HintMap::new(levels.width, levels.height));
            map.mark(&region.cells, region.label(hint.keeps));
            *count += 1;
        };
        mark(hint.frame, &region);
        let should_continue = |_: &usize| should_continue();
        track(&levels, &region, (hint.frame + 1..frames.len()).take_while(should_continue), frames, &mut mark);
        track(&levels, &region, (0..hint.frame).rev().take_while(should_continue), frames, &mut mark);
    }
    followed
}

/// Tracks `region` from the frame with `levels` through the frames `indices` until it is lost.
/// Calls `found` for every frame that shows it.
fn track(
    levels: &Levels,
    region: &Region,
    indices: impl Iterator<Item = usize>,
    frames: &[Frame],
    found: &mut impl FnMut(usize, &Region),
) {
    let (mut levels, mut region, mut missed) = (levels.clone(), region.clone(), 0);
    for index in indices {
        let next = Levels::of(&frames[index]);
        if let Some(moved) = region.moved(&levels, &next) {
            found(index, &moved);
            (levels, region, missed) = (next, moved, 0);
        } else if missed == PATIENCE {
            return;
        } else {
            missed += 1;
        }
    }
}

/// Y', Cb, Cr of each cell of a frame.
#[derive(Debug, Clone)]
struct Levels {
    width: usize,
    height: usize,
    colors: Vec<[i16; 3]>,
}

impl Levels {
    fn of(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let colors = frame.y().iter().enumerate().map(|(index, luma)| {
            let sample = chroma_of(index, frame.format());
            [*luma, frame.cb()[sample], frame.cr()[sample]].map(i16::from)
        });
        Self { width, height, colors: colors.collect() }
    }

    /// Mean color of `cells`.
    fn mean(&self, cells: impl Iterator<Item = usize>) -> [i16; 3] {
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
    fn calm_cell_near(&self, point: usize) -> usize {
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
    fn flood_fill(&self, seeds: &[usize], steps: [i16; 2], reference: [i16; 3]) -> Vec<u8> {
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
    fn without_outside(&self, cells: &[u8], point: usize, reference: [i16; 3]) -> Option<Vec<u8>> {
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
fn is_near(one: [i16; 3], other: [i16; 3], most: [i16; 2]) -> bool {
    let difference_of = |k: usize| (one[k] - other[k]).abs();
    difference_of(0) <= most[0] && difference_of(1).max(difference_of(2)) <= most[1]
}

/// The region of a hint in one frame.
#[derive(Debug, Clone)]
struct Region {
    /// 255 inside the region, else 0.
    cells: Vec<u8>,
    /// Whether the region is a box, which covers its cells whatever they show.
    is_box: bool,
    /// Whether the region reaches the border of the frame.
    is_open: bool,
    /// Largest change of luma and chroma between neighboring cells of the region, in levels.
    steps: [i16; 2],
}

impl Region {
    /// The region that `hint` marks in its own frame. `None` if its point is on the outer
    /// background, which is never kept and is removed anyway.
    fn from_hint(hint: &Hint, steps: [i16; 2], levels: &Levels, is_background: &dyn Fn(usize) -> bool) -> Option<Self> {
        let (width, height) = (levels.width, levels.height);
        let cell_at = |share: f64, side: usize| ((share * side as f64) as usize).min(side - 1);
        match hint.area {
            Area::Box { x, y, width: wide, height: high } => {
                let mut cells = vec![0; levels.colors.len()];
                let last = |share: f64, side: usize| ((share * side as f64).ceil() as usize).clamp(1, side);
                for row in cell_at(y, height)..last(y + high, height) {
                    cells[row * width + cell_at(x, width)..row * width + last(x + wide, width)].fill(255);
                }
                Some(Self { cells, is_box: true, is_open: false, steps })
            }
            Area::Point { x, y } => {
                let point = levels.calm_cell_near(cell_at(y, height) * width + cell_at(x, width));
                let reference = levels.mean(around(point, width, levels.colors.len(), 1));
                let cells = levels.flood_fill(&[point], steps, reference);
                match levels.without_outside(&cells, point, reference) {
                    Some(cells) => Some(Self { cells, is_box: false, is_open: false, steps }),
                    None if is_background(point) => None,
                    None => Some(Self { cells, is_box: false, is_open: true, steps }),
                }
            }
        }
    }

    /// The value of its cells in a [`HintMap`].
    const fn label(&self, keeps: bool) -> u8 {
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
    fn moved(&self, before: &Levels, after: &Levels) -> Option<Self> {
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
    fn movement(&self, before: &Levels, after: &Levels) -> Option<[isize; 2]> {
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

/// The part of `cells` around `point`, cut off at a neck behind which the border of the frame lies.
/// `None` if there is no such neck.
///
/// The part is the cells deeper than half the neck's width, and the cells around those. A neck is
/// at most half as wide as the part that it leads to.
fn cut_at_neck(cells: &[u8], width: usize, point: usize) -> Option<Vec<u8>> {
    let depth = depths(cells, width);
    let deepest = around(point, width, cells.len(), SEED_REACH).max_by_key(|&cell| depth[cell])?;
    for neck in 1..=depth[deepest] / 2 {
        let core: Vec<u8> = depth.iter().map(|&depth| if depth > neck { 255 } else { 0 }).collect();
        let core = connected_to(&core, width, deepest);
        if !reaches_border(&core, width) {
            let mut around = core;
            for _ in 0..neck {
                let wider = dilated(&around, width, 1);
                around = wider.iter().zip(cells).map(|(wider, cell)| wider & cell).collect();
            }
            return Some(around);
        }
    }
    None
}

fn reaches_border(cells: &[u8], width: usize) -> bool {
    let mut rows = cells.chunks_exact(width);
    let ends = rows.clone().any(|row| row[0] != 0 || row[width - 1] != 0);
    ends || rows.next().is_some_and(|row| row.contains(&255)) || rows.last().is_some_and(|row| row.contains(&255))
}

/// The cells of `cells` that are connected to `start`.
fn connected_to(cells: &[u8], width: usize, start: usize) -> Vec<u8> {
    let mut found = vec![0; cells.len()];
    let mut open = vec![start];
    found[start] = 255;
    while let Some(cell) = open.pop() {
        for other in beside(cell, width, cells.len()) {
            if cells[other] != 0 && found[other] == 0 {
                found[other] = 255;
                open.push(other);
            }
        }
    }
    found
}

/// `cells` grown by `reach` columns and rows.
pub(crate) fn dilated(cells: &[u8], width: usize, reach: usize) -> Vec<u8> {
    let wide: Vec<u8> = cells.chunks_exact(width).flat_map(|row| widened(row, reach)).collect();
    let mut high = wide.clone();
    for rows in 1..=reach.min(cells.len() / width - 1) {
        raise(&mut high[rows * width..], &wide);
        raise(&mut high, &wide[rows * width..]);
    }
    high
}
