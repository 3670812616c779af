//! Colour: unmixed in the band, carried outwards under what is clear, and calm beyond.

use clearcut_frame::Picture;

use crate::{band::BandPixel, outline::around};

/// How many pixels the subject's colour is carried outwards: more than the reach of the usual scaling filters.
const MARGIN: u8 = 8;

/// The colour beyond the margin: mid grey, the cheapest thing to encode.
const CALM: [u8; 3] = [126, 128, 128];

/// Colours for some pixels of a picture.
struct Paint {
    /// Per luma pixel its number in `colours` plus one; 0 where there is none.
    slots: Vec<u32>,
    colours: Vec<[f32; 3]>,
    /// Which pixels have a colour, in the order they got it.
    painted: Vec<u32>,
}

/// Writes the colours of `out`: the band's unmixed ones, then outwards over the backdrop, grey beyond.
pub(crate) fn paint(out: &mut Picture, mask: &[u8], band: &[BandPixel]) {
    let paint = Paint::spread(mask, band, out.size().width() as usize);
    calm_down(out, mask);
    paint.write(out, mask);
}

impl Paint {
    fn spread(mask: &[u8], band: &[BandPixel], width: usize) -> Self {
        let mut paint = Self { slots: vec![0; mask.len()], colours: Vec::new(), painted: Vec::new() };
        for pixel in band {
            paint.put(pixel.index as usize, pixel.unmixed.foreground);
        }
        let mut wave = 0..paint.painted.len();
        for _ in 0..MARGIN {
            for at in wave.clone() {
                let index = paint.painted[at] as usize;
                let colour = paint.colours[paint.slots[index] as usize - 1];
                for neighbour in around(index, width, mask.len(), 1) {
                    if mask[neighbour] == 0 && paint.slots[neighbour] == 0 {
                        paint.put(neighbour, colour);
                    }
                }
            }
            wave = wave.end..paint.painted.len();
        }
        paint
    }

    fn put(&mut self, index: usize, colour: [f32; 3]) {
        self.colours.push(colour);
        self.painted.push(index as u32);
        self.slots[index] = self.colours.len() as u32;
    }

    /// Luma where painted; each chroma sample under paint as the mean of the painted and the solid pixels on it.
    fn write(&self, out: &mut Picture, mask: &[u8]) {
        let width = out.size().width() as usize;
        let height = out.size().height() as usize;
        let shift = out.format().subsampling.shift();
        let chroma_width = out.format().chroma_size().0;
        let [luma, cb, cr, _] = out.planes_mut();
        for (&index, colour) in self.painted.iter().zip(&self.colours) {
            luma[index as usize] = to_level(colour[0]);
        }
        for &index in &self.painted {
            let (x, y) = (index as usize % width, index as usize / width);
            let at = (y >> shift) * chroma_width + (x >> shift);
            let (left, top) = (x >> shift << shift, y >> shift << shift);
            let (mut sum, mut count, mut first) = ([0.0; 2], 0.0, None);
            for y in top..(top + (1 << shift)).min(height) {
                for x in left..(left + (1 << shift)).min(width) {
                    let here = y * width + x;
                    if let Some(slot) = self.slots[here].checked_sub(1) {
                        let colour = self.colours[slot as usize];
                        first.get_or_insert(here);
                        sum = [sum[0] + colour[1], sum[1] + colour[2]];
                        count += 1.0;
                    } else if mask[here] != 0 {
                        sum = [sum[0] + f32::from(cb[at]), sum[1] + f32::from(cr[at])];
                        count += 1.0;
                    }
                }
            }
            // Once for all pixels on the sample: the first of them writes.
            if first == Some(index as usize) {
                cb[at] = to_level(sum[0] / count);
                cr[at] = to_level(sum[1] / count);
            }
        }
    }
}

/// Grey luma under every clear pixel, grey chroma under samples that have only clear pixels on them.
fn calm_down(out: &mut Picture, mask: &[u8]) {
    let width = out.size().width() as usize;
    let shift = out.format().subsampling.shift();
    let chroma_width = out.format().chroma_size().0;
    let [luma, cb, cr, _] = out.planes_mut();
    for (value, mask) in luma.iter_mut().zip(mask) {
        *value = (*value & mask) | (CALM[0] & !mask);
    }
    let mut joined = vec![0; width];
    for (row, (cb, cr)) in cb.chunks_exact_mut(chroma_width).zip(cr.chunks_exact_mut(chroma_width)).enumerate() {
        joined.fill(0);
        for line in mask.chunks_exact(width).skip(row << shift).take(1 << shift) {
            for (joined, mask) in joined.iter_mut().zip(line) {
                *joined |= mask;
            }
        }
        for ((cb, cr), mask) in cb.iter_mut().zip(cr).zip(joined.chunks(1 << shift)) {
            let mask = mask.iter().fold(0, |all, one| all | one);
            *cb = (*cb & mask) | (CALM[1] & !mask);
            *cr = (*cr & mask) | (CALM[2] & !mask);
        }
    }
}

/// Rounded and kept inside what 8 bits of video may hold.
fn to_level(value: f32) -> u8 {
    (value.clamp(1.0, 254.0) + 0.5) as u8
}
