//! Rim of a region: whether it grows out of the background softly, and the tint that it has there.

use super::contrast::{Contrast, mean_direction};
use crate::{
    levels::{dot, length, median},
    outline::around,
    scene::Scene,
};

/// Least depth of a soft region, in pixels, and the share of its pixels that must be that deep. A
/// softened outline is not.
const LEAST_DEPTH: u8 = 5;
const SHARE_DEEP: f32 = 0.2;

/// Depths at which the rim is judged, and its largest contrast there, in levels above 1.2 times
/// what noise explains: for the median, and for all but a tenth of the rim. Smoke has 10 to 18
/// there, solid subjects 23 and more.
pub(crate) const RIM: std::ops::RangeInclusive<u8> = 3..=5;
const RIM_CONTRAST: f32 = 10.0;
pub(crate) const RIM_STEEP: f32 = 18.0;
const SHARE_STEEP: f32 = 0.1;

/// Largest share of the rim's contrast that lies within the three pixels across the outline, for
/// the median. A faint solid object has nearly all of it there.
const OUTLINE_SHARE: f32 = 0.6;

/// Distance within which an outline belongs to a soft region, in pixels: the least depth of
/// [`RIM`].
const OUTLINE_REACH: usize = 3;

/// Depth up to which a soft region shows its tint. Farther inside there may be another object;
/// nearer the rim, contrasts are faint and noise turns them.
const OUTER_DEPTH: u8 = 16;

/// The direction of color in which a soft region differs from the background; `None` if the region
/// is not soft.
pub(crate) fn tint_of(region: &[Contrast], depth: &[u8], scene: &Scene) -> Option<[f32; 3]> {
    let deep = region.iter().filter(|pixel| depth[pixel.index] >= LEAST_DEPTH).count() as f32;
    let at_rim = region.iter().filter(|pixel| RIM.contains(&depth[pixel.index]));
    let mut rim: Vec<f32> = at_rim.map(|pixel| length(pixel.levels)).collect();
    let steep = rim.iter().filter(|contrast| **contrast > rim_contrast(RIM_STEEP, scene)).count() as f32;
    if rim.is_empty()
        || deep < SHARE_DEEP * region.len() as f32
        || steep > SHARE_STEEP * rim.len() as f32
        || median(rim.drain(..)) > rim_contrast(RIM_CONTRAST, scene)
    {
        return None;
    }
    let outer = region.iter().filter(|pixel| depth[pixel.index] <= OUTER_DEPTH);
    Some(mean_direction(outer))
}

/// The contrast `levels` above 1.2 times what noise explains, scaled to the contrast of this frame.
pub(crate) fn rim_contrast(levels: f32, scene: &Scene) -> f32 {
    1.2 * (2.0 + 5.0 * scene.plate.noise()[0].max(scene.plate.noise()[1])) + levels * scene.contrast_gain()
}

/// Whether a region fades into the background: the share of the rim's contrast along `tint` that
/// lies across the outline itself is small.
pub(crate) fn is_faded(region: &[Contrast], tint: [f32; 3], outline: &[usize], depth: &[u8], scene: &Scene) -> bool {
    let mut is_near = vec![false; depth.len()];
    for pixel in region.iter().filter(|pixel| depth[pixel.index] <= *RIM.end()) {
        is_near[pixel.index] = true;
    }
    let along = |index: usize| dot(Contrast::at(index, scene).levels, tint);
    let rim =
        median(region.iter().filter(|pixel| RIM.contains(&depth[pixel.index])).map(|pixel| dot(pixel.levels, tint)));
    let near = |index: usize, reach: usize| around(index, scene.width, depth.len(), reach);
    let region_outline = outline.iter().filter(|index| near(**index, OUTLINE_REACH).any(|other| is_near[other]));
    let across = region_outline.map(|index| {
        let [least, most] = near(*index, 1)
            .map(along)
            .fold([f32::MAX, f32::MIN], |[least, most], level| [least.min(level), most.max(level)]);
        most - least
    });
    median(across) <= OUTLINE_SHARE * rim
}
