//! Color: unmixed in the band, carried outwards under what is clear, fading until it is calm.

use clearcut_frame::{Frame, FrameFormat};

use crate::{
    band::BandPixel,
    outline::{around, place},
};

/// What is left of the subject's color so many chroma samples outwards (at half resolution twice as many pixels), on its way to
/// [`CALM`]: nearly all of it within the reach of the usual scaling filters. A VP9 file of the sample mascot is a fifth smaller
/// than with a hard rim (same settings, same error of the subject).
const CARRIED: [f32; 4] = [0.93, 0.64, 0.36, 0.07];

/// The color beyond the margin: mid grey, the cheapest thing to encode.
const CALM: [u8; 3] = [126, 128, 128];

/// Writes the colors of `out`: the band's unmixed ones, then outwards over the background, fading to grey.
pub(crate) fn paint(out: &mut Frame, mask: &[u8], band: &[BandPixel]) {
    calm_down(out, mask);
    let mut cells = Cells::under(band, out.format());
    let format = out.format();
    let [luma, cb, cr, _] = out.planes_mut();
    for pixel in band {
        luma[pixel.index as usize] = to_level(pixel.unmixed.foreground[0]);
    }
    cells.settle(cb, cr, mask);
    cells.spread(mask);
    for cell in &cells.painted {
        let (sample, [_, blue, red]) = (cell.sample as usize, cell.color.map(to_level));
        (cb[sample], cr[sample]) = (blue, red);
        for index in pixels_of(sample, format).filter(|&index| mask[index] == 0) {
            // The band may reach beyond the mask; its pixels have their luma already.
            if luma[index] == CALM[0] {
                luma[index] = to_level(cells.luma_at(index, cell));
            }
        }
    }
}

/// The chroma samples that have a color of ours, each with the pixels on it.
struct Cells {
    format: FrameFormat,
    /// Per chroma sample its number in `painted` plus one; 0 where there is none.
    slots: Vec<u32>,
    painted: Vec<Cell>,
}

struct Cell {
    sample: u32,
    /// How many band pixels are on it.
    count: u32,
    /// Y', Cb, Cr: their sum at first, then their mean.
    color: [f32; 3],
}

impl Cells {
    /// The samples under the band, with the sum of its colors.
    fn under(band: &[BandPixel], format: FrameFormat) -> Self {
        let mut cells = Self { format, slots: vec![0; format.chroma_len()], painted: Vec::new() };
        let (width, shift) = (format.size.width(), format.subsampling.shift());
        let chroma_width = format.chroma_size().0 as u32;
        for pixel in band {
            let sample = ((pixel.index / width) >> shift) * chroma_width + ((pixel.index % width) >> shift);
            if cells.slots[sample as usize] == 0 {
                cells.put(Cell { sample, count: 0, color: [0.0; 3] });
            }
            cells.add(sample as usize, pixel.unmixed.foreground);
        }
        cells
    }

    fn put(&mut self, cell: Cell) {
        self.slots[cell.sample as usize] = self.painted.len() as u32 + 1;
        self.painted.push(cell);
    }

    /// Adds to the sum of the painted sample.
    fn add(&mut self, sample: usize, color: [f32; 3]) {
        let cell = &mut self.painted[self.slots[sample] as usize - 1];
        cell.count += 1;
        cell.color = [0, 1, 2].map(|k| cell.color[k] + color[k]);
    }

    /// Luma of a pixel on the painted sample `cell`: at half resolution interpolated between it and the samples beside it, so
    /// that no steps are to be encoded.
    fn luma_at(&self, index: usize, cell: &Cell) -> f32 {
        let [own, ..] = cell.color;
        if self.format.subsampling.shift() == 0 {
            return own;
        }
        let (x, y) = place(index, self.format.size.width() as usize);
        let (columns, rows) = self.format.chroma_size();
        let beside = |at: usize, end: usize| {
            (if at.is_multiple_of(2) { (at / 2).saturating_sub(1) } else { at / 2 + 1 }).min(end - 1)
        };
        let (column, row) = (beside(x, columns), beside(y, rows));
        let of = |column: usize, row: usize| match self.slots[row * columns + column] {
            0 => own,
            slot => self.painted[slot as usize - 1].color[0],
        };
        (9.0 * own + 3.0 * of(column, y / 2) + 3.0 * of(x / 2, row) + of(column, row)) / 16.0
    }

    /// Turns sums into means; solid pixels beside the band on the same sample count with the sample's own chroma.
    fn settle(&mut self, cb: &[u8], cr: &[u8], mask: &[u8]) {
        for cell in &mut self.painted {
            let sample = cell.sample as usize;
            let subject = pixels_of(sample, self.format).filter(|&index| mask[index] != 0).count() as f32;
            let count = cell.count as f32;
            let solid = (subject - count).max(0.0);
            let chroma = [f32::from(cb[sample]), f32::from(cr[sample])];
            let [y, blue, red] = cell.color;
            let mean = |sum: f32, own: f32| (sum + solid * own) / (count + solid);
            cell.color = [y / count, mean(blue, chroma[0]), mean(red, chroma[1])];
        }
    }

    /// Carries the colors over the clear samples around, ring by ring, fading.
    fn spread(&mut self, mask: &[u8]) {
        let (chroma_width, _) = self.format.chroma_size();
        let mut wave = 0..self.painted.len();
        let mut before = 1.0;
        for left in CARRIED {
            let kept = left / before;
            before = left;
            for at in wave.clone() {
                let Cell { sample, color, .. } = self.painted[at];
                for other in around(sample as usize, chroma_width, self.slots.len(), 1) {
                    if self.slots[other] == 0 && pixels_of(other, self.format).all(|index| mask[index] == 0) {
                        self.put(Cell { sample: other as u32, count: 0, color: [0.0; 3] });
                    }
                    if self.slots[other] as usize > wave.end {
                        self.add(other, color);
                    }
                }
            }
            for cell in &mut self.painted[wave.end..] {
                let mean = cell.color.map(|sum| sum / cell.count as f32);
                cell.color = [0, 1, 2].map(|k| f32::from(CALM[k]) + (mean[k] - f32::from(CALM[k])) * kept);
            }
            wave = wave.end..self.painted.len();
        }
    }
}

/// The luma indices on a chroma sample: up to four at half resolution, one at full.
fn pixels_of(sample: usize, format: FrameFormat) -> impl Iterator<Item = usize> {
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (chroma_width, shift) = (format.chroma_size().0, format.subsampling.shift());
    let (column, row) = place(sample, chroma_width);
    let (left, top) = (column << shift, row << shift);
    let columns = left..(left + (1 << shift)).min(width);
    (top..(top + (1 << shift)).min(height)).flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

/// Grey luma under every clear pixel, grey chroma under samples that have only clear pixels on them.
fn calm_down(out: &mut Frame, mask: &[u8]) {
    let width = out.size().width() as usize;
    let shift = out.format().subsampling.shift();
    let chroma_width = out.format().chroma_size().0;
    let [luma, cb, cr, _] = out.planes_mut();
    for (value, mask) in luma.iter_mut().zip(mask) {
        *value = (*value & mask) | (CALM[0] & !mask);
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
            clear_where_empty(cb, cr, joined.iter().copied());
        } else {
            clear_where_empty(cb, cr, joined.as_chunks::<2>().0.iter().map(|[left, right]| left | right));
        }
    }
}

fn clear_where_empty(cb: &mut [u8], cr: &mut [u8], mask: impl Iterator<Item = u8>) {
    for ((cb, cr), mask) in cb.iter_mut().zip(cr).zip(mask) {
        *cb = (*cb & mask) | (CALM[1] & !mask);
        *cr = (*cr & mask) | (CALM[2] & !mask);
    }
}

/// Rounded and kept inside what 8 bits of video may hold.
fn to_level(value: f32) -> u8 {
    (value.clamp(1.0, 254.0) + 0.5) as u8
}
