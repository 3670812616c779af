//! Specks that coding leaves around a moving subject: small, faint, and not its soft edge.

use crate::{
    likeness::LIMIT,
    outline::{raise, widened},
    regions::{look_alike_runs, root_of},
};

/// The most pixels of a speck: half a transform block of 8×8.
const LARGEST: usize = 32;

/// What stands so far off is something: three times what the background's noise explains.
const STRONG: u8 = 3 * LIMIT;

/// How near, in columns and rows, something makes what is faint its soft edge.
const REACH: usize = 1;

/// Takes every speck in `off` for background at its limit: at most [`LARGEST`] pixels (4-connected) with nothing [`STRONG`]
/// within [`REACH`].
///
/// On a background without noise a limit is a few levels, and coding of the subject's edge reaches beyond that for the rest of
/// its block.
pub(crate) fn take_for_background(off: &mut [u8], width: usize) {
    let firm = firm(off, width);
    let mut runs = look_alike_runs(&firm, width, 1);
    let mut areas = vec![0; runs.len()];
    for index in 0..runs.len() {
        areas[root_of(&mut runs, index as u32) as usize] += runs[index].len();
    }
    for index in 0..runs.len() {
        if areas[root_of(&mut runs, index as u32) as usize] <= LARGEST {
            off[runs[index].pixels(width)].fill(LIMIT - 1);
        }
    }
}

/// Per pixel 0 where it is off the background and nothing [`STRONG`] is near, else 255.
fn firm(off: &[u8], width: usize) -> Vec<u8> {
    let height = off.len() / width;
    let mut firm = vec![255; off.len()];
    let mut most = vec![0; width];
    for y in 0..height {
        let row = &off[y * width..(y + 1) * width];
        let rows = y.saturating_sub(REACH)..(y + REACH + 1).min(height);
        // Most rows hold nothing faint, or nothing at all.
        if row.iter().fold(false, |any, &value| any | (LIMIT..STRONG).contains(&value)) {
            most.fill(0);
            for other in off[rows.start * width..rows.end * width].chunks_exact(width) {
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

    /// `off` of a background on which the pixels `marked` (column, row) have a value.
    fn off_with(marked: impl IntoIterator<Item = (usize, usize)>, value: u8) -> Vec<u8> {
        let mut off = vec![5; WIDTH * 16];
        for (x, y) in marked {
            off[y * WIDTH + x] = value;
        }
        off
    }

    fn is_taken(mut off: Vec<u8>) -> bool {
        take_for_background(&mut off, WIDTH);
        off.iter().all(|&value| value < LIMIT)
    }

    #[test]
    fn faint_specks_are_taken_wherever_they_are() {
        assert!(is_taken(off_with([(0, 0), (23, 0), (4, 4), (5, 4), (4, 5), (23, 15), (22, 14)], 60)));
    }

    #[test]
    fn what_stands_out_is_something_however_small_and_so_is_its_soft_edge() {
        for (x, y) in [(4, 4), (0, 0), (23, 15)] {
            assert!(!is_taken(off_with([(x, y)], STRONG)));
        }
        let mut soft = off_with((4..10).map(|x| (x, 5)), 60);
        soft[5 * WIDTH + 3] = 255;
        take_for_background(&mut soft, WIDTH);
        assert_eq!(soft[5 * WIDTH + 3..5 * WIDTH + 7], [255, 60, LIMIT - 1, LIMIT - 1]);
    }

    #[test]
    fn what_is_large_is_something_however_faint() {
        let block = |rows: usize| (2..10).flat_map(move |x| (3..3 + rows).map(move |y| (x, y)));
        assert!(is_taken(off_with(block(4), 40)));
        assert!(!is_taken(off_with(block(5), 40)));
    }
}
