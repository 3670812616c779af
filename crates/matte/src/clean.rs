//! Colour: unmixed in the band, carried outwards under what is clear, and calm beyond.

use clearcut_frame::{Picture, Subsampling};

use crate::band::{BandPixel, neighbours};

/// How many pixels the subject's colour is carried outwards: more than the reach of the usual scaling filters.
const MARGIN: u8 = 8;

/// The colour beyond the margin: mid grey, the cheapest thing to encode.
const CALM: [u8; 3] = [126, 128, 128];

/// Writes the colours of `out`: the band's unmixed ones, then outwards over the backdrop, grey beyond.
pub(crate) fn paint(out: &mut Picture, mask: &[u8], band: &[BandPixel]) {
    let width = out.size().width() as usize;
    let mut painted = vec![0_u32; mask.len()];
    let mut colours: Vec<[f32; 3]> = Vec::new();
    let mut queue: Vec<(u32, u8)> = Vec::new();
    for pixel in band {
        colours.push(pixel.foreground);
        queue.push((pixel.index, 0));
        painted[pixel.index as usize] = colours.len() as u32;
    }
    let mut next = 0;
    while next < queue.len() {
        let (index, steps) = queue[next];
        next += 1;
        if steps == MARGIN {
            continue;
        }
        for (neighbour, _) in neighbours(index as usize, width, mask.len()) {
            if mask[neighbour] == 0 && painted[neighbour] == 0 {
                colours.push(colours[painted[index as usize] as usize - 1]);
                painted[neighbour] = colours.len() as u32;
                queue.push((neighbour as u32, steps + 1));
            }
        }
    }
    write_luma(out, mask, &painted, &colours);
    write_chroma(out, mask, &painted, &colours);
}

fn write_luma(out: &mut Picture, mask: &[u8], painted: &[u32], colours: &[[f32; 3]]) {
    let [luma, ..] = out.planes_mut();
    for ((value, mask), slot) in luma.iter_mut().zip(mask).zip(painted) {
        if *slot > 0 {
            *value = to_level(colours[*slot as usize - 1][0]);
        } else if *mask == 0 {
            *value = CALM[0];
        }
    }
}

/// A chroma sample over any painted or clear pixel becomes the mean of the painted and solid ones under it.
fn write_chroma(out: &mut Picture, mask: &[u8], painted: &[u32], colours: &[[f32; 3]]) {
    let (width, height) = (out.size().width() as usize, out.size().height() as usize);
    let step = if out.format().subsampling == Subsampling::Half { 2 } else { 1 };
    let chroma_width = out.format().chroma_size().0;
    let [_, cb, cr, _] = out.planes_mut();
    for (at, (cb, cr)) in cb.iter_mut().zip(cr).enumerate() {
        let (left, top) = (at % chroma_width * step, at / chroma_width * step);
        let (mut sum, mut count, mut is_touched) = ([0.0; 2], 0.0, false);
        for y in top..(top + step).min(height) {
            for x in left..(left + step).min(width) {
                let index = y * width + x;
                if painted[index] > 0 {
                    let colour = colours[painted[index] as usize - 1];
                    sum = [sum[0] + colour[1], sum[1] + colour[2]];
                    (count, is_touched) = (count + 1.0, true);
                } else if mask[index] != 0 {
                    sum = [sum[0] + f32::from(*cb), sum[1] + f32::from(*cr)];
                    count += 1.0;
                } else {
                    is_touched = true;
                }
            }
        }
        if is_touched {
            let [new_cb, new_cr] = if count > 0.0 { sum.map(|s| to_level(s / count)) } else { [CALM[1], CALM[2]] };
            (*cb, *cr) = (new_cb, new_cr);
        }
    }
}

/// Rounded and kept inside what limited range may hold.
fn to_level(value: f32) -> u8 {
    value.round().clamp(1.0, 254.0) as u8
}
