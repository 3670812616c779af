//! Contrast with the background in cells of 2×2 pixels. All planes have the resolution of halved
//! chroma there, so a mixture of two colors lies on the line between them even at a thin rim.

use crate::{distance_map::DistanceMap, pixels::Pixels, plate::Tones, siting::Siting};

/// Side of a cell, in pixels.
pub(crate) const CELL: usize = 2;

/// The cells of one frame.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pixels: Pixels<'a>,
    map: &'a DistanceMap,
    tones: &'a Tones,
    siting: Siting,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(pixels: Pixels<'a>, map: &'a DistanceMap, tones: &'a Tones, siting: Siting) -> Self {
        Self { columns: map.width / CELL, rows: map.height / CELL, pixels, map, tones, siting }
    }

    /// Standard deviation of luma and of chroma of the background, in levels.
    pub(crate) fn noise(&self) -> [f32; 2] {
        self.tones.first.noise
    }

    /// The background behind a cell.
    pub(crate) fn background(&self, column: usize, row: usize) -> [f32; 3] {
        self.map.background_at(self.tones, CELL * column, CELL * row)
    }

    /// The mean difference of a cell from the background, in levels.
    pub(crate) fn contrast(&self, column: usize, row: usize) -> [f32; 3] {
        let (seen, background) = (self.seen(column, row), self.background(column, row));
        [0, 1, 2].map(|k| seen[k] - background[k])
    }

    fn seen(&self, column: usize, row: usize) -> [f32; 3] {
        let Pixels { width, luma, blue, red, chroma_size: (chroma_width, _), chroma_shift, .. } = self.pixels;
        let at = CELL * row * width + CELL * column;
        let mean = |plane: &[u8]| {
            let sum: u16 = [at, at + 1, at + width, at + width + 1].iter().map(|&at| u16::from(plane[at])).sum();
            f32::from(sum) / 4.0
        };
        if chroma_shift == 0 {
            return [mean(luma), mean(blue), mean(red)];
        }
        let luma_mean = match self.siting {
            Siting::Centre => mean(luma),
            // The chroma sample lies on the left column.
            Siting::Left => {
                let left = usize::from(column > 0);
                let row_sum =
                    |at: usize| u16::from(luma[at - left]) + 2 * u16::from(luma[at]) + u16::from(luma[at + 1]);
                f32::from(row_sum(at) + row_sum(at + width)) / 8.0
            }
        };
        let chroma = row * chroma_width + column;
        [luma_mean, f32::from(blue[chroma]), f32::from(red[chroma])]
    }
}
