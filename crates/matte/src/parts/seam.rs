//! Share of the second part of a background at each pixel, measured at the seam of both parts.

use clearcut_frame::Frame;

use super::region::Region;
use crate::{levels::length, pixels::Pixels, sample::sample_grid, siting::Siting, tone::Tone};

/// Minimum difference between two parts, in levels of luma or of chroma, for that plane to tell
/// them apart. With less, noise of a level is an eighth of the share and more.
const MIN_DIFFERENCE: f32 = 8.0;

/// Maximum difference between the shares of luma and of chroma at a seam: half-resolution chroma is
/// at a half where sharp luma is at 0 or 1, and there is noise.
const MAX_SHARE_DIFFERENCE: f32 = 0.6;

/// Share of the second part at each pixel, in luma and in chroma: all or nothing, except at the
/// seam, where it is the median over the frames.
pub(crate) fn shares(first: &Tone, second: &Tone, siting: Siting, frames: &[&Frame], region: Region) -> Vec<[u8; 2]> {
    let Some(size) = frames.first().map(|frame| frame.size()) else { return Vec::new() };
    let (width, height) = (size.width() as usize, size.height() as usize);
    let place = |index: usize| {
        let (x, y) = (index % width, index / width);
        ((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64)
    };
    let mut shares: Vec<[u8; 2]> = (0..width * height)
        .map(|index| {
            let (across, down) = place(index);
            [if region.contains(across, down) { u8::MAX } else { 0 }; 2]
        })
        .collect();
    let seam: Vec<usize> = (0..shares.len())
        .filter(|&index| {
            let (across, down) = place(index);
            region.is_seam(across, down)
        })
        .collect();
    let mut readings: Vec<Vec<[u8; 2]>> = vec![Vec::new(); seam.len()];
    for frame in frames {
        let samples = sample_grid(frame);
        let shifts = [first, second].map(|tone| tone.shift_in(&samples).0);
        let pixels = Pixels::new(frame, siting);
        for (readings, &index) in readings.iter_mut().zip(&seam) {
            let (x, y) = (index % width, index / width);
            let (across, down) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
            let [one, two] = [(first, shifts[0]), (second, shifts[1])]
                .map(|(tone, shift)| tone.expected(&shift, across, down).map(|level| level as f32));
            readings.extend(share_in(pixels.at(index), one, two));
        }
    }
    for (readings, &index) in readings.iter_mut().zip(&seam) {
        if readings.len() * 4 >= frames.len() && !readings.is_empty() {
            shares[index] = [0, 1].map(|plane| {
                let middle = readings.len() / 2;
                match readings.select_nth_unstable_by_key(middle, |share| share[plane]).1[plane] {
                    0..=5 => 0,
                    250.. => u8::MAX,
                    between => between,
                }
            });
        }
    }
    shares
}

/// The share of `two` against `one` in a color, in luma and in chroma. `None` if the color is no
/// mixture of both.
///
/// Half-resolution chroma is softer than luma: at a sharp seam the shares differ.
fn share_in(seen: [f32; 3], one: [f32; 3], two: [f32; 3]) -> Option<[u8; 2]> {
    let (full, here) = ([0, 1, 2].map(|k| two[k] - one[k]), [0, 1, 2].map(|k| seen[k] - one[k]));
    let square = full[1] * full[1] + full[2] * full[2];
    let of_luma = (full[0].abs() >= MIN_DIFFERENCE).then(|| here[0] / full[0]);
    let of_chroma = (square.sqrt() >= MIN_DIFFERENCE).then(|| (here[1] * full[1] + here[2] * full[2]) / square);
    let luma = of_luma.or(of_chroma)?;
    let chroma = of_chroma.unwrap_or(luma);
    let aside = [here[0] - luma * full[0], here[1] - chroma * full[1], here[2] - chroma * full[2]];
    let is_mixture = (luma - chroma).abs() <= MAX_SHARE_DIFFERENCE
        && [luma, chroma].iter().all(|share| (-MAX_SHARE_DIFFERENCE..=1.0 + MAX_SHARE_DIFFERENCE).contains(share))
        && length(aside) <= 8.0 + 0.1 * length(full);
    is_mixture.then(|| [luma, chroma].map(|share| (share * 255.0 + 0.5) as u8))
}
