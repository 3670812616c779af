//! The region that a hint names in one frame, found again in the frames before and after it.
//!
//! Works on small frames of the whole clip, whose pixels are called cells. A point names the cells around it that hang together and change
//! softly from one to the next; a box names what lies in it. From frame to frame the region moves as it and what surrounds it do; then a point's
//! region is grown again from the cells that have kept their color. A region that is lost (covered, or behind a cut) is looked for during
//! [`PATIENCE`] frames, and then its hint holds no longer in that direction.

use clearcut_frame::{Area, Frame};

use crate::{
    Background,
    grain::grain_of,
    hints::{HintMap, KEEP, REMOVE, WHOLE},
    levels::length,
    outline::{around, beside, chroma_of, depths, place, raise, widened},
};

/// By how much luma and chroma may change from a cell of a region to the one beside it, in levels: shading; and three deviations of grain more.
const STEP: f64 = 2.0;
const STEP_OF_GRAIN: f64 = 3.0;

/// Levels of luma and chroma up to which two colors cannot be told.
const NEARLY_THE_SAME: [i16; 2] = [4, 3];

/// How far from its region a point may be, in cells, and how much luma and chroma of cells side by side differ within one, in levels.
const AT_RIM: usize = 2;
const CALM: [i16; 2] = [8, 6];

/// How far luma and chroma of a cell may be from the mean of its region, in levels.
const SPREAD: [i16; 2] = [24, 16];

/// By how much luma and chroma of a cell may change from frame to frame, in levels.
const CHANGE: [i16; 2] = [12, 8];

/// How far around a region its surroundings move with it, in cells.
const SURROUNDINGS: usize = 6;

/// How many cells tell the movement.
const TELLING: usize = 500;

/// How far a region moves from frame to frame: at most one in so many of the longer side.
const FARTHEST: usize = 6;

/// The most that one cell adds to the difference between two frames, in levels: what has been uncovered is not compared.
const MOST_DIFFERENT: i16 = 40;

/// Mean difference above which a frame does not show the region, in levels.
const LOST: f32 = 16.0;

/// What moving by a cell costs, in levels of that difference: a flat region would drift.
const COST_OF_A_CELL: f32 = 0.03;

/// For how many frames a lost region is looked for.
const PATIENCE: usize = 12;

/// How far a region grows in a frame where it becomes more than twice as large, or reaches the border of the frame, in cells.
const MARGIN: usize = 2;

/// How far from a point the deepest cell of its region is looked for, in cells.
const NEARBY: usize = 4;

/// A region that the user has named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hint {
    /// The number of the frame in which it was named.
    pub frame: usize,
    /// Where in that frame.
    pub area: Area,
    /// Whether the region is subject; else it is background.
    pub keeps: bool,
}

/// Where in a clip its hints hold.
#[derive(Debug)]
pub struct Followed {
    /// Per frame, what hints say of its cells; `None` where none holds.
    pub maps: Vec<Option<HintMap>>,
    /// Per hint, in how many frames it holds. 0 where nothing could be told from its surroundings: a point of the background outside.
    pub frames: Vec<usize>,
}

/// Follows `hints` through `frames`, small frames of the whole clip, all of one size; `background` tells what outside is, where it is known. Where two
/// hints hold, the later in the list does. Asks `goes_on` before every frame of every hint, and ends where that says no.
#[must_use]
pub fn follow(
    hints: &[Hint],
    frames: &[Frame],
    background: Option<&Background>,
    goes_on: &dyn Fn() -> bool,
) -> Followed {
    let [luma, blue, red] = grain_of(frames);
    let steps = [luma, blue.max(red)].map(|grain| (STEP + STEP_OF_GRAIN * grain).round() as i16);
    let mut followed = Followed { maps: vec![None; frames.len()], frames: vec![0; hints.len()] };
    for (hint, count) in hints.iter().zip(&mut followed.frames) {
        let Some(frame) = frames.get(hint.frame) else { continue };
        let levels = Levels::of(frame);
        let is_background = |cell: usize| background.is_some_and(|background| background.is_seen_at(frame, cell));
        let Some(region) = Region::named(hint, steps, &levels, &is_background) else { continue };
        let mut mark = |index: usize, region: &Region| {
            let map = followed.maps[index].get_or_insert_with(|| HintMap::new(levels.width, levels.height));
            map.mark(&region.cells, region.word(hint.keeps));
            *count += 1;
        };
        mark(hint.frame, &region);
        let goes_on = |_: &usize| goes_on();
        walk(&levels, &region, (hint.frame + 1..frames.len()).take_while(goes_on), frames, &mut mark);
        walk(&levels, &region, (0..hint.frame).rev().take_while(goes_on), frames, &mut mark);
    }
    followed
}

/// Follows `region` from the frame with `levels` through the frames `indices` and hands it on where it was found, until it is lost.
fn walk(
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

/// Y', Cb, Cr of each cell.
#[derive(Debug, Clone)]
struct Levels {
    width: usize,
    height: usize,
    at: Vec<[i16; 3]>,
}

impl Levels {
    fn of(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let at = frame.y().iter().enumerate().map(|(index, luma)| {
            let sample = chroma_of(index, frame.format());
            [*luma, frame.cb()[sample], frame.cr()[sample]].map(i16::from)
        });
        Self { width, height, at: at.collect() }
    }

    /// The mean over some cells.
    fn mean(&self, cells: impl Iterator<Item = usize>) -> [i16; 3] {
        let (mut sum, mut count) = ([0_i64; 3], 0_i64);
        for cell in cells {
            sum = [0, 1, 2].map(|k| sum[k] + i64::from(self.at[cell][k]));
            count += 1;
        }
        sum.map(|sum| (sum / count.max(1)) as i16)
    }

    /// The cell at most [`AT_RIM`] away from `point` that is meant by it: the nearest in color of those with calm surroundings, as people click on rims,
    /// or `point` itself.
    fn calm_near(&self, point: usize) -> usize {
        let is_calm = |cell: &usize| {
            let mut beside = around(*cell, self.width, self.at.len(), 1);
            beside.all(|other| is_near(self.at[*cell], self.at[other], CALM))
        };
        let farness = |cell: &usize| {
            let apart = |k: usize| i32::from(self.at[*cell][k] - self.at[point][k]).pow(2);
            let ((x, y), (px, py)) = (place(*cell, self.width), place(point, self.width));
            (apart(0) + apart(1) + apart(2), x.abs_diff(px) + y.abs_diff(py))
        };
        around(point, self.width, self.at.len(), AT_RIM).filter(is_calm).min_by_key(farness).unwrap_or(point)
    }

    /// The cells that are reached from `seeds` in steps of so many levels, within [`SPREAD`] of `reference`.
    fn flooded(&self, seeds: &[usize], steps: [i16; 2], reference: [i16; 3]) -> Vec<u8> {
        let mut cells = vec![0; self.at.len()];
        let mut open = Vec::new();
        for &seed in seeds {
            cells[seed] = 255;
            open.push(seed);
        }
        while let Some(cell) = open.pop() {
            for other in beside(cell, self.width, cells.len()) {
                if cells[other] == 0
                    && is_near(self.at[cell], self.at[other], steps)
                    && is_near(reference, self.at[other], SPREAD)
                {
                    cells[other] = 255;
                    open.push(other);
                }
            }
        }
        cells
    }

    /// The cells of `cells` around `point` without the outside that they reach at the border of the frame; `None` where that cannot be told. The
    /// outside is what is nearer to the color at the border than to `reference`, or lies behind a neck.
    fn without_outside(&self, cells: &[u8], point: usize, reference: [i16; 3]) -> Option<Vec<u8>> {
        if !reaches_border(cells, self.width) {
            return Some(cells.to_vec());
        }
        let at_border = |cell: &usize| {
            let (x, y) = place(*cell, self.width);
            cells[*cell] != 0 && (x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height)
        };
        let outside = self.mean((0..cells.len()).filter(at_border));
        if !is_near(reference, outside, NEARLY_THE_SAME) {
            let nearer = cells.iter().zip(&self.at).map(|(cell, levels)| {
                let to = |color: [i16; 3]| (0..3).map(|k| i32::from(levels[k] - color[k]).pow(2)).sum::<i32>();
                if to(reference) < to(outside) { *cell } else { 0 }
            });
            let nearer = hanging_together(&nearer.collect::<Vec<u8>>(), self.width, point);
            if !reaches_border(&nearer, self.width) {
                return Some(nearer);
            }
        }
        separated(cells, self.width, point)
    }
}

/// Whether two colors differ by at most so many levels of luma and of each chroma.
fn is_near(one: [i16; 3], other: [i16; 3], most: [i16; 2]) -> bool {
    let apart = |k: usize| (one[k] - other[k]).abs();
    apart(0) <= most[0] && apart(1).max(apart(2)) <= most[1]
}

/// What a hint names in one frame.
#[derive(Debug, Clone)]
struct Region {
    /// 255 in it, else 0.
    cells: Vec<u8>,
    /// A box, whatever it shows.
    is_box: bool,
    /// It reaches the border of the frame.
    is_open: bool,
    /// By how much luma and chroma may change from one of its cells to the one beside it, in levels.
    steps: [i16; 2],
}

impl Region {
    /// What `hint` names in its own frame; `None` where its point is of the background outside, which is none to be kept and is removed anyway.
    fn named(hint: &Hint, steps: [i16; 2], levels: &Levels, is_background: &dyn Fn(usize) -> bool) -> Option<Self> {
        let (width, height) = (levels.width, levels.height);
        let cell_at = |share: f64, side: usize| ((share * side as f64) as usize).min(side - 1);
        match hint.area {
            Area::Box { x, y, width: wide, height: high } => {
                let mut cells = vec![0; levels.at.len()];
                let last = |share: f64, side: usize| ((share * side as f64).ceil() as usize).clamp(1, side);
                for row in cell_at(y, height)..last(y + high, height) {
                    cells[row * width + cell_at(x, width)..row * width + last(x + wide, width)].fill(255);
                }
                Some(Self { cells, is_box: true, is_open: false, steps })
            }
            Area::Point { x, y } => {
                let point = levels.calm_near(cell_at(y, height) * width + cell_at(x, width));
                let reference = levels.mean(around(point, width, levels.at.len(), 1));
                let cells = levels.flooded(&[point], steps, reference);
                match levels.without_outside(&cells, point, reference) {
                    Some(cells) => Some(Self { cells, is_box: false, is_open: false, steps }),
                    None if is_background(point) => None,
                    None => Some(Self { cells, is_box: false, is_open: true, steps }),
                }
            }
        }
    }

    /// What the map says of its cells.
    const fn word(&self, keeps: bool) -> u8 {
        (if keeps { KEEP } else { REMOVE }) | if self.is_box { WHOLE } else { 0 }
    }

    fn len(&self) -> usize {
        self.cells.iter().filter(|&&cell| cell != 0).count()
    }

    /// The cells in it, in order.
    fn indices(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().filter(|(_, cell)| **cell != 0).map(|(index, _)| index)
    }

    /// This region of the frame `before` in the frame `after`; `None` where that does not show it.
    fn moved(&self, before: &Levels, after: &Levels) -> Option<Self> {
        let width = before.width;
        // A box at the border frames the frame, and a watermark stays.
        let is_held = self.is_box && reaches_border(&self.cells, width);
        let moves = self.movement(before, after)?;
        let [right, down] = if is_held { [0, 0] } else { moves };
        let to = |cell: usize| {
            let (x, y) = place(cell, width);
            let (x, y) = (x.checked_add_signed(right)?, y.checked_add_signed(down)?);
            (x < width && y < before.height).then_some(y * width + x)
        };
        let mut shifted = vec![0; self.cells.len()];
        let mut seeds = Vec::new();
        for cell in self.indices() {
            if let Some(there) = to(cell) {
                shifted[there] = 255;
                if is_near(before.at[cell], after.at[there], CHANGE) {
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
        let grown = after.flooded(&seeds, self.steps, reference);
        let within = |reach: usize| {
            let near = spread(&shifted, width, reach);
            grown.iter().zip(near).map(|(grown, near)| grown & near).collect::<Vec<u8>>()
        };
        let deepest = |cells: &[u8]| {
            let depth = depths(cells, width);
            seeds.iter().copied().max_by_key(|&seed| depth[seed])
        };
        let cells = if self.is_open {
            within(2 * MARGIN)
        } else {
            after.without_outside(&grown, deepest(&shifted)?, reference).unwrap_or_else(|| within(0))
        };
        let count = cells.iter().filter(|&&cell| cell != 0).count();
        let cells = if count > 2 * self.len() + 4 * MARGIN { within(MARGIN) } else { cells };
        Some(Self { cells, ..*self })
    }

    /// By how many cells this region and what surrounds it move to the right and down from `before` to `after`; `None` if nothing there looks
    /// like it.
    fn movement(&self, before: &Levels, after: &Levels) -> Option<[isize; 2]> {
        let width = before.width;
        let near = spread(&self.cells, width, SURROUNDINGS);
        let telling: Vec<usize> = (0..near.len()).filter(|&cell| near[cell] != 0).collect();
        let step = telling.len().div_ceil(TELLING).max(1);
        let telling: Vec<([usize; 2], [i16; 3])> = telling
            .into_iter()
            .step_by(step)
            .map(|cell| {
                let (x, y) = place(cell, width);
                ([x, y], before.at[cell])
            })
            .collect();
        let difference = |[right, down]: [isize; 2]| {
            let apart = |&([x, y], seen): &([usize; 2], [i16; 3])| {
                let there = x.checked_add_signed(right).zip(y.checked_add_signed(down));
                let there = there.filter(|(x, y)| *x < width && *y < before.height);
                there.map_or(MOST_DIFFERENT / 4, |(x, y)| {
                    let is = after.at[y * width + x];
                    (0..3).map(|k| (seen[k] - is[k]).abs()).sum::<i16>().min(MOST_DIFFERENT)
                })
            };
            let sum: i32 = telling.iter().map(|cell| i32::from(apart(cell))).sum();
            sum as f32 / telling.len().max(1) as f32 + COST_OF_A_CELL * length([right as f32, down as f32, 0.0])
        };
        let reach = (width.max(before.height) / FARTHEST) as isize;
        let best = |around: [isize; 2], reach: isize, step: usize| {
            let places = (-reach..=reach).step_by(step).flat_map(|right| {
                (-reach..=reach).step_by(step).map(move |down| [around[0] + right, around[1] + down])
            });
            places
                .map(|place| (difference(place), place))
                .min_by(|(one, _), (other, _)| one.total_cmp(other))
                .unwrap_or((f32::MAX, around))
        };
        // A multiple of the step, so that standing still is among the places.
        let (_, rough) = best([0, 0], reach / 3 * 3, 3);
        let (least, movement) = best(rough, 1, 1);
        (least <= LOST).then_some(movement)
    }
}

/// The cells of `cells` around `point`, without what hangs together with them through a neck only, if the border of the frame lies behind it: cells
/// that are deeper than half the neck's width, and what lies around them. A neck is at most half as wide as what it leads to. `None` if there is none.
fn separated(cells: &[u8], width: usize, point: usize) -> Option<Vec<u8>> {
    let depth = depths(cells, width);
    let deepest = around(point, width, cells.len(), NEARBY).max_by_key(|&cell| depth[cell])?;
    for neck in 1..=depth[deepest] / 2 {
        let core: Vec<u8> = depth.iter().map(|&depth| if depth > neck { 255 } else { 0 }).collect();
        let core = hanging_together(&core, width, deepest);
        if !reaches_border(&core, width) {
            let mut around = core;
            for _ in 0..neck {
                let wider = spread(&around, width, 1);
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

/// The cells of `cells` that hang together with `start`.
fn hanging_together(cells: &[u8], width: usize, start: usize) -> Vec<u8> {
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

/// `cells` and those at most `reach` columns and rows away.
pub(crate) fn spread(cells: &[u8], width: usize, reach: usize) -> Vec<u8> {
    let wide: Vec<u8> = cells.chunks_exact(width).flat_map(|row| widened(row, reach)).collect();
    let mut high = wide.clone();
    for rows in 1..=reach.min(cells.len() / width - 1) {
        raise(&mut high[rows * width..], &wide);
        raise(&mut high, &wide[rows * width..]);
    }
    high
}
