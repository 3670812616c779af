//! Small grey copies of a frame, each half as large as the one before: what flow is measured on.

use clearcut_frame::Frame;

use super::shrink::shrunk;

/// The longer side of the finest level in pixels. At 160 arms that swing are lost between keyframes, at 320 flow costs twice
/// the time for a hundredth of the flicker.
const LONGER_SIDE: u32 = 240;

/// No level is smaller than this on its shorter side: a patch and its surroundings have to fit.
const LEAST_SIDE: usize = 16;

/// How far beyond its sides a level can be read: twice a patch of the flow.
pub(crate) const MARGIN: usize = 16;

/// One plane at one size, luma in levels for the most part, with its border continued outwards by [`MARGIN`].
#[derive(Debug, Clone)]
pub(crate) struct Grey {
    pub(crate) width: usize,
    pub(crate) height: usize,
    values: Vec<f32>,
}

/// A place between the pixels of planes of one size.
pub(crate) struct Spot {
    start: usize,
    right: f32,
    down: f32,
}

impl Grey {
    /// The frame whose rows `values` holds.
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

    /// Values from one row to the one below.
    pub(crate) const fn stride(&self) -> usize {
        self.width + 2 * MARGIN
    }

    /// The values from (`x`, `y`) on, each at least -[`MARGIN`] and within the margin on the far side.
    pub(crate) fn from(&self, x: isize, y: isize) -> &[f32] {
        let (x, y) = (x + MARGIN as isize, y + MARGIN as isize);
        &self.values[y as usize * self.stride() + x as usize..]
    }

    /// The place (`x`, `y`), kept within the margin.
    pub(crate) fn spot(&self, x: f32, y: f32) -> Spot {
        let margin = MARGIN as f32;
        let x = (x + margin).clamp(0.0, (self.width + 2 * MARGIN) as f32 - 1.001);
        let y = (y + margin).clamp(0.0, (self.height + 2 * MARGIN) as f32 - 1.001);
        let (column, row) = (x as usize, y as usize);
        Spot { start: row * self.stride() + column, right: x - column as f32, down: y - row as f32 }
    }

    /// Value at `spot`, interpolated.
    pub(crate) fn at(&self, spot: &Spot) -> f32 {
        let above = &self.values[spot.start..][..2];
        let below = &self.values[spot.start + self.stride()..][..2];
        let above = above[0] + (above[1] - above[0]) * spot.right;
        let below = below[0] + (below[1] - below[0]) * spot.right;
        above + (below - above) * spot.down
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.stride()).skip(MARGIN).take(self.height).map(|row| &row[MARGIN..][..self.width])
    }

    /// Each 2×2 pixels as one; an odd last row or column is left out.
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

/// Grey copies of one frame, finest first.
#[derive(Debug, Clone)]
pub(crate) struct Pyramid {
    pub(crate) levels: Vec<Grey>,
    /// Cb and Cr at the size of the finest level: what is told apart by hue alone.
    pub(crate) chroma: Option<[Grey; 2]>,
}

impl Pyramid {
    /// Of the luma of `frame`.
    pub(crate) fn of(frame: &Frame) -> Self {
        let size = frame.size();
        // A clip smaller than that is looked at as it is.
        let small = size.with_longest_side(LONGER_SIDE.min(size.longest_side()));
        let (width, height) = (small.width() as usize, small.height() as usize);
        let values = shrunk(frame.y(), [size.width() as usize, size.height() as usize], [width, height]);
        let chroma = <[usize; 2]>::from(frame.format().chroma_size());
        let hue =
            [frame.cb(), frame.cr()].map(|plane| Grey::new(width, height, &shrunk(plane, chroma, [width, height])));
        Self { chroma: Some(hue), ..Self::over(Grey::new(width, height, &values)) }
    }

    /// With `finest` as the first level.
    pub(crate) fn over(finest: Grey) -> Self {
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
