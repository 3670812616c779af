//! Soft translucent regions: smoke, glow, rays of light, and shadows on any background.
//!
//! A soft region grows out of the clear background without a step, all around, in one direction of
//! color, or in several where lights overlap. A solid object has an outline somewhere. The density
//! of a region of one tint cannot be told from its color alone: the strongest color in the gamut
//! gives the least alpha, and weaker colors are as likely. In a fade all contrasts are smaller, and
//! the thresholds scale with them.

pub(crate) mod contrast;
mod rim;

use std::collections::VecDeque;

use contrast::{Contrast, largest_contrast, mean_direction};
use rim::{RIM, RIM_STEEP, is_faded, rim_contrast, tint_of};

use crate::{
    distance_map::LIMIT,
    levels::{dot, length, median},
    outline::{beside, depths, edge_of},
    scene::Scene,
    shadow::BLACK,
    unmix::BandPixel,
};

/// Deviation of noise above which no step can be detected, in levels: the allowance for noise is
/// then half of that for a step.
const MOST_NOISE: f32 = 3.0;

/// Least size of a soft region, in pixels. Smaller ones are blurred edges of solid things.
const LEAST_PIXELS: usize = 400;

/// Least share of a soft region that has its tint. With less, the region has several tints. The
/// rest is for noise and for things in the smoke.
const SHARE_ON_TINT: f32 = 0.8;

/// Largest number of step pixels per pixel in a soft region of several tints. A solid object in a
/// shadow has many: on a clip of seed 90417, a shirt became glass without this limit.
const SHARE_STEPS: f32 = 0.03;

/// Alpha from which a pixel is dense, and the largest share of dense pixels. A region with more of
/// them is solid and its outline is out of focus.
const DENSE_ALPHA: f32 = 0.8;
const SHARE_DENSE: f32 = 0.1;

/// Least distance of the strongest color of a tint from the background, in levels. Nearer ones are
/// the background in another light. Alpha is a contrast divided by this distance, so noise counts
/// fully with less.
const LEAST_ROOM: f32 = 48.0;

/// Contrast of the weakest color that a soft thing may have, as a share of the strongest in the
/// gamut. All between are taken for equally likely: of 20,000 colors that the generator draws, the
/// median contrast is 0.81 of the strongest.
pub(crate) const WEAKEST_COLOR: f32 = 0.6;

/// Largest chroma of the strongest color of a soft thing that is taken for white or grey, in levels.
/// Such a thing has that color: with a weaker one, white smoke would keep some of the background's.
const NEARLY_NEUTRAL: f32 = 24.0;

/// How much denser a soft thing may get across a step: by this factor and this alpha. What is denser
/// is another thing.
const DENSER_BY: f32 = 1.25;
const STEP_DENSER: f32 = 0.05;

/// Largest share of the contour of a part with the tint of a soft thing that may border on subject.
const SHARE_ATTACHED: f32 = 0.1;

/// Largest distance of a shadow's color from black, in levels: black, and the error of the tint.
const NEARLY_BLACK: f32 = 32.0;

/// Least contrast of the faintest part of a soft region, in levels, without noise: rounding of
/// the pixel and of the background.
const LEAST_CONTRAST: f32 = 1.5;

/// A soft region, as its visible pixels.
#[derive(Debug)]
pub(crate) struct SoftRegion {
    pub(crate) pixels: Vec<BandPixel>,
    /// Whether its color is black, as that of missing light.
    pub(crate) is_shadow: bool,
    /// Its direction of color, if it has one.
    tint: Option<[f32; 3]>,
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
        let (mut pixels, mut tint) = surroundings.unmixed(&region, Some(steps), &mut is_visited);
        if pixels.is_empty() {
            // A shadow may lead into the object that casts it.
            let part = surroundings.part_of_one_tint(region);
            if part.len() >= LEAST_PIXELS {
                (pixels, tint) = surroundings.unmixed(&part, None, &mut is_visited);
            }
        }
        if !pixels.is_empty() {
            let is_shadow = is_black(&pixels);
            found.push(SoftRegion { pixels, is_shadow, tint });
        }
    }
    let mut is_soft = vec![false; if found.is_empty() { 0 } else { mask.len() }];
    for pixel in found.iter().flat_map(|region| &region.pixels) {
        is_soft[pixel.index as usize] = true;
    }
    for region in found.iter_mut().filter(|region| !region.is_shadow) {
        region.grow(mask, &mut is_soft, scene);
        region.add_parts(mask, &outline, &mut is_soft, scene);
        if !is_neutral(&region.pixels) {
            region.pixels.iter_mut().for_each(|pixel| assume_likely_density(pixel, scene));
        }
    }
    found
}

impl SoftRegion {
    /// The largest alpha of what belongs to the region.
    fn most_alpha(&self) -> f32 {
        hardly_denser(self.pixels.iter().fold(0.0, |most, pixel| most.max(pixel.unmixed.alpha)))
    }

    /// Adds the parts of the subject that have the tint, are hardly denser and have the background
    /// or the region nearly all around: beams with steps on both sides.
    fn add_parts(&mut self, mask: &[u8], outline: &[usize], is_soft: &mut [bool], scene: &Scene) {
        let Some(tint) = self.tint else { return };
        let most = self.most_alpha();
        let fitting = |index: usize| {
            let there = Contrast::at(index, scene);
            Some(there.unmixed(tint, scene)).filter(|pixel| pixel.unmixed.alpha <= most && there.has_tint(tint, scene))
        };
        let mut is_visited = is_soft.to_vec();
        for &start in outline {
            let mut part: Vec<BandPixel> = Vec::new();
            let (mut contacts, mut with_subject) = (0, 0);
            let mut open = vec![start];
            while let Some(index) = open.pop() {
                if mask[index] == 0 || is_soft[index] {
                    contacts += 1;
                } else if let Some(pixel) = fitting(index) {
                    if !std::mem::replace(&mut is_visited[index], true) {
                        part.push(pixel);
                        open.extend(beside(index, scene.width, mask.len()));
                    }
                } else {
                    contacts += 1;
                    with_subject += 1;
                }
            }
            if part.len() >= LEAST_PIXELS && with_subject as f32 <= SHARE_ATTACHED * contacts as f32 {
                for pixel in &part {
                    is_soft[pixel.index as usize] = true;
                }
                self.pixels.extend(part);
            }
        }
    }

    /// Adds the subject next to the region that has its tint and is hardly denser: than the region
    /// anywhere where there is no step, than the pixel from which it is reached across a step. A
    /// beam is narrow where it begins, and a glow ends at what glows.
    fn grow(&mut self, mask: &[u8], is_soft: &mut [bool], scene: &Scene) {
        let Some(tint) = self.tint else { return };
        let height = mask.len() / scene.width;
        let most = self.most_alpha();
        // The pixels to grow from, and the largest alpha that grows from each across a step.
        let mut open: VecDeque<(usize, f32)> =
            self.pixels.iter().map(|pixel| (pixel.index as usize, hardly_denser(pixel.unmixed.alpha))).collect();
        while let Some((index, most_across)) = open.pop_front() {
            for other in beside(index, scene.width, mask.len()) {
                if mask[other] == 0 || is_soft[other] {
                    continue;
                }
                let there = Contrast::at(other, scene);
                let pixel = there.unmixed(tint, scene);
                let alpha = pixel.unmixed.alpha;
                if alpha > most || !there.has_tint(tint, scene) {
                    continue;
                }
                let is_gentle = !there.is_near_step(scene, height);
                if is_gentle || alpha <= most_across {
                    is_soft[other] = true;
                    self.pixels.push(pixel);
                    open.push_back((other, if is_gentle { hardly_denser(alpha) } else { most_across }));
                }
            }
        }
    }
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
    fn unmixed(
        self,
        region: &[Contrast],
        steps: Option<usize>,
        is_visited: &mut [bool],
    ) -> (Vec<BandPixel>, Option<[f32; 3]>) {
        let Self { mask, outline, depth, scene } = self;
        let tint = tint_of(region, depth, scene).filter(|tint| is_faded(region, *tint, outline, depth, scene));
        let Some(tint) = tint else { return (Vec::new(), None) };
        let on_tint = region.iter().filter(|pixel| pixel.has_tint(tint, scene)).count() as f32;
        let one_tint = Some(tint).filter(|_| on_tint >= SHARE_ON_TINT * region.len() as f32);
        let may_have_several = steps.is_some_and(|steps| steps as f32 <= SHARE_STEPS * region.len() as f32);
        if one_tint.is_none() && !may_have_several {
            return (Vec::new(), None);
        }
        let mut pixels = unmixed(region, one_tint, scene, mask.len() / scene.width);
        if one_tint.is_some() {
            pixels.extend(faint_rim(&pixels, mask, is_visited, tint, scene));
        }
        (pixels, one_tint)
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

/// Turns the least alpha of a pixel into the likely one: the median if the strongest color in the
/// gamut is as likely as any weaker one down to [`WEAKEST_COLOR`] of its contrast that explains the
/// pixel.
fn assume_likely_density(BandPixel { index, unmixed }: &mut BandPixel, scene: &Scene) {
    let weaker = f32::midpoint(1.0, unmixed.alpha.max(WEAKEST_COLOR));
    let background = scene.background(*index as usize);
    unmixed.alpha = (unmixed.alpha / weaker).min(1.0);
    unmixed.foreground = [0, 1, 2].map(|k| background[k] + weaker * (unmixed.foreground[k] - background[k]));
}

/// The largest alpha beside one of `alpha` in the same soft thing.
fn hardly_denser(alpha: f32) -> f32 {
    (DENSER_BY * alpha + STEP_DENSER).min(DENSE_ALPHA)
}

/// Whether the median color of a soft region is white or grey, as that of steam.
fn is_neutral(pixels: &[BandPixel]) -> bool {
    let chroma = |pixel: &BandPixel| (pixel.unmixed.foreground[1] - 128.0).hypot(pixel.unmixed.foreground[2] - 128.0);
    median(pixels.iter().map(chroma)) <= NEARLY_NEUTRAL
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
