//! Connected regions of a byte plane, as runs: horizontal stretches of pixels below a limit, joined
//! where they touch (4-connected).

use crate::outline::{next_below, next_from};

/// Horizontal stretch of pixels that look like background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) y: u32,
    /// First column, and the one after the last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Index of a run of the same region, see [`root_of`].
    pub(crate) parent: u32,
}

impl Run {
    pub(crate) const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    pub(crate) fn pixels(&self, width: usize) -> std::ops::Range<usize> {
        let row = self.y as usize * width;
        row + self.start as usize..row + self.end as usize
    }
}

/// The runs of pixels below `limit`, row by row. Connected runs have one root (see [`root_of`]).
pub(crate) fn look_alike_runs(distance: &[u8], width: usize, limit: u8) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut above = 0..0;
    for (y, row) in distance.chunks_exact(width).enumerate() {
        let first = runs.len();
        let mut start = next_below(row, 0, limit);
        while start < width {
            let end = next_from(row, start, limit);
            let index = runs.len() as u32;
            runs.push(Run { y: y as u32, start: start as u32, end: end as u32, parent: index });
            start = next_below(row, end, limit);
        }
        let current = first..runs.len();
        join_rows(&mut runs, above, current.clone());
        above = current;
    }
    runs
}

/// Joins the runs of one row with the runs of the row above that they overlap.
fn join_rows(runs: &mut [Run], above: std::ops::Range<usize>, current: std::ops::Range<usize>) {
    let mut upper = above.start;
    for lower in current {
        while upper < above.end && runs[upper].end <= runs[lower].start {
            upper += 1;
        }
        let mut touching = upper;
        while touching < above.end && runs[touching].start < runs[lower].end {
            let (a, b) = (root_of(runs, touching as u32), root_of(runs, lower as u32));
            runs[a.max(b) as usize].parent = a.min(b);
            touching += 1;
        }
    }
}

/// Root run of the region of a run. Shortens the path to it on the way.
pub(crate) fn root_of(runs: &mut [Run], mut index: u32) -> u32 {
    while runs[index as usize].parent != index {
        let parent = runs[index as usize].parent;
        runs[index as usize].parent = runs[parent as usize].parent;
        index = parent;
    }
    index
}
