//! A background of two parts: wall and floor, or the bars of a letterbox.
//!
//! The parts are told from a subject by their shape. A second colour of the border is background if it fills, but for what stands in front,
//! one side of a straight cut through the whole picture, or both bars; the shoulders of somebody who stands close do not.

use clearcut_frame::Picture;

use crate::{
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

/// A place belongs to a part if that is seen in this share of the pictures.
const SEEN_OFTEN: f64 = 0.5;

/// How far from the cut the two parts may blend, as a share of the picture's longer side: a soft seam.
const SEAM: f64 = 0.06;

/// Noise of a second part that is flat, in levels of luma and chroma.
const FLAT_NOISE: [f32; 2] = [5.0, 3.5];

/// The second part of a background.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its light.
    pub(crate) light: Box<Light>,
    /// Per pixel how much of it is seen: 0 the first part alone, 255 this one alone.
    pub(crate) share: Vec<u8>,
}

/// A region of the picture on one side of cuts parallel to its sides, as shares of its height and width.
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

    /// Distance to the nearest cut that is inside the picture, in shares of width and height.
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

/// Which part is seen at a place of the reading grid, over all pictures: shares of the pictures.
struct Place {
    across: f64,
    down: f64,
    at_border: bool,
    first: f64,
    second: f64,
}

impl Part {
    /// The background of one shot as two parts, from its pictures and their samples, if it has more than `light`; which of both is then the
    /// first is told by their shapes.
    pub(crate) fn split(light: &Light, pictures: &[&Picture], per_picture: &[&[Sample]]) -> Option<Light> {
        let size = pictures.first().map(|p| (p.size().width() as usize, p.size().height() as usize))?;
        let seed = unexplained_colour(light, per_picture)?;
        let rest = chosen(per_picture, |samples| unexplained(light, samples));
        let other = fitted_light(&views(&rest), seed, size);
        if other.noise[0] > FLAT_NOISE[0] || other.noise[1] > FLAT_NOISE[1] {
            return None;
        }
        let mut places = places(light, &other, per_picture);
        let (region, seeds) = if let Some(region) = region_of(&places) {
            (region, [light.centre(), seed])
        } else {
            places.iter_mut().for_each(Place::swap);
            (region_of(&places)?, [seed, light.centre()])
        };
        let side = |is_in_region: bool| {
            let keeps = |s: &&Sample| region.holds(s.across().into(), s.down().into()) == is_in_region;
            chosen(per_picture, |samples| samples.iter().filter(keeps).copied().collect())
        };
        let fitted = |is_in_region: bool, seed: [f64; 3]| Light {
            matrix: light.matrix,
            siting: light.siting,
            steepening: light.steepening,
            ..fitted_light(&views(&side(is_in_region)), seed, size)
        };
        let (mut first, second) = (fitted(false, seeds[0]), fitted(true, seeds[1]));
        let share = shares(&first, &second, pictures, region);
        first.second = Some(Self { light: Box::new(second), share });
        Some(first)
    }

    /// How this part's light differs in a picture with these samples.
    pub(crate) fn shift_in(&self, samples: &[Sample], (width, height): (usize, usize)) -> Shift {
        let own: Vec<Sample> = samples
            .iter()
            .filter(|sample| {
                let (x, y) = ((sample.across() * width as f32) as usize, (sample.down() * height as f32) as usize);
                self.share[y.min(height - 1) * width + x.min(width - 1)] == u8::MAX
            })
            .copied()
            .collect();
        self.light.shift_in(&own).0
    }
}

/// What `choose` keeps of each picture's samples.
fn chosen(per_picture: &[&[Sample]], choose: impl Fn(&[Sample]) -> Vec<Sample>) -> Vec<Vec<Sample>> {
    per_picture.iter().map(|samples| choose(samples)).collect()
}

fn views(per_picture: &[Vec<Sample>]) -> Vec<&[Sample]> {
    per_picture.iter().map(Vec::as_slice).collect()
}

fn unexplained(light: &Light, samples: &[Sample]) -> Vec<Sample> {
    let (shift, _) = light.shift_in(samples);
    samples.iter().filter(|sample| !light.agrees(&shift, sample)).copied().collect()
}

/// The most frequent colour of the border that `light` does not explain, if there is enough of it.
fn unexplained_colour(light: &Light, per_picture: &[&[Sample]]) -> Option<[f64; 3]> {
    let border = per_picture.iter().copied().flatten().filter(|sample| sample.at_border).count();
    let rest = chosen(per_picture, |samples| unexplained(light, samples));
    let at_border = rest.iter().flatten().filter(|sample| sample.at_border);
    let seed = mode(at_border.clone().map(|sample| (sample.ycc, 1.0)))?;
    let near = at_border.filter(|sample| (0..3).all(|k| (sample.ycc[k] - seed[k]).abs() <= 12.0)).count();
    (near as f64 >= LEAST_SHARE * border as f64).then_some(seed)
}

impl Place {
    fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.second);
    }
}

/// How often each part is seen at every place of the grid.
fn places(first: &Light, second: &Light, per_picture: &[&[Sample]]) -> Vec<Place> {
    let mut places: Vec<Place> = per_picture.first().map_or_else(Vec::new, |samples| {
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
    let one = 1.0 / per_picture.len().max(1) as f64;
    for samples in per_picture {
        let shifts = [first, second].map(|light| light.shift_in(samples).0);
        for (place, sample) in places.iter_mut().zip(*samples) {
            place.first += if first.agrees(&shifts[0], sample) { one } else { 0.0 };
            place.second += if second.agrees(&shifts[1], sample) { one } else { 0.0 };
        }
    }
    places
}

/// The region that the second part fills, of all that cuts parallel to the picture's sides make: one side, or bars on two opposite sides.
fn region_of(places: &[Place]) -> Option<Region> {
    let belongs = |share: f64, other: f64| share >= SEEN_OFTEN && share > other;
    let second = places.iter().filter(|place| belongs(place.second, place.first));
    let steps = || (1..READINGS_ALONG_SIDE).map(|step| step as f64 / READINGS_ALONG_SIDE as f64);
    let astray = |region: &Region| -> f64 {
        let wrong = places.iter().filter(|place| {
            let is_inside = region.holds(place.across, place.down);
            (is_inside && belongs(place.first, place.second)) || (!is_inside && belongs(place.second, place.first))
        });
        wrong.count() as f64
    };
    let best_cut = |region: Region, side: usize| -> Region {
        let whole = if side < 2 { 0.0 } else { 1.0 };
        let cut = |at: f64| {
            let mut inner = region.inner;
            inner[side] = at;
            Region { inner }
        };
        let candidates = std::iter::once(whole).chain(steps()).map(|at| (cut(at), astray(&cut(at))));
        candidates.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(region, |(best, _)| best)
    };
    // Each side by itself, twice: two bars help each other.
    let mut region = Region { inner: [0.0, 0.0, 1.0, 1.0] };
    for side in [1, 3, 0, 2, 1, 3, 0, 2] {
        region = best_cut(region, side);
    }
    let of_second: Vec<&Place> = second.collect();
    let of_first = places.iter().filter(|place| belongs(place.first, place.second));
    let [room, filled] = [places.iter().filter(|place| region.holds(place.across, place.down)).count(), {
        of_second.iter().filter(|place| region.holds(place.across, place.down)).count()
    }];
    // A subject of the second part's colour may stand anywhere inside, but not at the picture's border.
    let lost = of_second.iter().filter(|place| place.at_border && !region.holds(place.across, place.down)).count();
    let foreign = of_first.clone().filter(|place| region.holds(place.across, place.down)).count();
    let smaller = filled.min(of_first.count());
    let is_whole =
        filled as f64 >= LEAST_FILLED * room as f64 && (lost + foreign) as f64 <= MOST_ASTRAY * smaller as f64;
    (is_whole && smaller > 0 && region.is_side_or_bars()).then_some(region)
}

/// How much of the second part is seen at each pixel: all or nothing but near the cut, where it is the median over the pictures.
fn shares(first: &Light, second: &Light, pictures: &[&Picture], region: Region) -> Vec<u8> {
    let Some(size) = pictures.first().map(|picture| picture.size()) else { return Vec::new() };
    let (width, height) = (size.width() as usize, size.height() as usize);
    let place = |index: usize| {
        let (x, y) = (index % width, index / width);
        ((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64)
    };
    let mut shares: Vec<u8> = (0..width * height)
        .map(|index| {
            let (across, down) = place(index);
            if region.holds(across, down) { u8::MAX } else { 0 }
        })
        .collect();
    let seam: Vec<usize> = (0..shares.len())
        .filter(|&index| {
            let (across, down) = place(index);
            region.distance(across, down) <= SEAM
        })
        .collect();
    let mut readings: Vec<Vec<u8>> = vec![Vec::new(); seam.len()];
    for picture in pictures {
        let samples = crate::light::sampled(picture);
        let shifts = [first, second].map(|light| light.shift_in(&samples).0);
        let likeness =
            [(first, shifts[0]), (second, shifts[1])].map(|(light, shift)| Likeness::of_one(picture, light, shift));
        let scenes = [(first, 0), (second, 1)].map(|(light, at)| Scene::new(picture, &likeness[at], light));
        for (readings, &index) in readings.iter_mut().zip(&seam) {
            let [one, two] = [0, 1].map(|at| scenes[at].backdrop(index));
            let seen = scenes[0].seen(index);
            let (full, here) = ([0, 1, 2].map(|k| two[k] - one[k]), [0, 1, 2].map(|k| seen[k] - one[k]));
            let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
            let share = (dot(full, here) / dot(full, full).max(1.0)).clamp(0.0, 1.0);
            let aside = [0, 1, 2].map(|k| here[k] - share * full[k]);
            if dot(aside, aside).sqrt() <= 8.0 + 0.1 * dot(full, full).sqrt() {
                readings.push((share * 255.0 + 0.5) as u8);
            }
        }
    }
    for (mut readings, &index) in readings.into_iter().zip(&seam) {
        if readings.len() * 4 >= pictures.len() && !readings.is_empty() {
            let middle = readings.len() / 2;
            shares[index] = match *readings.select_nth_unstable(middle).1 {
                0..=15 => 0,
                240.. => u8::MAX,
                between => between,
            };
        }
    }
    shares
}
