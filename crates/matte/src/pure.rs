//! The colors of the pure subject: what is left of a mixture without the background in it must be one of them.
//!
//! A pixel with much of the background's hue is a mixture, or it is of a color of its own: a dark tyre on dark blue, a blue drop on blue. If it is
//! a mixture with hair or a white flake, then hair or a white flake is near.

use crate::{
    outline::{around, next_from, place},
    scene::Scene,
    unmix::{freed, left_of, seen_through},
};

/// Pixels along a side of a cell.
const CELL: usize = 16;

/// How many cells around a place belong to what is near.
const NEAR: usize = 1;

/// Steps of luma and of the chroma across the background's hue, in levels.
const STEP: f32 = 16.0;

/// Luma that a color may have, but for noise.
const IN_GAMUT: std::ops::RangeInclusive<f32> = 8.0..=244.0;

/// Up to this alpha nothing of the subject's color is to be seen.
const CLEAR: f32 = 0.02;

/// For every step of luma, a bit for each step of chroma.
type Seen = [u16; 16];

/// Which colors the pure subject of one frame has in each cell.
pub(crate) struct Pure<'a> {
    scene: &'a Scene<'a>,
    /// The direction of chroma across the background's hue, of length 1.
    across: [f32; 2],
    columns: usize,
    cells: Vec<Seen>,
    /// Of all cells together.
    anywhere: Seen,
}

impl<'a> Pure<'a> {
    /// Of the subject in `mask` (0 background, else subject) that has no more of the background's hue than solid subject has.
    pub(crate) fn of(mask: &[u8], scene: &'a Scene) -> Self {
        let most = scene.light.most_hue;
        let across = across(scene);
        let width = scene.width;
        let height = mask.len() / width;
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let mut own = vec![[0_u16; 16]; columns * rows];
        if most >= 1.0 {
            return Self { scene, across, columns, cells: own, anywhere: [0; 16] };
        }
        let limit = (most * 128.0) as u8;
        for (y, (mask, hue)) in mask.chunks_exact(width).zip(scene.hue_rows()).enumerate().step_by(2) {
            let mut x = next_from(mask, 0, 1);
            while x < width {
                if mask[x] != 0 && hue[x] <= limit {
                    let index = y * width + x;
                    let (luma, chroma) = steps_of(scene.seen(index), across);
                    own[y / CELL * columns + x / CELL][luma] |= 1 << chroma;
                }
                x += 2;
            }
        }
        let near = |cell: usize| around(cell, columns, own.len(), NEAR).map(|other| &own[other]);
        let cells = (0..own.len()).map(|cell| widened(near(cell))).collect();
        Self { scene, across, columns, cells, anywhere: widened(own.iter()) }
    }

    /// The alpha of `seen` at `index`, if it is a mixture of the background with a color that the pure subject has nearby; 1.0 if not.
    pub(crate) fn seen_through(&self, index: usize, seen: [f32; 3], background: [f32; 3]) -> f32 {
        let alpha = seen_through(seen, background, self.scene.light.most_hue);
        if alpha >= 1.0 {
            return alpha;
        }
        let (x, y) = place(index, self.scene.width);
        let near = &self.cells[y / CELL * self.columns + x / CELL];
        if alpha <= CLEAR || holds(near, left_of(seen, background, alpha), self.across) { alpha } else { 1.0 }
    }

    /// `color` without the background in it, if that is a color of the pure subject; as it is if not.
    pub(crate) fn freed(&self, color: [f32; 3], background: [f32; 3]) -> [f32; 3] {
        let most = self.scene.light.most_hue;
        let alpha = seen_through(color, background, most);
        if alpha < 1.0 && holds(&self.anywhere, left_of(color, background, alpha), self.across) {
            freed(color, background, most)
        } else {
            color
        }
    }
}

/// What any of `cells` has, and the steps beside it.
fn widened<'a>(cells: impl Iterator<Item = &'a Seen>) -> Seen {
    let mut all = [0_u16; 16];
    for own in cells {
        for (all, own) in all.iter_mut().zip(own) {
            *all |= own | own << 1 | own >> 1;
        }
    }
    let mut wide = all;
    for (k, bits) in all.into_iter().enumerate() {
        wide[k.saturating_sub(1)] |= bits;
        wide[(k + 1).min(15)] |= bits;
    }
    wide
}

/// Whether a color is among those of a cell.
fn holds(seen: &Seen, color: [f32; 3], across: [f32; 2]) -> bool {
    let (luma, chroma) = steps_of(color, across);
    IN_GAMUT.contains(&color[0]) && seen[luma] & (1 << chroma) != 0
}

/// See [`Pure::across`].
fn across(scene: &Scene) -> [f32; 2] {
    let [_, blue, red] = scene.light.centre().map(|level| level as f32 - 128.0);
    let length = blue.hypot(red).max(1.0);
    [red / length, -blue / length]
}

/// The steps of luma and chroma that a color is in.
fn steps_of(color: [f32; 3], across: [f32; 2]) -> (usize, u32) {
    let luma = (color[0] / STEP).clamp(0.0, 15.0) as usize;
    let chroma =
        (8.0 + (across[0] * (color[1] - 128.0) + across[1] * (color[2] - 128.0)) / STEP).clamp(0.0, 15.0) as u32;
    (luma, chroma)
}
