//! Sets of cells, as byte planes: 255 for the cells in the set, else 0.

use crate::outline::{around, beside, depths, dilated};

/// Distance from a point within which the deepest cell of its region is searched, in cells: a hint
/// near the rim of a region means that region.
const SEED_REACH: usize = 4;

/// The part of `cells` around `point`, cut off at a neck behind which the border of the frame lies.
/// `None` if there is no such neck.
///
/// The part is the cells deeper than half the neck's width, and the cells around those. A neck is
/// at most half as wide as the part that it leads to.
pub(crate) fn cut_at_neck(cells: &[u8], width: usize, point: usize) -> Option<Vec<u8>> {
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

/// Whether some of `cells` lie at the border of the frame.
pub(crate) fn reaches_border(cells: &[u8], width: usize) -> bool {
    let mut rows = cells.chunks_exact(width);
    let ends = rows.clone().any(|row| row[0] != 0 || row[width - 1] != 0);
    ends || rows.next().is_some_and(|row| row.contains(&255)) || rows.last().is_some_and(|row| row.contains(&255))
}

/// The cells of `cells` that are connected to `start`.
pub(crate) fn connected_to(cells: &[u8], width: usize, start: usize) -> Vec<u8> {
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
