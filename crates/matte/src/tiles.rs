//! Counts of suspect pixels in the tiles of a frame, and where most of them are.

/// Side of a tile in pixels: an area that a viewer finds at a glance. Counts of a row of it fit a
/// byte.
pub(crate) const TILE: usize = 64;

/// A neighboring tile belongs to the extent if it has at least one in so many of the densest tile's
/// pixels. More tiles blur where to look.
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

/// Number of suspect pixels in each tile of a frame.
#[derive(Debug)]
pub(crate) struct Tiles {
    counts: Vec<u64>,
    columns: usize,
    size: [usize; 2],
}

impl Tiles {
    /// No suspect pixels in a frame of this width and height.
    pub(crate) fn new(size: [usize; 2]) -> Self {
        let [columns, rows] = size.map(|side| side.div_ceil(TILE));
        Self { counts: vec![0; columns * rows], columns, size }
    }

    /// The counts of the tiles of pixel row `y`.
    pub(crate) fn row(&mut self, y: usize) -> &mut [u64] {
        &mut self.counts[y / TILE * self.columns..][..self.columns]
    }

    /// The suspect pixels, less those that are `known` to have another reason, and the rectangle
    /// around the densest tile.
    pub(crate) fn defect(&self, known: u64) -> Defect {
        let pixels = self.counts.iter().sum::<u64>().saturating_sub(known);
        Defect { pixels, extent: (pixels > 0).then(|| self.densest_extent()) }
    }

    /// Rectangle of tiles around the densest one. It grows in each direction while the next tile
    /// has at least the share [`SHOWN_SHARE`] of the densest tile's count.
    fn densest_extent(&self) -> Extent {
        let Self { counts, columns, size: [width, height] } = self;
        let best = (0..counts.len()).max_by_key(|&tile| counts[tile]).unwrap_or(0);
        let (x, y) = (best % columns, best / columns);
        let is_shown = |x: usize, y: usize| SHOWN_SHARE * counts[y * columns + x] >= counts[best].max(1);
        let last = [columns - 1, counts.len() / columns - 1];
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
        Extent { left: start(left), top: start(top), right: end(right, *width), bottom: end(bottom, *height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extent_covers_the_densest_tiles() {
        let extent = |counts: &[u64], columns, size| Tiles { counts: counts.to_vec(), columns, size }.densest_extent();
        // 4 × 2 tiles.
        let expected = Extent { left: 128, top: 0, right: 192, bottom: 100 };
        assert_eq!(extent(&[0, 9, 40, 3, 0, 0, 12, 0], 4, [250, 100]), expected);
        assert_eq!(extent(&[1, 1], 2, [70, 9]), Extent { left: 0, top: 0, right: 70, bottom: 9 });
    }
}
