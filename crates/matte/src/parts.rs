//! Backgrounds of two parts: wall and floor, the bars of a letterbox, or a surround, which is bars
//! on all four sides.
//!
//! The shape of a part tells it from a subject. A second color of the border is background if it
//! fills, apart from what stands in front, one side of a straight cut through the whole frame, or
//! both bars. The shoulders of a person close to the camera do not fill such a region. A color that
//! does not reach the border is background if the color of the border is a narrow surround around
//! it, with straight sides and perhaps round corners.

use clearcut_frame::Frame;

use crate::{
    fit::fit_tone,
    levels::length,
    pixels::Pixels,
    plate::{Part, Tones},
    sample::{SAMPLES_ALONG_SIDE, Sample, sample_grid},
    shift::mode,
    siting::Siting,
    tone::Tone,
};

/// Minimum share of the border that a second part covers.
const MIN_BORDER_SHARE: f64 = 0.06;

/// Maximum area of both parts on the wrong side of the cut, as a share of the smaller part: noise.
const MAX_ASTRAY: f64 = 0.12;

/// Minimum share of its side of the cut that the second part must fill: a subject or neither part
/// covers the rest.
const MIN_FILLED: f64 = 0.5;

/// Minimum share of the frames that must show a part at a place that belongs to it.
const MIN_FRAME_SHARE: f64 = 0.5;

/// Maximum distance from the cut at which the two parts blend, as a share of the frame's longer
/// side: a soft seam.
const SEAM_WIDTH: f64 = 0.06;

/// Maximum width of a bar of a surround, as a share of the frame's width or height.
const MAX_BAR_WIDTH: f64 = 0.17;

/// Minimum share of the color inside a surround among the samples that do not have the color of the
/// surround.
const MIN_INSIDE_SHARE: f64 = 0.3;

/// Minimum share of the middle halves of a surround's inner sides that must show another color than
/// the surround's. Those sides are straight; the outline of a round subject is not.
const MIN_STRAIGHT_SHARE: f64 = 0.75;

/// Minimum share of the same places that must show the color inside. The screen of a phone has a
/// rim of another color.
const MIN_SIDE_SHARE: f64 = 0.5;

/// Maximum share of a surround that may show the color inside. Its sides are straight, and known to
/// half a step of the sample grid.
const MAX_BEYOND_SIDES: f64 = 0.045;

/// Maximum share of the enclosed area that may have the surround's color: round corners with a
/// radius of twice its widest bar.
const MAX_CORNER_SHARE: f64 = 0.14;

/// Maximum reach of a round corner of a surround into the enclosed area, as a share of the frame's
/// width and height.
const CORNER_REACH: f64 = 0.12;

/// Minimum difference between two parts, in levels of luma or of chroma, for that plane to tell
/// them apart.
const MIN_DIFFERENCE: f32 = 8.0;

/// Maximum difference between the shares of luma and of chroma at a seam.
const MAX_SHARE_DIFFERENCE: f32 = 0.6;

/// Maximum noise of a flat second part, in levels of luma and chroma.
const MAX_NOISE: [f32; 2] = [5.0, 3.5];

/// Region of a frame beyond cuts parallel to its sides, in shares of width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Region {
    /// Left, top, right, bottom of the inner rectangle. Everything beyond any of them is in the
    /// region.
    inner: [f64; 4],
}

impl Region {
    /// Returns true if a place is in the region.
    fn contains(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        across < left || down < top || across > right || down > bottom
    }

    /// Returns true if the region is one side of a cut, or bars on two opposite sides.
    fn is_side_or_bars(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        let (across, down) = (left > 0.0 || right < 1.0, top > 0.0 || bottom < 1.0);
        across != down
    }

    /// Returns true if the region is a surround: narrow bars on all four sides.
    fn is_surround(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        [left, top, 1.0 - right, 1.0 - bottom].iter().all(|bar| *bar > 0.0 && *bar <= MAX_BAR_WIDTH)
    }

    /// Returns true if the two parts may blend at a place: near a cut, or in the corner of a
    /// surround, which may be round.
    fn is_seam(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let depth = [(across - left).min(right - across), (down - top).min(bottom - down)];
        self.distance(across, down) <= SEAM_WIDTH
            || (self.is_surround() && depth.iter().all(|depth| (0.0..=CORNER_REACH).contains(depth)))
    }

    /// Returns true if a place is just inside the middle half of a surround's inner side.
    fn is_along_side(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let along = |at: f64, first: f64, last: f64| (at - f64::midpoint(first, last)).abs() <= 0.25 * (last - first);
        let (beside, over) = (along(down, top, bottom), along(across, left, right));
        !self.contains(across, down)
            && ((beside && (across - left).min(right - across) <= GRID_STEP)
                || (over && (down - top).min(bottom - down) <= GRID_STEP))
    }

    /// Distance to the nearest cut inside the frame, in shares of width and height.
    fn distance(&self, across: f64, down: f64) -> f64 {
        let [left, top, right, bottom] = self.inner;
        let cuts = [
            (across - left, left > 0.0),
            (down - top, top > 0.0),
            (right - across, right < 1.0),
            (bottom - down, bottom < 1.0),
        ];
        let inside =
            cuts.iter().filter(|(_, is_cut)| *is_cut).map(|(distance, _)| *distance).fold(f64::INFINITY, f64::min);
        inside.abs()
    }
}

/// Distance between two places of the sample grid.
const GRID_STEP: f64 = 1.0 / SAMPLES_ALONG_SIDE as f64;

/// Share of the frames that show each part at one place of the sample grid.
struct Place {
    across: f64,
    down: f64,
    at_border: bool,
    first: f64,
    second: f64,
}

/// Splits the background of one shot into two parts, from its frames and their samples, if it has
/// more than `tone`. The shapes of the parts decide which of them is the first.
pub(crate) fn split(tone: &Tone, siting: Siting, frames: &[&Frame], per_frame: &[&[Sample]]) -> Option<Tones> {
    let size = frames.first().map(|p| (p.size().width() as usize, p.size().height() as usize))?;
    let rest = filtered_samples(per_frame, |samples| unexplained_samples(tone, samples));
    let seed = unexplained_color(per_frame, &rest)?;
    let other = fit_tone(&as_slices(&rest), seed, size);
    if other.noise[0] > MAX_NOISE[0] || other.noise[1] > MAX_NOISE[1] {
        return None;
    }
    let mut places = places(tone, &other, per_frame);
    let (region, seeds) = if let Some(region) = region_of(&places) {
        (region, [tone.centre(), seed])
    } else {
        places.iter_mut().for_each(Place::swap);
        (region_of(&places)?, [seed, tone.centre()])
    };
    let fitted = |is_in_region: bool, seed: [f64; 3]| {
        let keeps = |s: &&Sample| region.contains(s.across().into(), s.down().into()) == is_in_region;
        let side = filtered_samples(per_frame, |samples| samples.iter().filter(keeps).copied().collect());
        fit_tone(&as_slices(&side), seed, size)
    };
    let (first, second) = (fitted(false, seeds[0]), fitted(true, seeds[1]));
    let share = shares(&first, &second, siting, frames, region);
    Some(Tones { first, second: Some(Part { tone: second, share }) })
}

/// The samples of each frame that `choose` keeps.
fn filtered_samples(per_frame: &[&[Sample]], choose: impl Fn(&[Sample]) -> Vec<Sample>) -> Vec<Vec<Sample>> {
    per_frame.iter().map(|samples| choose(samples)).collect()
}

/// Each frame's samples as a slice.
fn as_slices(per_frame: &[Vec<Sample>]) -> Vec<&[Sample]> {
    per_frame.iter().map(Vec::as_slice).collect()
}

/// The samples of a frame that do not agree with `tone`.
fn unexplained_samples(tone: &Tone, samples: &[Sample]) -> Vec<Sample> {
    let (shift, _) = tone.shift_in(samples);
    samples.iter().filter(|sample| !tone.agrees(&shift, sample)).copied().collect()
}

/// The most frequent color of `rest`, the samples that the first tone does not explain: among
/// those of the border, or else among all. `None` if too few have it.
fn unexplained_color(per_frame: &[&[Sample]], rest: &[Vec<Sample>]) -> Option<[f64; 3]> {
    let border = per_frame.iter().copied().flatten().filter(|sample| sample.at_border).count();
    let frequent = |samples: &[Sample], min_count: f64| {
        let seed = mode(samples.iter().map(|sample| (sample.ycc, 1.0)))?;
        let near = samples.iter().filter(|sample| (0..3).all(|k| (sample.ycc[k] - seed[k]).abs() <= 12.0)).count();
        (near as f64 >= min_count).then_some(seed)
    };
    let all: Vec<Sample> = rest.iter().flatten().copied().collect();
    let at_border: Vec<Sample> = all.iter().filter(|sample| sample.at_border).copied().collect();
    frequent(&at_border, MIN_BORDER_SHARE * border as f64)
        .or_else(|| frequent(&all, MIN_INSIDE_SHARE * all.len() as f64))
}

impl Place {
    /// Returns true if the first part is visible here in most frames.
    fn is_first(&self) -> bool {
        self.first >= MIN_FRAME_SHARE && self.first > self.second
    }

    /// Returns true if the second part is visible here in most frames.
    fn is_second(&self) -> bool {
        self.second >= MIN_FRAME_SHARE && self.second > self.first
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.second);
    }
}

/// Measures how often each part is visible at every place of the grid.
fn places(first: &Tone, second: &Tone, per_frame: &[&[Sample]]) -> Vec<Place> {
    let mut places: Vec<Place> = per_frame.first().map_or_else(Vec::new, |samples| {
        samples
            .iter()
            .map(|s| Place {
                across: s.across().into(),
                down: s.down().into(),
                at_border: s.at_border,
                first: 0.0,
                second: 0.0,
            })
            .collect()
    });
    let frame_share = 1.0 / per_frame.len().max(1) as f64;
    for samples in per_frame {
        let shifts = [first, second].map(|tone| tone.shift_in(samples).0);
        for (place, sample) in places.iter_mut().zip(*samples) {
            place.first += if first.agrees(&shifts[0], sample) { frame_share } else { 0.0 };
            place.second += if second.agrees(&shifts[1], sample) { frame_share } else { 0.0 };
        }
    }
    places
}

/// Finds the region that the second part fills: one side of a cut parallel to the frame's sides,
/// bars on two opposite sides, or a surround.
fn region_of(places: &[Place]) -> Option<Region> {
    // Cuts at any depth first: a region found with narrow bars alone may be half of a wide one.
    [1.0, MAX_BAR_WIDTH]
        .into_iter()
        .map(|deepest| best_region(places, deepest))
        .find(|region| is_second_part(*region, places))
}

/// The region with the fewest places on the wrong side, among all whose cuts are no deeper in the
/// frame than `deepest`.
fn best_region(places: &[Place], deepest: f64) -> Region {
    let misplaced = |region: &Region| {
        let wrong = places.iter().filter(|place| {
            let is_inside = region.contains(place.across, place.down);
            if is_inside { place.is_first() } else { place.is_second() }
        });
        wrong.count()
    };
    let best_cut = |region: Region, side: usize| -> Region {
        let cut = |depth: f64| {
            let mut inner = region.inner;
            inner[side] = if side < 2 { depth } else { 1.0 - depth };
            Region { inner }
        };
        let depths = (0..SAMPLES_ALONG_SIDE).map(|step| step as f64 * GRID_STEP).take_while(|depth| *depth <= deepest);
        depths.map(cut).min_by_key(misplaced).unwrap_or(region)
    };
    // Each side is optimized alone, twice: two bars depend on each other.
    let sides = [1, 3, 0, 2, 1, 3, 0, 2];
    sides.into_iter().fold(Region { inner: [0.0, 0.0, 1.0, 1.0] }, best_cut)
}

/// Returns true if the second part fills `region`, and the region has the shape of a background's
/// part.
fn is_second_part(region: Region, places: &[Place]) -> bool {
    let is_inside = |place: &&Place| region.contains(place.across, place.down);
    let count = |keeps: &dyn Fn(&&Place) -> bool| places.iter().filter(keeps).count() as f64;
    let (area, filled) = (count(&is_inside), count(&|place| place.is_second() && is_inside(place)));
    let foreign = count(&|place| place.is_first() && is_inside(place));
    if filled < MIN_FILLED * area {
        return false;
    }
    if region.is_surround() {
        let corners = count(&|place| place.is_second() && !is_inside(place));
        return foreign <= MAX_BEYOND_SIDES * area
            && corners <= MAX_CORNER_SHARE * (places.len() as f64 - area)
            && has_straight_sides(region, places);
    }
    // A subject of the second part's color may stand anywhere inside, but not at the frame's
    // border.
    let outside_at_border = count(&|place| place.is_second() && place.at_border && !is_inside(place));
    let smaller = filled.min(count(&|place| place.is_first()));
    region.is_side_or_bars() && smaller > 0.0 && outside_at_border + foreign <= MAX_ASTRAY * smaller
}

/// Returns true if the inner sides of a surround are straight: places next to them show not its
/// color, but the color inside or a subject.
fn has_straight_sides(region: Region, places: &[Place]) -> bool {
    let sides = places.iter().filter(|place| region.is_along_side(place.across, place.down));
    let count = |keeps: fn(&Place) -> bool| sides.clone().filter(|place| keeps(place)).count() as f64;
    let all = count(|_| true).max(1.0);
    count(|place| !place.is_second()) >= MIN_STRAIGHT_SHARE * all && count(Place::is_first) >= MIN_SIDE_SHARE * all
}

/// Share of the second part at each pixel, in luma and in chroma: all or nothing, except at the
/// seam, where it is the median over the frames.
fn shares(first: &Tone, second: &Tone, siting: Siting, frames: &[&Frame], region: Region) -> Vec<[u8; 2]> {
    let Some(size) = frames.first().map(|frame| frame.size()) else { return Vec::new() };
    let (width, height) = (size.width() as usize, size.height() as usize);
    let place = |index: usize| {
        let (x, y) = (index % width, index / width);
        ((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64)
    };
    let mut shares: Vec<[u8; 2]> = (0..width * height)
        .map(|index| {
            let (across, down) = place(index);
            [if region.contains(across, down) { u8::MAX } else { 0 }; 2]
        })
        .collect();
    let seam: Vec<usize> = (0..shares.len())
        .filter(|&index| {
            let (across, down) = place(index);
            region.is_seam(across, down)
        })
        .collect();
    let mut readings: Vec<Vec<[u8; 2]>> = vec![Vec::new(); seam.len()];
    for frame in frames {
        let samples = sample_grid(frame);
        let shifts = [first, second].map(|tone| tone.shift_in(&samples).0);
        let pixels = Pixels::new(frame, siting);
        for (readings, &index) in readings.iter_mut().zip(&seam) {
            let (x, y) = (index % width, index / width);
            let (across, down) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
            let [one, two] = [(first, shifts[0]), (second, shifts[1])]
                .map(|(tone, shift)| tone.expected(&shift, across, down).map(|level| level as f32));
            readings.extend(share_in(pixels.at(index), one, two));
        }
    }
    for (readings, &index) in readings.iter_mut().zip(&seam) {
        if readings.len() * 4 >= frames.len() && !readings.is_empty() {
            shares[index] = [0, 1].map(|plane| {
                let middle = readings.len() / 2;
                match readings.select_nth_unstable_by_key(middle, |share| share[plane]).1[plane] {
                    0..=5 => 0,
                    250.. => u8::MAX,
                    between => between,
                }
            });
        }
    }
    shares
}

/// The share of `two` against `one` in a color, in luma and in chroma. `None` if the color is no
/// mixture of both.
///
/// Half-resolution chroma is softer than luma: at a sharp seam the shares differ.
fn share_in(seen: [f32; 3], one: [f32; 3], two: [f32; 3]) -> Option<[u8; 2]> {
    let (full, here) = ([0, 1, 2].map(|k| two[k] - one[k]), [0, 1, 2].map(|k| seen[k] - one[k]));
    let square = full[1] * full[1] + full[2] * full[2];
    let of_luma = (full[0].abs() >= MIN_DIFFERENCE).then(|| here[0] / full[0]);
    let of_chroma = (square.sqrt() >= MIN_DIFFERENCE).then(|| (here[1] * full[1] + here[2] * full[2]) / square);
    let luma = of_luma.or(of_chroma)?;
    let chroma = of_chroma.unwrap_or(luma);
    let aside = [here[0] - luma * full[0], here[1] - chroma * full[1], here[2] - chroma * full[2]];
    let is_mixture = (luma - chroma).abs() <= MAX_SHARE_DIFFERENCE
        && [luma, chroma].iter().all(|share| (-MAX_SHARE_DIFFERENCE..=1.0 + MAX_SHARE_DIFFERENCE).contains(share))
        && length(aside) <= 8.0 + 0.1 * length(full);
    is_mixture.then(|| [luma, chroma].map(|share| (share * 255.0 + 0.5) as u8))
}
