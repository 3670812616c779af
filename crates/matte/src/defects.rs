//! Possible defects of a matte: how many pixels may be wrong, and where.

use crate::{distance_map::LIMIT, regions::Regions};

/// Alpha from which a pixel counts as subject: a tenth.
const VISIBLE: u8 = 26;

/// Distance below which a pixel has nearly the background's color: twice what the background's
/// noise explains.
const NEAR: u8 = 2 * LIMIT;

/// Side of the tiles in which residue is counted, in pixels: an area that a viewer finds at a
/// glance. Counts of a row of it fit a byte.
const TILE: usize = 64;

/// A neighboring tile belongs to the extent of residue if it has at least one in so many of the
/// densest tile's residue. More tiles blur where to look.
const SHOWN_SHARE: u64 = 4;

/// Rectangle of pixels from `left` and `top` (inside) to `right` and `bottom` (outside).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Column after the last.
    pub right: u32,
    /// Row after the last.
    pub bottom: u32,
}

/// Pixels of one frame with one kind of possible error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defect {
    /// Number of pixels.
    pub pixels: u64,
    /// Rectangle around the largest group of them, if known.
    pub extent: Option<Extent>,
}

/// Possible errors in the matte of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defects {
    /// Number of subject pixels: those with an alpha of a tenth and more.
    pub subject: u64,
    /// Possible holes: enclosed by subject, of nearly the background's color, and removed.
    pub holes: Defect,
    /// Enclosed by subject, of the background's color, and kept.
    pub lookalikes: Defect,
    /// Possible residue: nearly of the background's color, and kept.
    pub residue: Defect,
}

impl Defects {
    /// Measures a frame `width` pixels wide from its matte, its distances from the background and
    /// its classified regions.
    pub(crate) fn measure(alpha: &[u8], distance: &[u8], regions: &Regions, width: usize) -> Self {
        let columns = width.div_ceil(TILE);
        let mut tiles = vec![0_u64; columns * (alpha.len() / width).div_ceil(TILE)];
        let mut subject = 0;
        for (y, (alpha, distance)) in alpha.chunks_exact(width).zip(distance.chunks_exact(width)).enumerate() {
            let row = &mut tiles[y / TILE * columns..][..columns];
            for ((alpha, distance), tile) in alpha.chunks(TILE).zip(distance.chunks(TILE)).zip(row) {
                // Counting in bytes processes many pixels at once.
                let (mut visible, mut faint) = (0_u8, 0_u8);
                for (&alpha, &distance) in alpha.iter().zip(distance) {
                    visible += u8::from(alpha >= VISIBLE);
                    faint += u8::from(alpha >= VISIBLE) & u8::from(distance < NEAR);
                }
                subject += u64::from(visible);
                *tile += u64::from(faint);
            }
        }
        let [lookalikes, holes] = suspect_pockets(regions);
        let residue = tiles.iter().sum::<u64>().saturating_sub(lookalikes.pixels);
        let extent = (residue > 0).then(|| densest_extent(&tiles, columns, [width, alpha.len() / width]));
        Self { subject, holes, lookalikes, residue: Defect { pixels: residue, extent } }
    }
}

/// Pockets that may be misclassified: first flat ones that were kept, then removed ones that
/// are twice as far from the background's color as noise alone explains (a quarter of the limit).
fn suspect_pockets(regions: &Regions) -> [Defect; 2] {
    let mut found = [Defect::default(); 2];
    let mut largest = [0; 2];
    for pocket in regions.flat_pockets() {
        let is_exact = 4 * pocket.total_distance <= u64::from(LIMIT) * pocket.area;
        if pocket.is_background && is_exact {
            continue;
        }
        let kind = usize::from(pocket.is_background);
        found[kind].pixels += pocket.area;
        if pocket.area > largest[kind] {
            largest[kind] = pocket.area;
            let ([top, bottom], [left, right]) = (pocket.rows, pocket.columns);
            found[kind].extent = Some(Extent { left, top, right, bottom });
        }
    }
    found
}

/// Rectangle of tiles around the densest one. It grows in each direction while the next tile has at
/// least the share [`SHOWN_SHARE`] of the densest tile's residue.
fn densest_extent(tiles: &[u64], columns: usize, [width, height]: [usize; 2]) -> Extent {
    let best = (0..tiles.len()).max_by_key(|&tile| tiles[tile]).unwrap_or(0);
    let (x, y) = (best % columns, best / columns);
    let is_shown = |x: usize, y: usize| SHOWN_SHARE * tiles[y * columns + x] >= tiles[best].max(1);
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
    let end = |tile: usize, limit: usize| ((tile + 1) * TILE).min(limit) as u32;
    let start = |tile: usize| (tile * TILE) as u32;
    Extent { left: start(left), top: start(top), right: end(right, width), bottom: end(bottom, height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extent_of_residue_covers_its_densest_tiles() {
        // 4 × 2 tiles.
        let tiles = [0, 9, 40, 3, 0, 0, 12, 0];
        let extent = Extent { left: 128, top: 0, right: 192, bottom: 100 };
        assert_eq!(densest_extent(&tiles, 4, [250, 100]), extent);
        assert_eq!(densest_extent(&[1, 1], 2, [70, 9]), Extent { left: 0, top: 0, right: 70, bottom: 9 });
    }

    #[test]
    fn the_extent_of_pockets_encloses_the_largest_one() {
        // A frame with two pockets that are kept, of 4 × 4 and 5 × 4 pixels.
        let mut distance = vec![255; 20 * 10];
        for y in 3..7 {
            distance[y * 20 + 2..y * 20 + 6].fill(0);
            distance[y * 20 + 10..y * 20 + 15].fill(0);
        }
        let regions = Regions::find(&distance, 20, LIMIT, false);
        let defects = Defects::measure(&[255; 200], &distance, &regions, 20);
        let extent = Some(Extent { left: 10, top: 3, right: 15, bottom: 7 });
        assert_eq!(defects.lookalikes, Defect { pixels: 36, extent });
        assert_eq!((defects.subject, defects.holes.pixels, defects.residue.pixels), (200, 0, 0));
    }
}
