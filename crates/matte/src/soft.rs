//! Soft translucent regions: smoke, glow, rays of light, and shadows on any background.
//!
//! A soft region grows out of the clear background without a step, all around, in one direction of
//! color, or in several where lights overlap. A solid object has an outline somewhere. The density
//! of a region of one tint cannot be told from its color alone. The region is therefore assumed to
//! be as strong in color as possible: its alpha is the least that keeps the color within the gamut.
//! In a fade all contrasts are smaller, and the thresholds scale with them.

use clearcut_frame::Matrix;

use crate::{
    band::BandPixel,
    levels::{dot, length, median},
    likeness::LIMIT,
    outline::{around, beside, depths, edge_of, place},
    scene::Scene,
    shadow::BLACK,
    unmix::Unmixed,
};

/// Largest growth of a soft region's contrast from one pixel to the next, in levels, and its
/// allowance per deviation of noise.
const STEP: f32 = 6.0;
const STEP_OF_NOISE: f32 = 2.0;

/// Deviation of noise above which no step can be detected, in levels.
const MOST_NOISE: f32 = 3.0;

/// Probes around a pixel, as columns and rows from it, for finding steps and measuring a tint. They
/// lie two steps away, straight or diagonal.
const PROBES: [(isize, isize); 8] = [(-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, -1), (-1, 1), (1, 1)];

/// Least size of a soft region, in pixels.
const LEAST_PIXELS: usize = 400;

/// Least depth of a soft region, in pixels, and the share of its pixels that must be that deep. A
/// softened outline is not.
const LEAST_DEPTH: u8 = 5;
const SHARE_DEEP: f32 = 0.2;

/// Depths at which the rim is judged, and its largest contrast there, in levels above 1.2 times
/// what noise explains: for the median, and for all but a tenth of the rim.
const RIM: std::ops::RangeInclusive<u8> = 3..=5;
const RIM_CONTRAST: f32 = 10.0;
const RIM_STEEP: f32 = 18.0;
const SHARE_STEEP: f32 = 0.1;

/// Largest share of the rim's contrast that lies within the three pixels across the outline, for
/// the median. A faint solid object has nearly all of it there.
const OUTLINE_SHARE: f32 = 0.6;

/// Distance within which an outline belongs to a soft region, in pixels.
const OUTLINE_REACH: usize = 3;

/// Depth up to which a soft region shows its tint. Farther inside there may be another object.
const OUTER_DEPTH: u8 = 16;

/// Largest deviation of a pixel's contrast from the tint: as a share of the contrast, and in
/// levels.
const ASIDE_SHARE: f32 = 0.1;
const ASIDE_LEVELS: f32 = 4.0;

/// Factor on that deviation for a background without color. A shadow has no color there either, and
/// skin in a shadow has some.
const GREY_ASIDE: f32 = 0.6;

/// Least share of a soft region that has its tint. With less, the region has several tints.
const SHARE_ON_TINT: f32 = 0.8;

/// Largest number of step pixels per pixel in a soft region of several tints. A solid object in a
/// shadow has many.
const SHARE_STEPS: f32 = 0.03;

/// Alpha from which a pixel is dense, and the largest share of dense pixels. A region with more of
/// them is solid and its outline is out of focus.
const DENSE_ALPHA: f32 = 0.8;
const SHARE_DENSE: f32 = 0.1;

/// Channels that change by less than this share of the fastest one count as constant: noise.
const STILL_SHARE: f32 = 0.15;

/// Distance by which coding moves a color beyond the gamut, in levels.
const GAMUT_SLACK: f32 = 8.0;

/// Least distance of the strongest color of a tint from the background, in levels. Nearer ones are
/// the background in another light.
const LEAST_ROOM: f32 = 48.0;

/// Largest distance of a shadow's color from black, in levels: black, and the error of the tint.
const NEARLY_BLACK: f32 = 32.0;

/// Least contrast of the faintest part of a soft region, in levels, without noise.
const LEAST_CONTRAST: f32 = 1.5;

/// Least alpha of a visible pixel.
const LEAST_ALPHA: f32 = 1.0 / 64.0;

/// A soft region, as its visible pixels.
#[derive(Debug)]
pub(crate) struct SoftRegion {
    pub(crate) pixels: Vec<BandPixel>,
    /// Whether its color is black, as that of missing light.
    pub(crate) is_shadow: bool,
}

/// The soft regions of the subject in `mask` (0 background, else 255), with their alpha and tint.
/// They begin at the background in `outside` (0).
pub(crate) fn soft_regions(mask: &[u8], outside: &[u8], distance: &[u8], scene: &Scene) -> Vec<SoftRegion> {
    let noise = scene.plate.noise();
    if noise[0].max(noise[1]) > MOST_NOISE {
        return Vec::new();
    }
    let width = scene.width;
    let mut is_visited = vec![false; mask.len()];
    let mut found = Vec::new();
    let mut depth = None;
    let outline = edge_of(mask, width);
    for &start in &outline {
        let is_outer = || beside(start, width, mask.len()).any(|other| outside[other] == 0);
        if distance[start] >= 2 * LIMIT || !is_outer() || std::mem::replace(&mut is_visited[start], true) {
            continue;
        }
        let (region, steps) = flood_fill(start, mask, &mut is_visited, scene);
        if region.len() < LEAST_PIXELS {
            continue;
        }
        let depth = depth.get_or_insert_with(|| depths(mask, width));
        let surroundings = Surroundings { mask, outline: &outline, depth, scene };
        let mut pixels = surroundings.unmixed(&region, Some(steps), &mut is_visited);
        if pixels.is_empty() {
            // A shadow may lead into the object that casts it.
            let part = surroundings.part_of_one_tint(region);
            if part.len() >= LEAST_PIXELS {
                pixels = surroundings.unmixed(&part, None, &mut is_visited);
            }
        }
        if !pixels.is_empty() {
            let is_shadow = is_black(&pixels);
            found.push(SoftRegion { pixels, is_shadow });
        }
    }
    found
}

/// The frame around a region.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    mask: &'a [u8],
    outline: &'a [usize],
    /// Distance of the subject to the background.
    depth: &'a [u8],
    scene: &'a Scene<'a>,
}

impl Surroundings<'_> {
    /// The pixels of a region and its faintest surroundings as mixtures; empty if it is not soft. A
    /// region with a known number of `steps` may have several tints.
    fn unmixed(self, region: &[Contrast], steps: Option<usize>, is_visited: &mut [bool]) -> Vec<BandPixel> {
        let Self { mask, outline, depth, scene } = self;
        let tint = tint_of(region, depth, scene).filter(|tint| is_faded(region, *tint, outline, depth, scene));
        let Some(tint) = tint else { return Vec::new() };
        let on_tint = region.iter().filter(|pixel| pixel.has_tint(tint, scene)).count() as f32;
        let one_tint = Some(tint).filter(|_| on_tint >= SHARE_ON_TINT * region.len() as f32);
        let may_have_several = steps.is_some_and(|steps| steps as f32 <= SHARE_STEPS * region.len() as f32);
        if one_tint.is_none() && !may_have_several {
            return Vec::new();
        }
        let mut pixels = unmixed(region, one_tint, scene, mask.len() / scene.width);
        if one_tint.is_some() {
            pixels.extend(faint_rim(&pixels, mask, is_visited, tint, scene));
        }
        pixels
    }

    /// The part of a region with the tint of its gentle rim, connected to that rim.
    fn part_of_one_tint(self, region: Vec<Contrast>) -> Vec<Contrast> {
        let Self { depth, scene, .. } = self;
        let is_rim = |pixel: &&Contrast| RIM.contains(&depth[pixel.index]);
        let gentle =
            region.iter().filter(is_rim).filter(|pixel| length(pixel.levels) <= rim_contrast(RIM_STEEP, scene));
        let tint = mean_direction(gentle);
        let mut is_in = vec![false; depth.len()];
        for pixel in region.iter().filter(|pixel| pixel.has_tint(tint, scene)) {
            is_in[pixel.index] = true;
        }
        let mut open: Vec<usize> = region.iter().filter(is_rim).map(|pixel| pixel.index).collect();
        let mut is_reached = vec![false; depth.len()];
        while let Some(index) = open.pop() {
            if is_in[index] && !std::mem::replace(&mut is_reached[index], true) {
                open.extend(beside(index, scene.width, depth.len()));
            }
        }
        region.into_iter().filter(|pixel| is_reached[pixel.index]).collect()
    }
}

/// The pixels of a soft region as mixtures with `tint`; without one, each pixel with its own tint,
/// since lights of several colors overlap. Empty if the region is solid.
fn unmixed(region: &[Contrast], tint: Option<[f32; 3]>, scene: &Scene, height: usize) -> Vec<BandPixel> {
    let tinted = region.iter().filter(|pixel| tint.is_none_or(|tint| pixel.has_tint(tint, scene)));
    let (room, pixels): (Vec<f32>, Vec<BandPixel>) = tinted
        .map(|pixel| {
            let tint = tint.unwrap_or_else(|| pixel.local_tint(scene, height));
            let room = largest_contrast(scene.background(pixel.index), tint, scene.plate.matrix);
            (room, pixel.unmixed(tint, scene))
        })
        .unzip();
    let dense = pixels.iter().filter(|pixel| pixel.unmixed.alpha >= DENSE_ALPHA).count() as f32;
    let is_soft = median(room.into_iter()) >= LEAST_ROOM && dense <= SHARE_DENSE * region.len() as f32;
    if is_soft { pixels } else { Vec::new() }
}

/// Whether the median color of a soft region is black.
fn is_black(pixels: &[BandPixel]) -> bool {
    let distance_from_black = |pixel: &BandPixel| length([0, 1, 2].map(|k| pixel.unmixed.foreground[k] - BLACK[k]));
    median(pixels.iter().map(distance_from_black)) <= NEARLY_BLACK
}

/// The faintest part of a soft region, which the mask counts as background: it touches the rest and
/// has its tint.
fn faint_rim(
    soft: &[BandPixel],
    mask: &[u8],
    is_visited: &mut [bool],
    tint: [f32; 3],
    scene: &Scene,
) -> Vec<BandPixel> {
    let least = LEAST_CONTRAST + scene.plate.noise()[0].max(scene.plate.noise()[1]);
    let mut found = Vec::new();
    let mut open: Vec<usize> = soft.iter().map(|pixel| pixel.index as usize).collect();
    while let Some(index) = open.pop() {
        for other in beside(index, scene.width, mask.len()) {
            if mask[other] != 0 || std::mem::replace(&mut is_visited[other], true) {
                continue;
            }
            let there = Contrast::at(other, scene);
            if dot(there.levels, tint) >= least && there.has_tint(tint, scene) {
                found.push(there.unmixed(tint, scene));
                open.push(other);
            }
        }
    }
    found
}

/// A pixel and its difference from the background, in levels.
#[derive(Clone, Copy)]
struct Contrast {
    index: usize,
    levels: [f32; 3],
}

impl Contrast {
    fn at(index: usize, scene: &Scene) -> Self {
        let (seen, background) = (scene.seen(index), scene.background(index));
        Self { index, levels: [0, 1, 2].map(|k| seen[k] - background[k]) }
    }

    /// Whether the pixel differs from the background only in the direction of `tint`.
    fn has_tint(&self, tint: [f32; 3], scene: &Scene) -> bool {
        let along = dot(self.levels, tint);
        let perpendicular = length([0, 1, 2].map(|k| self.levels[k] - along * tint[k]));
        let allowed = ASIDE_SHARE * length(self.levels) + ASIDE_LEVELS;
        perpendicular <= if scene.plate.is_colored() { allowed } else { GREY_ASIDE * allowed }
    }

    /// The pixel as a mixture with `tint`, a direction of color of length 1.
    fn unmixed(&self, tint: [f32; 3], scene: &Scene) -> BandPixel {
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
    fn is_near_step(&self, scene: &Scene, height: usize) -> bool {
        let steps = scene.plate.noise().map(|noise| 2.0 * STEP * scene.contrast_gain() + STEP_OF_NOISE * noise);
        self.probes(scene, height).any(|there| {
            let step = |k: usize| (there.levels[k] - self.levels[k]).abs();
            step(0) > steps[0] || step(1).max(step(2)) > steps[1]
        })
    }

    /// The mean direction of the contrasts at the pixel and its probes. A single faint contrast is
    /// turned by noise.
    fn local_tint(&self, scene: &Scene, height: usize) -> [f32; 3] {
        let sum =
            self.probes(scene, height).fold(self.levels, |sum, there| [0, 1, 2].map(|k| sum[k] + there.levels[k]));
        sum.map(|level| level / length(sum).max(1e-3))
    }
}

/// The part of the subject around `start` that is reached without a step, and the number of step
/// pixels at which the search stopped. Steps are looked for up to two pixels away.
fn flood_fill(start: usize, mask: &[u8], is_visited: &mut [bool], scene: &Scene) -> (Vec<Contrast>, usize) {
    let height = mask.len() / scene.width;
    let (mut region, mut steps) = (Vec::new(), 0);
    let mut open = vec![start];
    while let Some(index) = open.pop() {
        let here = Contrast::at(index, scene);
        if here.is_near_step(scene, height) {
            steps += 1;
            continue;
        }
        region.push(here);
        for other in beside(index, scene.width, mask.len()) {
            if mask[other] != 0 && !std::mem::replace(&mut is_visited[other], true) {
                open.push(other);
            }
        }
    }
    (region, steps)
}

/// The direction of color in which a soft region differs from the background; `None` if the region
/// is not soft.
fn tint_of(region: &[Contrast], depth: &[u8], scene: &Scene) -> Option<[f32; 3]> {
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
fn rim_contrast(levels: f32, scene: &Scene) -> f32 {
    1.2 * (2.0 + 5.0 * scene.plate.noise()[0].max(scene.plate.noise()[1])) + levels * scene.contrast_gain()
}

/// The direction, of length 1, of the sum of the contrasts.
fn mean_direction<'a>(pixels: impl Iterator<Item = &'a Contrast>) -> [f32; 3] {
    let sum = pixels.fold([0.0; 3], |sum, pixel| [0, 1, 2].map(|k| sum[k] + pixel.levels[k]));
    sum.map(|level| level / length(sum).max(1e-3))
}

/// Whether a region fades into the background: the share of the rim's contrast along `tint` that
/// lies across the outline itself is small.
fn is_faded(region: &[Contrast], tint: [f32; 3], outline: &[usize], depth: &[u8], scene: &Scene) -> bool {
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

/// The largest contrast, in levels, that a color in the direction of `tint` from `background` has
/// within the gamut.
fn largest_contrast(background: [f32; 3], tint: [f32; 3], matrix: Matrix) -> f32 {
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
