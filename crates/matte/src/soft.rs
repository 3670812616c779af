//! Soft translucent things: smoke, glow, rays of light, and shadows on any background.
//!
//! They grow out of the clear background without a step, all the way round, in one direction of color, or in several where lights overlap.
//! What is solid has an outline somewhere.
//! How dense a thing of one tint is cannot be told from its color alone: it is taken to be as strong in color as it can be, so its alpha is
//! the least that leaves a color within the gamut. In a fade all contrasts are smaller, and so is what is asked of them.

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

/// How much a soft thing's contrast grows from one pixel to the next at most, in levels, and per deviation of noise.
const STEP: f32 = 6.0;
const STEP_OF_NOISE: f32 = 2.0;

/// Deviation of noise above which no step can be told, in levels.
const NOISY: f32 = 3.0;

/// Where a step is looked for, and a tint measured, around a pixel: columns and rows from it. Two steps away, straight or slanting.
const AROUND: [(isize, isize); 8] = [(-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, -1), (-1, 1), (1, 1)];

/// Pixels of a soft thing, at least.
const ENOUGH: usize = 400;

/// How deep a soft thing is, in pixels, and the share of it that is as deep: a softened outline is not.
const DEEP: u8 = 5;
const SHARE_DEEP: f32 = 0.2;

/// The depth at which the rim is judged. How much contrast it has there at most: so many levels more than 1.2 times what noise explains, the median;
/// and what a tenth of it may have.
const RIM: std::ops::RangeInclusive<u8> = 3..=5;
const RIM_CONTRAST: f32 = 10.0;
const RIM_STEEP: f32 = 18.0;
const SHARE_STEEP: f32 = 0.1;

/// How much of the rim's contrast lies within the three pixels across the outline at most, the median: a faint solid thing has nearly all there.
const WITHIN_OUTLINE: f32 = 0.6;

/// How far from a soft region an outline belongs to it, in pixels.
const OUTLINE_REACH: usize = 3;

/// Up to this depth a soft thing shows its tint: farther inside there may be something else.
const OUTER: u8 = 16;

/// How far a pixel's contrast may point aside of the tint: a share of the contrast, and levels.
const ASIDE: f32 = 0.1;
const ASIDE_LEVELS: f32 = 4.0;

/// The part of that on a background without color, where a shadow has none either and skin in a shadow has some.
const GREY_ASIDE: f32 = 0.6;

/// How much of a soft thing must be on its tint; where less is, it has several.
const SHARE_ON_TINT: f32 = 0.8;

/// How many pixels of steps a soft thing of several tints may have in it, for each of its own: a solid thing in a shadow has many.
const SHARE_STEPS: f32 = 0.03;

/// From this alpha on, which so much of it may have, a thing is solid and its outline out of focus.
const DENSE: f32 = 0.8;
const SHARE_DENSE: f32 = 0.1;

/// Channels that change by less than this share of the fastest stand still: noise.
const STILL: f32 = 0.15;

/// How far beyond the gamut coding takes a color, in levels.
const BEYOND: f32 = 8.0;

/// How far the strongest color of a tint is from the background at least, in levels: nearer ones are the background in another light.
const LEAST_ROOM: f32 = 48.0;

/// How far from black the color of a shadow is at most, in levels: black, and what the tint is off by.
const NEARLY_BLACK: f32 = 32.0;

/// The least contrast of the faintest part of a soft thing, in levels, noise apart.
const FAINT: f32 = 1.5;

/// The least alpha of anything that is seen.
const FAINTEST: f32 = 1.0 / 64.0;

/// A soft thing, as the pixels that show it.
#[derive(Debug)]
pub(crate) struct Soft {
    pub(crate) pixels: Vec<BandPixel>,
    /// It is as black as light that is missing.
    pub(crate) is_shadow: bool,
}

/// The soft things among the subject in `mask` (0 background, else 255), with their alpha and tint; they begin at the background `outside` (0).
pub(crate) fn soft_of(mask: &[u8], outside: &[u8], off: &[u8], scene: &Scene) -> Vec<Soft> {
    let noise = scene.light.noise;
    if noise[0].max(noise[1]) > NOISY {
        return Vec::new();
    }
    let width = scene.width;
    let mut is_asked = vec![false; mask.len()];
    let mut found = Vec::new();
    let mut depth = None;
    let outline = edge_of(mask, width);
    for &start in &outline {
        let is_outer = || beside(start, width, mask.len()).any(|other| outside[other] == 0);
        if off[start] >= 2 * LIMIT || !is_outer() || std::mem::replace(&mut is_asked[start], true) {
            continue;
        }
        let (region, steps) = flooded(start, mask, &mut is_asked, scene);
        if region.len() < ENOUGH {
            continue;
        }
        let depth = depth.get_or_insert_with(|| depths(mask, width));
        let around = Around { mask, outline: &outline, depth, scene };
        let mut pixels = around.unmixed(&region, Some(steps), &mut is_asked);
        if pixels.is_empty() {
            // A shadow may lead into what casts it.
            let part = around.of_one_tint(region);
            if part.len() >= ENOUGH {
                pixels = around.unmixed(&part, None, &mut is_asked);
            }
        }
        if !pixels.is_empty() {
            let is_shadow = is_black(&pixels);
            found.push(Soft { pixels, is_shadow });
        }
    }
    found
}

/// What a region lies in.
#[derive(Clone, Copy)]
struct Around<'a> {
    mask: &'a [u8],
    outline: &'a [usize],
    /// Distance of the subject to the background.
    depth: &'a [u8],
    scene: &'a Scene<'a>,
}

impl Around<'_> {
    /// The pixels of a region and their faintest surroundings as mixtures, if it is a soft thing, else none. It may be of several tints where it is
    /// known how many `steps` were met in it.
    fn unmixed(self, region: &[Contrast], steps: Option<usize>, is_asked: &mut [bool]) -> Vec<BandPixel> {
        let Self { mask, outline, depth, scene } = self;
        let tint = tint_of(region, depth, scene).filter(|tint| is_faded(region, *tint, outline, depth, scene));
        let Some(tint) = tint else { return Vec::new() };
        let on_tint = region.iter().filter(|pixel| pixel.is_on(tint, scene)).count() as f32;
        let one_tint = Some(tint).filter(|_| on_tint >= SHARE_ON_TINT * region.len() as f32);
        let may_have_several = steps.is_some_and(|steps| steps as f32 <= SHARE_STEPS * region.len() as f32);
        if one_tint.is_none() && !may_have_several {
            return Vec::new();
        }
        let mut pixels = unmixed(region, one_tint, scene, mask.len() / scene.width);
        if one_tint.is_some() {
            pixels.extend(skirt(&pixels, mask, is_asked, tint, scene));
        }
        pixels
    }

    /// What of a region has the tint of its gentle rim, from there inwards.
    fn of_one_tint(self, region: Vec<Contrast>) -> Vec<Contrast> {
        let Self { depth, scene, .. } = self;
        let is_rim = |pixel: &&Contrast| RIM.contains(&depth[pixel.index]);
        let gentle =
            region.iter().filter(is_rim).filter(|pixel| length(pixel.levels) <= rim_contrast(RIM_STEEP, scene));
        let tint = mean_direction(gentle);
        let mut is_in = vec![false; depth.len()];
        for pixel in region.iter().filter(|pixel| pixel.is_on(tint, scene)) {
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

/// The pixels of a soft region as mixtures with `tint`, or each with a tint of its own where one does not do: lights of several colors overlap
/// there. None if the region is solid.
fn unmixed(region: &[Contrast], tint: Option<[f32; 3]>, scene: &Scene, height: usize) -> Vec<BandPixel> {
    let of_tint = region.iter().filter(|pixel| tint.is_none_or(|tint| pixel.is_on(tint, scene)));
    let (room, pixels): (Vec<f32>, Vec<BandPixel>) = of_tint
        .map(|pixel| {
            let tint = tint.unwrap_or_else(|| pixel.own_tint(scene, height));
            let room = strongest(scene.background(pixel.index), tint, scene.light.matrix);
            (room, pixel.unmixed(tint, scene))
        })
        .unzip();
    let dense = pixels.iter().filter(|pixel| pixel.unmixed.alpha >= DENSE).count() as f32;
    let is_soft = median(room.into_iter()) >= LEAST_ROOM && dense <= SHARE_DENSE * region.len() as f32;
    if is_soft { pixels } else { Vec::new() }
}

/// Whether the color of a soft thing is black, the median of it.
fn is_black(pixels: &[BandPixel]) -> bool {
    let farness = |pixel: &BandPixel| length([0, 1, 2].map(|k| pixel.unmixed.foreground[k] - BLACK[k]));
    median(pixels.iter().map(farness)) <= NEARLY_BLACK
}

/// The faintest part of a soft thing, which was taken for background: it touches the rest and has its tint.
fn skirt(soft: &[BandPixel], mask: &[u8], is_asked: &mut [bool], tint: [f32; 3], scene: &Scene) -> Vec<BandPixel> {
    let least = FAINT + scene.light.noise[0].max(scene.light.noise[1]);
    let mut found = Vec::new();
    let mut open: Vec<usize> = soft.iter().map(|pixel| pixel.index as usize).collect();
    while let Some(index) = open.pop() {
        for other in beside(index, scene.width, mask.len()) {
            if mask[other] != 0 || std::mem::replace(&mut is_asked[other], true) {
                continue;
            }
            let there = Contrast::at(other, scene);
            if dot(there.levels, tint) >= least && there.is_on(tint, scene) {
                found.push(there.unmixed(tint, scene));
                open.push(other);
            }
        }
    }
    found
}

/// A pixel of a region, and what is seen there less the background.
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

    /// Whether this pixel differs from the background in the direction of `tint` only.
    fn is_on(&self, tint: [f32; 3], scene: &Scene) -> bool {
        let along = dot(self.levels, tint);
        let aside = length([0, 1, 2].map(|k| self.levels[k] - along * tint[k]));
        let allowed = ASIDE * length(self.levels) + ASIDE_LEVELS;
        aside <= if scene.light.is_colored() { allowed } else { GREY_ASIDE * allowed }
    }

    /// This pixel as a mixture with `tint`, a direction of color of length 1.
    fn unmixed(&self, tint: [f32; 3], scene: &Scene) -> BandPixel {
        let background = scene.background(self.index);
        let alpha = dot(self.levels, tint) / strongest(background, tint, scene.light.matrix);
        let foreground = [0, 1, 2].map(|k| (background[k] + self.levels[k] / alpha.max(FAINTEST)).clamp(1.0, 254.0));
        let alpha = if alpha < FAINTEST { 0.0 } else { alpha.min(1.0) };
        BandPixel { index: self.index as u32, unmixed: Unmixed { alpha, foreground } }
    }

    /// What is seen at the places of [`AROUND`].
    fn around(&self, scene: &Scene, height: usize) -> impl Iterator<Item = Self> {
        let (x, y) = place(self.index, scene.width);
        AROUND.iter().filter_map(move |&(right, down)| {
            let (x, y) = (x.checked_add_signed(right)?, y.checked_add_signed(down)?);
            (x < scene.width && y < height).then(|| Self::at(y * scene.width + x, scene))
        })
    }

    /// Whether there is a step nearby.
    fn is_near_step(&self, scene: &Scene, height: usize) -> bool {
        let steps = scene.light.noise.map(|noise| 2.0 * STEP * scene.contrast_left() + STEP_OF_NOISE * noise);
        self.around(scene, height).any(|there| {
            let step = |k: usize| (there.levels[k] - self.levels[k]).abs();
            step(0) > steps[0] || step(1).max(step(2)) > steps[1]
        })
    }

    /// The mean direction of contrast here and around: noise turns a faint one.
    fn own_tint(&self, scene: &Scene, height: usize) -> [f32; 3] {
        let sum =
            self.around(scene, height).fold(self.levels, |sum, there| [0, 1, 2].map(|k| sum[k] + there.levels[k]));
        sum.map(|level| level / length(sum).max(1e-3))
    }
}

/// The subject around `start` that is reached without a step, two pixels of room around the way; and how many pixels of steps stopped that.
fn flooded(start: usize, mask: &[u8], is_asked: &mut [bool], scene: &Scene) -> (Vec<Contrast>, usize) {
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
            if mask[other] != 0 && !std::mem::replace(&mut is_asked[other], true) {
                open.push(other);
            }
        }
    }
    (region, steps)
}

/// The direction of color in which a soft region differs from the background; None if it is no soft thing.
fn tint_of(region: &[Contrast], depth: &[u8], scene: &Scene) -> Option<[f32; 3]> {
    let deep = region.iter().filter(|pixel| depth[pixel.index] >= DEEP).count() as f32;
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
    let outer = region.iter().filter(|pixel| depth[pixel.index] <= OUTER);
    Some(mean_direction(outer))
}

/// So many levels more than 1.2 times what noise explains, in the contrast of this frame.
fn rim_contrast(levels: f32, scene: &Scene) -> f32 {
    1.2 * (2.0 + 5.0 * scene.light.noise[0].max(scene.light.noise[1])) + levels * scene.contrast_left()
}

/// The direction, of length 1, in which the sum of the contrasts points.
fn mean_direction<'a>(pixels: impl Iterator<Item = &'a Contrast>) -> [f32; 3] {
    let sum = pixels.fold([0.0; 3], |sum, pixel| [0, 1, 2].map(|k| sum[k] + pixel.levels[k]));
    sum.map(|level| level / length(sum).max(1e-3))
}

/// Whether a region fades into the background: at most a share of the rim's contrast along `tint` lies across the outline itself.
fn is_faded(region: &[Contrast], tint: [f32; 3], outline: &[usize], depth: &[u8], scene: &Scene) -> bool {
    let mut is_near = vec![false; depth.len()];
    for pixel in region.iter().filter(|pixel| depth[pixel.index] <= *RIM.end()) {
        is_near[pixel.index] = true;
    }
    let along = |index: usize| dot(Contrast::at(index, scene).levels, tint);
    let rim =
        median(region.iter().filter(|pixel| RIM.contains(&depth[pixel.index])).map(|pixel| dot(pixel.levels, tint)));
    let near = |index: usize, reach: usize| around(index, scene.width, depth.len(), reach);
    let of_region = outline.iter().filter(|index| near(**index, OUTLINE_REACH).any(|other| is_near[other]));
    let across = of_region.map(|index| {
        let [least, most] = near(*index, 1)
            .map(along)
            .fold([f32::MAX, f32::MIN], |[least, most], level| [least.min(level), most.max(level)]);
        most - least
    });
    median(across) <= WITHIN_OUTLINE * rim
}

/// How far from `background` a color in the direction of `tint` is at most within the gamut, in levels.
fn strongest(background: [f32; 3], tint: [f32; 3], matrix: Matrix) -> f32 {
    let [here, there] = [background, [0, 1, 2].map(|k| background[k] + tint[k])].map(|ycc| matrix.rgb_from_ycc(ycc));
    let per_level = [0, 1, 2].map(|k| there[k] - here[k]);
    let fastest = per_level.iter().fold(0.0, |most: f32, level| most.max(level.abs()));
    let channels = (0..3).filter(|&k| per_level[k].abs() >= STILL * fastest);
    let room = channels.map(|k| {
        let room = if per_level[k] > 0.0 { 255.0 - here[k] } else { here[k] };
        (room + BEYOND).max(BEYOND) / per_level[k].abs()
    });
    room.fold(f32::MAX, f32::min)
}
