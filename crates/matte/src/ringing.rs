//! Compensation of coding noise near edges. The noise that a codec leaves around an edge grows with
//! the contrast of the edge, so larger distances still count as background there.

use clearcut_frame::Frame;

use crate::{
    distance_map::{DistanceMap, LIMIT},
    outline::around,
    plate::Tones,
};

/// Side of a transform block in pixels: the reach of ringing.
const BLOCK: usize = 8;

/// Levels of ringing and of smeared chroma per level of contrast nearby. More clears faint parts
/// beside strong ones, less leaves coding noise around them.
const RINGING_SHARE: f32 = 0.04;

/// Measures the contrast of `frame` with the background. Near contrast, lowers the distances in
/// `map` as if noise were larger there by [`RINGING_SHARE`] of the contrast. Saturated
/// distances stay as they are.
pub(crate) fn compensate(map: &mut DistanceMap, frame: &Frame, tones: &Tones) {
    let (width, height) = (map.width, map.height);
    let columns = width.div_ceil(BLOCK);
    let contrasts = measure_contrasts(map, frame, tones);
    let [luma_noise, chroma_noise] = tones.first.noise;
    let noise = luma_noise.min(chroma_noise);
    let explained = 2.0 + 5.0 * noise;
    for block in 0..contrasts.len() {
        let contrast = around(block, columns, contrasts.len(), 1).map(|other| contrasts[other]).max().unwrap_or(0);
        if contrast == 0 {
            continue;
        }
        // In 1/256.
        let scale = (256.0 * explained / (explained + RINGING_SHARE * f32::from(contrast))) as u16;
        let (left, top) = (block % columns * BLOCK, block / columns * BLOCK);
        for y in top..(top + BLOCK).min(height) {
            for distance in &mut map.distance[y * width + left..y * width + (left + BLOCK).min(width)] {
                let lower = ((u16::from(*distance) * scale) >> 8) as u8;
                *distance = if *distance == u8::MAX { *distance } else { lower };
            }
        }
    }
}

/// Fills [`DistanceMap::contrast`]. Returns the largest difference from the background in each
/// block, in levels of the plane that differs most; 0 where noise explains all of the block.
fn measure_contrasts(map: &mut DistanceMap, frame: &Frame, tones: &Tones) -> Vec<u8> {
    let (width, height) = (map.width, map.height);
    let shift = frame.format().subsampling.shift();
    let (chroma_width, _) = frame.format().chroma_size();
    let columns = width.div_ceil(BLOCK);
    let mut most = vec![0; columns * height.div_ceil(BLOCK)];
    let mut contrast = vec![0; width * height];
    for (block, most) in most.iter_mut().enumerate() {
        let (left, top) = (block % columns * BLOCK, block / columns * BLOCK);
        let (right, bottom) = ((left + BLOCK).min(width), (top + BLOCK).min(height));
        let has_subject =
            |y: usize| map.distance[y * width + left..y * width + right].iter().any(|&distance| distance >= LIMIT);
        if !(top..bottom).any(has_subject) {
            continue;
        }
        let expected = map.background_at(tones, usize::midpoint(left, right), usize::midpoint(top, bottom));
        let expected = expected.map(|level| level as u8);
        for y in top..bottom {
            let (row, at) = (y * width, (y >> shift) * chroma_width);
            let chroma = at + (left >> shift)..at + ((right - 1) >> shift) + 1;
            let mut chroma_contrast = [0_u8; BLOCK];
            for (most, (blue, red)) in
                chroma_contrast.iter_mut().zip(frame.cb()[chroma.clone()].iter().zip(&frame.cr()[chroma]))
            {
                *most = blue.abs_diff(expected[1]).max(red.abs_diff(expected[2]));
            }
            let pixels = contrast[row + left..row + right].iter_mut().zip(&frame.y()[row + left..row + right]);
            for (x, (pixel, luma)) in pixels.enumerate() {
                let (luma, chroma) = (luma.abs_diff(expected[0]), chroma_contrast[x >> shift]);
                *pixel = luma.max(chroma / 2);
                *most = (*most).max(luma).max(chroma);
            }
        }
    }
    map.contrast = contrast;
    most
}
