//! Grayscale pyramid of a frame: small copies, each half as large as the one before. Optical flow
//! is measured on them.

use clearcut_frame::Frame;

use super::shrink::resized;

/// Longer side of the finest level, in pixels. At 160, swinging arms are lost between keyframes; at
/// 320, flow takes twice the time for a hundredth less flicker.
const LONGER_SIDE: u32 = 240;

/// Least shorter side of a level. A patch and its surroundings must fit.
const LEAST_SIDE: usize = 16;

/// Readable margin beyond the sides of a level: twice a patch of the flow.
pub(crate) const MARGIN: usize = 16;

/// One plane at one size, usually luma in levels, with its border continued outwards by [`MARGIN`].
#[derive(Debug, Clone)]
pub(crate) struct Grey {
    pub(crate) width: usize,
    pub(crate) height: usize,
    values: Vec<f32>,
}

/// A position between the pixels of planes of one size.
pub(crate) struct Position {
    start: usize,
    right: f32,
    down: f32,
}

impl Grey {
    /// The plane with the rows in `values`.
    pub(crate) fn new(width: usize, height: usize, values: &[f32]) -> Self {
        let stride = width + 2 * MARGIN;
        let mut padded = Vec::with_capacity(stride * (height + 2 * MARGIN));
        for y in 0..height + 2 * MARGIN {
            let row = &values[y.saturating_sub(MARGIN).min(height - 1) * width..][..width];
            padded.extend(std::iter::repeat_n(row[0], MARGIN));
            padded.extend_from_slice(row);
            padded.extend(std::iter::repeat_n(row[width - 1], MARGIN));
        }
        Self { width, height, values: padded }
    }

    /// Number of values from one row to the one below.
    pub(crate) const fn stride(&self) -> usize {
        self.width + 2 * MARGIN
    }

    /// The values from (`x`, `y`) on. Both are at least -[`MARGIN`] and within the margin on the
    /// far side.
    pub(crate) fn values_from(&self, x: isize, y: isize) -> &[f32] {
        let (x, y) = (x + MARGIN as isize, y + MARGIN as isize);
        &self.values[y as usize * self.stride() + x as usize..]
    }

    /// The position (`x`, `y`), clamped to the margin.
    pub(crate) fn position(&self, x: f32, y: f32) -> Position {
        let margin = MARGIN as f32;
        let x = (x + margin).clamp(0.0, (self.width + 2 * MARGIN) as f32 - 1.001);
        let y = (y + margin).clamp(0.0, (self.height + 2 * MARGIN) as f32 - 1.001);
        let (column, row) = (x as usize, y as usize);
        Position { start: row * self.stride() + column, right: x - column as f32, down: y - row as f32 }
    }

    /// The value at `position`, interpolated.
    pub(crate) fn at(&self, position: &Position) -> f32 {
        let above = &self.values[position.start..][..2];
        let below = &self.values[position.start + self.stride()..][..2];
        let above = above[0] + (above[1] - above[0]) * position.right;
        let below = below[0] + (below[1] - below[0]) * position.right;
        above + (below - above) * position.down
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.stride()).skip(MARGIN).take(self.height).map(|row| &row[MARGIN..][..self.width])
    }

    /// The plane at half the size, by means of 2×2 pixels; an odd last row or column is left out.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let rows: Vec<&[f32]> = self.rows().collect();
        let mut values = Vec::with_capacity(width * height);
        for pair in rows.chunks_exact(2) {
            let pairs = pair[0].chunks_exact(2).zip(pair[1].chunks_exact(2));
            values.extend(pairs.map(|(above, below)| (above[0] + above[1] + below[0] + below[1]) / 4.0));
        }
        Self::new(width, height, &values)
    }
}

/// Grayscale copies of one frame, finest first.
#[derive(Debug, Clone)]
pub(crate) struct Pyramid {
    pub(crate) levels: Vec<Grey>,
    /// Cb and Cr at the size of the finest level, for areas that differ in hue alone.
    pub(crate) chroma: Option<[Grey; 2]>,
}

impl Pyramid {
    /// The pyramid of the luma of `frame`.
    pub(crate) fn from_frame(frame: &Frame) -> Self {
        let size = frame.size();
        // A smaller clip keeps its size.
        let small = size.with_longest_side(LONGER_SIDE.min(size.longest_side()));
        let (width, height) = (small.width() as usize, small.height() as usize);
        let values = resized(frame.y(), [size.width() as usize, size.height() as usize], [width, height]);
        let chroma = <[usize; 2]>::from(frame.format().chroma_size());
        let hue =
            [frame.cb(), frame.cr()].map(|plane| Grey::new(width, height, &resized(plane, chroma, [width, height])));
        Self { chroma: Some(hue), ..Self::from_finest(Grey::new(width, height, &values)) }
    }

    /// The pyramid with `finest` as its first level.
    pub(crate) fn from_finest(finest: Grey) -> Self {
        let mut levels = vec![finest];
        while let Some(last) = levels.last().filter(|last| last.width.min(last.height) >= 2 * LEAST_SIDE) {
            let next = last.halved();
            levels.push(next);
        }
        Self { levels, chroma: None }
    }

    pub(crate) fn finest(&self) -> &Grey {
        &self.levels[0]
    }
}
