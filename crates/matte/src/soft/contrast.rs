//! Contrast of a pixel with the background, and its tint: the direction of color in which the pixel
//! differs.

use clearcut_frame::Matrix;

use crate::{
    levels::{dot, length},
    outline::place,
    scene::Scene,
    unmix::{BandPixel, Unmixed},
};

/// Largest growth of a soft region's contrast from one pixel to the next, in levels, and its
/// allowance per deviation of noise. Smoke and blurred shadows grow less; a faint outline climbs
/// more in two pixels.
const STEP: f32 = 6.0;
const STEP_OF_NOISE: f32 = 2.0;

/// Probes around a pixel, as columns and rows from it, for finding steps and measuring a tint. They
/// lie two steps away, straight or diagonal.
const PROBES: [(isize, isize); 8] = [(-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, -1), (-1, 1), (1, 1)];

/// Largest deviation of a pixel's contrast from the tint: as a share of the contrast, and in
/// levels, for noise and rounding. More takes in things of another color.
const ASIDE_SHARE: f32 = 0.1;
const ASIDE_LEVELS: f32 = 4.0;

/// Factor on that deviation for a background without color. A shadow has no color there either, and
/// skin in a shadow has some.
const GREY_ASIDE: f32 = 0.6;

/// Channels that change by less than this share of the fastest one count as constant: noise.
const STILL_SHARE: f32 = 0.15;

/// Distance by which coding moves a color beyond the gamut, in levels. It makes smoke a little
/// thinner, and keeps noise near white from limiting alpha.
const GAMUT_SLACK: f32 = 8.0;

/// Least alpha of a visible pixel: four levels of 255.
const LEAST_ALPHA: f32 = 1.0 / 64.0;

/// A pixel and its difference from the background, in levels.
#[derive(Clone, Copy)]
pub(crate) struct Contrast {
    pub(crate) index: usize,
    pub(crate) levels: [f32; 3],
}

impl Contrast {
    pub(crate) fn at(index: usize, scene: &Scene) -> Self {
        let (seen, background) = (scene.seen(index), scene.background(index));
        Self { index, levels: [0, 1, 2].map(|k| seen[k] - background[k]) }
    }

    /// Whether the pixel differs from the background only in the direction of `tint`.
    pub(crate) fn has_tint(&self, tint: [f32; 3], scene: &Scene) -> bool {
        let along = dot(self.levels, tint);
        let perpendicular = length([0, 1, 2].map(|k| self.levels[k] - along * tint[k]));
        let allowed = ASIDE_SHARE * length(self.levels) + ASIDE_LEVELS;
        perpendicular <= if scene.plate.is_colored() { allowed } else { GREY_ASIDE * allowed }
    }

    /// The pixel as a mixture with `tint`, a direction of color of length 1.
    pub(crate) fn unmixed(&self, tint: [f32; 3], scene: &Scene) -> BandPixel {
        let background = scene.background(self.index);
        let alpha = dot(self.levels, tint) / largest_contrast(background, tint, scene.plate.matrix);
        let foreground = [0, 1, 2].map(|k| (background[k] + self.levels[k] / alpha.max(LEAST_ALPHA)).clamp(1.0, 254.0));
        let alpha = if alpha < LEAST_ALPHA { 0.0 } else { alpha.min(1.0) };
        BandPixel { index: self.index as u32, unmixed: Unmixed { alpha, foreground } }
    }

    /// The contrasts at the [`PROBES`] around the pixel.
    fn probes(&self, scene: &Scene, height: usize) -> impl Iterator<Item = Self> {
        let (x, y) = place(self.index, scene.width);
        PROBES.iter().filter_map(move |&(right, down)| {
            let (x, y) = (x.checked_add_signed(right)?, y.checked_add_signed(down)?);
            (x < scene.width && y < height).then(|| Self::at(y * scene.width + x, scene))
        })
    }

    /// Whether a step is near the pixel.
    pub(crate) fn is_near_step(&self, scene: &Scene, height: usize) -> bool {
        let steps = scene.plate.noise().map(|noise| 2.0 * STEP * scene.contrast_gain() + STEP_OF_NOISE * noise);
        self.probes(scene, height).any(|there| {
            let step = |k: usize| (there.levels[k] - self.levels[k]).abs();
            step(0) > steps[0] || step(1).max(step(2)) > steps[1]
        })
    }

    /// The mean direction of the contrasts at the pixel and its probes. A single faint contrast is
    /// turned by noise.
    pub(crate) fn local_tint(&self, scene: &Scene, height: usize) -> [f32; 3] {
        let sum =
            self.probes(scene, height).fold(self.levels, |sum, there| [0, 1, 2].map(|k| sum[k] + there.levels[k]));
        sum.map(|level| level / length(sum).max(1e-3))
    }
}

/// The direction, of length 1, of the sum of the contrasts.
pub(crate) fn mean_direction<'a>(pixels: impl Iterator<Item = &'a Contrast>) -> [f32; 3] {
    let sum = pixels.fold([0.0; 3], |sum, pixel| [0, 1, 2].map(|k| sum[k] + pixel.levels[k]));
    sum.map(|level| level / length(sum).max(1e-3))
}

/// The largest contrast, in levels, that a color in the direction of `tint` from `background` has
/// within the gamut.
pub(crate) fn largest_contrast(background: [f32; 3], tint: [f32; 3], matrix: Matrix) -> f32 {
    let [here, there] = [background, [0, 1, 2].map(|k| background[k] + tint[k])].map(|ycc| matrix.rgb_from_ycc(ycc));
    let per_level = [0, 1, 2].map(|k| there[k] - here[k]);
    let fastest = per_level.iter().fold(0.0, |most: f32, level| most.max(level.abs()));
    let channels = (0..3).filter(|&k| per_level[k].abs() >= STILL_SHARE * fastest);
    let room = channels.map(|k| {
        let room = if per_level[k] > 0.0 { 255.0 - here[k] } else { here[k] };
        (room + GAMUT_SLACK).max(GAMUT_SLACK) / per_level[k].abs()
    });
    room.fold(f32::MAX, f32::min)
}
