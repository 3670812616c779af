//! Narrow gaps in the subject: what lies between two strands and is a mixture of their color with the background.
//!
//! A gap narrower than its blur never shows the background itself. But its color lies on the line from the background to the strands beside
//! it, and it is a valley: on both sides, within [`REACH`], the same color stands farther from the background.

use crate::{
    band::{BandPixel, SOLID},
    outline::{beside, place, raise, widened},
    profile::Profile,
    scene::Scene,
    unmix::{Unmixed, unmixed},
};

/// How far the strands beside a gap may be, in pixels: as far as half-resolution chroma and a blur of the frame's own reach. A wider gap shows
/// the background itself.
const REACH: usize = 3;

/// Up to this alpha a pixel is the middle of a gap: luma at least shows the background there.
const GAP: f32 = 0.12;

/// The least contrast of a strand, in levels: shading of a subject near the background's color has less.
const STRONG: f32 = 64.0;

/// Below this alpha a pixel is more background than subject.
const HALF: f32 = 0.5;

/// How many such pixels a gap has, at least: fewer are dither, or noise.
const LEAST_AREA: usize = 8;

/// In hundredths of the largest contrast around, what the middle of a gap may have.
const LOWEST: u16 = 30;

/// The least value of [`Scene::contrast`] at a strand: half of [`STRONG`], where chroma alone differs.
const LEAST_CONTRAST: u8 = 32;

/// The contrast of a gap is at most this share of that of the strands.
const LOWER: f32 = 0.75;

/// How far off the line from the background to a strand a mixture of both may be, as a share of the strand's contrast.
const ASIDE: f32 = 0.15;

/// A gap may be this share of a strand's contrast on the other side of the background: ringing.
const BEYOND: f32 = 0.1;

/// Strands whose contrasts have at least this cosine are of one color.
const SAME_LINE: f32 = 0.95;

/// What counts of luma and of chroma: half-resolution chroma is smeared over narrow gaps.
const WEIGHTS: [f32; 3] = [1.0, 0.7, 0.7];

/// The directions in which a gap is crossed.
const CROSSINGS: [[isize; 2]; 4] = [[1, 0], [0, 1], [1, 1], [1, -1]];

/// The pixels of the subject in `mask` (0 background, else subject) that lie in narrow gaps, each a mixture: the middle of a gap and what hangs
/// together with it. Those with `is_in_edge` belong to an edge already.
pub(crate) fn gaps_of(mask: &[u8], is_in_edge: &[bool], scene: &Scene) -> Vec<BandPixel> {
    let mut is_asked = is_in_edge.to_vec();
    let mut pixels = Vec::new();
    for core in cores(mask, scene) {
        let middle = if is_asked[core] { None } else { in_gap(core, mask, scene) };
        let Some(middle) = middle.filter(|unmixed| unmixed.alpha < GAP) else { continue };
        is_asked[core] = true;
        let (first, mut cleared) = (pixels.len(), 0);
        let mut open = vec![(core, middle)];
        while let Some((index, unmixed)) = open.pop() {
            pixels.push(BandPixel { index: index as u32, unmixed });
            cleared += usize::from(unmixed.alpha < HALF);
            if unmixed.alpha < SOLID {
                for next in beside(index, scene.width, mask.len()) {
                    if mask[next] != 0 && !std::mem::replace(&mut is_asked[next], true) {
                        open.extend(in_gap(next, mask, scene).map(|unmixed| (next, unmixed)));
                    }
                }
            }
        }
        if cleared < LEAST_AREA {
            pixels.truncate(first);
        }
    }
    pixels
}

/// Pixels that may be the middle of a gap.
fn cores(mask: &[u8], scene: &Scene) -> Vec<usize> {
    let contrast = scene.contrast();
    let height = mask.len() / scene.width;
    let width = scene.width;
    // The largest contrast within reach, along the rows, then along the columns.
    let across: Vec<Vec<u8>> = contrast.chunks_exact(width).map(|row| widened(row, REACH)).collect();
    let mut found = Vec::new();
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
        let lows = contrast[row.clone()].iter().zip(&most).zip(&mask[row]).enumerate();
        let lows = lows.filter(|(_, ((own, most), mask))| {
            **mask != 0 && **most >= LEAST_CONTRAST && 100 * u16::from(**own) < LOWEST * u16::from(**most)
        });
        found.extend(lows.map(|(x, _)| y * width + x));
    }
    found
}

/// The mixture that a pixel is, if there are strands of one color on both sides of it.
fn in_gap(index: usize, mask: &[u8], scene: &Scene) -> Option<Unmixed> {
    let background = scene.background(index);
    let seen = scene.seen(index);
    let here = [0, 1, 2].map(|k| WEIGHTS[k] * (seen[k] - background[k]));
    let mut best: Option<([f32; 3], f32)> = None;
    for crossing in CROSSINGS {
        let sides =
            [1, -1].map(|sign| strand(index, (here, background), crossing.map(|step| sign * step), mask, scene));
        let both = match sides {
            [Some(a), Some(b)] if is_alike(a, b) => [0, 1, 2].map(|k| f32::midpoint(a[k], b[k])),
            _ => continue,
        };
        let size = size_of(both);
        if best.is_none_or(|(_, most)| size > most) {
            best = Some((both, size));
        }
    }
    let (contrast, _) = best?;
    let foreground = [0, 1, 2].map(|k| background[k] + contrast[k] / WEIGHTS[k]);
    let profile = Profile { width: 1, foreground, texture: [0.0; 2], is_backed: false, is_line: false };
    Some(unmixed(&profile, seen, background, scene.light))
}

/// What differs most from the background on the way from a pixel in the direction `step`, if the pixel's own difference, `here`, from its
/// `background` is a share of that.
fn strand(
    index: usize,
    (here, background): ([f32; 3], [f32; 3]),
    step: [isize; 2],
    mask: &[u8],
    scene: &Scene,
) -> Option<[f32; 3]> {
    let (width, height) = (scene.width, mask.len() / scene.width);
    let (x, y) = place(index, width);
    let own = size_of(here);
    let mut found: Option<([f32; 3], f32)> = None;
    for far in 1..=REACH as isize {
        let (column, row) = (x as isize + far * step[0], y as isize + far * step[1]);
        if column < 0 || row < 0 || column >= width as isize || row >= height as isize {
            break;
        }
        let other = row as usize * width + column as usize;
        if mask[other] == 0 {
            break;
        }
        // A byte tells most of those that cannot be.
        if f32::from(scene.contrast()[other]) * LOWER < f32::from(scene.contrast()[index]) {
            continue;
        }
        let seen = scene.seen(other);
        let contrast = [0, 1, 2].map(|k| WEIGHTS[k] * (seen[k] - background[k]));
        let size = size_of(contrast);
        let is_stronger = size >= STRONG.max(own / LOWER) && found.is_none_or(|(_, most)| size > most);
        if is_stronger && is_on_line(here, contrast, size, scene) {
            found = Some((contrast, size));
        }
    }
    found.map(|(contrast, _)| contrast)
}

/// Whether `here` is a mixture of the background with what differs from it by `contrast`.
fn is_on_line(here: [f32; 3], contrast: [f32; 3], size: f32, scene: &Scene) -> bool {
    let along = (0..3).map(|k| here[k] * contrast[k]).sum::<f32>() / (size * size).max(1.0);
    let aside = [0, 1, 2].map(|k| here[k] - along * contrast[k]);
    let noise = 2.0 + 3.0 * scene.light.noise[0].max(scene.light.noise[1]);
    along > -BEYOND && size_of(aside) <= noise + ASIDE * size
}

/// Whether two strands differ from the background in the same way.
fn is_alike(a: [f32; 3], b: [f32; 3]) -> bool {
    let dot: f32 = (0..3).map(|k| a[k] * b[k]).sum();
    dot >= SAME_LINE * size_of(a) * size_of(b)
}

/// The length of a contrast.
fn size_of(contrast: [f32; 3]) -> f32 {
    (contrast[0] * contrast[0] + contrast[1] * contrast[1] + contrast[2] * contrast[2]).sqrt()
}
