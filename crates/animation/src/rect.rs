//! Rectangles of pixels, and the smallest rectangle around the differences of two canvases.

use std::ops::Range;

/// A non-empty rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) left: usize,
    pub(crate) top: usize,
    /// First column to the right of the rectangle.
    pub(crate) right: usize,
    /// First row below the rectangle.
    pub(crate) bottom: usize,
}

impl Rect {
    /// The rectangle with these edges; `None` if it would be empty.
    pub(crate) fn new(left: usize, top: usize, right: usize, bottom: usize) -> Option<Self> {
        (left < right && top < bottom).then_some(Self { left, top, right, bottom })
    }

    pub(crate) const fn width(self) -> usize {
        self.right - self.left
    }

    pub(crate) const fn height(self) -> usize {
        self.bottom - self.top
    }

    /// Number of pixels.
    pub(crate) const fn area(self) -> usize {
        self.width() * self.height()
    }

    /// The smallest rectangle that contains both.
    pub(crate) fn around(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// The rectangle grown so that its edges are multiples of `step`, but not beyond `canvas`.
    pub(crate) fn aligned(self, step: usize, canvas: Self) -> Self {
        Self {
            left: self.left / step * step,
            top: self.top / step * step,
            right: self.right.next_multiple_of(step).min(canvas.right),
            bottom: self.bottom.next_multiple_of(step).min(canvas.bottom),
        }
    }

    pub(crate) fn contains(self, row: usize, column: usize) -> bool {
        (self.top..self.bottom).contains(&row) && (self.left..self.right).contains(&column)
    }

    /// The parts of this rectangle above, below, left and right of `hole`: up to four rectangles.
    pub(crate) fn without(self, hole: Self) -> impl Iterator<Item = Self> {
        let (top, bottom) = (hole.top.clamp(self.top, self.bottom), hole.bottom.clamp(self.top, self.bottom));
        [
            Self::new(self.left, self.top, self.right, top),
            Self::new(self.left, bottom, self.right, self.bottom),
            Self::new(self.left, top, hole.left.clamp(self.left, self.right), bottom),
            Self::new(hole.right.clamp(self.left, self.right), top, self.right, bottom),
        ]
        .into_iter()
        .flatten()
    }
}

/// The smallest rectangle that contains all of `rects`; `None` if there are none.
pub(crate) fn bounding_rect(rects: impl IntoIterator<Item = Rect>) -> Option<Rect> {
    rects.into_iter().reduce(Rect::around)
}

/// Number of pixels of a row that are compared at once, before they are compared one by one.
const CHUNK_LEN: usize = 32;

/// The smallest rectangle around the pixels of `within` that differ.
///
/// `differs(row, column)` compares single pixels, from the edges inwards. It is called only where
/// the quicker `is_equal(row, columns)` has not ruled out a difference; `is_equal` may return false
/// for equal pixels.
pub(crate) fn difference_bounds(
    within: Rect,
    is_equal: impl Fn(usize, Range<usize>) -> bool,
    differs: impl Fn(usize, usize) -> bool,
) -> Option<Rect> {
    let is_equal = &is_equal;
    let unequal_chunks = |row: usize, columns| chunks(columns).filter(move |chunk| !is_equal(row, chunk.clone()));
    let first = |row: usize, columns| unequal_chunks(row, columns).flatten().find(|&column| differs(row, column));
    let last = |row: usize, columns| {
        unequal_chunks(row, columns).rev().flat_map(Iterator::rev).find(|&column| differs(row, column))
    };
    let has_any = |&row: &usize| first(row, within.left..within.right).is_some();
    let top = (within.top..within.bottom).find(has_any)?;
    let bottom = (top..within.bottom).rev().find(has_any)? + 1;
    let (mut left, mut right) = (within.right, within.left);
    for row in top..bottom {
        left = first(row, within.left..left).unwrap_or(left);
        right = last(row, right..within.right).map_or(right, |column| column + 1);
    }
    Rect::new(left, top, right, bottom)
}

fn chunks(columns: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
    let end = columns.end;
    columns.step_by(CHUNK_LEN).map(move |start| start..(start + CHUNK_LEN).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: usize, top: usize, right: usize, bottom: usize) -> Rect {
        Rect::new(left, top, right, bottom).unwrap()
    }

    #[test]
    fn the_parts_around_a_hole_cover_the_rest_exactly_once() {
        let whole = rect(0, 0, 9, 7);
        for hole in [rect(2, 3, 5, 6), whole, rect(0, 0, 1, 1), rect(8, 6, 9, 7), rect(0, 2, 9, 4)] {
            let rest: usize = whole.without(hole).map(Rect::area).sum();
            assert_eq!(rest + hole.area(), whole.area(), "{hole:?}");
        }
        // A hole outside the rectangle removes nothing.
        assert_eq!(rect(0, 0, 2, 2).without(rect(5, 5, 6, 6)).map(Rect::area).sum::<usize>(), 4);
    }

    #[test]
    fn difference_bounds_enclose_the_differences_exactly() {
        let whole = rect(0, 0, 9, 7);
        let around = |within, differs: &dyn Fn(usize, usize) -> bool| {
            let found = difference_bounds(within, |_, _| false, differs);
            // An exact `is_equal` must not change the result.
            let is_equal = |row: usize, mut columns: Range<usize>| !columns.any(|column| differs(row, column));
            assert_eq!(difference_bounds(within, is_equal, differs), found);
            found
        };
        let found = around(whole, &|row, column| [(2, 5), (4, 3), (5, 4)].contains(&(row, column)));
        assert_eq!(found, Some(rect(3, 2, 6, 6)));
        assert_eq!(around(whole, &|_, _| false), None);
        assert_eq!(around(rect(1, 1, 3, 3), &|row, column| row == 0 || column == 5), None);
        let wide = rect(0, 0, 200, 2);
        assert_eq!(around(wide, &|row, column| row == 1 && [70, 131].contains(&column)), Some(rect(70, 1, 132, 2)));
    }

    #[test]
    fn alignment_grows_the_rectangle_within_the_canvas() {
        let canvas = rect(0, 0, 5, 5);
        assert_eq!(rect(1, 3, 3, 5).aligned(2, canvas), rect(0, 2, 4, 5));
    }
}
