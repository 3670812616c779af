//! What the user's hints say of one frame, and the pixels that they mean.

use clearcut_frame::Frame;

use crate::{
    follow::spread,
    likeness::LIMIT,
    outline::{chroma_of, place},
    regions::{look_alike_runs, root_of},
};

/// The cell is subject.
pub(crate) const KEEP: u8 = 1;
/// The cell is background.
pub(crate) const REMOVE: u8 = 2;
/// Every pixel of the cell is meant, whatever its color.
pub(crate) const WHOLE: u8 = 4;

/// How far luma and chroma of a pixel may be from the mean of a cell to be meant with it, in levels.
const ALIKE: [u16; 2] = [12, 8];

/// How far around what is named its rim reaches, in pixels: mixtures of its color and of what lies beside it.
const RIM: usize = 4;

/// What hints say of one frame, in cells: a grid over the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintMap {
    width: usize,
    height: usize,
    /// Per cell 0, or [`KEEP`] or [`REMOVE`], perhaps with [`WHOLE`].
    cells: Vec<u8>,
}

/// The pixels of one frame that hints mean, 255 each, else 0.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) kept: Vec<u8>,
    pub(crate) removed: Vec<u8>,
    /// Those of the removed that a box means, whatever their color.
    boxed: Vec<u8>,
}

impl HintMap {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, cells: vec![0; width * height] }
    }

    /// Says `word` of the cells that are not 0 in `region`.
    pub(crate) fn mark(&mut self, region: &[u8], word: u8) {
        for (cell, is_in) in self.cells.iter_mut().zip(region) {
            if *is_in != 0 {
                *cell = word;
            }
        }
    }

    /// Overrides a matte that was made without hints: alpha of `frame`, and its color from the planes `seen` where it is kept.
    pub fn overrule(&self, frame: &mut Frame, seen: &[u8]) {
        let format = frame.format().without_alpha();
        let Some(source) = Frame::from_bytes(format, seen.to_vec()) else { return };
        let Named { kept, removed, .. } = self.named_in(&source);
        let [luma, cb, cr, alpha] = frame.planes_mut();
        for index in (0..kept.len()).filter(|&index| kept[index] != 0) {
            let sample = chroma_of(index, format);
            (luma[index], cb[sample], cr[sample]) = (source.y()[index], source.cb()[sample], source.cr()[sample]);
        }
        for (alpha, (kept, removed)) in alpha.iter_mut().zip(kept.iter().zip(&removed)) {
            *alpha = (*alpha | kept) & !removed;
        }
    }

    /// The pixels of `frame` that are meant: of a cell that is kept all, of others those that have the color of the cell or of one beside it.
    pub(crate) fn named_in(&self, frame: &Frame) -> Named {
        let grid = Grid::over(frame, self);
        let means = grid.means(&self.cells);
        let near = spread(&self.cells, self.width, 1);
        let len = frame.format().luma_len();
        let mut named = Named { kept: vec![0; len], removed: vec![0; len], boxed: vec![0; len] };
        for index in 0..len {
            let cell = grid.cell_of(index);
            if near[cell] == 0 {
                continue;
            }
            let (own, word) = (self.cells[cell], self.word_at(index, cell, &grid, &means));
            // What lies in a kept region is subject anyway, where it is not the region itself.
            let word = if own & KEEP != 0 { own } else { word };
            named.kept[index] = if word & KEEP != 0 { 255 } else { 0 };
            named.removed[index] = if word & REMOVE != 0 { 255 } else { 0 };
            named.boxed[index] = if word & WHOLE != 0 { named.removed[index] } else { 0 };
        }
        named
    }

    /// What is said of a pixel in `cell`, by that or by one beside it that it looks like; 0 where nothing is.
    fn word_at(&self, index: usize, cell: usize, grid: &Grid, means: &[[u16; 3]]) -> u8 {
        if self.cells[cell] & WHOLE != 0 {
            return self.cells[cell];
        }
        let seen = grid.levels(index);
        let is_alike = |cell: usize| {
            let apart = |k: usize| seen[k].abs_diff(means[cell][k]);
            apart(0) <= ALIKE[0] && apart(1).max(apart(2)) <= ALIKE[1]
        };
        let (x, y) = place(cell, self.width);
        let rows = y.saturating_sub(1)..=(y + 1).min(self.height - 1);
        let beside = rows.flat_map(|row| {
            (x.saturating_sub(1)..=(x + 1).min(self.width - 1)).map(move |column| row * self.width + column)
        });
        let mut alike = std::iter::once(cell).chain(beside).filter(|&other| {
            let word = self.cells[other];
            word != 0 && word & WHOLE == 0 && is_alike(other)
        });
        alike.next().map_or(0, |other| self.cells[other])
    }
}

impl Named {
    /// What is kept (255), with its own rim: what lies within [`RIM`] of it, but not of the background in `mask` (0).
    pub(crate) fn kept_with_rim(&self, mask: &[u8], width: usize) -> Vec<u8> {
        if !self.kept.contains(&255) {
            return self.kept.clone();
        }
        let background: Vec<u8> = mask.iter().map(|&mask| !mask).collect();
        let [mut kept, outside] = [&self.kept, &background].map(|pixels| spread(pixels, width, RIM));
        for (kept, (own, outside)) in kept.iter_mut().zip(self.kept.iter().zip(outside)) {
            *kept = own | (*kept & !outside);
        }
        kept
    }

    /// Takes the pixels off the background's color out of every removed region that is mostly of that color: they are its edge, and mixtures.
    fn leave_edges_to_the_keyer(&mut self, off: &[u8], width: usize) {
        let clear: Vec<u8> = self.removed.iter().zip(&self.boxed).map(|(removed, boxed)| !removed | boxed).collect();
        let mut runs = look_alike_runs(&clear, width, 1);
        let mut alike = vec![[0_usize; 2]; runs.len()];
        for index in 0..runs.len() {
            let pixels = runs[index].pixels(width);
            let [near, all] = &mut alike[root_of(&mut runs, index as u32) as usize];
            *near += off[pixels.clone()].iter().filter(|&&off| off < LIMIT).count();
            *all += pixels.len();
        }
        for index in 0..runs.len() {
            let [near, all] = alike[root_of(&mut runs, index as u32) as usize];
            if 2 * near >= all {
                let pixels = runs[index].pixels(width);
                for (removed, off) in self.removed[pixels.clone()].iter_mut().zip(&off[pixels]) {
                    *removed &= if *off < LIMIT { 255 } else { 0 };
                }
            }
        }
    }

    /// Writes into `off`, the distance of each pixel from the background, what hints say: far where it is kept, none where it is removed.
    ///
    /// The rim of a region is neither of its color nor of what lies beside it: what looks like background and hangs together within [`RIM`] of what is
    /// kept, and with nothing else, is kept with it; what does not, around what is removed, goes with that.
    pub(crate) fn write_into(&mut self, off: &mut [u8], width: usize) {
        if self.kept.contains(&255) {
            let rest: Vec<u8> = off.iter().zip(&self.kept).map(|(off, kept)| u8::from(*off >= LIMIT) | kept).collect();
            add_rim(&mut self.kept, &rest, width);
        }
        for (off, kept) in off.iter_mut().zip(&self.kept) {
            *off |= kept;
        }
        if self.removed.contains(&255) {
            self.leave_edges_to_the_keyer(off, width);
            let rest: Vec<u8> =
                off.iter().zip(&self.removed).map(|(off, removed)| u8::from(*off < LIMIT) | removed).collect();
            add_rim(&mut self.removed, &rest, width);
        }
        for (off, removed) in off.iter_mut().zip(&self.removed) {
            *off &= !removed;
        }
    }
}

/// Adds to `region` (255) what hangs together in `rest` (0) within [`RIM`] of it.
fn add_rim(region: &mut [u8], rest: &[u8], width: usize) {
    let near = spread(region, width, RIM);
    let mut runs = look_alike_runs(rest, width, 1);
    let mut is_rim = vec![true; runs.len()];
    for index in 0..runs.len() {
        let is_near = near[runs[index].pixels(width)].iter().all(|&near| near != 0);
        is_rim[root_of(&mut runs, index as u32) as usize] &= is_near;
    }
    for index in 0..runs.len() {
        if is_rim[root_of(&mut runs, index as u32) as usize] {
            region[runs[index].pixels(width)].fill(255);
        }
    }
}

/// A frame under the grid of a map.
struct Grid<'a> {
    frame: &'a Frame,
    width: usize,
    height: usize,
    columns: usize,
    rows: usize,
}

impl<'a> Grid<'a> {
    fn over(frame: &'a Frame, map: &HintMap) -> Self {
        let size = frame.size();
        let (width, height) = (size.width() as usize, size.height() as usize);
        Self { frame, width, height, columns: map.width, rows: map.height }
    }

    fn cell_of(&self, index: usize) -> usize {
        let (x, y) = place(index, self.width);
        y * self.rows / self.height * self.columns + x * self.columns / self.width
    }

    fn levels(&self, index: usize) -> [u16; 3] {
        let sample = chroma_of(index, self.frame.format());
        [self.frame.y()[index], self.frame.cb()[sample], self.frame.cr()[sample]].map(u16::from)
    }

    /// Mean Y', Cb, Cr of the cells of which something is said.
    fn means(&self, cells: &[u8]) -> Vec<[u16; 3]> {
        let mut sums = vec![[0_u32; 4]; cells.len()];
        for index in 0..self.width * self.height {
            let cell = self.cell_of(index);
            if cells[cell] != 0 {
                let [luma, blue, red] = self.levels(index).map(u32::from);
                let [sums_luma, sums_blue, sums_red, count] = sums[cell];
                sums[cell] = [sums_luma + luma, sums_blue + blue, sums_red + red, count + 1];
            }
        }
        let mean = |[luma, blue, red, count]: [u32; 4]| [luma, blue, red].map(|sum| (sum / count.max(1)) as u16);
        sums.into_iter().map(mean).collect()
    }
}
