//! A background of two parts: wall and floor, the bars of a letterbox, or a frame on all four sides.
//!
//! The parts are told from a subject by their shape. A second color of the border is background if it fills, but for what stands in front,
//! one side of a straight cut through the whole frame, or both bars; the shoulders of somebody who stands close do not. A color that does not
//! reach the border is background if the border's color is a narrow frame around it, with straight sides and perhaps round corners.

use clearcut_frame::Frame;

use crate::{
    levels::length,
    light::{Light, READINGS_ALONG_SIDE, Sample, fitted_light},
    likeness::Likeness,
    scene::Scene,
    shift::{Shift, mode},
};

/// The share of the border that a second part has at least.
const LEAST_SHARE: f64 = 0.06;

/// How much of both parts may lie on the wrong side of the cut, as a share of the second part: noise.
const MOST_ASTRAY: f64 = 0.12;

/// How much of its side of the cut the second part must fill where no subject stands: the rest is neither.
const LEAST_FILLED: f64 = 0.5;

/// A place belongs to a part if that is seen in this share of the frames.
const SEEN_OFTEN: f64 = 0.5;

/// How far from the cut the two parts may blend, as a share of the frame's longer side: a soft seam.
const SEAM: f64 = 0.06;

/// The widest bar of a frame on four sides, as a share of the frame's width or height.
const WIDEST_BAR: f64 = 0.17;

/// The share of all that is not the frame's color that the color inside a frame has at least.
const LEAST_INSIDE: f64 = 0.3;

/// How much of the middle halves of a frame's inner sides must show another color than the frame's: they are straight, a round subject's are not.
const STRAIGHT: f64 = 0.75;

/// How much of them must show the color inside: the screen of a phone has a rim of another color.
const MOSTLY: f64 = 0.5;

/// How much of a frame may show the color inside: its sides are straight, and known to half a step of the reading grid.
const MOST_BEYOND_SIDES: f64 = 0.045;

/// How much of what a frame encloses may be of the frame's color: round corners with a radius of twice its widest bar.
const MOST_OF_CORNERS: f64 = 0.14;

/// How far a round corner of a frame may reach into it, as a share of the frame's width and height.
const CORNER: f64 = 0.12;

/// From how many levels on two parts differ in luma, or in chroma.
const TOLD_APART: f32 = 8.0;

/// By how much the shares of luma and of chroma may differ at a seam.
const SOFTER: f32 = 0.6;

/// Noise of a second part that is flat, in levels of luma and chroma.
const FLAT_NOISE: [f32; 2] = [5.0, 3.5];

/// The second part of a background.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its light.
    pub(crate) light: Box<Light>,
    /// Per pixel how much of it is seen in luma and in chroma: 0 the first part alone, 255 this one alone.
    pub(crate) share: Vec<[u8; 2]>,
}

/// A region of the frame on one side of cuts parallel to its sides, as shares of its height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Region {
    /// Left, top, right, bottom: what is beyond any of these is in the region.
    inner: [f64; 4],
}

impl Region {
    fn holds(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        across < left || down < top || across > right || down > bottom
    }

    /// Whether it is one side of a cut, or bars on two opposite sides.
    fn is_side_or_bars(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        let (across, down) = (left > 0.0 || right < 1.0, top > 0.0 || bottom < 1.0);
        across != down
    }

    /// Whether it is narrow bars on all four sides.
    fn is_frame(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        [left, top, 1.0 - right, 1.0 - bottom].iter().all(|bar| *bar > 0.0 && *bar <= WIDEST_BAR)
    }

    /// Whether a place is where the two parts may blend: near a cut, or in the corner of a frame, which may be round.
    fn is_seam(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let depth = [(across - left).min(right - across), (down - top).min(bottom - down)];
        self.distance(across, down) <= SEAM
            || (self.is_frame() && depth.iter().all(|depth| (0.0..=CORNER).contains(depth)))
    }

    /// Whether a place is just inside the middle half of a frame's inner side.
    fn is_along_side(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let along = |at: f64, first: f64, last: f64| (at - f64::midpoint(first, last)).abs() <= 0.25 * (last - first);
        let (beside, over) = (along(down, top, bottom), along(across, left, right));
        !self.holds(across, down)
            && ((beside && (across - left).min(right - across) <= STEP)
                || (over && (down - top).min(bottom - down) <= STEP))
    }

    /// Distance to the nearest cut that is inside the frame, in shares of width and height.
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

/// Between two places of the reading grid.
const STEP: f64 = 1.0 / READINGS_ALONG_SIDE as f64;

/// Which part is seen at a place of the reading grid, over all frames: shares of the frames.
struct Place {
    across: f64,
    down: f64,
    at_border: bool,
    first: f64,
    second: f64,
}

impl Part {
    /// The background of one shot as two parts, from its frames and their samples, if it has more than `light`; which of both is then the
    /// first is told by their shapes.
    pub(crate) fn split(light: &Light, frames: &[&Frame], per_frame: &[&[Sample]]) -> Option<Light> {
        let size = frames.first().map(|p| (p.size().width() as usize, p.size().height() as usize))?;
        let rest = chosen(per_frame, |samples| unexplained(light, samples));
        let seed = unexplained_color(per_frame, &rest)?;
        let other = fitted_light(&views(&rest), seed, size);
        if other.noise[0] > FLAT_NOISE[0] || other.noise[1] > FLAT_NOISE[1] {
            return None;
        }
        let mut places = places(light, &other, per_frame);
        let (region, seeds) = if let Some(region) = region_of(&places) {
            (region, [light.centre(), seed])
        } else {
            places.iter_mut().for_each(Place::swap);
            (region_of(&places)?, [seed, light.centre()])
        };
        let side = |is_in_region: bool| {
            let keeps = |s: &&Sample| region.holds(s.across().into(), s.down().into()) == is_in_region;
            chosen(per_frame, |samples| samples.iter().filter(keeps).copied().collect())
        };
        let fitted = |is_in_region: bool, seed: [f64; 3]| Light {
            matrix: light.matrix,
            siting: light.siting,
            steepening: light.steepening,
            ..fitted_light(&views(&side(is_in_region)), seed, size)
        };
        let (mut first, second) = (fitted(false, seeds[0]), fitted(true, seeds[1]));
        let share = shares(&first, &second, frames, region);
        first.second = Some(Self { light: Box::new(second), share });
        Some(first)
    }

    /// How this part's light differs in a frame with these samples.
    pub(crate) fn shift_in(&self, samples: &[Sample], (width, height): (usize, usize)) -> Shift {
        let own: Vec<Sample> = samples
            .iter()
            .filter(|sample| {
                let (x, y) = ((sample.across() * width as f32) as usize, (sample.down() * height as f32) as usize);
                self.share[y.min(height - 1) * width + x.min(width - 1)] == [u8::MAX; 2]
            })
            .copied()
            .collect();
        self.light.shift_in(&own).0
    }
}

/// What `choose` keeps of each frame's samples.
fn chosen(per_frame: &[&[Sample]], choose: impl Fn(&[Sample]) -> Vec<Sample>) -> Vec<Vec<Sample>> {
    per_frame.iter().map(|samples| choose(samples)).collect()
}

fn views(per_frame: &[Vec<Sample>]) -> Vec<&[Sample]> {
    per_frame.iter().map(Vec::as_slice).collect()
}

fn unexplained(light: &Light, samples: &[Sample]) -> Vec<Sample> {
    let (shift, _) = light.shift_in(samples);
    samples.iter().filter(|sample| !light.agrees(&shift, sample)).copied().collect()
}

/// The most frequent color of the border that `rest`, what the first light does not explain, has; or of all of it. None if there is too little of it.
fn unexplained_color(per_frame: &[&[Sample]], rest: &[Vec<Sample>]) -> Option<[f64; 3]> {
    let border = per_frame.iter().copied().flatten().filter(|sample| sample.at_border).count();
    let frequent = |samples: &[Sample], least: f64| {
        let seed = mode(samples.iter().map(|sample| (sample.ycc, 1.0)))?;
        let near = samples.iter().filter(|sample| (0..3).all(|k| (sample.ycc[k] - seed[k]).abs() <= 12.0)).count();
        (near as f64 >= least).then_some(seed)
    };
    let all: Vec<Sample> = rest.iter().flatten().copied().collect();
    let at_border: Vec<Sample> = all.iter().filter(|sample| sample.at_border).copied().collect();
    frequent(&at_border, LEAST_SHARE * border as f64).or_else(|| frequent(&all, LEAST_INSIDE * all.len() as f64))
}

impl Place {
    /// Whether the first part is seen here in most frames.
    fn is_first(&self) -> bool {
        self.first >= SEEN_OFTEN && self.first > self.second
    }

    /// Whether the second part is.
    fn is_second(&self) -> bool {
        self.second >= SEEN_OFTEN && self.second > self.first
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.second);
    }
}

/// How often each part is seen at every place of the grid.
fn places(first: &Light, second: &Light, per_frame: &[&[Sample]]) -> Vec<Place> {
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
    let one = 1.0 / per_frame.len().max(1) as f64;
    for samples in per_frame {
        let shifts = [first, second].map(|light| light.shift_in(samples).0);
        for (place, sample) in places.iter_mut().zip(*samples) {
            place.first += if first.agrees(&shifts[0], sample) { one } else { 0.0 };
            place.second += if second.agrees(&shifts[1], sample) { one } else { 0.0 };
        }
    }
    places
}

/// The region that the second part fills: one side of a cut parallel to the frame's sides, bars on two opposite sides, or a frame.
fn region_of(places: &[Place]) -> Option<Region> {
    // Cuts anywhere first: what is found with narrow bars alone may be half of a wide one.
    [1.0, WIDEST_BAR]
        .into_iter()
        .map(|deepest| best_region(places, deepest))
        .find(|region| is_second_part(*region, places))
}

/// The region that leaves the fewest places on the wrong side, of all whose cuts are no deeper in the frame than `deepest`.
fn best_region(places: &[Place], deepest: f64) -> Region {
    let astray = |region: &Region| {
        let wrong = places.iter().filter(|place| {
            let is_inside = region.holds(place.across, place.down);
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
        let depths = (0..READINGS_ALONG_SIDE).map(|step| step as f64 * STEP).take_while(|depth| *depth <= deepest);
        depths.map(cut).min_by_key(astray).unwrap_or(region)
    };
    // Each side by itself, twice: two bars help each other.
    let sides = [1, 3, 0, 2, 1, 3, 0, 2];
    sides.into_iter().fold(Region { inner: [0.0, 0.0, 1.0, 1.0] }, best_cut)
}

/// Whether the second part fills `region`, and the region has the shape of a background's part.
fn is_second_part(region: Region, places: &[Place]) -> bool {
    let is_inside = |place: &&Place| region.holds(place.across, place.down);
    let count = |keeps: &dyn Fn(&&Place) -> bool| places.iter().filter(keeps).count() as f64;
    let (room, filled) = (count(&is_inside), count(&|place| place.is_second() && is_inside(place)));
    let foreign = count(&|place| place.is_first() && is_inside(place));
    if filled < LEAST_FILLED * room {
        return false;
    }
    if region.is_frame() {
        let corners = count(&|place| place.is_second() && !is_inside(place));
        return foreign <= MOST_BEYOND_SIDES * room
            && corners <= MOST_OF_CORNERS * (places.len() as f64 - room)
            && has_straight_sides(region, places);
    }
    // A subject of the second part's color may stand anywhere inside, but not at the frame's border.
    let lost = count(&|place| place.is_second() && place.at_border && !is_inside(place));
    let smaller = filled.min(count(&|place| place.is_first()));
    region.is_side_or_bars() && smaller > 0.0 && lost + foreign <= MOST_ASTRAY * smaller
}

/// Whether the inner sides of a frame are straight: next to them its color is not seen, but that inside or a subject.
fn has_straight_sides(region: Region, places: &[Place]) -> bool {
    let sides = places.iter().filter(|place| region.is_along_side(place.across, place.down));
    let count = |keeps: fn(&Place) -> bool| sides.clone().filter(|place| keeps(place)).count() as f64;
    let all = count(|_| true).max(1.0);
    count(|place| !place.is_second()) >= STRAIGHT * all && count(Place::is_first) >= MOSTLY * all
}

/// How much of the second part is seen at each pixel, in luma and in chroma: all or nothing but at the seam, where it is the median over the frames.
fn shares(first: &Light, second: &Light, frames: &[&Frame], region: Region) -> Vec<[u8; 2]> {
    let Some(size) = frames.first().map(|frame| frame.size()) else { return Vec::new() };
    let (width, height) = (size.width() as usize, size.height() as usize);
    let place = |index: usize| {
        let (x, y) = (index % width, index / width);
        ((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64)
    };
    let mut shares: Vec<[u8; 2]> = (0..width * height)
        .map(|index| {
            let (across, down) = place(index);
            [if region.holds(across, down) { u8::MAX } else { 0 }; 2]
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
        let samples = crate::light::sampled(frame);
        let shifts = [first, second].map(|light| light.shift_in(&samples).0);
        let likeness =
            [(first, shifts[0]), (second, shifts[1])].map(|(light, shift)| Likeness::of_one(frame, light, shift));
        let scenes = [(first, 0), (second, 1)].map(|(light, at)| Scene::new(frame, &likeness[at], light));
        for (readings, &index) in readings.iter_mut().zip(&seam) {
            let [one, two] = [0, 1].map(|at| scenes[at].background(index));
            readings.extend(share_in(scenes[0].seen(index), one, two));
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

/// How much of `two` and how little of `one` a color has, in luma and in chroma; None if it is no mixture of both.
///
/// Half-resolution chroma is softer than luma: at a sharp seam the shares differ.
fn share_in(seen: [f32; 3], one: [f32; 3], two: [f32; 3]) -> Option<[u8; 2]> {
    let (full, here) = ([0, 1, 2].map(|k| two[k] - one[k]), [0, 1, 2].map(|k| seen[k] - one[k]));
    let square = full[1] * full[1] + full[2] * full[2];
    let of_luma = (full[0].abs() >= TOLD_APART).then(|| here[0] / full[0]);
    let of_chroma = (square.sqrt() >= TOLD_APART).then(|| (here[1] * full[1] + here[2] * full[2]) / square);
    let luma = of_luma.or(of_chroma)?;
    let chroma = of_chroma.unwrap_or(luma);
    let aside = [here[0] - luma * full[0], here[1] - chroma * full[1], here[2] - chroma * full[2]];
    let is_mixture = (luma - chroma).abs() <= SOFTER
        && [luma, chroma].iter().all(|share| (-SOFTER..=1.0 + SOFTER).contains(share))
        && length(aside) <= 8.0 + 0.1 * length(full);
    is_mixture.then(|| [luma, chroma].map(|share| (share * 255.0 + 0.5) as u8))
}
