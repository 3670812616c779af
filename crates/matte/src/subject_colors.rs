//! Colors of the pure subject. What is left of a mixture once the background is removed must be one
//! of them.
//!
//! A pixel with much of the background's hue is either a mixture or has a color of its own: a dark
//! tyre on dark blue, a blue drop on blue. If it is a mixture with hair or a white flake, then hair
//! or a white flake is nearby.

use crate::{
    outline::{around, next_from, place},
    scene::Scene,
    unmix::{alpha_from_hue, with_hue_limited, without_background},
};

/// Side of a cell in pixels. With its neighbors it spans 48 pixels, several widths of hair. Larger
/// cells hold colors of other things, smaller ones miss the solid part of a flake.
const CELL: usize = 16;

/// Number of cells on each side of a place that count as nearby.
const NEAR_CELLS: usize = 1;

/// Step of luma and of the chroma across the background's hue, in levels. With the adjacent steps,
/// texture and noise stay within one color; 16 × 16 steps fit a few words.
const STEP: f32 = 16.0;

/// Luma range of a color, with room for noise at both ends.
const IN_GAMUT: std::ops::RangeInclusive<f32> = 8.0..=244.0;

/// Alpha up to which none of the subject's color is visible: five levels of 255.
const CLEAR_ALPHA: f32 = 0.02;

/// Largest difference of a clear pixel's luma from the background's, in levels. Beside hair, 99 %
/// of the clear pixels are within 5 to 8 (7 random clips). A sky-blue thing on navy differs by 100.
const CLEAR_LUMA: f32 = 16.0;

/// A set of colors: for every step of luma, one bit per step of chroma.
type ColorSet = [u16; 16];

/// The colors of the pure subject of one frame, per cell.
pub(crate) struct SubjectColors<'a> {
    scene: &'a Scene<'a>,
    /// Direction of chroma across the background's hue, of length 1.
    cross_hue: [f32; 2],
    columns: usize,
    cells: Vec<ColorSet>,
    /// The colors of all cells together.
    anywhere: ColorSet,
}

impl<'a> SubjectColors<'a> {
    /// Collects the colors of the subject in `mask` (0 background, else subject), from pixels with
    /// no more of the background's hue than solid subject.
    pub(crate) fn collect(mask: &[u8], scene: &'a Scene) -> Self {
        let max_hue_share = scene.plate.max_hue_share;
        let cross_hue = cross_hue(scene);
        let width = scene.width;
        let height = mask.len() / width;
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let mut cells = vec![[0_u16; 16]; columns * rows];
        if max_hue_share >= 1.0 {
            return Self { scene, cross_hue, columns, cells, anywhere: [0; 16] };
        }
        let limit = (max_hue_share * 128.0) as u8;
        for (y, (mask, hue)) in mask.chunks_exact(width).zip(scene.hue_rows()).enumerate().step_by(2) {
            let mut x = next_from(mask, 0, 1);
            while x < width {
                if mask[x] != 0 && hue[x] <= limit {
                    let index = y * width + x;
                    let (luma, chroma) = steps_of(scene.seen(index), cross_hue);
                    cells[y / CELL * columns + x / CELL][luma] |= 1 << chroma;
                }
                x += 2;
            }
        }
        let near = |cell: usize| around(cell, columns, cells.len(), NEAR_CELLS).map(|other| &cells[other]);
        let near_colors = (0..cells.len()).map(|cell| dilated_union(near(cell))).collect();
        Self { scene, cross_hue, columns, cells: near_colors, anywhere: dilated_union(cells.iter()) }
    }

    /// Alpha of `seen` at `index` if it is a mixture of the background with a color that the pure
    /// subject has nearby; 1.0 otherwise.
    pub(crate) fn translucent_alpha(&self, index: usize, seen: [f32; 3], background: [f32; 3]) -> f32 {
        let alpha = alpha_from_hue(seen, background, self.scene.plate.max_hue_share);
        if alpha >= 1.0 {
            return alpha;
        }
        let is_mixture = if alpha <= CLEAR_ALPHA {
            (seen[0] - background[0]).abs() <= CLEAR_LUMA
        } else {
            let (x, y) = place(index, self.scene.width);
            let colors = &self.cells[y / CELL * self.columns + x / CELL];
            contains(colors, without_background(seen, background, alpha), self.cross_hue)
        };
        if is_mixture { alpha } else { 1.0 }
    }

    /// Removes the background from `color` if the result is a color of the pure subject. Returns it
    /// unchanged otherwise.
    pub(crate) fn with_hue_limited(&self, color: [f32; 3], background: [f32; 3]) -> [f32; 3] {
        let max_hue_share = self.scene.plate.max_hue_share;
        let alpha = alpha_from_hue(color, background, max_hue_share);
        if alpha < 1.0 && contains(&self.anywhere, without_background(color, background, alpha), self.cross_hue) {
            with_hue_limited(color, background, max_hue_share)
        } else {
            color
        }
    }
}

/// Union of `cells`, with the adjacent steps added.
fn dilated_union<'a>(cells: impl Iterator<Item = &'a ColorSet>) -> ColorSet {
    let mut all = [0_u16; 16];
    for cell in cells {
        for (all, cell) in all.iter_mut().zip(cell) {
            *all |= cell | cell << 1 | cell >> 1;
        }
    }
    let mut wide = all;
    for (k, bits) in all.into_iter().enumerate() {
        wide[k.saturating_sub(1)] |= bits;
        wide[(k + 1).min(15)] |= bits;
    }
    wide
}

/// Returns true if a color is in the set.
fn contains(colors: &ColorSet, color: [f32; 3], cross_hue: [f32; 2]) -> bool {
    let (luma, chroma) = steps_of(color, cross_hue);
    IN_GAMUT.contains(&color[0]) && colors[luma] & (1 << chroma) != 0
}

/// See [`SubjectColors::cross_hue`].
fn cross_hue(scene: &Scene) -> [f32; 2] {
    let [_, blue, red] = scene.plate.centre().map(|level| level as f32 - 128.0);
    let length = blue.hypot(red).max(1.0);
    [red / length, -blue / length]
}

/// The steps of luma and chroma that contain a color.
fn steps_of(color: [f32; 3], cross_hue: [f32; 2]) -> (usize, u32) {
    let luma = (color[0] / STEP).clamp(0.0, 15.0) as usize;
    let chroma =
        (8.0 + (cross_hue[0] * (color[1] - 128.0) + cross_hue[1] * (color[2] - 128.0)) / STEP).clamp(0.0, 15.0) as u32;
    (luma, chroma)
}
