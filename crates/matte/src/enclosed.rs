//! Enclosed look-alikes on a background without color: which of them are the background.
//!
//! White, grey and black are common in subjects: eyes, bellies, paper. But a filmed, painted or generated background is not quite even, and what
//! subjects have is not exactly what the background has at that very place: on random clips, solid look-alikes are 2.6 levels and more away
//! from it, and the background seen through a ring is at most 1.5. Where the background is perfectly even white or black, the two can be told only
//! if the whole subject is drawn in lines, which have nothing in them.

use crate::{
    levels::median,
    likeness::LIMIT,
    outline::{depths, place},
    regions::Regions,
    scene::Scene,
    surface::{Reading, Surface},
};

/// Pixels of a look-alike that tell whether it is exactly of the background's color.
const ENOUGH: u64 = 48;

/// How far the median of what is exactly of the background's color may be from it, in levels of each plane.
const EXACT: f32 = 1.5;

/// Difference of luma between places of a background that is not even, in levels.
const UNEVEN: f64 = 3.0;

/// Luma of colors that are neither white nor black.
const GREY: std::ops::RangeInclusive<f64> = 23.0..=231.0;

/// Half the width of the widest line: one in so many of the frame's longer side.
const LINE: usize = 80;

/// The share of a drawing in lines that may be farther inside than that: crossings. One in so many.
const CROSSINGS: usize = 50;

/// Readings of the background along the longer side, and how far from anything else they are taken, in pixels.
const ALONG_SIDE: usize = 64;
const CLEAR_OF_EDGES: usize = 4;

/// Marks those pockets of `regions` as background that are exactly of its color, if subjects do not have that by chance.
pub(crate) fn open(regions: &mut Regions, off: &[u8], scene: &Scene) {
    if !regions.has_pockets(ENOUGH) {
        return;
    }
    let Some(outside) = Outside::of(&regions.mask(), scene) else { return };
    if outside.is_distinctive() || is_of_lines(off, scene.width) {
        regions.open(ENOUGH, |pixels| outside.is_exactly(pixels, scene));
    }
}

/// What is seen of the background outside of the subject, as surfaces over the whole frame.
struct Outside {
    surfaces: [Surface; 3],
    /// The least and the most of luma where it is seen.
    luma: [f64; 2],
    height: usize,
}

impl Outside {
    /// Of the pixels that are background (0) in `mask`; None if they are too few to tell what is behind the subject.
    fn of(mask: &[u8], scene: &Scene) -> Option<Self> {
        let (width, height) = (scene.width, mask.len() / scene.width);
        let step = width.max(height).div_ceil(ALONG_SIDE);
        let is_clear = |x: usize, y: usize| {
            let [left, right] = [x.saturating_sub(CLEAR_OF_EDGES), (x + CLEAR_OF_EDGES).min(width - 1)];
            let [above, below] = [y.saturating_sub(CLEAR_OF_EDGES), (y + CLEAR_OF_EDGES).min(height - 1)];
            [(x, y), (left, y), (right, y), (x, above), (x, below)].iter().all(|(x, y)| mask[y * width + x] == 0)
        };
        let places = (0..height).step_by(step).flat_map(|y| (0..width).step_by(step).map(move |x| (x, y)));
        let seen: Vec<([f64; 2], [f32; 3])> = places
            .filter(|(x, y)| is_clear(*x, *y))
            .map(|(x, y)| (coordinates(x, y, width, height), scene.seen(y * width + x)))
            .collect();
        let fitted = |k: usize| {
            Surface::fitted(seen.iter().map(|([u, v], seen)| Reading { u: *u, v: *v, value: seen[k].into() }), 3)
        };
        let surfaces = [fitted(0)?, fitted(1)?, fitted(2)?];
        let luma = seen.iter().map(|([u, v], _)| surfaces[0].at(*u, *v));
        let luma = luma.fold([f64::MAX, f64::MIN], |[least, most], at| [least.min(at), most.max(at)]);
        Some(Self { surfaces, luma, height })
    }

    /// Whether a subject has this color, at its very place, by chance only.
    fn is_distinctive(&self) -> bool {
        let [least, most] = self.luma;
        GREY.contains(&f64::midpoint(least, most)) || most - least >= UNEVEN
    }

    /// Whether the median of `pixels`, stretches of rows, is the background's color, plane by plane.
    fn is_exactly(&self, pixels: &[std::ops::Range<usize>], scene: &Scene) -> bool {
        let away = |index: usize| {
            let (x, y) = place(index, scene.width);
            let [u, v] = coordinates(x, y, scene.width, self.height);
            let seen = scene.seen(index);
            [0, 1, 2].map(|k| seen[k] - self.surfaces[k].at(u, v) as f32)
        };
        let away: Vec<[f32; 3]> = pixels.iter().cloned().flatten().map(away).collect();
        (0..3).all(|k| median(away.iter().map(|away| away[k])).abs() <= EXACT)
    }
}

/// A pixel's place in the coordinates of [`Surface`].
fn coordinates(x: usize, y: usize, width: usize, height: usize) -> [f64; 2] {
    [2.0 * (x as f64 + 0.5) / width as f64 - 1.0, 2.0 * (y as f64 + 0.5) / height as f64 - 1.0]
}

/// Whether all that is not of the background's color is lines.
fn is_of_lines(off: &[u8], width: usize) -> bool {
    let mask: Vec<u8> = off.iter().map(|&off| if off < LIMIT { 0 } else { u8::MAX }).collect();
    let widest = (width.max(mask.len() / width) / LINE).max(3);
    let (mut subject, mut inside) = (0, 0);
    for depth in depths(&mask, width) {
        subject += usize::from(depth > 0);
        inside += usize::from(usize::from(depth) > widest);
    }
    CROSSINGS * inside <= subject
}
