//! The hinted cells of one frame, and the pixels that they stand for.

use clearcut_frame::Frame;

use crate::{
    distance_map::LIMIT,
    outline::{chroma_of, dilated, place},
    runs::{look_alike_runs, root_of},
};

/// The cell is subject.
pub(crate) const KEEP: u8 = 1;
/// The cell is background.
pub(crate) const REMOVE: u8 = 2;
/// The hint applies to every pixel of the cell, whatever its color: the cell lies in a box.
pub(crate) const WHOLE: u8 = 4;

/// Largest difference of luma and chroma between a pixel and the mean of the cell that it belongs
/// to, in levels: as much as a cell may change from frame to frame, see [`crate::follow`].
const COLOR_TOLERANCE: [u16; 2] = [12, 8];

/// Width of the rim around a hinted region, in pixels. The rim holds mixtures of its color and the
/// color beside it: two cells of chroma, and two of blur.
const RIM: usize = 4;

/// The hints that hold in one frame, per cell of a grid over the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintMap {
    width: usize,
    height: usize,
    /// Per cell 0, or [`KEEP`] or [`REMOVE`], combined with [`WHOLE`] for a box.
    cells: Vec<u8>,
}

/// The pixels of one frame that hints apply to: 255 each, else 0.
#[derive(Debug, Clone)]
pub(crate) struct HintedPixels {
    pub(crate) kept: Vec<u8>,
    pub(crate) removed: Vec<u8>,
    /// The removed pixels that lie in a box, whatever their color.
    in_box: Vec<u8>,
}

impl HintMap {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, cells: vec![0; width * height] }
    }

    /// Sets the cells that are not 0 in `region` to `label`.
    pub(crate) fn mark(&mut self, region: &[u8], label: u8) {
        for (cell, is_in) in self.cells.iter_mut().zip(region) {
            if *is_in != 0 {
                *cell = label;
            }
        }
    }

    /// Overrides a matte that was made without hints. Writes the alpha of `frame`, and the color of
    /// kept pixels from `source_planes`.
    pub fn overrule(&self, frame: &mut Frame, source_planes: &[u8]) {
        let format = frame.format().without_alpha();
        let Some(source) = Frame::from_bytes(format, source_planes.to_vec()) else { return };
        let HintedPixels { kept, removed, .. } = self.hinted_pixels(&source);
        let [luma, cb, cr, alpha] = frame.planes_mut();
        for index in (0..kept.len()).filter(|&index| kept[index] != 0) {
            let sample = chroma_of(index, format);
            (luma[index], cb[sample], cr[sample]) = (source.y()[index], source.cb()[sample], source.cr()[sample]);
        }
        for (alpha, (kept, removed)) in alpha.iter_mut().zip(kept.iter().zip(&removed)) {
            *alpha = (*alpha | kept) & !removed;
        }
    }

    /// The pixels of `frame` that the hints apply to: all pixels of a kept cell; for other cells,
    /// the pixels with the color of the cell or of a neighboring cell.
    pub(crate) fn hinted_pixels(&self, frame: &Frame) -> HintedPixels {
        let grid = Grid::new(frame, self);
        let means = grid.mean_colors(&self.cells);
        let near = dilated(&self.cells, self.width, 1);
        let len = frame.format().luma_len();
        let mut hinted = HintedPixels { kept: vec![0; len], removed: vec![0; len], in_box: vec![0; len] };
        for index in 0..len {
            let cell = grid.cell_of(index);
            if near[cell] == 0 {
                continue;
            }
            let (cell_label, label) = (self.cells[cell], self.label_at(index, cell, &grid, &means));
            // Pixels of a kept cell are subject even where their color differs from the region.
            let label = if cell_label & KEEP != 0 { cell_label } else { label };
            hinted.kept[index] = if label & KEEP != 0 { 255 } else { 0 };
            hinted.removed[index] = if label & REMOVE != 0 { 255 } else { 0 };
            hinted.in_box[index] = if label & WHOLE != 0 { hinted.removed[index] } else { 0 };
        }
        hinted
    }

    /// The label of a pixel in `cell`: that of the cell, or of a neighboring cell with the pixel's
    /// color; 0 if there is none.
    fn label_at(&self, index: usize, cell: usize, grid: &Grid, means: &[[u16; 3]]) -> u8 {
        if self.cells[cell] & WHOLE != 0 {
            return self.cells[cell];
        }
        let seen = grid.levels(index);
        let is_alike = |cell: usize| {
            let apart = |k: usize| seen[k].abs_diff(means[cell][k]);
            apart(0) <= COLOR_TOLERANCE[0] && apart(1).max(apart(2)) <= COLOR_TOLERANCE[1]
        };
        let (x, y) = place(cell, self.width);
        let rows = y.saturating_sub(1)..=(y + 1).min(self.height - 1);
        let beside = rows.flat_map(|row| {
            (x.saturating_sub(1)..=(x + 1).min(self.width - 1)).map(move |column| row * self.width + column)
        });
        let mut alike = std::iter::once(cell).chain(beside).filter(|&other| {
            let label = self.cells[other];
            label != 0 && label & WHOLE == 0 && is_alike(other)
        });
        alike.next().map_or(0, |other| self.cells[other])
    }
}

impl HintedPixels {
    /// The kept pixels (255) with their rim: the pixels within [`RIM`] of them that are not within
    /// [`RIM`] of the background in `mask` (0).
    pub(crate) fn kept_with_rim(&self, mask: &[u8], width: usize) -> Vec<u8> {
        if !self.kept.contains(&255) {
            return self.kept.clone();
        }
        let background: Vec<u8> = mask.iter().map(|&mask| !mask).collect();
        let [mut kept, outside] = [&self.kept, &background].map(|pixels| dilated(pixels, width, RIM));
        for (kept, (hinted, outside)) in kept.iter_mut().zip(self.kept.iter().zip(outside)) {
            *kept = hinted | (*kept & !outside);
        }
        kept
    }

    /// Takes the pixels off the background's color out of every removed region that is mostly of
    /// that color. They are its edge and mixtures, which the keyer unmixes.
    fn release_edges(&mut self, distance: &[u8], width: usize) {
        let clear: Vec<u8> = self.removed.iter().zip(&self.in_box).map(|(removed, in_box)| !removed | in_box).collect();
        let mut runs = look_alike_runs(&clear, width, 1);
        let mut alike = vec![[0_usize; 2]; runs.len()];
        for index in 0..runs.len() {
            let pixels = runs[index].pixels(width);
            let [near, all] = &mut alike[root_of(&mut runs, index as u32) as usize];
            *near += distance[pixels.clone()].iter().filter(|&&distance| distance < LIMIT).count();
            *all += pixels.len();
        }
        for index in 0..runs.len() {
            let [near, all] = alike[root_of(&mut runs, index as u32) as usize];
            if 2 * near >= all {
                let pixels = runs[index].pixels(width);
                for (removed, distance) in self.removed[pixels.clone()].iter_mut().zip(&distance[pixels]) {
                    *removed &= if *distance < LIMIT { 255 } else { 0 };
                }
            }
        }
    }

    /// Writes the hints into `distance`, the distance of each pixel from the background: 255 for
    /// kept pixels, 0 for removed ones.
    ///
    /// The rim of a region has neither its color nor that of its surroundings. A background-like
    /// area that lies entirely within [`RIM`] of kept pixels is kept with them. An area off the
    /// background that lies entirely within [`RIM`] of removed pixels is removed with them.
    pub(crate) fn write_into(&mut self, distance: &mut [u8], width: usize) {
        if self.kept.contains(&255) {
            let rest: Vec<u8> =
                distance.iter().zip(&self.kept).map(|(distance, kept)| u8::from(*distance >= LIMIT) | kept).collect();
            add_rim(&mut self.kept, &rest, width);
        }
        for (distance, kept) in distance.iter_mut().zip(&self.kept) {
            *distance |= kept;
        }
        if self.removed.contains(&255) {
            self.release_edges(distance, width);
            let rest: Vec<u8> = distance
                .iter()
                .zip(&self.removed)
                .map(|(distance, removed)| u8::from(*distance < LIMIT) | removed)
                .collect();
            add_rim(&mut self.removed, &rest, width);
        }
        for (distance, removed) in distance.iter_mut().zip(&self.removed) {
            *distance &= !removed;
        }
    }
}

/// Adds to `region` (255) the connected areas of `rest` (0) that lie entirely within [`RIM`] of it.
fn add_rim(region: &mut [u8], rest: &[u8], width: usize) {
    let near = dilated(region, width, RIM);
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

/// A frame under the grid of a [`HintMap`].
struct Grid<'a> {
    frame: &'a Frame,
    width: usize,
    height: usize,
    columns: usize,
    rows: usize,
}

impl<'a> Grid<'a> {
    fn new(frame: &'a Frame, map: &HintMap) -> Self {
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

    /// Mean Y', Cb, Cr of the hinted cells.
    fn mean_colors(&self, cells: &[u8]) -> Vec<[u16; 3]> {
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
