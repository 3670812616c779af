//! Which of the pixels that look like backdrop are backdrop: those tied to the border, and true pockets.

use crate::outline::{next_below, next_from};

/// A horizontal stretch of pixels that look like backdrop.
#[derive(Debug, Clone, Copy)]
struct Run {
    y: u32,
    start: u32,
    end: u32,
    parent: u32,
}

/// What is summed over a connected region of look-alike pixels.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    area: u64,
    total_off: u64,
    touches_border: bool,
}

/// Marks the backdrop: 0 where a pixel of `off` is below `limit` and its region is backdrop, 255 elsewhere.
///
/// A region (4-connected) is backdrop if it touches the border of the picture, or if `keys_pockets` and it is a flat
/// patch of the backdrop's colour: at least 12 pixels whose mean distance is no more than half the limit: what a
/// slightly wrong guess of the light behind the subject explains, too.
pub(crate) fn backdrop_mask(off: &[u8], width: usize, limit: u8, keys_pockets: bool) -> Vec<u8> {
    let height = off.len() / width;
    let mut runs = look_alike_runs(off, width, limit);
    let mut tallies = vec![Tally::default(); runs.len()];
    for index in 0..runs.len() {
        let run = runs[index];
        let root = root_of(&mut runs, index as u32) as usize;
        let row = run.y as usize * width;
        let pixels = &off[row + run.start as usize..row + run.end as usize];
        let tally = &mut tallies[root];
        tally.area += pixels.len() as u64;
        tally.total_off += pixels.iter().map(|&value| u64::from(value)).sum::<u64>();
        tally.touches_border |=
            run.y == 0 || run.y as usize + 1 == height || run.start == 0 || run.end as usize == width;
    }
    let mut mask = vec![255; off.len()];
    for index in 0..runs.len() {
        let run = runs[index];
        let tally = tallies[root_of(&mut runs, index as u32) as usize];
        let flat = tally.area >= 12 && 2 * tally.total_off <= u64::from(limit) * tally.area;
        if tally.touches_border || (keys_pockets && flat) {
            let row = run.y as usize * width;
            mask[row + run.start as usize..row + run.end as usize].fill(0);
        }
    }
    mask
}

/// Marks (0, else 255) the regions of pixels below `limit` that hold backdrop of `mask`, and that backdrop itself.
pub(crate) fn grown_mask(off: &[u8], width: usize, limit: u8, mask: &[u8]) -> Vec<u8> {
    let mut runs = look_alike_runs(off, width, limit);
    let mut holds_backdrop = vec![false; runs.len()];
    let pixels = |run: &Run| run.y as usize * width + run.start as usize..run.y as usize * width + run.end as usize;
    for index in 0..runs.len() {
        let run = runs[index];
        let root = root_of(&mut runs, index as u32) as usize;
        holds_backdrop[root] |= next_below(&mask[pixels(&run)], 0, 1) < (run.end - run.start) as usize;
    }
    let mut grown = mask.to_vec();
    for index in 0..runs.len() {
        let run = runs[index];
        if holds_backdrop[root_of(&mut runs, index as u32) as usize] {
            grown[pixels(&run)].fill(0);
        }
    }
    grown
}

fn look_alike_runs(off: &[u8], width: usize, limit: u8) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut above = 0..0;
    for (y, row) in off.chunks_exact(width).enumerate() {
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

/// Joins the runs of one row with those of the row above that they overlap.
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

fn root_of(runs: &mut [Run], mut index: u32) -> u32 {
    while runs[index as usize].parent != index {
        let parent = runs[index as usize].parent;
        runs[index as usize].parent = runs[parent as usize].parent;
        index = parent;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: [&str; 9] = [
        ".........",
        ".#######.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#######.",
        ".........",
    ];

    fn ring_off(inside: u8) -> Vec<u8> {
        let mut off: Vec<u8> = RING.concat().bytes().map(|b| if b == b'#' { 255 } else { 0 }).collect();
        for y in 2..7 {
            off[y * 9 + 2..y * 9 + 7].fill(inside);
        }
        off
    }

    #[test]
    fn the_backdrop_seen_through_a_ring_is_backdrop() {
        let mask = backdrop_mask(&ring_off(3), 9, 32, true);
        assert_eq!((mask[0], mask[10], mask[4 * 9 + 4]), (0, 255, 0));
    }

    #[test]
    fn an_enclosed_patch_that_merely_resembles_the_backdrop_is_subject() {
        assert_eq!(backdrop_mask(&ring_off(20), 9, 32, true)[4 * 9 + 4], 255);
        assert_eq!(backdrop_mask(&ring_off(3), 9, 32, false)[4 * 9 + 4], 255);
    }
}
