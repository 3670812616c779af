//! Enclosed regions of the background's color on a background without color, and which of them are
//! background.
//!
//! White, grey and black are common in subjects: eyes, bellies, paper. But a filmed, painted or
//! generated background is not quite even, and a subject does not have exactly the color that the
//! background has at that very place. On random clips, solid look-alikes are 2.6 levels and more
//! away from it, and the background seen through a ring is at most 1.5. On a perfectly even white
//! or black background the two can be told apart only if the whole subject is drawn in lines, which
//! enclose nothing solid.

use clearcut_frame::Frame;

use crate::{
    distance_map::{DistanceMap, LIMIT},
    levels::median,
    outline::{depths, next_from, place},
    plate::Tones,
    regions::Regions,
    ringing,
    scene::Scene,
    surface::{Reading, Surface},
};

/// Minimum number of pixels of a look-alike that shows whether it has exactly the background's
/// color. The median of fewer follows single blocks of the codec; with more, small gaps stay
/// closed.
const MIN_PIXELS: u64 = 48;

/// Maximum distance of the median of a look-alike from the background, in levels of each plane. Of
/// some 700 look-alikes on random clips, gaps are up to 1.5 off and solid ones 2.6 and more.
const MAX_OFFSET: f32 = 1.5;

/// Range of luma over the frame from which a background is uneven, in levels: twice
/// [`MAX_OFFSET`], so that a color from elsewhere on it shows.
const UNEVEN_RANGE: f64 = 3.0;

/// Luma of colors that are neither white nor black: more than 7 levels from the black of eyes, and
/// 4 from the white of paper.
const GREY_LUMA: std::ops::RangeInclusive<f64> = 23.0..=231.0;

/// Half the width of the widest line: one in so many of the longer side of the frame. Wider strokes
/// may enclose something solid; with a narrower limit, thick line drawings keep their gaps closed.
const LINE_HALF_WIDTH: usize = 80;

/// The same relative to the longer side of the subject. A whole small figure is as narrow as the
/// lines of a large drawing.
const LINE_SHARE: usize = 40;

/// Maximum share of a line drawing that may be deeper than that, at crossings: one in so many. A
/// solid subject has far more of it there.
const CROSSING_SHARE: usize = 50;

/// Number of readings of the background along the longer side, many for the ten terms of a cubic,
/// and their least distance from anything else, in pixels: beyond half-resolution chroma.
const READINGS_ALONG_SIDE: usize = 64;
const EDGE_MARGIN: usize = 4;

/// Marks the pockets of `regions` as background that have exactly its color, if subjects do not
/// have that color by chance.
pub(crate) fn mark_background_pockets(regions: &mut Regions, scene: &Scene) {
    if !regions.has_pockets(MIN_PIXELS) {
        return;
    }
    let Some(outer) = OuterBackground::fit(&regions.mask(), scene) else { return };
    if outer.is_distinctive() {
        regions.mark_pockets(MIN_PIXELS, |pixels| outer.is_color_of(pixels, scene));
    }
}

/// The comparison `map` of a frame with a background without color. Coding noise is compensated and
/// pockets are open if the whole subject is drawn in lines.
pub(crate) fn with_open_line_drawing(map: DistanceMap, frame: &Frame, tones: &Tones) -> DistanceMap {
    let mut compensated = map.clone();
    ringing::compensate(&mut compensated, frame, tones);
    if is_line_drawing(&compensated.distance, map.width) {
        compensated.has_open_pockets = true;
        return compensated;
    }
    map
}

/// The visible background outside the subject, as surfaces over the whole frame.
struct OuterBackground {
    surfaces: [Surface; 3],
    /// Least and greatest luma where the background is visible.
    luma: [f64; 2],
    height: usize,
}

impl OuterBackground {
    /// Fits the surfaces to the background pixels (0) in `mask`. `None` if they are too few to
    /// predict the background behind the subject.
    fn fit(mask: &[u8], scene: &Scene) -> Option<Self> {
        let (width, height) = (scene.width, mask.len() / scene.width);
        let step = width.max(height).div_ceil(READINGS_ALONG_SIDE);
        let is_clear = |x: usize, y: usize| {
            let [left, right] = [x.saturating_sub(EDGE_MARGIN), (x + EDGE_MARGIN).min(width - 1)];
            let [above, below] = [y.saturating_sub(EDGE_MARGIN), (y + EDGE_MARGIN).min(height - 1)];
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

    /// Returns true if a subject has this color, at its very place, only by chance.
    fn is_distinctive(&self) -> bool {
        let [least, most] = self.luma;
        GREY_LUMA.contains(&f64::midpoint(least, most)) || most - least >= UNEVEN_RANGE
    }

    /// Returns true if the median of `pixels`, given as stretches of rows, is the background's
    /// color in every plane.
    fn is_color_of(&self, pixels: &[std::ops::Range<usize>], scene: &Scene) -> bool {
        let offset = |index: usize| {
            let (x, y) = place(index, scene.width);
            let [u, v] = coordinates(x, y, scene.width, self.height);
            let seen = scene.seen(index);
            [0, 1, 2].map(|k| seen[k] - self.surfaces[k].at(u, v) as f32)
        };
        let offsets: Vec<[f32; 3]> = pixels.iter().cloned().flatten().map(offset).collect();
        (0..3).all(|k| median(offsets.iter().map(|offset| offset[k])).abs() <= MAX_OFFSET)
    }
}

/// Place of a pixel in the coordinates of [`Surface`].
fn coordinates(x: usize, y: usize, width: usize, height: usize) -> [f64; 2] {
    [2.0 * (x as f64 + 0.5) / width as f64 - 1.0, 2.0 * (y as f64 + 0.5) / height as f64 - 1.0]
}

/// Returns true if everything that differs from the background is lines.
fn is_line_drawing(distance: &[u8], width: usize) -> bool {
    let mask: Vec<u8> = distance.iter().map(|&distance| if distance < LIMIT { 0 } else { u8::MAX }).collect();
    let depths = depths(&mask, width);
    let widest = (width.max(mask.len() / width) / LINE_HALF_WIDTH).min(longer_side(&mask, width) / LINE_SHARE).max(3);
    let (mut subject, mut inside) = (0, 0);
    for depth in depths {
        subject += usize::from(depth > 0);
        inside += usize::from(usize::from(depth) > widest);
    }
    CROSSING_SHARE * inside <= subject
}

/// Longer side of the rectangle around the subject in `mask` (not 0).
fn longer_side(mask: &[u8], width: usize) -> usize {
    let extent = |[first, last]: [usize; 2], at: usize| [first.min(at), last.max(at + 1)];
    let (mut columns, mut rows) = ([usize::MAX, 0], [usize::MAX, 0]);
    for (y, row) in mask.chunks_exact(width).enumerate() {
        let first = next_from(row, 0, 1);
        if first < width {
            let last = row.iter().rposition(|&mask| mask != 0).unwrap_or(first);
            (columns, rows) = (extent(extent(columns, first), last), extent(rows, y));
        }
    }
    columns[1].saturating_sub(columns[0]).max(rows[1].saturating_sub(rows[0]))
}
