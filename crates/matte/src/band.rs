//! Band of mixed pixels between background and solid subject: its pixels, their alpha and their
//! unmixed color.

use crate::{
    gaps::gaps_of,
    mixing_line::{MixingLine, OFF_LINE},
    outline::{around, beside, edge_of, next_below, next_from, place},
    profile::Profile,
    scene::Scene,
    subject_colors::SubjectColors,
    unmix::{BandPixel, SHARP_WIDTH, SOLID, Unmixed, despilled, unmixed, with_hue_limited, without_background},
};

/// Distance past a sharp edge at which half-resolution chroma still carries the background's hue,
/// in pixels.
const CHROMA_REACH: u8 = 5;

/// Alpha below which a pixel contains so much background that it must be a gap, wherever it lies:
/// curls have many. Above it, a hue like the background's may be the subject's own.
const MAX_GAP_ALPHA: f32 = 0.25;

/// Distance along a blurred edge over which its width is collected, in pixels: as far as the blur
/// is wide, but not around corners.
const BLUR_REACH: usize = 12;

/// Distance along a line over which its color is collected, in pixels: a slanting line covers the
/// middle of a pixel only here and there.
const LINE_REACH: usize = 6;

/// Percentile of the widths collected along a blurred edge that is used. Noise ends a slow ramp too
/// early rather than too late, so most widths are too short.
const BLUR_PERCENTILE: usize = 70;

/// Side of the cells in which the softness of edges is counted, in pixels. With its neighbors, a
/// cell holds some twenty edge pixels.
const SOFTNESS_CELL: usize = 8;

/// Softness is the number of pixels with alpha below a half per edge pixel. Edges up to
/// [`SHARP_EDGE`] are sharp, edges from [`SOFT_EDGE`] on are soft. On 98 random clips, drawn edges
/// have 0.7 to 1.4; hair, fur and blur have 2 to 6.
const SHARP_EDGE: f32 = 1.8;
const SOFT_EDGE: f32 = 2.3;

/// Alpha from which a solid pixel looks solid. An outline that reaches it needs no color of its own.
const WITHOUT_HOLE: f32 = 0.9;

/// One pixel reached from the edge inwards.
#[derive(Debug, Clone, Copy)]
struct Step {
    index: u32,
    /// Index in the list of edge pixels of the one it lies behind.
    edge: u32,
    /// Steps from that edge pixel, 0 at the edge.
    depth: u8,
}

/// Computes the band of one frame: its mixed pixels.
pub(crate) fn band_of(mask: &[u8], scene: &Scene) -> Vec<BandPixel> {
    let max_hue_share = scene.plate.max_hue_share;
    let subject_colors = SubjectColors::collect(mask, scene);
    let width = scene.width;
    let mut is_reached = vec![false; mask.len()];
    let edge = edge_of(mask, width);
    let profiles = profiles_of(&edge, mask, scene);
    let steps = steps_inwards(&edge, &profiles, mask, &mut is_reached, width);
    let backgrounds: Vec<[f32; 3]> = edge.iter().map(|&index| scene.background(index)).collect();
    let profiles: Vec<Profile> = profiles
        .iter()
        .zip(&backgrounds)
        .map(|(profile, background)| Profile {
            foreground: subject_colors.with_hue_limited(profile.foreground, *background),
            full_color: profile.full_color.map(|color| subject_colors.with_hue_limited(color, *background)),
            ..*profile
        })
        .collect();
    let mut is_in_edge = vec![false; mask.len()];
    let mut pixels = Vec::with_capacity(steps.len());
    // Positions in `pixels` of those that only their hue makes less than solid.
    let mut hue_only = Vec::new();
    for Step { index, edge, depth } in steps {
        let (profile, background) = (&profiles[edge as usize], backgrounds[edge as usize]);
        let seen = scene.seen(index as usize);
        let is_mixed = depth <= profile.width;
        is_in_edge[index as usize] = is_mixed;
        let hue_alpha = if is_mixed { 0.0 } else { subject_colors.translucent_alpha(index as usize, seen, background) };
        let is_behind_outline = is_mixed && profile.is_outline && is_off_line(profile, seen, background, scene);
        if hue_alpha < 1.0 && !is_behind_outline {
            let mut unmixed = unmixed(profile, seen, background, scene.plate);
            unmixed.alpha = unmixed.alpha.max(hue_alpha);
            if !is_mixed {
                hue_only.push(pixels.len());
            }
            pixels.push(BandPixel { index, unmixed });
        } else if is_behind_outline || max_hue_share < 1.0 {
            let foreground = despilled(seen, profile.foreground, background);
            pixels.push(BandPixel { index, unmixed: Unmixed { alpha: 1.0, foreground } });
        }
    }
    if max_hue_share < 1.0 {
        let interior_start = pixels.len();
        add_translucent_interior(&mut pixels, mask, &is_reached, &subject_colors, scene);
        hue_only.extend(interior_start..pixels.len());
        solidify_behind_sharp_edges(&mut pixels, &hue_only, &edge, mask.len(), scene);
    }
    if scene.has_open_pockets() {
        replace_pixels(&mut pixels, gaps_of(mask, &is_in_edge, scene), mask.len());
    }
    pixels
}

/// Whether a pixel at an outline is no mixture of it with the background.
fn is_off_line(profile: &Profile, seen: [f32; 3], background: [f32; 3], scene: &Scene) -> bool {
    let [full, here] = [profile.foreground, seen].map(|color| [0, 1, 2].map(|k| color[k] - background[k]));
    MixingLine::new(full, scene.plate.noise()).deviations(here) > OFF_LINE
}

/// Makes the band pixels at the positions `hue_only` solid to the degree that the edges around them
/// are sharp. Behind a sharp edge, a hue like the background's is the subject's own.
fn solidify_behind_sharp_edges(
    pixels: &mut [BandPixel],
    hue_only: &[usize],
    edge: &[usize],
    len: usize,
    scene: &Scene,
) {
    let columns = scene.width.div_ceil(SOFTNESS_CELL);
    let cell_of = |index: usize| {
        let (x, y) = place(index, scene.width);
        y / SOFTNESS_CELL * columns + x / SOFTNESS_CELL
    };
    // Per cell: edge pixels, and band pixels with alpha below a half.
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
    for &at in hue_only {
        let BandPixel { index, unmixed } = &mut pixels[at];
        let (softness, index) = (softness(*index as usize), *index as usize);
        if softness < 1.0 {
            let alpha = 1.0 - softness * (1.0 - unmixed.alpha);
            let foreground = without_background(scene.seen(index), scene.background(index), alpha)
                .map(|level| level.clamp(1.0, 254.0));
            *unmixed = Unmixed { alpha, foreground };
        }
    }
}

/// Adds `others` to a band and drops the band's own pixels at the same places. The frame has `len`
/// pixels.
pub(crate) fn replace_pixels(band: &mut Vec<BandPixel>, others: Vec<BandPixel>, len: usize) {
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

/// Measures the profile of each edge pixel inwards and averages it with its neighbors along the
/// edge: first the width, then the mean foreground of those of similar color within 5×5 pixels.
fn profiles_of(edge: &[usize], mask: &[u8], scene: &Scene) -> Vec<Profile> {
    let mut slots = vec![0_u32; mask.len()];
    let own: Vec<Profile> = edge.iter().map(|&index| profile_of(index, mask, scene)).collect();
    for (slot, &index) in (1..).zip(edge) {
        slots[index] = slot;
    }
    let collect_near = |from: &[Profile], at: usize, reach: usize, nearby: &mut Vec<Profile>| {
        nearby.clear();
        let slots = around(edge[at], scene.width, mask.len(), reach).map(|other| slots[other]);
        nearby.extend(slots.filter(|&slot| slot > 0).map(|slot| from[slot as usize - 1]));
    };
    let mut nearby = Vec::with_capacity(25);
    let mut smoothed = own.clone();
    for (at, profile) in smoothed.iter_mut().enumerate() {
        collect_near(&own, at, 2, &mut nearby);
        *profile = profile.with_outline_of(&nearby);
        profile.width = width_percentile(&mut nearby, 50);
        if profile.width > SHARP_WIDTH {
            collect_near(&own, at, usize::from(profile.width).min(BLUR_REACH), &mut nearby);
            *profile = own[at].with_width(width_percentile(&mut nearby, BLUR_PERCENTILE), edge[at], mask, scene);
        }
    }
    let averaged = (0..edge.len()).map(|at| {
        collect_near(&smoothed, at, if smoothed[at].is_line { LINE_REACH } else { 2 }, &mut nearby);
        let background = scene.background(edge[at]);
        let profile = if smoothed[at].is_line {
            smoothed[at].with_line_color(&nearby, background)
        } else {
            smoothed[at].averaged_with(&nearby)
        };
        profile.with_full_color(&nearby, background)
    });
    averaged.collect()
}

/// Measures the profile of one edge pixel. Its outline counts if it would have a hole without: the
/// shading of the inside explains many dark outlines.
fn profile_of(index: usize, mask: &[u8], scene: &Scene) -> Profile {
    let (profile, outline) = Profile::inwards(index, mask, scene);
    let background = scene.background(index);
    let has_hole =
        |outline: &Profile| unmixed(&profile, outline.foreground, background, scene.plate).alpha < WITHOUT_HOLE;
    outline.filter(has_hole).unwrap_or(profile)
}

/// The width that `percent` of `profiles` stay below. `profiles` must not be empty.
fn width_percentile(profiles: &mut [Profile], percent: usize) -> u8 {
    let at = profiles.len() * percent / 100;
    profiles.select_nth_unstable_by_key(at, |profile| profile.width).1.width
}

/// The edge pixels and those behind them, as far as each profile reaches, nearest first.
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

/// Adds pixels outside the band that have more of the background's hue than solid subject and are
/// connected to translucent pixels of the band or to a gap. Other look-alikes, enclosed by solid
/// subject, stay solid.
fn add_translucent_interior(
    pixels: &mut Vec<BandPixel>,
    mask: &[u8],
    is_reached: &[bool],
    subject_colors: &SubjectColors,
    scene: &Scene,
) {
    let candidates = candidates(mask, is_reached, subject_colors, scene);
    if candidates.is_empty() {
        return;
    }
    let mut numbers = vec![0_u32; mask.len()];
    for (number, candidate) in (1..).zip(&candidates) {
        numbers[candidate.index as usize] = number;
    }
    let translucent = pixels.iter().filter(|pixel| pixel.unmixed.alpha < SOLID);
    let gaps = candidates.iter().filter(|pixel| pixel.unmixed.alpha < MAX_GAP_ALPHA);
    let mut open: Vec<usize> = translucent.chain(gaps).map(|pixel| pixel.index as usize).collect();
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

/// Subject pixels not yet reached that have more of the background's hue than solid subject.
fn candidates(mask: &[u8], is_reached: &[bool], subject_colors: &SubjectColors, scene: &Scene) -> Vec<BandPixel> {
    let max_hue_share = scene.plate.max_hue_share;
    let width = scene.width;
    let min_hue = (max_hue_share * 128.0) as u8;
    let mut candidates = Vec::new();
    for (y, (mask, hue)) in mask.chunks_exact(width).zip(scene.hue_rows()).enumerate() {
        let mut start = next_from(mask, 0, 1);
        while start < width {
            let end = next_below(mask, start, 1);
            let mut x = next_from(&hue[..end], start, min_hue);
            while x < end {
                let index = y * width + x;
                if !is_reached[index] {
                    let (seen, background) = (scene.seen(index), scene.background(index));
                    let alpha = subject_colors.translucent_alpha(index, seen, background);
                    if alpha < 1.0 {
                        let foreground = with_hue_limited(seen, background, max_hue_share);
                        candidates.push(BandPixel { index: index as u32, unmixed: Unmixed { alpha, foreground } });
                    }
                }
                x = next_from(&hue[..end], x + 1, min_hue);
            }
            start = next_from(mask, end, 1);
        }
    }
    candidates
}
