//! What the tolerance moves: which pixels that are neither plainly background nor plainly subject are kept or cleared.
//!
//! The edge's own alpha is found at the balanced tolerance always; below it pixels are only added, above it only taken
//! away, both the more the further. So alpha never rises with the tolerance.

use crate::{
    band::BandPixel,
    likeness::LIMIT,
    outline::{next_below, next_from},
    regions::grown_mask,
    scene::Scene,
    unmix::Unmixed,
};

/// The tolerance at which neither is done.
const BALANCED: u8 = 30;

/// How far off a pixel may be at tolerance 100, in the units of [`LIMIT`].
const FARTHEST: u8 = 224;

/// Adds to the band what a tolerance below balanced keeps of the background in `mask`: the pixels with more than a share of
/// [`LIMIT`] in `off`, the solider the nearer they come to it.
pub(crate) fn kept(band: &mut Vec<BandPixel>, mask: &[u8], off: &[u8], scene: &Scene, tolerance: u8) {
    if tolerance >= BALANCED {
        return;
    }
    let mut own = vec![0.0; mask.len()];
    for pixel in band.iter() {
        own[pixel.index as usize] = pixel.unmixed.alpha;
    }
    let least = f32::from(LIMIT) * (0.25 + 0.75 * f32::from(tolerance) / f32::from(BALANCED));
    for (index, (mask, off)) in mask.iter().zip(off).enumerate() {
        let alpha = (f32::from(*off) - least) / (f32::from(LIMIT) - least);
        // The faintest part of a soft thing is in the band already.
        if *mask == 0 && alpha > own[index] {
            let unmixed = Unmixed { alpha: alpha.min(1.0), foreground: scene.seen(index) };
            band.push(BandPixel { index: index as u32, unmixed });
        }
    }
}

/// Takes from `alpha` what a tolerance above balanced clears: the pixels of `off` below a limit that hang together with the
/// background in `mask`, all of those below half the limit, the others the less the nearer they come to it.
pub(crate) fn cleared(alpha: &mut [u8], mask: &[u8], off: &[u8], width: usize, tolerance: u8) {
    if tolerance <= BALANCED {
        return;
    }
    let share = f32::from(tolerance.min(100) - BALANCED) / f32::from(100 - BALANCED);
    let limit = (f32::from(LIMIT) * (f32::from(FARTHEST) / f32::from(LIMIT)).powf(share)).round() as u8;
    let grown = grown_mask(off, width, limit, mask);
    for ((alpha, off), grown) in
        alpha.chunks_exact_mut(width).zip(off.chunks_exact(width)).zip(grown.chunks_exact(width))
    {
        let mut start = next_below(grown, 0, 1);
        while start < width {
            let end = next_from(grown, start, 1);
            for (alpha, off) in alpha[start..end].iter_mut().zip(&off[start..end]) {
                let rest = (2 * u16::from(*off)).saturating_sub(u16::from(limit)).min(u16::from(limit));
                *alpha = (u16::from(*alpha) * rest / u16::from(limit)) as u8;
            }
            start = next_below(grown, end, 1);
        }
    }
}
