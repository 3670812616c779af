//! Shadows that the subject casts on a colored background. They become translucent black.
//!
//! A shadow is the background in less light: luma and chroma keep the same share of it. It is soft:
//! starting at the clear background, that share falls little from pixel to pixel. A dark subject of
//! the background's own hue begins with a step, and therefore has an outline.

use crate::{
    distance_map::LIMIT,
    outline::{beside, edge_of},
    scene::Scene,
    unmix::{BandPixel, Unmixed},
};

/// Black: Y', Cb, Cr.
pub(crate) const BLACK: [f32; 3] = [16.0, 128.0, 128.0];

/// Share of the light that is left in the darkest shadow. A darker pixel is a dark subject of the
/// background's hue.
const DARKEST_SHARE: f32 = 0.3;

/// Largest difference between the shares of luma and chroma. It covers noise and half-resolution
/// chroma.
const SHARE_TOLERANCE: f32 = 0.08;

/// Largest change of the share from one pixel to the next: a shadow that takes half of the light,
/// blurred over five pixels, changes by that much.
const STEP: f32 = 0.05;

/// Least luma above black of a background that shows shadows. On a darker one, a level of noise is
/// more than a fortieth of the light.
const LEAST_LUMA: f32 = 40.0;

/// The pixels of the subject in `mask` (0 background, else 255) that are shadow, with the alpha of
/// black that explains them.
///
/// Empty if the background has no color: on it, a grey object looks like its shadow.
pub(crate) fn shadow_pixels(mask: &[u8], distance: &[u8], scene: &Scene) -> Vec<BandPixel> {
    let mut found = Vec::new();
    if !scene.plate.is_colored() {
        return found;
    }
    let width = scene.width;
    let mut is_visited = vec![false; mask.len()];
    let mut open: Vec<(usize, f32)> = Vec::new();
    for index in edge_of(mask, width) {
        // The edge begins at the limit of noise. A pixel farther off already has a step there.
        if distance[index] < 2 * LIMIT {
            is_visited[index] = true;
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
            if mask[next] != 0 && !std::mem::replace(&mut is_visited[next], true) {
                open.push((next, share));
            }
        }
    }
    found
}

/// The share of the background's light that is left in the color `seen`; `None` if it is not the
/// background in less light.
fn light_left(seen: [f32; 3], background: [f32; 3]) -> Option<f32> {
    let from_black = |color: [f32; 3]| [0, 1, 2].map(|k| color[k] - BLACK[k]);
    let ([luma, blue, red], [full, full_blue, full_red]) = (from_black(seen), from_black(background));
    if full < LEAST_LUMA {
        return None;
    }
    let luma_share = luma / full;
    let square = (full_blue * full_blue + full_red * full_red).max(1.0);
    let chroma_share = (blue * full_blue + red * full_red) / square;
    let perpendicular = ((blue - chroma_share * full_blue).powi(2) + (red - chroma_share * full_red).powi(2)).sqrt();
    let is_shade =
        (luma_share - chroma_share).abs() <= SHARE_TOLERANCE && perpendicular <= SHARE_TOLERANCE * square.sqrt() + 2.0;
    (is_shade && (DARKEST_SHARE..=1.0 + SHARE_TOLERANCE).contains(&luma_share))
        .then(|| f32::midpoint(luma_share, chroma_share).min(1.0))
}

/// The difference of the share between two pixels that noise alone explains: two deviations.
fn step_of_noise(scene: &Scene, index: usize) -> f32 {
    2.0 * scene.plate.noise()[0] / (scene.background(index)[0] - BLACK[0]).max(LEAST_LUMA)
}
