//! The compositing equation C = αF + (1 − α)B, solved for one pixel.

use crate::{light::Light, palette::hue_share, profile::Profile};

/// The widest edge, in pixels, that a sharp one becomes in half-resolution chroma.
pub(crate) const SHARP: u8 = 4;

/// By how much an edge that is not blurred is steepened, per unit of what its alpha is uncertain by: most of what is really there is clear or
/// solid, so what is uncertain is nearer to that than it looks.
const PRIOR: f32 = 2.5;

/// The most that an edge is steepened by.
const STEEPEST: f32 = 2.5;

/// The least that what is above a half is steepened by in something thin, which shows its full color next to nowhere.
const THIN: f32 = 1.25;

/// An alpha and the color that goes with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unmixed {
    /// 0.0 clear – 1.0 solid.
    pub(crate) alpha: f32,
    /// Y', Cb, Cr of the subject alone.
    pub(crate) foreground: [f32; 3],
}

/// Solves for alpha with the foreground that `profile` leads up to, luma and chroma each weighted by how well they tell.
pub(crate) fn unmixed(profile: &Profile, seen: [f32; 3], background: [f32; 3], light: &Light) -> Unmixed {
    let noise = light.noise;
    let full = [0, 1, 2].map(|k| profile.foreground[k] - background[k]);
    let here = [0, 1, 2].map(|k| seen[k] - background[k]);
    // What luma and chroma are uncertain by: coding noise around edges (three deviations and a level), the subject's
    // texture, and the reach of ringing (luma) and of half-resolution chroma, as a share of their own full contrast.
    let doubt = |full: f32, noise: f32, texture: f32, smear: f32| {
        let level = 1.0 + 3.0 * noise;
        (level * level + texture * texture + smear * smear * full * full).max(1e-3)
    };
    let chroma = full[1].hypot(full[2]);
    let luma_doubt = doubt(full[0], noise[0], profile.texture[0], 0.05);
    let chroma_doubt = doubt(chroma, noise[1], profile.texture[1], 0.25);
    let weights = [1.0 / luma_doubt, 1.0 / chroma_doubt, 1.0 / chroma_doubt];
    let power: f32 = (0..3).map(|k| weights[k] * full[k] * full[k]).sum();
    let along: f32 = (0..3).map(|k| weights[k] * full[k] * here[k]).sum();
    let mixed = (along / power.max(1e-6)).clamp(0.0, 1.0);
    // A sharp edge that only half-resolution chroma shows is drawn out: steepen it again.
    let by_chroma = 1.0 - weights[0] * full[0] * full[0] / power.max(1e-6);
    let is_sharp = profile.is_backed && profile.width <= SHARP;
    let steeper = if is_sharp { 1.0 + by_chroma * (light.steepening - 1.0) } else { 1.0 };
    let uncertainty = 1.0 / power.max(1e-6).sqrt();
    let steeper = if profile.width <= SHARP { steeper.max(1.0 + PRIOR * uncertainty).min(STEEPEST) } else { steeper };
    let steeper = if mixed > 0.5 && !profile.is_backed { steeper.max(THIN) } else { steeper };
    let alpha = (0.5 + (mixed - 0.5) * steeper).clamp(0.0, 1.0);
    // What the equation leaves over belongs to the foreground as far as that is what is seen (Germer et al. 2020, eq. 5);
    // at a sharp edge, half of it in chroma is the background's, smeared.
    let owned = [mixed, if is_sharp { 0.5 * mixed } else { mixed }];
    let foreground = [0, 1, 2].map(|k| {
        let left_over = (here[k] - mixed * full[k]).clamp(-64.0, 64.0);
        profile.foreground[k] + owned[k.min(1)] * left_over
    });
    Unmixed { alpha, foreground }
}

/// From this hue share on a color is stronger than the background's beyond doubt, and so no mixture with it.
const STRONGER: f32 = 1.25;

/// The alpha of a color that has more than `most` of the background's hue: what is too much is background.
pub(crate) fn seen_through(color: [f32; 3], background: [f32; 3], most: f32) -> f32 {
    let share = hue_share(color, background);
    if most >= 1.0 || share >= STRONGER { 1.0 } else { ((1.0 - share) / (1.0 - most)).clamp(0.0, 1.0) }
}

/// What is left of `color` without the background in it, if it is a mixture of both with the share `alpha`; may be out of gamut.
pub(crate) fn left_of(color: [f32; 3], background: [f32; 3], alpha: f32) -> [f32; 3] {
    [0, 1, 2].map(|k| background[k] + (color[k] - background[k]) / alpha.max(1.0 / 16.0))
}

/// `color` with no more than `most` of the background's hue: carried on along the line from the background through it.
pub(crate) fn freed(color: [f32; 3], background: [f32; 3], most: f32) -> [f32; 3] {
    let share = hue_share(color, background);
    if most >= 1.0 || share <= most || share >= STRONGER {
        return color;
    }
    left_of(color, background, (1.0 - share).max(1.0 / 16.0) / (1.0 - most)).map(|level| level.clamp(1.0, 254.0))
}

/// `color` with no more of the background's hue than `inside` has: without what light bounced and coarse chroma bled into it.
pub(crate) fn despilled(color: [f32; 3], inside: [f32; 3], background: [f32; 3]) -> [f32; 3] {
    let spill = (hue_share(color, background) - hue_share(inside, background)).max(0.0);
    [color[0], color[1] - spill * (background[1] - 128.0), color[2] - spill * (background[2] - 128.0)]
}
