//! Shadows that the subject casts on a colored background: translucent black.
//!
//! A shadow is the background in less light: luma and chroma have the same share of it. It is soft: from the clear background on the share falls
//! little from pixel to pixel. A dark subject of the background's own hue has a step where it begins, and so has an outline.

use crate::{
    band::BandPixel,
    likeness::LIMIT,
    outline::{beside, edge_of},
    scene::Scene,
    unmix::Unmixed,
};

/// Black.
pub(crate) const BLACK: [f32; 3] = [16.0, 128.0, 128.0];

/// The darkest shadow: so much of the light is left.
const DARKEST: f32 = 0.3;

/// By how much the shares of luma and chroma may differ: noise, and half-resolution chroma.
const ALIKE: f32 = 0.08;

/// How much darker a shadow grows from one pixel to the next: a blur of five pixels of a shadow that takes half of the light.
const STEP: f32 = 0.05;

/// Luma above black from which a background shows shadows.
const BRIGHT: f32 = 40.0;

/// The pixels of the subject in `mask` (0 background, else 255) that are shadow, with the alpha of black that makes it.
///
/// None where the background has no color: there a grey thing looks like its shadow.
pub(crate) fn shadow_of(mask: &[u8], off: &[u8], scene: &Scene) -> Vec<BandPixel> {
    let mut found = Vec::new();
    if !scene.light.is_colored() {
        return found;
    }
    let width = scene.width;
    let mut is_asked = vec![false; mask.len()];
    let mut open: Vec<(usize, f32)> = Vec::new();
    for index in edge_of(mask, width) {
        // The edge begins at the limit of noise: what is farther off already has a step there.
        if off[index] < 2 * LIMIT {
            is_asked[index] = true;
            open.push((index, 1.0));
        }
    }
    while let Some((index, before)) = open.pop() {
        let Some(share) = light_left(scene.seen(index), scene.background(index)) else { continue };
        if (share - before).abs() > STEP + step_of_noise(scene, index) {
            continue;
        }
        found.push(BandPixel { index: index as u32, unmixed: Unmixed { alpha: 1.0 - share, foreground: BLACK } });
        for next in beside(index, width, mask.len()) {
            if mask[next] != 0 && !std::mem::replace(&mut is_asked[next], true) {
                open.push((next, share));
            }
        }
    }
    found
}

/// The share of the background's light that is left in a color, if it is the background in less light.
fn light_left(seen: [f32; 3], background: [f32; 3]) -> Option<f32> {
    let from_black = |color: [f32; 3]| [0, 1, 2].map(|k| color[k] - BLACK[k]);
    let ([luma, blue, red], [full, full_blue, full_red]) = (from_black(seen), from_black(background));
    if full < BRIGHT {
        return None;
    }
    let of_luma = luma / full;
    let square = (full_blue * full_blue + full_red * full_red).max(1.0);
    let of_chroma = (blue * full_blue + red * full_red) / square;
    let aside = ((blue - of_chroma * full_blue).powi(2) + (red - of_chroma * full_red).powi(2)).sqrt();
    let is_shade = (of_luma - of_chroma).abs() <= ALIKE && aside <= ALIKE * square.sqrt() + 2.0;
    (is_shade && (DARKEST..=1.0 + ALIKE).contains(&of_luma)).then(|| f32::midpoint(of_luma, of_chroma).min(1.0))
}

/// How much noise alone makes the share differ between two pixels: two deviations.
fn step_of_noise(scene: &Scene, index: usize) -> f32 {
    2.0 * scene.light.noise[0] / (scene.background(index)[0] - BLACK[0]).max(BRIGHT)
}
