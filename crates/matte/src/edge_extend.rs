//! Edge extension: the unmixed color of the band is carried outwards under clear pixels and fades
//! to grey, so that encoders spend nothing on what is not visible.

use clearcut_frame::{Frame, FrameFormat};

use crate::{
    outline::{around, place},
    unmix::BandPixel,
};

/// Share of the subject's color that is left at each chroma sample outwards (at half resolution
/// twice as many pixels), on its way to [`FILL`]: nearly all of it within the reach of the usual
/// scaling filters. A VP9 file of the sample mascot is a fifth smaller than with a hard rim (same
/// settings, same error of the subject).
const FADE: [f32; 4] = [0.93, 0.64, 0.36, 0.07];

/// Color beyond the margin: mid grey, the cheapest to encode.
const FILL: [u8; 3] = [126, 128, 128];

/// Writes the colors of `out`: unmixed color in the band, then outwards over the background, fading
/// to grey.
pub(crate) fn paint(out: &mut Frame, mask: &[u8], band: &[BandPixel]) {
    fill_clear_pixels(out, mask);
    let mut cells = PaintedCells::from_band(band, out.format());
    let format = out.format();
    let [luma, cb, cr, _] = out.planes_mut();
    cells.average(cb, cr, mask);
    cells.spread_outwards(mask);
    for cell in &cells.painted {
        let (sample, [_, blue, red]) = (cell.sample as usize, cell.color.map(to_level));
        (cb[sample], cr[sample]) = (blue, red);
        for index in pixels_of(sample, format).filter(|&index| mask[index] == 0) {
            luma[index] = to_level(cells.luma_at(index, cell));
        }
    }
    // Last, because the band may reach beyond the mask, and its pixels keep their own luma.
    for pixel in band {
        luma[pixel.index as usize] = to_level(pixel.unmixed.foreground[0]);
    }
}

/// The chroma samples that get a color of the subject.
struct PaintedCells {
    format: FrameFormat,
    /// Per chroma sample its index in `painted` plus one; 0 where there is none.
    slots: Vec<u32>,
    painted: Vec<Cell>,
}

/// One painted chroma sample.
struct Cell {
    sample: u32,
    /// Number of colors summed: band pixels on the sample, or neighbors that color spread from.
    count: u32,
    /// Y', Cb, Cr: first the sum of the colors, then their mean.
    color: [f32; 3],
}

impl PaintedCells {
    /// The samples under the band, each with the sum of its band colors.
    fn from_band(band: &[BandPixel], format: FrameFormat) -> Self {
        let mut cells = Self { format, slots: vec![0; format.chroma_len()], painted: Vec::new() };
        let (width, shift) = (format.size.width(), format.subsampling.shift());
        let chroma_width = format.chroma_size().0 as u32;
        for pixel in band {
            let sample = ((pixel.index / width) >> shift) * chroma_width + ((pixel.index % width) >> shift);
            if cells.slots[sample as usize] == 0 {
                cells.push(Cell { sample, count: 0, color: [0.0; 3] });
            }
            cells.add(sample as usize, pixel.unmixed.foreground);
        }
        cells
    }

    /// Adds a painted sample.
    fn push(&mut self, cell: Cell) {
        self.slots[cell.sample as usize] = self.painted.len() as u32 + 1;
        self.painted.push(cell);
    }

    /// Adds `color` to the sum of a painted sample.
    fn add(&mut self, sample: usize, color: [f32; 3]) {
        let cell = &mut self.painted[self.slots[sample] as usize - 1];
        cell.count += 1;
        cell.color = [0, 1, 2].map(|k| cell.color[k] + color[k]);
    }

    /// Luma of a pixel on the painted sample `cell`. At half resolution it is interpolated between
    /// `cell` and the samples beside it, so that there are no steps to encode.
    fn luma_at(&self, index: usize, cell: &Cell) -> f32 {
        let [center, ..] = cell.color;
        if self.format.subsampling.shift() == 0 {
            return center;
        }
        let (x, y) = place(index, self.format.size.width() as usize);
        let (columns, rows) = self.format.chroma_size();
        let beside = |at: usize, end: usize| {
            (if at.is_multiple_of(2) { (at / 2).saturating_sub(1) } else { at / 2 + 1 }).min(end - 1)
        };
        let (column, row) = (beside(x, columns), beside(y, rows));
        let luma_of = |column: usize, row: usize| match self.slots[row * columns + column] {
            0 => center,
            slot => self.painted[slot as usize - 1].color[0],
        };
        (9.0 * center + 3.0 * luma_of(column, y / 2) + 3.0 * luma_of(x / 2, row) + luma_of(column, row)) / 16.0
    }

    /// Turns sums into means. Solid pixels beside the band on the same sample count with the
    /// sample's own chroma.
    fn average(&mut self, cb: &[u8], cr: &[u8], mask: &[u8]) {
        for cell in &mut self.painted {
            let sample = cell.sample as usize;
            let subject = pixels_of(sample, self.format).filter(|&index| mask[index] != 0).count() as f32;
            let count = cell.count as f32;
            let solid = (subject - count).max(0.0);
            let chroma = [f32::from(cb[sample]), f32::from(cr[sample])];
            let [y, blue, red] = cell.color;
            let mean = |sum: f32, solid_level: f32| (sum + solid * solid_level) / (count + solid);
            cell.color = [y / count, mean(blue, chroma[0]), mean(red, chroma[1])];
        }
    }

    /// Carries the colors over the clear samples around, ring by ring, fading.
    fn spread_outwards(&mut self, mask: &[u8]) {
        let (chroma_width, _) = self.format.chroma_size();
        let mut wave = 0..self.painted.len();
        let mut previous = 1.0;
        for fraction in FADE {
            let ratio = fraction / previous;
            previous = fraction;
            for at in wave.clone() {
                let Cell { sample, color, .. } = self.painted[at];
                for other in around(sample as usize, chroma_width, self.slots.len(), 1) {
                    if self.slots[other] == 0 && pixels_of(other, self.format).all(|index| mask[index] == 0) {
                        self.push(Cell { sample: other as u32, count: 0, color: [0.0; 3] });
                    }
                    if self.slots[other] as usize > wave.end {
                        self.add(other, color);
                    }
                }
            }
            for cell in &mut self.painted[wave.end..] {
                let mean = cell.color.map(|sum| sum / cell.count as f32);
                cell.color = [0, 1, 2].map(|k| f32::from(FILL[k]) + (mean[k] - f32::from(FILL[k])) * ratio);
            }
            wave = wave.end..self.painted.len();
        }
    }
}

/// Luma indices on a chroma sample: up to four at half resolution, one at full resolution.
fn pixels_of(sample: usize, format: FrameFormat) -> impl Iterator<Item = usize> {
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (chroma_width, shift) = (format.chroma_size().0, format.subsampling.shift());
    let (column, row) = place(sample, chroma_width);
    let (left, top) = (column << shift, row << shift);
    let columns = left..(left + (1 << shift)).min(width);
    (top..(top + (1 << shift)).min(height)).flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

/// Writes grey luma under every clear pixel, and grey chroma under samples with only clear pixels.
fn fill_clear_pixels(out: &mut Frame, mask: &[u8]) {
    let width = out.size().width() as usize;
    let shift = out.format().subsampling.shift();
    let chroma_width = out.format().chroma_size().0;
    let [luma, cb, cr, _] = out.planes_mut();
    for (value, mask) in luma.iter_mut().zip(mask) {
        *value = (*value & mask) | (FILL[0] & !mask);
    }
    let mut joined = vec![0; width.next_multiple_of(2)];
    for (row, (cb, cr)) in cb.chunks_exact_mut(chroma_width).zip(cr.chunks_exact_mut(chroma_width)).enumerate() {
        joined.fill(0);
        for line in mask.chunks_exact(width).skip(row << shift).take(1 << shift) {
            for (joined, mask) in joined.iter_mut().zip(line) {
                *joined |= mask;
            }
        }
        if shift == 0 {
            fill_empty_chroma(cb, cr, joined.iter().copied());
        } else {
            fill_empty_chroma(cb, cr, joined.as_chunks::<2>().0.iter().map(|[left, right]| left | right));
        }
    }
}

/// Writes grey chroma where `mask` is 0.
fn fill_empty_chroma(cb: &mut [u8], cr: &mut [u8], mask: impl Iterator<Item = u8>) {
    for ((cb, cr), mask) in cb.iter_mut().zip(cr).zip(mask) {
        *cb = (*cb & mask) | (FILL[1] & !mask);
        *cr = (*cr & mask) | (FILL[2] & !mask);
    }
}

/// Rounds a level and clamps it to the range of 8-bit video.
fn to_level(value: f32) -> u8 {
    (value.clamp(1.0, 254.0) + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Size, Subsampling};

    use super::*;
    use crate::unmix::Unmixed;

    #[test]
    fn a_band_pixel_beyond_the_mask_keeps_a_luma_equal_to_the_fill() {
        let size = Size::new(4, 4).unwrap();
        let mut out =
            Frame::new(FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 });
        let mut mask = [0; 16];
        mask[0] = 255;
        let pixel = |index: u32, luma: f32| BandPixel {
            index,
            unmixed: Unmixed { alpha: 0.5, foreground: [luma, 100.0, 100.0] },
        };
        paint(&mut out, &mask, &[pixel(0, 200.0), pixel(1, f32::from(FILL[0]))]);
        assert_eq!(out.y()[..2], [200, FILL[0]]);
    }
}
