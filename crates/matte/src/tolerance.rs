//! Effect of the tolerance setting: keeps or clears pixels that are neither plainly background nor
//! plainly subject.
//!
//! The alpha of the edge itself is always found at the balanced tolerance. Below it, pixels are
//! only added; above it, they are only removed; both grow with the distance from balanced. So alpha
//! never rises with the tolerance.

use crate::{
    distance_map::LIMIT,
    outline::{next_below, next_from},
    regions::grown_mask,
    scene::Scene,
    unmix::{BandPixel, Unmixed},
};

/// The tolerance that neither adds nor removes pixels.
const BALANCED: u8 = 30;

/// Distance up to which pixels are cleared at tolerance 100, in the units of [`LIMIT`]: seven times
/// what noise explains, just below saturation.
const MOST_DISTANCE: u8 = 224;

/// Adds the pixels of the background in `mask` that a tolerance below balanced keeps to the band:
/// those whose `distance` exceeds a share of [`LIMIT`]. Alpha rises as the distance approaches
/// [`LIMIT`].
pub(crate) fn add_kept_pixels(band: &mut Vec<BandPixel>, mask: &[u8], distance: &[u8], scene: &Scene, tolerance: u8) {
    if tolerance >= BALANCED {
        return;
    }
    let mut band_alpha = vec![0.0; mask.len()];
    for pixel in band.iter() {
        band_alpha[pixel.index as usize] = pixel.unmixed.alpha;
    }
    let least = f32::from(LIMIT) * (0.25 + 0.75 * f32::from(tolerance) / f32::from(BALANCED));
    for (index, (mask, distance)) in mask.iter().zip(distance).enumerate() {
        let alpha = (f32::from(*distance) - least) / (f32::from(LIMIT) - least);
        // The faintest part of a soft region is already in the band.
        if *mask == 0 && alpha > band_alpha[index] {
            let unmixed = Unmixed { alpha: alpha.min(1.0), foreground: scene.seen(index) };
            band.push(BandPixel { index: index as u32, unmixed });
        }
    }
}

/// Reduces `alpha` where a tolerance above balanced clears pixels: those whose `distance` is below
/// a limit and that are connected to the background in `mask`. Below half the limit they are
/// cleared entirely; above it, the less the nearer they come to it.
pub(crate) fn clear_pixels(alpha: &mut [u8], mask: &[u8], distance: &[u8], width: usize, tolerance: u8) {
    if tolerance <= BALANCED {
        return;
    }
    let share = f32::from(tolerance.min(100) - BALANCED) / f32::from(100 - BALANCED);
    let limit = (f32::from(LIMIT) * (f32::from(MOST_DISTANCE) / f32::from(LIMIT)).powf(share)).round() as u8;
    let grown = grown_mask(distance, width, limit, mask);
    for ((alpha, distance), grown) in
        alpha.chunks_exact_mut(width).zip(distance.chunks_exact(width)).zip(grown.chunks_exact(width))
    {
        let mut start = next_below(grown, 0, 1);
        while start < width {
            let end = next_from(grown, start, 1);
            for (alpha, distance) in alpha[start..end].iter_mut().zip(&distance[start..end]) {
                let rest = (2 * u16::from(*distance)).saturating_sub(u16::from(limit)).min(u16::from(limit));
                *alpha = (u16::from(*alpha) * rest / u16::from(limit)) as u8;
            }
            start = next_below(grown, end, 1);
        }
    }
}
