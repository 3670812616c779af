//! The thin band between background and solid subject: which pixels it has, their alpha and their unmixed color.

use crate::{
    gaps::gaps_of,
    outline::{around, beside, edge_of, next_below, next_from, place},
    profile::Profile,
    pure::Pure,
    scene::Scene,
    unmix::{SHARP, Unmixed, despilled, freed, left_of, unmixed},
};

/// How far past a sharp edge half-resolution chroma still carries the background's hue, in pixels.
const CHROMA_REACH: u8 = 5;

/// From this alpha on a pixel closes off what lies behind it.
pub(crate) const SOLID: f32 = 0.95;

/// Up to this alpha a pixel has so much of the background that it must be a gap, wherever it is: curls have many.
const GAP: f32 = 0.25;

/// How far along a blurred edge its width is asked for, in pixels: as far as the blur is wide, but not around corners.
const BLURRED_REACH: usize = 12;

/// How far along a line its color is asked for, in pixels: a slanting line meets the middle of a pixel somewhere.
const INKED_REACH: usize = 6;

/// Which of the widths asked for along a blurred edge is taken, in per cent: noise ends a slow ramp too early rather than too
/// late, and so most are too short.
const BLURRED_SHARE: usize = 70;

/// The side of the cells in which the softness of edges is counted, in pixels.
const SOFTNESS_CELL: usize = 8;

/// How many pixels that are clearer than half a pixel of an edge has, where the edge is sharp at most, and where it is soft at least: hair, fur and
/// blur have two and more, a drawn edge has one.
const SHARP_EDGE: f32 = 1.8;
const SOFT_EDGE: f32 = 2.3;

/// One pixel that may be mixed of subject and background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BandPixel {
    /// Index into the luma plane.
    pub(crate) index: u32,
    /// Its alpha and the subject's color there.
    pub(crate) unmixed: Unmixed,
}

/// Where a pixel of the band was reached from.
#[derive(Debug, Clone, Copy)]
struct Step {
    index: u32,
    /// The number of the edge pixel that it lies behind.
    edge: u32,
    /// Steps from that edge pixel, 0 at the edge.
    depth: u8,
}

/// The band of one frame: its mixed pixels.
pub(crate) fn band_of(mask: &[u8], scene: &Scene) -> Vec<BandPixel> {
    let most = scene.light.most_hue;
    let pure = Pure::of(mask, scene);
    let width = scene.width;
    let mut is_reached = vec![false; mask.len()];
    let edge = edge_of(mask, width);
    let profiles = profiles_of(&edge, mask, scene);
    let steps = steps_inwards(&edge, &profiles, mask, &mut is_reached, width);
    let backgrounds: Vec<[f32; 3]> = edge.iter().map(|&index| scene.background(index)).collect();
    let profiles: Vec<Profile> = profiles
        .iter()
        .zip(&backgrounds)
        .map(|(profile, background)| Profile { foreground: pure.freed(profile.foreground, *background), ..*profile })
        .collect();
    let mut is_in_edge = vec![false; mask.len()];
    let mut pixels = Vec::with_capacity(steps.len());
    // The places in `pixels` of those that nothing but their hue makes less than solid.
    let mut by_hue = Vec::new();
    for Step { index, edge, depth } in steps {
        let (profile, background) = (&profiles[edge as usize], backgrounds[edge as usize]);
        let seen = scene.seen(index as usize);
        let is_mixed = depth <= profile.width;
        is_in_edge[index as usize] = is_mixed;
        let bound = if is_mixed { 0.0 } else { pure.seen_through(index as usize, seen, background) };
        if bound < 1.0 {
            let mut unmixed = unmixed(profile, seen, background, scene.light);
            unmixed.alpha = unmixed.alpha.max(bound);
            if !is_mixed {
                by_hue.push(pixels.len());
            }
            pixels.push(BandPixel { index, unmixed });
        } else if most < 1.0 {
            let foreground = despilled(seen, profile.foreground, background);
            pixels.push(BandPixel { index, unmixed: Unmixed { alpha: 1.0, foreground } });
        }
    }
    if most < 1.0 {
        let behind = pixels.len();
        see_through(&mut pixels, mask, &is_reached, &pure, scene);
        by_hue.extend(behind..pixels.len());
        close_behind_sharp_edges(&mut pixels, &by_hue, &edge, mask.len(), scene);
    }
    if scene.light.is_colored() {
        put(&mut pixels, gaps_of(mask, &is_in_edge, scene), mask.len());
    }
    pixels
}

/// Makes the pixels of the band that are at the places `by_hue` solid as far as the edges around them are sharp: behind a sharp edge a hue like the
/// background's is the subject's own.
fn close_behind_sharp_edges(pixels: &mut [BandPixel], by_hue: &[usize], edge: &[usize], len: usize, scene: &Scene) {
    let columns = scene.width.div_ceil(SOFTNESS_CELL);
    let cell_of = |index: usize| {
        let (x, y) = place(index, scene.width);
        y / SOFTNESS_CELL * columns + x / SOFTNESS_CELL
    };
    // Per cell: pixels of edges, and pixels that are clearer than half.
    let mut counts = vec![[0_u32; 2]; columns * (len / scene.width).div_ceil(SOFTNESS_CELL)];
    for &index in edge {
        counts[cell_of(index)][0] += 1;
    }
    for pixel in pixels.iter().filter(|pixel| pixel.unmixed.alpha < 0.5) {
        counts[cell_of(pixel.index as usize)][1] += 1;
    }
    let softness = |index: usize| {
        let near = around(cell_of(index), columns, counts.len(), 1);
        let [edge, clear] = near.fold([0, 0], |[edge, clear], cell| [edge + counts[cell][0], clear + counts[cell][1]]);
        ((clear as f32 / edge.max(1) as f32 - SHARP_EDGE) / (SOFT_EDGE - SHARP_EDGE)).clamp(0.0, 1.0)
    };
    for &at in by_hue {
        let BandPixel { index, unmixed } = &mut pixels[at];
        let (softness, index) = (softness(*index as usize), *index as usize);
        if softness < 1.0 {
            let alpha = 1.0 - softness * (1.0 - unmixed.alpha);
            let foreground =
                left_of(scene.seen(index), scene.background(index), alpha).map(|level| level.clamp(1.0, 254.0));
            *unmixed = Unmixed { alpha, foreground };
        }
    }
}

/// Puts `others` into a band, in place of what it has at their pixels; the frame has `len`.
pub(crate) fn put(band: &mut Vec<BandPixel>, others: Vec<BandPixel>, len: usize) {
    if others.is_empty() {
        return;
    }
    let mut is_other = vec![false; len];
    for pixel in &others {
        is_other[pixel.index as usize] = true;
    }
    band.retain(|pixel| !is_other[pixel.index as usize]);
    band.extend(others);
}

/// What each edge pixel sees inwards, agreed with its neighbors along the edge: the width first, then the mean color of
/// those of like color within 5×5 pixels.
fn profiles_of(edge: &[usize], mask: &[u8], scene: &Scene) -> Vec<Profile> {
    let mut slots = vec![0_u32; mask.len()];
    let own: Vec<Profile> = edge.iter().map(|&index| Profile::inwards(index, mask, scene)).collect();
    for (slot, &index) in (1..).zip(edge) {
        slots[index] = slot;
    }
    let near = |from: &[Profile], at: usize, reach: usize, found: &mut Vec<Profile>| {
        found.clear();
        let slots = around(edge[at], scene.width, mask.len(), reach).map(|other| slots[other]);
        found.extend(slots.filter(|&slot| slot > 0).map(|slot| from[slot as usize - 1]));
    };
    let mut found = Vec::with_capacity(25);
    let mut levelled = own.clone();
    for (at, profile) in levelled.iter_mut().enumerate() {
        near(&own, at, 2, &mut found);
        profile.width = width_of(&mut found, 50);
        if profile.width > SHARP {
            near(&own, at, usize::from(profile.width).min(BLURRED_REACH), &mut found);
            *profile = own[at].with_width(width_of(&mut found, BLURRED_SHARE), edge[at], mask, scene);
        }
    }
    let agreed = (0..edge.len()).map(|at| {
        if levelled[at].is_line {
            near(&levelled, at, INKED_REACH, &mut found);
            levelled[at].inked(&found, scene.background(edge[at]))
        } else {
            near(&levelled, at, 2, &mut found);
            levelled[at].agreed_with(&found)
        }
    });
    agreed.collect()
}

/// The width that `percent` of `profiles`, one at least, stay below.
fn width_of(profiles: &mut [Profile], percent: usize) -> u8 {
    let at = profiles.len() * percent / 100;
    profiles.select_nth_unstable_by_key(at, |profile| profile.width).1.width
}

/// The edge and what lies behind it, as far as each profile reaches, nearest first.
fn steps_inwards(
    edge: &[usize],
    profiles: &[Profile],
    mask: &[u8],
    is_reached: &mut [bool],
    width: usize,
) -> Vec<Step> {
    let mut steps: Vec<Step> =
        (0..).zip(edge).map(|(edge, &index)| Step { index: index as u32, edge, depth: 0 }).collect();
    for &index in edge {
        is_reached[index] = true;
    }
    let mut next = 0;
    while next < steps.len() {
        let Step { index, edge, depth } = steps[next];
        next += 1;
        if depth >= profiles[edge as usize].width + CHROMA_REACH {
            continue;
        }
        for neighbor in beside(index as usize, width, mask.len()) {
            if mask[neighbor] != 0 && !is_reached[neighbor] {
                is_reached[neighbor] = true;
                steps.push(Step { index: neighbor as u32, edge, depth: depth + 1 });
            }
        }
    }
    steps
}

/// Adds the pixels outside the band that have more of the background's hue than solid subject has and hang together with
/// translucent pixels of the band or with a gap: other look-alikes, enclosed by solid subject, are not seen through.
fn see_through(pixels: &mut Vec<BandPixel>, mask: &[u8], is_reached: &[bool], pure: &Pure, scene: &Scene) {
    let candidates = candidates(mask, is_reached, pure, scene);
    if candidates.is_empty() {
        return;
    }
    let mut numbers = vec![0_u32; mask.len()];
    for (number, candidate) in (1..).zip(&candidates) {
        numbers[candidate.index as usize] = number;
    }
    let outer = pixels.iter().filter(|pixel| pixel.unmixed.alpha < SOLID);
    let gaps = candidates.iter().filter(|pixel| pixel.unmixed.alpha < GAP);
    let mut open: Vec<usize> = outer.chain(gaps).map(|pixel| pixel.index as usize).collect();
    while let Some(index) = open.pop() {
        for neighbor in around(index, scene.width, mask.len(), 1) {
            let number = std::mem::take(&mut numbers[neighbor]);
            if let Some(at) = number.checked_sub(1) {
                let candidate = candidates[at as usize];
                pixels.push(candidate);
                if candidate.unmixed.alpha < SOLID {
                    open.push(neighbor);
                }
            }
        }
    }
}

/// The subject's pixels that are not reached yet and have more of the background's hue than solid subject has.
fn candidates(mask: &[u8], is_reached: &[bool], pure: &Pure, scene: &Scene) -> Vec<BandPixel> {
    let most = scene.light.most_hue;
    let width = scene.width;
    let least = (most * 128.0) as u8;
    let mut candidates = Vec::new();
    for (y, (mask, hue)) in mask.chunks_exact(width).zip(scene.hue_rows()).enumerate() {
        let mut start = next_from(mask, 0, 1);
        while start < width {
            let end = next_below(mask, start, 1);
            let mut x = next_from(&hue[..end], start, least);
            while x < end {
                let index = y * width + x;
                if !is_reached[index] {
                    let (seen, background) = (scene.seen(index), scene.background(index));
                    let alpha = pure.seen_through(index, seen, background);
                    if alpha < 1.0 {
                        let foreground = freed(seen, background, most);
                        candidates.push(BandPixel { index: index as u32, unmixed: Unmixed { alpha, foreground } });
                    }
                }
                x = next_from(&hue[..end], x + 1, least);
            }
            start = next_from(mask, end, 1);
        }
    }
    candidates
}
