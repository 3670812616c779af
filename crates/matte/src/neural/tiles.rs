//! Division of a plane into tiles, so that areas of constant alpha are not computed.

use std::ops::Range;

/// Side of a tile in pixels. With its margin, a tile fits the nearest cache.
const SIDE: usize = 32;

/// A rectangle of a plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// A tile of a plane.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) rect: Rect,
    /// The only value in and around the tile; `None` if there are several.
    pub(crate) constant: Option<f32>,
}

impl Rect {
    /// The part of a plane of this width inside the rectangle, row by row.
    pub(crate) fn crop<T: Copy>(&self, plane: &[T], width: usize) -> Vec<T> {
        let mut out = Vec::with_capacity(self.columns.len() * self.rows.len());
        self.lines(plane, width).for_each(|line| out.extend_from_slice(line));
        out
    }

    fn lines<'a, T>(&self, plane: &'a [T], width: usize) -> impl Iterator<Item = &'a [T]> {
        let columns = self.columns.clone();
        self.rows.clone().map(move |row| &plane[row * width..][columns.clone()])
    }

    /// The rectangle with `by` more pixels on each side, within a plane of this size.
    fn grown(&self, by: usize, size: [usize; 2]) -> Self {
        let grown = |range: &Range<usize>, end: usize| range.start.saturating_sub(by)..(range.end + by).min(end);
        Self { columns: grown(&self.columns, size[0]), rows: grown(&self.rows, size[1]) }
    }

    /// The same part of a plane of another size. Rectangles that cover one plane exactly once do so
    /// with the other.
    pub(crate) fn at_size(&self, from: [usize; 2], to: [usize; 2]) -> Self {
        let scaled =
            |range: &Range<usize>, side: usize| range.start * to[side] / from[side]..range.end * to[side] / from[side];
        Self { columns: scaled(&self.columns, 0), rows: scaled(&self.rows, 1) }
    }
}

/// The tiles of a plane of `size`. A tile is constant if the plane has a single value up to `reach`
/// pixels around it.
pub(crate) fn tiles(plane: &[f32], size: [usize; 2], reach: usize) -> Vec<Tile> {
    let spans = |side: usize| (0..side).step_by(SIDE).map(move |start| start..(start + SIDE).min(side));
    let rects = spans(size[1]).flat_map(|rows| spans(size[0]).map(move |columns| Rect { columns, rows: rows.clone() }));
    rects
        .map(|rect| {
            let value = plane[rect.rows.start * size[0] + rect.columns.start];
            let around = rect.grown(reach, size);
            let is_constant =
                around.lines(plane, size[0]).all(|line| line.iter().all(|other| other.to_bits() == value.to_bits()));
            Tile { rect, constant: is_constant.then_some(value) }
        })
        .collect()
}

/// A tile with its margin, and the place of the tile in that.
pub(crate) fn with_margin(tile: &Rect, margin: usize, size: [usize; 2]) -> (Rect, Rect) {
    let wide = tile.grown(margin, size);
    let inner = |range: &Range<usize>, start: usize| range.start - start..range.end - start;
    let columns = inner(&tile.columns, wide.columns.start);
    let rows = inner(&tile.rows, wide.rows.start);
    (wide, Rect { columns, rows })
}

/// Fills a rectangle of a plane with `value`.
pub(crate) fn fill<T: Copy>(plane: &mut [T], width: usize, rect: &Rect, value: T) {
    for row in rect.rows.clone() {
        plane[row * width..][rect.columns.clone()].fill(value);
    }
}

/// Writes `values`, row by row, into a rectangle of a plane.
pub(crate) fn write<T>(plane: &mut [T], width: usize, rect: &Rect, mut values: impl Iterator<Item = T>) {
    for row in rect.rows.clone() {
        for (place, value) in plane[row * width..][rect.columns.clone()].iter_mut().zip(&mut values) {
            *place = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiles_far_from_a_change_are_constant() {
        let (size, at) = ([100, 70], 20 * 100 + 40);
        let mut plane = vec![1.0_f32; 7000];
        plane[at] = 0.5;
        let found = tiles(&plane, size, 6);
        let area: usize = found.iter().map(|tile| tile.rect.columns.len() * tile.rect.rows.len()).sum();
        assert_eq!(area, 7000);
        let near = Rect { columns: 34..47, rows: 14..27 };
        for Tile { rect, constant } in found {
            let is_apart = rect.columns.end <= near.columns.start
                || rect.columns.start >= near.columns.end
                || rect.rows.end <= near.rows.start
                || rect.rows.start >= near.rows.end;
            assert_eq!(constant, is_apart.then_some(1.0), "{rect:?}");
        }
    }

    #[test]
    fn rectangles_cover_a_plane_of_another_size_once() {
        let (from, to) = ([100, 70], [37, 141]);
        let mut seen = vec![0; to[0] * to[1]];
        for Tile { rect, .. } in tiles(&vec![0.0; 7000], from, 3) {
            let rect = rect.at_size(from, to);
            for row in rect.rows {
                seen[row * to[0]..][rect.columns.clone()].iter_mut().for_each(|count| *count += 1);
            }
        }
        assert!(seen.iter().all(|count| *count == 1));
    }
}
