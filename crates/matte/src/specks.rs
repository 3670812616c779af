//! Removal of specks that coding leaves around a moving subject: small and faint areas that are not
//! its soft edge.

use crate::{
    distance_map::LIMIT,
    outline::{raise, widened},
    runs::{look_alike_runs, root_of},
};

/// Largest number of pixels of a speck: half a transform block of 8×8.
const LARGEST_SPECK: usize = 32;

/// Distance from which a pixel is an object for certain: three times what the background's noise
/// explains.
const STRONG: u8 = 3 * LIMIT;

/// Distance to a strong pixel, in columns and rows, up to which a faint pixel is its soft edge.
/// With more, specks beside an edge stay; with less, soft edges lose their outermost pixel.
const REACH: usize = 1;

/// Sets every speck in `distance` to background, just below the limit. A speck has at most
/// [`LARGEST_SPECK`] pixels (4-connected) and nothing [`STRONG`] within [`REACH`].
///
/// On a background without noise the limit is a few levels, and the coding of the subject's edge
/// exceeds that for the rest of its block.
pub(crate) fn mark_as_background(distance: &mut [u8], width: usize) {
    let firm = firm_mask(distance, width);
    let mut runs = look_alike_runs(&firm, width, 1);
    let mut areas = vec![0; runs.len()];
    for index in 0..runs.len() {
        areas[root_of(&mut runs, index as u32) as usize] += runs[index].len();
    }
    for index in 0..runs.len() {
        if areas[root_of(&mut runs, index as u32) as usize] <= LARGEST_SPECK {
            distance[runs[index].pixels(width)].fill(LIMIT - 1);
        }
    }
}

/// Per pixel 0 where it is off the background without anything [`STRONG`] nearby, else 255.
fn firm_mask(distance: &[u8], width: usize) -> Vec<u8> {
    let height = distance.len() / width;
    let mut firm = vec![255; distance.len()];
    let mut most = vec![0; width];
    for y in 0..height {
        let row = &distance[y * width..(y + 1) * width];
        let rows = y.saturating_sub(REACH)..(y + REACH + 1).min(height);
        // Most rows hold nothing faint.
        if row.iter().fold(false, |any, &value| any | (LIMIT..STRONG).contains(&value)) {
            most.fill(0);
            for other in distance[rows.start * width..rows.end * width].chunks_exact(width) {
                raise(&mut most, other);
            }
            let near = widened(&most, REACH);
            for ((firm, &value), &near) in firm[y * width..(y + 1) * width].iter_mut().zip(row).zip(&near) {
                *firm = if value >= LIMIT && near < STRONG { 0 } else { 255 };
            }
        }
    }
    firm
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 24;

    /// Distances of a background on which the pixels `marked` (column, row) have `value`.
    fn distances_with(marked: impl IntoIterator<Item = (usize, usize)>, value: u8) -> Vec<u8> {
        let mut distance = vec![5; WIDTH * 16];
        for (x, y) in marked {
            distance[y * WIDTH + x] = value;
        }
        distance
    }

    fn becomes_background(mut distance: Vec<u8>) -> bool {
        mark_as_background(&mut distance, WIDTH);
        distance.iter().all(|&value| value < LIMIT)
    }

    #[test]
    fn faint_specks_become_background_anywhere_in_the_frame() {
        assert!(becomes_background(distances_with([(0, 0), (23, 0), (4, 4), (5, 4), (4, 5), (23, 15), (22, 14)], 60)));
    }

    #[test]
    fn a_strong_pixel_and_its_soft_edge_are_kept_however_small() {
        for (x, y) in [(4, 4), (0, 0), (23, 15)] {
            assert!(!becomes_background(distances_with([(x, y)], STRONG)));
        }
        let mut soft = distances_with((4..10).map(|x| (x, 5)), 60);
        soft[5 * WIDTH + 3] = 255;
        mark_as_background(&mut soft, WIDTH);
        assert_eq!(soft[5 * WIDTH + 3..5 * WIDTH + 7], [255, 60, LIMIT - 1, LIMIT - 1]);
    }

    #[test]
    fn a_large_faint_area_is_kept() {
        let block = |rows: usize| (2..10).flat_map(move |x| (3..3 + rows).map(move |y| (x, y)));
        assert!(becomes_background(distances_with(block(4), 40)));
        assert!(!becomes_background(distances_with(block(5), 40)));
    }
}
