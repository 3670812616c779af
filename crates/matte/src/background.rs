//! Background of a clip: measures the light of each shot from sampled frames, and rejects clips
//! without a flat background.

use clearcut_frame::{Frame, Matrix, Rgb8};

use crate::{
    grain::grain_of,
    light::{Light, Sample, border_agreement, border_supports, fit_light, fit_light_with_noise_limit, sample_grid},
    likeness::{LIMIT, Likeness},
    palette,
    parts::Part,
    sharpness,
    shift::{Shift, mode},
    siting::Siting,
};

/// Minimum share of the visible border that must agree with the fitted background at zero noise.
/// The subject may cover more than half of the border.
const MIN_BORDER_SHARE: f64 = 0.4;

/// Additional share of the border that must agree per level of luma noise. Scenery with a smooth
/// sky has both a large share and much variation; a screen has only one of them at a time.
const SHARE_PER_NOISE: f64 = 0.1;

/// Maximum standard deviation of the background around its fitted light, luma and chroma, in
/// levels: the grain of a dark, high-gain camera. Scenery that happens to fit a smooth surface
/// varies much more in one or the other.
const MAX_NOISE: [f32; 2] = [6.0, 6.0];

/// Standard deviation that a background may have beyond its grain, in levels: folds too fine for
/// the field, and coding noise. Smoke, glow and rays of light in front of it vary more.
const UNEVENNESS: f64 = 1.25;

/// Maximum number of backgrounds that follow each other in one clip, one per shot.
const MAX_LIGHTS: usize = 4;

/// Minimum share of a frame's border that must agree with a background. A frame below it belongs to
/// another shot if another background is found in it.
const MIN_SHOT_SHARE: f64 = 0.12;

/// Ratio by which a light must explain the border better than the lights found so far to count as
/// another background.
const BETTER_RATIO: f64 = 1.1;

/// The measured background of a clip: its color, how it varies, its noise, and the confidence of
/// the measurement.
#[derive(Debug, Clone)]
pub struct Background {
    color: Rgb8,
    confidence: f32,
    /// The light of each shot, the most common first. Empty if the clip has no background.
    pub(crate) lights: Vec<Light>,
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
            return Ok(Self { color: Rgb8::default(), confidence: 1.0, lights: Vec::new() });
        }
        let readings: Vec<Vec<Sample>> = samples.iter().map(sample_grid).collect();
        let per_frame: Vec<&[Sample]> = readings.iter().map(Vec::as_slice).collect();
        let size = samples.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        let lights = match key_color {
            Some(rgb) => {
                let seed = matrix.ycc_from_rgb([rgb.r, rgb.g, rgb.b].map(f32::from)).map(f64::from);
                vec![fit_light(&per_frame, seed, size)]
            }
            None => lights_of(&per_frame, size)?,
        };
        let share = border_share(&lights, &per_frame, size);
        let noise = |k: usize| lights.iter().map(|light| light.noise[k]).fold(0.0, f32::max);
        let is_flat = noise(0) <= MAX_NOISE[0] && noise(1) <= MAX_NOISE[1];
        if key_color.is_none() && (share < MIN_BORDER_SHARE + SHARE_PER_NOISE * f64::from(noise(0)) || !is_flat) {
            return Err(NoFlatBackground);
        }
        let (siting, steepening) = (Siting::detect(samples), sharpness::steepening(samples));
        let mut background = Self { color: Rgb8::default(), confidence: share as f32, lights };
        for light in &mut background.lights {
            (light.matrix, light.siting, light.steepening) = (matrix, siting, steepening);
        }
        let light_indices: Vec<usize> =
            per_frame.iter().filter_map(|samples| background.best_light(samples)).map(|(index, _)| index).collect();
        if key_color.is_none() {
            background.refit_noisy_lights(samples, &per_frame, &light_indices);
            background.find_second_parts(samples, &per_frame, &light_indices);
            background.confidence = border_share(&background.lights, &per_frame, size) as f32;
        }
        for (index, light) in background.lights.iter_mut().enumerate() {
            let shot_frames =
                samples.iter().zip(&light_indices).filter(|(_, at)| **at == index).map(|(frame, _)| frame);
            light.max_hue_share = palette::max_hue_share(&shot_frames.collect::<Vec<_>>(), light);
        }
        let [r, g, b] = matrix
            .rgb_from_ycc(background.lights[0].centre().map(|level| level as f32))
            .map(|value| value.round().clamp(0.0, 255.0) as u8);
        background.color = key_color.unwrap_or(Rgb8::new(r, g, b));
        Ok(background)
    }

    /// Color of the background. With several backgrounds, that of the most common one.
    #[must_use]
    pub const fn color(&self) -> Rgb8 {
        self.color
    }

    /// Returns true if there is no background because most of the border is already transparent.
    #[must_use]
    pub const fn is_transparent(&self) -> bool {
        self.lights.is_empty()
    }

    /// Share of the border, over the whole clip, that agrees with this background: 0.0..=1.0.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }

    /// Fits the lights again that vary much more than the grain of the frames: something soft is in
    /// front of those.
    fn refit_noisy_lights(&mut self, samples: &[Frame], per_frame: &[&[Sample]], light_indices: &[usize]) {
        let limit = grain_of(samples).map(|grain| grain + UNEVENNESS);
        let size = samples.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        for (index, light) in self.lights.iter_mut().enumerate() {
            let [luma, chroma] = light.noise.map(f64::from);
            if luma <= limit[0] && chroma <= limit[1].max(limit[2]) {
                continue;
            }
            let readings_of_shot =
                per_frame.iter().zip(light_indices).filter(|(_, at)| **at == index).map(|(readings, _)| *readings);
            let readings_of_shot: Vec<&[Sample]> = readings_of_shot.collect();
            // The middle of the frame may show the soft thing in front.
            let Some(seed) = most_frequent_border_color(&readings_of_shot) else { continue };
            let refitted = fit_light_with_noise_limit(&readings_of_shot, seed, size, limit);
            (light.field, light.noise) = (refitted.field, refitted.noise);
        }
    }

    /// Looks for a second part of the background in the frames of each shot. `light_indices` holds
    /// the index of the light of each frame.
    fn find_second_parts(&mut self, samples: &[Frame], per_frame: &[&[Sample]], light_indices: &[usize]) {
        for (index, light) in self.lights.iter_mut().enumerate() {
            let indices_of_shot =
                || light_indices.iter().enumerate().filter(|(_, light_index)| **light_index == index).map(|(at, _)| at);
            let frames: Vec<&Frame> = indices_of_shot().map(|at| &samples[at]).collect();
            let readings: Vec<&[Sample]> = indices_of_shot().map(|at| per_frame[at]).collect();
            if let Some(split) = Part::split(light, &frames, &readings) {
                *light = split;
            }
        }
    }

    /// Index of the light that `frame` is in, and the shift of that light in this frame. `None` if
    /// there is no background.
    pub(crate) fn light_in(&self, frame: &Frame) -> Option<(usize, Shift)> {
        if self.is_transparent() { None } else { self.best_light(&sample_grid(frame)) }
    }

    /// Returns true if the pixel `index` of `frame` has the background's color. The frame may have
    /// another size than the measured ones. The second part of a two-part background is ignored.
    pub(crate) fn is_seen_at(&self, frame: &Frame, index: usize) -> bool {
        self.light_in(frame).is_some_and(|(light_index, shift)| {
            Likeness::against_light(frame, &self.lights[light_index], shift).distance[index] < LIMIT
        })
    }

    /// The light that a frame with these samples is most likely in: its index and its shift.
    fn best_light(&self, samples: &[Sample]) -> Option<(usize, Shift)> {
        let candidates = self.lights.iter().map(|light| light.shift_in(samples)).enumerate();
        // Of equal lights the first wins: the most common.
        let best = candidates.reduce(|best, other| if other.1.1 > BETTER_RATIO * best.1.1 { other } else { best });
        best.map(|(index, (shift, _))| (index, shift))
    }
}

/// Measures the light of each shot: the most common first, then others while some frames agree with
/// none.
fn lights_of(per_frame: &[&[Sample]], size: (usize, usize)) -> Result<Vec<Light>, NoFlatBackground> {
    let mut lights = Vec::new();
    let mut remaining = per_frame.to_vec();
    while !remaining.is_empty() && lights.len() < MAX_LIGHTS {
        let seed = most_frequent_border_color(&remaining).ok_or(NoFlatBackground)?;
        let light = fit_light(&remaining, seed, size);
        let (matching, others): (Vec<&[Sample]>, Vec<&[Sample]>) =
            remaining.iter().copied().partition(|samples| border_supports(&light, samples, MIN_SHOT_SHARE));
        if matching.is_empty() {
            break;
        }
        let share = border_share(std::slice::from_ref(&light), &matching, size);
        // A fade agrees with an earlier light as well as with its own.
        let is_another = share >= MIN_BORDER_SHARE && share > BETTER_RATIO * border_share(&lights, &matching, size);
        if lights.is_empty() || is_another {
            // The colors of the other shots may have bent the field.
            lights.push(if others.is_empty() { light } else { fit_light(&matching, seed, size) });
        }
        remaining = others;
    }
    if lights.is_empty() { Err(NoFlatBackground) } else { Ok(lights) }
}

/// Share of the borders of all frames that agrees with the best of `lights`.
fn border_share(lights: &[Light], per_frame: &[&[Sample]], size: (usize, usize)) -> f64 {
    let counts = per_frame.iter().filter_map(|samples| {
        lights.iter().map(|light| border_agreement(light, samples, size)).max_by_key(|[agreeing, _]| *agreeing)
    });
    let [agreeing, total] = counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]]);
    agreeing as f64 / total.max(1) as f64
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
