//! What in a matte may be wrong, how much of it, and where.

use crate::{likeness::LIMIT, regions::Regions};

/// Alpha from which a pixel counts as subject: a tenth.
const VISIBLE: u8 = 26;

/// Distance below which a pixel is nearly of the background's color: twice what the background's noise explains.
const NEAR: u8 = 2 * LIMIT;

/// The side of the tiles in which residue is looked for, in pixels.
const TILE: usize = 64;

/// The share of the densest tile's residue that a tile beside it has to be shown with it. One in so many.
const SHOWN: u64 = 4;

/// A rectangle of pixels: from `left` and `top` up to `right` and `bottom`, which are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first column.
    pub left: u32,
    /// The first row.
    pub top: u32,
    /// The column after the last.
    pub right: u32,
    /// The row after the last.
    pub bottom: u32,
}

/// One kind of doubt in one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubt {
    /// In how many pixels.
    pub pixels: u64,
    /// Around the largest part of them, where that is known.
    pub extent: Option<Extent>,
}

/// What in the matte of one frame may be wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Pixels of the subject: alpha of a tenth and more.
    pub subject: u64,
    /// Enclosed by subject, of the background's color but not quite, and removed.
    pub holes: Doubt,
    /// Enclosed by subject, of the background's color, and kept.
    pub lookalikes: Doubt,
    /// Nearly of the background's color, and kept.
    pub residue: Doubt,
}

impl Doubts {
    /// Of a frame `width` pixels wide, from its matte, its distances from the background and what was decided about its regions.
    pub(crate) fn of(alpha: &[u8], off: &[u8], regions: &Regions, width: usize) -> Self {
        let columns = width.div_ceil(TILE);
        let mut tiles = vec![0_u64; columns * (alpha.len() / width).div_ceil(TILE)];
        let mut subject = 0;
        for (y, (alpha, off)) in alpha.chunks_exact(width).zip(off.chunks_exact(width)).enumerate() {
            let row = &mut tiles[y / TILE * columns..][..columns];
            for ((alpha, off), tile) in alpha.chunks(TILE).zip(off.chunks(TILE)).zip(row) {
                // Counted in bytes: many pixels at once.
                let (mut visible, mut faint) = (0_u8, 0_u8);
                for (&alpha, &off) in alpha.iter().zip(off) {
                    visible += u8::from(alpha >= VISIBLE);
                    faint += u8::from(alpha >= VISIBLE) & u8::from(off < NEAR);
                }
                subject += u64::from(visible);
                *tile += u64::from(faint);
            }
        }
        let [lookalikes, holes] = regions.doubtful_pockets();
        let near = tiles.iter().sum::<u64>().saturating_sub(lookalikes.pixels);
        let extent = (near > 0).then(|| densest(&tiles, columns, [width, alpha.len() / width]));
        Self { subject, holes, lookalikes, residue: Doubt { pixels: near, extent } }
    }
}

/// The rectangle of tiles around the one with the most, as far as those beside it have a share of that.
fn densest(tiles: &[u64], columns: usize, [width, height]: [usize; 2]) -> Extent {
    let best = (0..tiles.len()).max_by_key(|&tile| tiles[tile]).unwrap_or(0);
    let (x, y) = (best % columns, best / columns);
    let is_shown = |x: usize, y: usize| SHOWN * tiles[y * columns + x] >= tiles[best].max(1);
    let last = [columns - 1, tiles.len() / columns - 1];
    let (mut left, mut right, mut top, mut bottom) = (x, x, y, y);
    while left > 0 && is_shown(left - 1, y) {
        left -= 1;
    }
    while right < last[0] && is_shown(right + 1, y) {
        right += 1;
    }
    while top > 0 && is_shown(x, top - 1) {
        top -= 1;
    }
    while bottom < last[1] && is_shown(x, bottom + 1) {
        bottom += 1;
    }
    let end = |tile: usize, most: usize| ((tile + 1) * TILE).min(most) as u32;
    let start = |tile: usize| (tile * TILE) as u32;
    Extent { left: start(left), top: start(top), right: end(right, width), bottom: end(bottom, height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residue_is_shown_where_most_of_it_is() {
        // 4 × 2 tiles.
        let tiles = [0, 9, 40, 3, 0, 0, 12, 0];
        let extent = Extent { left: 128, top: 0, right: 192, bottom: 100 };
        assert_eq!(densest(&tiles, 4, [250, 100]), extent);
        assert_eq!(densest(&[1, 1], 2, [70, 9]), Extent { left: 0, top: 0, right: 70, bottom: 9 });
    }

    #[test]
    fn pockets_are_shown_by_the_rectangle_around_the_largest() {
        // A frame of two pockets that are kept, of 4 × 4 and 5 × 4 pixels.
        let mut off = vec![255; 20 * 10];
        for y in 3..7 {
            off[y * 20 + 2..y * 20 + 6].fill(0);
            off[y * 20 + 10..y * 20 + 15].fill(0);
        }
        let regions = Regions::of(&off, 20, LIMIT, false);
        let doubts = Doubts::of(&[255; 200], &off, &regions, 20);
        let extent = Some(Extent { left: 10, top: 3, right: 15, bottom: 7 });
        assert_eq!(doubts.lookalikes, Doubt { pixels: 36, extent });
        assert_eq!((doubts.subject, doubts.holes.pixels, doubts.residue.pixels), (200, 0, 0));
    }
}
