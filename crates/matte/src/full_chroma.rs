//! The chroma of thin things at the resolution of luma.
//!
//! Halving the resolution of chroma lowers the contrast of a line wherever it is looked at, but keeps
//! the sum of the contrast across it, as any average does. Luma in cells of 2×2 pixels loses as much.
//! So the chroma of a thing of one color is to its luma as the sums over the cells around it.

use crate::{glass::cells::CELL, scene::Scene};

/// Distance of the cells that are summed, in cells: a line of two pixels reaches that far.
const REACH: usize = 1;

/// Least contrast of luma, in levels, that tells how much of a cell a line covers: half a cell then
/// differs by several deviations of coding noise.
const MIN_LUMA: f32 = 32.0;

/// Largest gain: that of a line one pixel wide on the border of two samples, with some loss by coding.
const MAX_GAIN: f32 = 3.0;

/// Minimum cosine between contrasts in chroma of one color: 16 degrees. Other things are nearby.
const MIN_COSINE: f32 = 0.96;

/// Sum of the contrasts of the cells around a place (column, row). 0.0 if chroma is not halved.
pub(crate) fn cell_sum(place: [f32; 2], scene: &Scene) -> [f32; 3] {
    let mut sum = [0.0; 3];
    if !scene.has_halved_chroma() {
        return sum;
    }
    let cells = scene.cells();
    let [column, row] = place.map(|at| at as usize / CELL);
    for y in row.saturating_sub(REACH)..(row + REACH + 1).min(cells.rows) {
        for x in column.saturating_sub(REACH)..(column + REACH + 1).min(cells.columns) {
            let contrast = cells.contrast(x, y);
            sum = [0, 1, 2].map(|k| sum[k] + contrast[k]);
        }
    }
    sum
}

/// The factor, at least 1.0, by which the chroma of a thin thing has more contrast than it shows. The
/// things nearby have the `sums`; those of another hue do not count. 1.0 if luma does not tell.
pub(crate) fn gain(shown: [f32; 3], sums: impl Iterator<Item = [f32; 3]>) -> f32 {
    if shown[0].abs() < MIN_LUMA {
        return 1.0;
    }
    let own = sums.filter(|sum| is_same_hue(shown, *sum));
    let sum = own.fold([0.0; 3], |sum, more| [0, 1, 2].map(|k| sum[k] + more[k]));
    let along = shown[1] * sum[1] + shown[2] * sum[2];
    let power = shown[1] * shown[1] + shown[2] * shown[2];
    if along > 0.0 { (along / power * shown[0] / sum[0]).clamp(1.0, MAX_GAIN) } else { 1.0 }
}

/// Returns true if two contrasts have the same hue, and luma on the same side.
fn is_same_hue(a: [f32; 3], b: [f32; 3]) -> bool {
    let along = a[1] * b[1] + a[2] * b[2];
    a[0] * b[0] > 0.0 && along > MIN_COSINE * a[1].hypot(a[2]) * b[1].hypot(b[2])
}
