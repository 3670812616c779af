//! Backgrounds of two parts: wall and floor, the bars of a letterbox, or a surround, which is bars
//! on all four sides.
//!
//! The shape of a part tells it from a subject. A second color of the border is background if it
//! fills, apart from what stands in front, one side of a straight cut through the whole frame, or
//! both bars. The shoulders of a person close to the camera do not fill such a region. A color that
//! does not reach the border is background if the color of the border is a narrow surround around
//! it, with straight sides and perhaps round corners.

mod region;
mod seam;
mod sides;

use clearcut_frame::Frame;
use region::{Place, region_of};

use crate::{
    fit::fit_tone,
    plate::{Part, Tones},
    sample::{Sample, as_slices},
    shift::mode,
    siting::Siting,
    tone::Tone,
};

/// Minimum share of the border that a second part covers. Less is a foot or an object in front;
/// with more, low floors are missed.
const MIN_BORDER_SHARE: f64 = 0.06;

/// Minimum share of the color inside a surround among the samples that do not have the color of the
/// surround. A subject may cover the rest.
const MIN_INSIDE_SHARE: f64 = 0.3;

/// Maximum noise of a flat second part, in levels of luma and chroma. Less than for the only
/// background of a clip, because a region of a subject may fit a smooth surface, too.
const MAX_NOISE: [f32; 2] = [5.0, 3.5];

/// Splits the background of one shot into two parts, from its frames and their samples, if it has
/// more than `tone`. The shapes of the parts decide which of them is the first. Neither part varies
/// by more than `max_noise`, in levels of each plane: what varies more is a subject, not a part.
pub(crate) fn split(
    tone: &Tone,
    siting: Siting,
    frames: &[&Frame],
    per_frame: &[&[Sample]],
    max_noise: [f64; 3],
) -> Option<Tones> {
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
    if !first.is_within(max_noise) || !second.is_within(max_noise) {
        return None;
    }
    if region.is_surround() && !sides::are_straight(region, &second, siting, frames) {
        return None;
    }
    let share = seam::shares(&first, &second, siting, frames, region);
    Some(Tones { first, second: Some(Part { tone: second, share }) })
}

/// The samples of each frame that `choose` keeps.
fn filtered_samples(per_frame: &[&[Sample]], choose: impl Fn(&[Sample]) -> Vec<Sample>) -> Vec<Vec<Sample>> {
    per_frame.iter().map(|samples| choose(samples)).collect()
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
