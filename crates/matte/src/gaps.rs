//! Narrow gaps in the subject: pixels between two strands that are a mixture of their color with
//! the background.
//!
//! A gap narrower than its blur never shows the background itself. But its color lies on the line
//! from the background to the strands beside it, and the gap is a valley: on both sides, within
//! [`REACH`], the same color stands farther from the background.

use crate::{
    outline::{beside, place, raise, widened},
    profile::Profile,
    scene::Scene,
    unmix::{BandPixel, SOLID, Unmixed, unmixed},
};

/// Maximum distance of the strands beside a gap, in pixels: the combined reach of half-resolution
/// chroma and of a blur in the frame itself. A wider gap shows the background.
const REACH: usize = 3;

/// Alpha below which a pixel is the middle of a gap: luma at least shows the background there. More
/// takes shading between two strands for a gap.
const MAX_GAP_ALPHA: f32 = 0.12;

/// Minimum contrast of a strand, in levels: the shading of a subject near the background's color
/// has less.
const MIN_STRAND_CONTRAST: f32 = 64.0;

/// Alpha below which a pixel is more background than subject.
const HALF: f32 = 0.5;

/// Minimum number of such pixels in a gap: fewer are dither or noise.
const MIN_AREA: usize = 8;

/// Maximum contrast of the middle of a gap, in per cent of the largest contrast around it. It only
/// saves time: [`MAX_GAP_ALPHA`] decides, and noise and smeared chroma lie between both.
const MAX_CORE_PERCENT: u16 = 30;

/// Minimum of [`Scene::contrast`] at a strand: half of [`MIN_STRAND_CONTRAST`], for strands that
/// differ in chroma alone.
const MIN_CONTRAST_BYTE: u8 = 32;

/// Maximum contrast of a gap as a share of the contrast of its strands. Above it, the valley may be
/// texture of the strand.
const MAX_GAP_SHARE: f32 = 0.75;

/// Maximum distance of a mixture from the line between background and strand, as a share of the
/// strand's contrast: smeared chroma. More accepts other colors as mixtures.
const MAX_ASIDE: f32 = 0.15;

/// Maximum contrast of a gap on the other side of the background, as a share of the strand's
/// contrast: ringing.
const MAX_BEYOND: f32 = 0.1;

/// Minimum cosine between the contrasts of two strands of one color: 18 degrees, for shading and
/// noise.
const MIN_COSINE: f32 = 0.95;

/// Weights of luma and of both chromas: half-resolution chroma is smeared over narrow gaps, so it
/// counts about half in a squared length.
const CHANNEL_WEIGHTS: [f32; 3] = [1.0, 0.7, 0.7];

/// Directions in which a gap is crossed.
const DIRECTIONS: [[isize; 2]; 4] = [[1, 0], [0, 1], [1, 1], [1, -1]];

/// Finds the subject pixels in `mask` (0 background, else subject) that lie in narrow gaps, as
/// mixtures: the middle of each gap and the gap pixels connected to it. Pixels with `is_in_edge`
/// already belong to an edge and are skipped.
pub(crate) fn gaps_of(mask: &[u8], is_in_edge: &[bool], scene: &Scene) -> Vec<BandPixel> {
    let mut is_visited = is_in_edge.to_vec();
    let mut pixels = Vec::new();
    for core in core_candidates(mask, scene) {
        let middle = if is_visited[core] { None } else { gap_mixture(core, mask, scene) };
        let Some(middle) = middle.filter(|unmixed| unmixed.alpha < MAX_GAP_ALPHA) else { continue };
        is_visited[core] = true;
        let (first, mut clear_count) = (pixels.len(), 0);
        let mut open = vec![(core, middle)];
        while let Some((index, unmixed)) = open.pop() {
            pixels.push(BandPixel { index: index as u32, unmixed });
            clear_count += usize::from(unmixed.alpha < HALF);
            if unmixed.alpha < SOLID {
                for next in beside(index, scene.width, mask.len()) {
                    if mask[next] != 0 && !std::mem::replace(&mut is_visited[next], true) {
                        open.extend(gap_mixture(next, mask, scene).map(|unmixed| (next, unmixed)));
                    }
                }
            }
        }
        if clear_count < MIN_AREA {
            pixels.truncate(first);
        }
    }
    pixels
}

/// Pixels that may be the middle of a gap.
fn core_candidates(mask: &[u8], scene: &Scene) -> Vec<usize> {
    let contrast = scene.contrast();
    let height = mask.len() / scene.width;
    let width = scene.width;
    // Largest contrast within reach, along the rows first, then along the columns.
    let across: Vec<Vec<u8>> = contrast.chunks_exact(width).map(|row| widened(row, REACH)).collect();
    let mut candidates = Vec::new();
    let mut most = vec![0_u8; width];
    for y in 0..height {
        if mask[y * width..(y + 1) * width].iter().all(|&mask| mask == 0) {
            continue;
        }
        most.fill(0);
        for other in &across[y.saturating_sub(REACH)..(y + REACH + 1).min(height)] {
            raise(&mut most, other);
        }
        let row = y * width..(y + 1) * width;
        let valleys = contrast[row.clone()].iter().zip(&most).zip(&mask[row]).enumerate();
        let valleys = valleys.filter(|(_, ((value, most), mask))| {
            **mask != 0
                && **most >= MIN_CONTRAST_BYTE
                && 100 * u16::from(**value) < MAX_CORE_PERCENT * u16::from(**most)
        });
        candidates.extend(valleys.map(|(x, _)| y * width + x));
    }
    candidates
}

/// Unmixes a pixel that has strands of one color on both sides.
fn gap_mixture(index: usize, mask: &[u8], scene: &Scene) -> Option<Unmixed> {
    let background = scene.background(index);
    let seen = scene.seen(index);
    let here = [0, 1, 2].map(|k| CHANNEL_WEIGHTS[k] * (seen[k] - background[k]));
    let mut best: Option<([f32; 3], f32)> = None;
    for direction in DIRECTIONS {
        let sides = [1, -1]
            .map(|sign| strongest_contrast(index, (here, background), direction.map(|step| sign * step), mask, scene));
        let both = match sides {
            [Some(a), Some(b)] if is_same_color(a, b) => [0, 1, 2].map(|k| f32::midpoint(a[k], b[k])),
            _ => continue,
        };
        let length = length_of(both);
        if best.is_none_or(|(_, longest)| length > longest) {
            best = Some((both, length));
        }
    }
    let (contrast, _) = best?;
    let foreground = [0, 1, 2].map(|k| background[k] + contrast[k] / CHANNEL_WEIGHTS[k]);
    let profile = Profile {
        width: 1,
        foreground,
        texture: [0.0; 2],
        shading: 0.0,
        is_backed: false,
        is_line: false,
        is_outline: false,
        cell_sum: [0.0; 3],
        full_color: None,
    };
    Some(unmixed(&profile, seen, background, scene.plate))
}

/// The largest contrast with the `background` on the way from a pixel in the direction `step`, if
/// the pixel's own contrast, `here`, is a share of it.
fn strongest_contrast(
    index: usize,
    (here, background): ([f32; 3], [f32; 3]),
    step: [isize; 2],
    mask: &[u8],
    scene: &Scene,
) -> Option<[f32; 3]> {
    let (width, height) = (scene.width, mask.len() / scene.width);
    let (x, y) = place(index, width);
    let own_length = length_of(here);
    let mut strongest: Option<([f32; 3], f32)> = None;
    for distance in 1..=REACH as isize {
        let (column, row) = (x as isize + distance * step[0], y as isize + distance * step[1]);
        if column < 0 || row < 0 || column >= width as isize || row >= height as isize {
            break;
        }
        let other = row as usize * width + column as usize;
        if mask[other] == 0 {
            break;
        }
        // The stored contrast rules out most pixels cheaply.
        if f32::from(scene.contrast()[other]) * MAX_GAP_SHARE < f32::from(scene.contrast()[index]) {
            continue;
        }
        let seen = scene.seen(other);
        let contrast = [0, 1, 2].map(|k| CHANNEL_WEIGHTS[k] * (seen[k] - background[k]));
        let length = length_of(contrast);
        let is_stronger = length >= MIN_STRAND_CONTRAST.max(own_length / MAX_GAP_SHARE)
            && strongest.is_none_or(|(_, most)| length > most);
        if is_stronger && is_on_line(here, contrast, length, scene) {
            strongest = Some((contrast, length));
        }
    }
    strongest.map(|(contrast, _)| contrast)
}

/// Returns true if `here` is a mixture of the background with a color that differs from it by
/// `contrast`.
fn is_on_line(here: [f32; 3], contrast: [f32; 3], length: f32, scene: &Scene) -> bool {
    let along = (0..3).map(|k| here[k] * contrast[k]).sum::<f32>() / (length * length).max(1.0);
    let aside = [0, 1, 2].map(|k| here[k] - along * contrast[k]);
    let noise = 2.0 + 3.0 * scene.plate.noise()[0].max(scene.plate.noise()[1]);
    along > -MAX_BEYOND && length_of(aside) <= noise + MAX_ASIDE * length
}

/// Returns true if two strands differ from the background in the same direction.
fn is_same_color(a: [f32; 3], b: [f32; 3]) -> bool {
    let dot: f32 = (0..3).map(|k| a[k] * b[k]).sum();
    dot >= MIN_COSINE * length_of(a) * length_of(b)
}

/// Length of a contrast.
fn length_of(contrast: [f32; 3]) -> f32 {
    (contrast[0] * contrast[0] + contrast[1] * contrast[1] + contrast[2] * contrast[2]).sqrt()
}
