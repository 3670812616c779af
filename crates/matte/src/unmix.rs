//! The compositing equation C = αF + (1 − α)B, solved for one pixel.

use crate::{hue_share::hue_share, levels::from_black, plate::Plate, profile::Profile};

/// Largest width, in pixels, of a sharp edge in half-resolution chroma: two samples.
pub(crate) const SHARP_WIDTH: u8 = 4;

/// Alpha from which a pixel blocks the way to the pixels behind it. The remainder is what noise
/// takes from a solid pixel.
pub(crate) const SOLID: f32 = 0.95;

/// Steepening of an edge that is not blurred, per unit of uncertainty of its alpha. Most pixels
/// really are clear or solid, so an uncertain alpha is nearer to one of them than it looks. Chosen
/// in a run over random clips. More makes edges hard, less leaves them grey.
const PRIOR_STEEPENING: f32 = 2.5;

/// Largest steepening of an edge. Beyond it, an edge of two pixels is a step.
const MAX_STEEPENING: f32 = 2.5;

/// Least steepening of alphas above a half in a thin object, which hardly shows its full color
/// anywhere. It fills holes in thin strokes and makes strokes thicker. Of the random clips, one
/// passes and one line drawing fails because of it.
const THIN_STEEPENING: f32 = 1.25;

/// An alpha and the foreground color that goes with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unmixed {
    /// 0.0 clear – 1.0 solid.
    pub(crate) alpha: f32,
    /// Y', Cb, Cr of the subject alone.
    pub(crate) foreground: [f32; 3],
}

/// One pixel that may be a mixture of subject and background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BandPixel {
    /// Index into the luma plane.
    pub(crate) index: u32,
    /// Its alpha and the color of the subject there.
    pub(crate) unmixed: Unmixed,
}

/// Solves for alpha with the foreground color of `profile`. Luma and chroma are each weighted by
/// their certainty.
pub(crate) fn unmixed(profile: &Profile, seen: [f32; 3], background: [f32; 3], plate: &Plate) -> Unmixed {
    let noise = plate.noise();
    let full = [0, 1, 2].map(|k| profile.foreground[k] - background[k]);
    let here = [0, 1, 2].map(|k| seen[k] - background[k]);
    // Variance of luma and chroma: coding noise around edges (three deviations and a level), the
    // subject's texture, and the smear of ringing (luma) and of half-resolution chroma, as a share
    // of their own full contrast.
    let variance = |full: f32, noise: f32, texture: f32, smear: f32| {
        let level = 1.0 + 3.0 * noise;
        (level * level + texture * texture + smear * smear * full * full).max(1e-3)
    };
    let chroma = full[1].hypot(full[2]);
    let luma_variance = variance(full[0], noise[0], profile.texture[0], 0.05);
    let chroma_variance = variance(chroma, noise[1], profile.texture[1], 0.25);
    let weights = [1.0 / luma_variance, 1.0 / chroma_variance, 1.0 / chroma_variance];
    // Shading makes the subject darker or brighter: all components err together, along the line
    // from black. This is the inner product under the covariance of both (Sherman–Morrison).
    let own = from_black(profile.foreground);
    let plain = |a: [f32; 3], b: [f32; 3]| (0..3).map(|k| weights[k] * a[k] * b[k]).sum::<f32>();
    let shading_variance = profile.shading * profile.shading;
    let shaded = shading_variance / (1.0 + shading_variance * plain(own, own));
    let product = |a, b| plain(a, b) - shaded * plain(a, own) * plain(b, own);
    let power = product(full, full).max(1e-6);
    let mixed = (product(full, here) / power).clamp(0.0, 1.0);
    // A sharp edge that only half-resolution chroma shows is widened by it: steepen it again.
    let shaded_luma_variance = luma_variance + shading_variance * own[0] * own[0];
    let chroma_share = (1.0 - full[0] * full[0] / shaded_luma_variance / power).clamp(0.0, 1.0);
    let is_sharp = profile.is_backed && profile.width <= SHARP_WIDTH;
    let steepening = if is_sharp { 1.0 + chroma_share * (plate.steepening - 1.0) } else { 1.0 };
    let uncertainty = 1.0 / power.sqrt();
    let steepening = if profile.width <= SHARP_WIDTH {
        steepening.max(1.0 + PRIOR_STEEPENING * uncertainty).min(MAX_STEEPENING)
    } else {
        steepening
    };
    let steepening = if mixed > 0.5 && !profile.is_backed { steepening.max(THIN_STEEPENING) } else { steepening };
    let alpha = (0.5 + (mixed - 0.5) * steepening).clamp(0.0, 1.0);
    // The remainder of the equation belongs to the foreground in proportion to alpha (Germer et al.
    // 2020, eq. 5). At a sharp edge, half of the remainder in chroma is smeared from the
    // background.
    let foreground_share = [mixed, if is_sharp { 0.5 * mixed } else { mixed }];
    let most_left_over = 64.0 + 192.0 * profile.shading;
    let foreground = [0, 1, 2].map(|k| {
        let left_over = (here[k] - mixed * full[k]).clamp(-most_left_over, most_left_over);
        profile.foreground[k] + foreground_share[k.min(1)] * left_over
    });
    // What chroma lacks of a thin thing is no remainder.
    let foreground = profile.full_color.map_or(foreground, |[_, blue, red]| [foreground[0], blue, red]);
    Unmixed { alpha, foreground }
}

/// Hue share from which a color is certainly stronger than the background's, and so not a mixture
/// with it. Up to it, coding and uneven light make the background itself stronger.
const STRONGER_SHARE: f32 = 1.25;

/// The alpha of a color that has more than `most` of the background's hue. The excess is
/// background.
pub(crate) fn alpha_from_hue(color: [f32; 3], background: [f32; 3], most: f32) -> f32 {
    let share = hue_share(color, background);
    if most >= 1.0 || share >= STRONGER_SHARE { 1.0 } else { ((1.0 - share) / (1.0 - most)).clamp(0.0, 1.0) }
}

/// `color` without the background, if it is a mixture of both with the share `alpha`; may be out of
/// gamut.
pub(crate) fn without_background(color: [f32; 3], background: [f32; 3], alpha: f32) -> [f32; 3] {
    [0, 1, 2].map(|k| background[k] + (color[k] - background[k]) / alpha.max(1.0 / 16.0))
}

/// `color` with at most `most` of the background's hue: extrapolated along the line from the
/// background through it.
pub(crate) fn with_hue_limited(color: [f32; 3], background: [f32; 3], most: f32) -> [f32; 3] {
    let share = hue_share(color, background);
    if most >= 1.0 || share <= most || share >= STRONGER_SHARE {
        return color;
    }
    without_background(color, background, (1.0 - share).max(1.0 / 16.0) / (1.0 - most))
        .map(|level| level.clamp(1.0, 254.0))
}

/// `color` with no more of the background's hue than `inside` has: without spill from reflected
/// light and coarse chroma.
pub(crate) fn despilled(color: [f32; 3], inside: [f32; 3], background: [f32; 3]) -> [f32; 3] {
    let spill = (hue_share(color, background) - hue_share(inside, background)).max(0.0);
    [color[0], color[1] - spill * (background[1] - 128.0), color[2] - spill * (background[2] - 128.0)]
}
