//! Straightness of the inner sides of a surround, to the pixel.
//!
//! The sample grid knows a side to half a step, which is as much as the curve of a large round face
//! at the middle of its side. A surround stands still and its sides are straight; the outline of a
//! subject is round, or moves.

use clearcut_frame::Frame;

use super::region::Region;
use crate::{
    pixels::Pixels,
    sample::{Sample, sample_grid},
    siting::Siting,
    tone::Tone,
};

/// Maximum spread of the depths at which a side is found, from the 10th to the 90th percentile, as
/// a share of the frame's width or height: two or three pixels. A circle spreads by 4 %.
const MAX_SPREAD: f64 = 0.006;

/// Minimum spread in pixels that is allowed in small frames.
const MIN_SPREAD: usize = 2;

/// Lines along which a side is searched for, over its middle half.
const LINES: usize = 24;

/// Minimum share of the lines, over all frames, that must find the side. A subject of the
/// surround's color may hide it from the others.
const MIN_FOUND_SHARE: f64 = 0.5;

/// Returns true if the color of `surround` ends, from the frame's sides inwards, at straight lines
/// that stand still over `frames`.
pub(super) fn are_straight(region: Region, surround: &Tone, siting: Siting, frames: &[&Frame]) -> bool {
    let Some(size) = frames.first().map(|frame| frame.size()) else { return false };
    let lengths = [size.width() as usize, size.height() as usize];
    let mut depths: [Vec<usize>; 4] = Default::default();
    for frame in frames {
        let shift = surround.shift_in(&sample_grid(frame)).0;
        let pixels = Pixels::new(frame, siting);
        let is_surround = |[x, y]: [usize; 2]| {
            let [u, v] =
                [(x, lengths[0]), (y, lengths[1])].map(|(at, length)| 2.0 * (at as f64 + 0.5) / length as f64 - 1.0);
            let ycc = pixels.at(y * lengths[0] + x).map(f64::from);
            surround.agrees(&shift, &Sample { u, v, ycc, at_border: false })
        };
        for (side, depths) in depths.iter_mut().enumerate() {
            let (across, along) = (lengths[side % 2], lengths[1 - side % 2]);
            let [first, last] = region.span(1 - side % 2);
            let reach = (2.0 * region.bar(side) * across as f64) as usize;
            for line in 0..LINES {
                let share = 0.25 + 0.5 * (line as f64 + 0.5) / LINES as f64;
                let at = ((first + share * (last - first)) * along as f64) as usize;
                let place = |depth: usize| {
                    let depth = if side < 2 { depth } else { across - 1 - depth };
                    if side % 2 == 0 { [depth, at] } else { [at, depth] }
                };
                depths.extend((0..reach).find(|depth| !is_surround(place(*depth))));
            }
        }
    }
    let lines = (LINES * frames.len()) as f64;
    depths.iter_mut().enumerate().all(|(side, depths)| {
        depths.sort_unstable();
        let at = |share: f64| depths[(share * (depths.len() - 1) as f64) as usize];
        depths.len() as f64 >= MIN_FOUND_SHARE * lines
            && at(0.9) - at(0.1) <= MIN_SPREAD.max((MAX_SPREAD * lengths[side % 2] as f64) as usize)
    })
}
