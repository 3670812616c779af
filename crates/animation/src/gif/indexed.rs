//! The canvas of a GIF: indices into its palette.

use std::{ops::Range, sync::Arc};

use clearcut_frame::Size;

use super::palette::{Palette, largest_difference};
use crate::{
    rect::{Rect, difference_bounds},
    schedule::Canvas,
};

/// Alpha from which on a pixel stays visible, and becomes visible: apart, so that an edge does not
/// flicker.
pub(super) const LEAST_VISIBLE: u8 = 112;
const BECOMES_VISIBLE: u8 = 144;
/// Alpha from which on a pixel is visible, without a frame before.
const VISIBLE: u8 = 128;

/// A frame as indices into the palette, row by row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Indexed {
    width: usize,
    height: usize,
    /// The index that is clear.
    clear: u8,
    indices: Vec<u8>,
}

impl Indexed {
    pub(super) fn at(&self, row: usize, column: usize) -> u8 {
        self.indices[row * self.width + column]
    }

    /// The smallest rectangle around the pixels of `within` for which `differs` holds, by their
    /// position.
    fn bounds_of(&self, within: Rect, differs: impl Fn(usize) -> bool) -> Option<Rect> {
        let row_differs = |row: usize, columns: Range<usize>| {
            let start = row * self.width;
            (start + columns.start..start + columns.end).any(&differs)
        };
        difference_bounds(
            within,
            |row, columns| !row_differs(row, columns),
            |row, column| differs(row * self.width + column),
        )
    }
}

impl Canvas for Indexed {
    fn bounds(&self) -> Rect {
        Rect { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    fn changed_since(&self, before: Option<&Self>, within: Rect) -> Option<Rect> {
        self.bounds_of(within, |at| self.indices[at] != before.map_or(self.clear, |before| before.indices[at]))
    }

    fn vanished_since(&self, before: &Self) -> Option<Rect> {
        self.bounds_of(self.bounds(), |at| self.indices[at] == self.clear && before.indices[at] != self.clear)
    }
}

/// Turns frames into indices, one after the other. An index stays as long as its color is near
/// enough, so noise does not move.
pub(super) struct Quantizer<'a> {
    palette: &'a Palette,
    size: Size,
    before: Option<Arc<Indexed>>,
    /// Colors that were met, with their nearest index, each at its [`slot`].
    met: Vec<([u8; 3], u8)>,
}

/// Number of colors that are remembered with their nearest index.
const SLOTS: usize = 1 << 16;

/// The place of a color among [`SLOTS`].
fn slot([r, g, b]: [u8; 3]) -> usize {
    (u32::from_be_bytes([0, r, g, b]).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

impl<'a> Quantizer<'a> {
    pub(super) fn new(palette: &'a Palette, size: Size) -> Self {
        // Each slot begins with a color that is true for it, or that is of another slot.
        Self { palette, size, before: None, met: vec![([0; 3], palette.nearest([0; 3])); SLOTS] }
    }

    /// The next frame, given as R'G'B' and alpha.
    pub(super) fn index(&mut self, pixels: &[[u8; 4]]) -> Arc<Indexed> {
        let clear = self.palette.clear();
        let before = self.before.take();
        let mut indices = Vec::with_capacity(pixels.len());
        for (at, &[r, g, b, alpha]) in pixels.iter().enumerate() {
            let shown = before.as_ref().map(|before| before.indices[at]);
            let least = match shown {
                None => VISIBLE,
                Some(shown) if shown == clear => BECOMES_VISIBLE,
                Some(_) => LEAST_VISIBLE,
            };
            indices.push(if alpha < least { clear } else { self.index_of([r, g, b], shown) });
        }
        let (width, height) = (self.size.width() as usize, self.size.height() as usize);
        let indexed = Arc::new(Indexed { width, height, clear, indices });
        self.before = Some(Arc::clone(&indexed));
        indexed
    }

    /// The index of `color`: the one that is shown if it is near enough, else the nearest.
    fn index_of(&mut self, color: [u8; 3], shown: Option<u8>) -> u8 {
        let near = |index: &u8| largest_difference(color, self.palette.color(*index)) <= self.palette.may_differ_by();
        shown.filter(|&shown| shown != self.palette.clear()).filter(near).unwrap_or_else(|| self.nearest(color))
    }

    fn nearest(&mut self, color: [u8; 3]) -> u8 {
        let met = &mut self.met[slot(color)];
        if met.0 != color {
            *met = (color, self.palette.nearest(color));
        }
        met.1
    }
}
