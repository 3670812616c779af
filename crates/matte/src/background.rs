//! Background of a clip: measures the plate of each shot from sampled frames, and rejects clips
//! without a flat background.

use std::iter;

use clearcut_frame::{Frame, Matrix, Rgb8};
use serde::{Deserialize, Serialize};

use crate::{
    bend::covers_an_outline,
    distance_map::{DistanceMap, LIMIT},
    fit::{fit_tone, fit_tone_from_border},
    grain::grain_of,
    hue_share, parts,
    plate::{Plate, Tones},
    sample::{Sample, Side, sample_grid},
    sharpness,
    shift::{Shift, mode},
    siting::Siting,
    stored,
};

/// Minimum share of the visible border that must agree with the fitted background at zero noise.
/// The subject may cover more than half of the border. Natural scenes must stay below it: the five
/// of the evaluation kit are refused.
const MIN_BORDER_SHARE: f64 = 0.4;

/// Additional share of the border that must agree per level of luma noise. Scenery with a smooth
/// sky has both a large share and much variation; a screen has only one of them at a time.
const SHARE_PER_NOISE: f64 = 0.1;

/// Maximum standard deviation of the background around its fitted field, luma and chroma, in
/// levels: the grain of a dark, high-gain camera. Scenery that happens to fit a smooth surface
/// varies much more in one or the other.
const MAX_NOISE: [f32; 2] = [6.0, 6.0];

/// Standard deviation that a background may have beyond its grain, in levels: folds too fine for
/// the field, and coding noise. Smoke, glow and rays of light in front of it vary more. On 130
/// random clips, other backgrounds vary by up to 1.2 beyond their grain.
const UNEVENNESS: f64 = 1.25;

/// Maximum number of backgrounds that follow each other in one clip, one per shot. With 24 sampled
/// frames, each then still has six.
const MAX_PLATES: usize = 4;

/// Minimum share of a frame's border that must agree with a background. A frame below it belongs to
/// another shot if another background is found in it. A close-up covers most of the border; by
/// chance, less of it agrees.
const MIN_SHOT_SHARE: f64 = 0.12;

/// Ratio by which a background must explain the border better than those found so far to count as
/// another one. Light that changes within a shot explains a little more by itself.
const BETTER_RATIO: f64 = 1.1;

/// The measured background of a clip: its color, how it varies, its noise, and the confidence of
/// the measurement. Serialized, it keeps every number exactly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Background {
    #[serde(with = "stored::Rgb8Form")]
    color: Rgb8,
    confidence: f32,
    share_without_a_side: f32,
    /// The background of each shot, the most common first. Empty if the clip has no background.
    pub(crate) plates: Vec<Plate>,
}

/// The border of the clip has no dominant color, so there is nothing to key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the border of the clip has no dominant color")]
pub struct NoFlatBackground;

impl Background {
    /// Measures the background from `samples`, frames of one format spread over the whole clip in
    /// time order.
    ///
    /// `key_color` is the background color if the user named one; then only noise and variation
    /// around it are measured. If most of the border is already transparent, the background is
    /// absent and keying keeps the clip's own alpha.
    ///
    /// # Errors
    /// If no color is given and none dominates the border.
    pub fn estimate(samples: &[Frame], key_color: Option<Rgb8>) -> Result<Self, NoFlatBackground> {
        let matrix = samples.first().map_or(Matrix::Bt709, |frame| frame.format().matrix);
        if key_color.is_none() && !samples.is_empty() && is_border_transparent(samples) {
            return Ok(Self { color: Rgb8::default(), confidence: 1.0, share_without_a_side: 1.0, plates: Vec::new() });
        }
        let grids: Vec<Vec<Sample>> = samples.iter().map(sample_grid).collect();
        let clip = SampledFrames::new(samples, &grids);
        let mut backgrounds = match key_color {
            Some(rgb) => {
                let seed = matrix.ycc_from_rgb([rgb.r, rgb.g, rgb.b].map(f32::from)).map(f64::from);
                vec![Tones::from(fit_tone(&clip.grids, seed, clip.size))]
            }
            None => backgrounds_of(&clip)?,
        };
        let mut share = border_share(&backgrounds, &clip.grids, clip.size);
        if key_color.is_none() && !is_flat(&backgrounds, share) {
            return Err(NoFlatBackground);
        }
        let (siting, steepening) = (Siting::detect(samples), sharpness::steepening(samples));
        let shots = clip.by_background(&backgrounds);
        if key_color.is_none() {
            let max_noise = grain_of(samples).map(|grain| grain + UNEVENNESS);
            for (tones, shot) in backgrounds.iter_mut().zip(&shots) {
                refit_if_bent(tones, shot, max_noise);
                if let Some(split) = parts::split(&tones.first, siting, &shot.frames, &shot.grids, max_noise) {
                    *tones = split;
                }
            }
            share = border_share(&backgrounds, &clip.grids, clip.size);
        }
        let best_share = share_without_a_side(&backgrounds, &clip.grids, clip.size).max(share);
        let plates: Vec<Plate> = backgrounds
            .into_iter()
            .zip(&shots)
            .map(|(tones, shot)| {
                let (max_hue_share, votes) = hue_share::max_hue_share(&shot.frames, &tones, siting);
                Plate { tones, max_hue_share, tints: votes.tints(matrix), matrix, siting, steepening }
            })
            .collect();
        Ok(Self {
            color: key_color
                .or_else(|| plates.first().map(|plate| plate.tones.first.color(matrix)))
                .unwrap_or_default(),
            confidence: share as f32,
            share_without_a_side: best_share as f32,
            plates,
        })
    }

    /// The same background with at least the noise that `least` gives for each of its colors:
    /// standard deviations of luma and chroma in levels, at most those of a noisy camera. For sources
    /// whose own steps are larger than levels, and unseen where the background is perfectly even.
    #[must_use]
    pub fn with_least_noise(mut self, least: impl Fn(Rgb8) -> [f32; 2]) -> Self {
        for plate in &mut self.plates {
            let (tones, matrix) = (&mut plate.tones, plate.matrix);
            for tone in iter::once(&mut tones.first).chain(tones.second.as_mut().map(|part| &mut part.tone)) {
                let noise = least(tone.color(matrix));
                tone.noise = [0, 1].map(|k| tone.noise[k].max(noise[k].min(MAX_NOISE[k])));
            }
        }
        self
    }

    /// Color of the background. With several backgrounds, that of the most common one.
    #[must_use]
    pub const fn color(&self) -> Rgb8 {
        self.color
    }

    /// Returns true if there is no background because most of the border is already transparent.
    #[must_use]
    pub const fn is_transparent(&self) -> bool {
        self.plates.is_empty()
    }

    /// Share of the border, over the whole clip, that agrees with this background: 0.0..=1.0.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }

    /// The same share without the side of the frame where the fewest agree: 0.0..=1.0. A person or a
    /// product often stands on a side of the frame, and covers it.
    #[must_use]
    pub const fn share_without_a_side(&self) -> f32 {
        self.share_without_a_side
    }

    /// Index of the plate behind `frame`, and the shift of its light in this frame. `None` if there
    /// is no background.
    pub(crate) fn plate_of(&self, frame: &Frame) -> Option<(usize, Shift)> {
        if self.is_transparent() {
            return None;
        }
        best_background(self.plates.iter().map(|plate| &plate.tones), &sample_grid(frame))
    }

    /// Returns true if the pixel `index` of `frame` has the background's color. The frame may have
    /// another size than the measured ones. The second part of a two-part background is ignored.
    pub(crate) fn is_seen_at(&self, frame: &Frame, index: usize) -> bool {
        self.plate_of(frame).is_some_and(|(plate_index, shift)| {
            let tone = &self.plates[plate_index].tones.first;
            DistanceMap::to_tone(frame, tone, shift).distance[index] < LIMIT
        })
    }
}

/// Sampled frames of a clip or of one shot, and the grid of samples of each.
struct SampledFrames<'a> {
    frames: Vec<&'a Frame>,
    grids: Vec<&'a [Sample]>,
    /// Width and height of the frames.
    size: (usize, usize),
}

impl<'a> SampledFrames<'a> {
    fn new(frames: &'a [Frame], grids: &'a [Vec<Sample>]) -> Self {
        let size = frames.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        Self { frames: frames.iter().collect(), grids: grids.iter().map(Vec::as_slice).collect(), size }
    }

    /// The frames over each of `backgrounds`.
    fn by_background(&self, backgrounds: &[Tones]) -> Vec<Self> {
        let mut shots: Vec<Self> =
            backgrounds.iter().map(|_| Self { frames: Vec::new(), grids: Vec::new(), size: self.size }).collect();
        for (frame, grid) in self.frames.iter().zip(&self.grids) {
            if let Some((index, _)) = best_background(backgrounds.iter(), grid) {
                shots[index].frames.push(frame);
                shots[index].grids.push(grid);
            }
        }
        shots
    }
}

/// The background that a frame with these samples most likely has: its index and the shift of its
/// light.
fn best_background<'a>(backgrounds: impl Iterator<Item = &'a Tones>, samples: &[Sample]) -> Option<(usize, Shift)> {
    let candidates = backgrounds.map(|tones| tones.first.shift_in(samples)).enumerate();
    // Of equal ones the first wins: the most common.
    let best = candidates.reduce(|best, other| if other.1.1 > BETTER_RATIO * best.1.1 { other } else { best });
    best.map(|(index, (shift, _))| (index, shift))
}

/// Measures the background of each shot: the most common first, then others while some frames agree
/// with none.
fn backgrounds_of(clip: &SampledFrames) -> Result<Vec<Tones>, NoFlatBackground> {
    let mut backgrounds: Vec<Tones> = Vec::new();
    let mut remaining = clip.grids.clone();
    while !remaining.is_empty() && backgrounds.len() < MAX_PLATES {
        let seed = most_frequent_border_color(&remaining).ok_or(NoFlatBackground)?;
        let tone = fit_tone(&remaining, seed, clip.size);
        let (matching, others): (Vec<&[Sample]>, Vec<&[Sample]>) =
            remaining.iter().copied().partition(|samples| tone.is_supported_by_border(samples, MIN_SHOT_SHARE));
        if matching.is_empty() {
            break;
        }
        let found = Tones::from(tone);
        let share = border_share(std::slice::from_ref(&found), &matching, clip.size);
        // A fade agrees with an earlier background as well as with its own.
        let is_another =
            share >= MIN_BORDER_SHARE && share > BETTER_RATIO * border_share(&backgrounds, &matching, clip.size);
        if backgrounds.is_empty() || is_another {
            // The colors of the other shots may have bent the field.
            backgrounds.push(if others.is_empty() { found } else { fit_tone(&matching, seed, clip.size).into() });
        }
        remaining = others;
    }
    if backgrounds.is_empty() { Err(NoFlatBackground) } else { Ok(backgrounds) }
}

/// Fits a tone again that something in front of the background has bent: the tone varies by more than
/// `max_noise`, in levels of each plane, or it covers an area behind an outline.
fn refit_if_bent(tones: &mut Tones, shot: &SampledFrames, max_noise: [f64; 3]) {
    // The middle of the frame may show the thing in front.
    let Some(seed) = most_frequent_border_color(&shot.grids) else { return };
    let from_border = fit_tone_from_border(&shot.grids, seed, shot.size, max_noise);
    if !tones.first.is_within(max_noise) || covers_an_outline(&tones.first, &from_border, &shot.grids) {
        tones.first = from_border;
    }
}

/// Returns true if the backgrounds vary little, and enough of the border, the share `share`, agrees
/// with them.
fn is_flat(backgrounds: &[Tones], share: f64) -> bool {
    let noise = [0, 1].map(|k| backgrounds.iter().map(|tones| tones.first.noise[k]).fold(0.0, f32::max));
    share >= MIN_BORDER_SHARE + SHARE_PER_NOISE * f64::from(noise[0])
        && noise[0] <= MAX_NOISE[0]
        && noise[1] <= MAX_NOISE[1]
}

/// Share of the borders of all frames that agrees with the best of `backgrounds`.
fn border_share(backgrounds: &[Tones], per_frame: &[&[Sample]], size: (usize, usize)) -> f64 {
    let counts = per_frame.iter().filter_map(|samples| {
        backgrounds.iter().map(|tones| tones.border_agreement(samples, size)).max_by_key(|[agreeing, _]| *agreeing)
    });
    let [agreeing, total] = counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]]);
    agreeing as f64 / total.max(1) as f64
}

/// Largest share of the borders that agrees with the best of `backgrounds` if one side of the frame
/// does not count.
fn share_without_a_side(backgrounds: &[Tones], per_frame: &[&[Sample]], size: (usize, usize)) -> f64 {
    let shares = Side::ALL.map(|side| {
        let counts = |sample: &&Sample| !(sample.at_border && sample.side() == side);
        let rest: Vec<Vec<Sample>> =
            per_frame.iter().map(|samples| samples.iter().filter(counts).copied().collect()).collect();
        border_share(backgrounds, &rest.iter().map(Vec::as_slice).collect::<Vec<_>>(), size)
    });
    shares.into_iter().fold(0.0, f64::max)
}

/// Returns true if more than half of the border is transparent.
fn is_border_transparent(samples: &[Frame]) -> bool {
    let mut counts = [0_usize; 2];
    for frame in samples {
        let Some(alpha) = frame.alpha() else { return false };
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        for (y, row) in alpha.chunks_exact(width).enumerate() {
            let ends = [row[0], row[width - 1]];
            let seen = if y == 0 || y + 1 == height { row } else { &ends };
            counts[0] += seen.len();
            counts[1] += seen.iter().filter(|&&value| value < 128).count();
        }
    }
    2 * counts[1] > counts[0]
}

/// Most frequent color of the border.
fn most_frequent_border_color(per_frame: &[&[Sample]]) -> Option<[f64; 3]> {
    let border = per_frame.iter().copied().flatten().filter(|sample| sample.at_border);
    mode(border.map(|sample| (sample.ycc, 1.0)))
}
