//! The background of a clip: the lights of its shots, measured from sampled frames, or that there is none to key.

use clearcut_frame::{Frame, Matrix, Rgb8};

use crate::{
    grain::grain_of,
    light::{Light, Sample, agreeing_border, calm_light, fitted_light, is_lit_by, sampled},
    likeness::{LIMIT, Likeness},
    palette,
    parts::Part,
    sharpness,
    shift::{Shift, mode},
    siting::Siting,
};

/// Share of the visible border that must agree with the fitted background if that has no noise at all: the subject may cover
/// more than half of the border.
const LEAST_SHARE: f64 = 0.4;

/// How much more of the border must agree per level of luma noise: scenery with a smooth sky has both a large share and much
/// variation, a screen has only one of them at a time.
const SHARE_PER_NOISE: f64 = 0.1;

/// The most that a background may vary around its fitted light, as standard deviation of luma and of chroma in levels: the
/// grain of a dark, high-gain camera. Scenery that a smooth surface happens to run through has much more in one or the other.
const FLAT_NOISE: [f32; 2] = [6.0, 6.0];

/// How much more than its grain a background varies, as standard deviation in levels: folds that the field is too coarse for, and coding.
/// Smoke, glow and rays of light in front of it vary more.
const UNEVEN: f64 = 1.25;

/// The most backgrounds that a clip may have one after the other: shots.
const MOST_LIGHTS: usize = 4;

/// A frame of which less than this agrees with a background belongs to another shot, if another background is found in it.
const ANOTHER_SHOT: f64 = 0.12;

/// How much better than those found so far a light must explain the border to be another background.
const BETTER: f64 = 1.1;

/// The background of a clip as measured: its color, how it varies, its noise, and how sure we are.
#[derive(Debug, Clone)]
pub struct Background {
    color: Rgb8,
    confidence: f32,
    /// The lights of the clip's shots, the commonest first; none where there is no background.
    pub(crate) lights: Vec<Light>,
}

/// The border of the clip has no dominant color, so there is nothing to key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the border of the clip has no dominant color")]
pub struct NoFlatBackground;

impl Background {
    /// Measures the background from `samples`, frames of one format spread over the whole clip in time order.
    ///
    /// `given` is the key color if the user named one: then only noise and variation around it are measured.
    /// Where most of the border is transparent already, the background is absent and keying keeps the clip's own alpha.
    ///
    /// # Errors
    /// If no color is given and none dominates the border.
    pub fn estimate(samples: &[Frame], given: Option<Rgb8>) -> Result<Self, NoFlatBackground> {
        let matrix = samples.first().map_or(Matrix::Bt709, |frame| frame.format().matrix);
        if given.is_none() && !samples.is_empty() && border_is_clear(samples) {
            return Ok(Self { color: Rgb8::default(), confidence: 1.0, lights: Vec::new() });
        }
        let readings: Vec<Vec<Sample>> = samples.iter().map(sampled).collect();
        let per_frame: Vec<&[Sample]> = readings.iter().map(Vec::as_slice).collect();
        let size = samples.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        let lights = match given {
            Some(rgb) => {
                let seed = matrix.ycc_from_rgb([rgb.r, rgb.g, rgb.b].map(f32::from)).map(f64::from);
                vec![fitted_light(&per_frame, seed, size)]
            }
            None => lights_of(&per_frame, size)?,
        };
        let share = border_share(&lights, &per_frame, size);
        let noise = |k: usize| lights.iter().map(|light| light.noise[k]).fold(0.0, f32::max);
        let is_flat = noise(0) <= FLAT_NOISE[0] && noise(1) <= FLAT_NOISE[1];
        if given.is_none() && (share < LEAST_SHARE + SHARE_PER_NOISE * f64::from(noise(0)) || !is_flat) {
            return Err(NoFlatBackground);
        }
        let (siting, steepening) = (Siting::of(samples), sharpness::steepening(samples));
        let mut background = Self { color: Rgb8::default(), confidence: share as f32, lights };
        for light in &mut background.lights {
            (light.matrix, light.siting, light.steepening) = (matrix, siting, steepening);
        }
        let numbers: Vec<usize> =
            per_frame.iter().filter_map(|samples| background.number_of(samples)).map(|(n, _)| n).collect();
        if given.is_none() {
            background.calm(samples, &per_frame, &numbers);
            background.find_second_parts(samples, &per_frame, &numbers);
            background.confidence = border_share(&background.lights, &per_frame, size) as f32;
        }
        for (number, light) in background.lights.iter_mut().enumerate() {
            let of_shot = samples.iter().zip(&numbers).filter(|(_, of)| **of == number).map(|(frame, _)| frame);
            light.most_hue = palette::most_hue(&of_shot.collect::<Vec<_>>(), light);
        }
        let [r, g, b] = matrix
            .rgb_from_ycc(background.lights[0].centre().map(|level| level as f32))
            .map(|value| value.round().clamp(0.0, 255.0) as u8);
        background.color = given.unwrap_or(Rgb8::new(r, g, b));
        Ok(background)
    }

    /// The background's color; of several, the commonest.
    #[must_use]
    pub const fn color(&self) -> Rgb8 {
        self.color
    }

    /// Whether there is none, since most of the border is transparent already.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        self.lights.is_empty()
    }

    /// Share of the border, over the whole clip, that is this background: 0.0..=1.0.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }

    /// Measures the lights again that vary much more than the grain of the frames: something soft is in front of those.
    fn calm(&mut self, samples: &[Frame], per_frame: &[&[Sample]], numbers: &[usize]) {
        let most = grain_of(samples).map(|grain| grain + UNEVEN);
        let size = samples.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        for (number, light) in self.lights.iter_mut().enumerate() {
            let [luma, chroma] = light.noise.map(f64::from);
            if luma <= most[0] && chroma <= most[1].max(most[2]) {
                continue;
            }
            let of_shot = per_frame.iter().zip(numbers).filter(|(_, of)| **of == number).map(|(readings, _)| *readings);
            let of_shot: Vec<&[Sample]> = of_shot.collect();
            // The middle of the frame may show what is in front.
            let Some(seed) = border_mode(&of_shot) else { continue };
            let calm = calm_light(&of_shot, seed, size, most);
            (light.field, light.noise) = (calm.field, calm.noise);
        }
    }

    /// Looks for a second part of the background in the frames of each shot; `numbers` says which light each frame is in.
    fn find_second_parts(&mut self, samples: &[Frame], per_frame: &[&[Sample]], numbers: &[usize]) {
        for (number, light) in self.lights.iter_mut().enumerate() {
            let of_shot = || numbers.iter().enumerate().filter(|(_, of)| **of == number).map(|(at, _)| at);
            let frames: Vec<&Frame> = of_shot().map(|at| &samples[at]).collect();
            let readings: Vec<&[Sample]> = of_shot().map(|at| per_frame[at]).collect();
            if let Some(split) = Part::split(light, &frames, &readings) {
                *light = split;
            }
        }
    }

    /// The number of the light that `frame` is in, and how it differs in this frame; `None` where there is no background.
    pub(crate) fn light_in(&self, frame: &Frame) -> Option<(usize, Shift)> {
        if self.is_absent() { None } else { self.number_of(&sampled(frame)) }
    }

    /// Whether the pixel `index` of `frame`, which may be of another size than those that were measured, has the background's color. The second
    /// part of a background in two parts is not asked.
    pub(crate) fn is_seen_at(&self, frame: &Frame, index: usize) -> bool {
        self.light_in(frame)
            .is_some_and(|(number, shift)| Likeness::of_one(frame, &self.lights[number], shift).off[index] < LIMIT)
    }

    fn number_of(&self, samples: &[Sample]) -> Option<(usize, Shift)> {
        let found = self.lights.iter().map(|light| light.shift_in(samples)).enumerate();
        // The first of equals: the commonest.
        let best = found.reduce(|best, other| if other.1.1 > BETTER * best.1.1 { other } else { best });
        best.map(|(number, (shift, _))| (number, shift))
    }
}

/// The lights of the shots: the commonest first, then others while there are frames that agree with none.
fn lights_of(per_frame: &[&[Sample]], size: (usize, usize)) -> Result<Vec<Light>, NoFlatBackground> {
    let mut lights = Vec::new();
    let mut left = per_frame.to_vec();
    while !left.is_empty() && lights.len() < MOST_LIGHTS {
        let seed = border_mode(&left).ok_or(NoFlatBackground)?;
        let light = fitted_light(&left, seed, size);
        let (of_this, others): (Vec<&[Sample]>, Vec<&[Sample]>) =
            left.iter().copied().partition(|samples| is_lit_by(&light, samples, ANOTHER_SHOT));
        if of_this.is_empty() {
            break;
        }
        let share = border_share(std::slice::from_ref(&light), &of_this, size);
        // A fade agrees with a light found so far as well as with its own.
        let is_another = share >= LEAST_SHARE && share > BETTER * border_share(&lights, &of_this, size);
        if lights.is_empty() || is_another {
            // The others' colors may have bent the field.
            lights.push(if others.is_empty() { light } else { fitted_light(&of_this, seed, size) });
        }
        left = others;
    }
    if lights.is_empty() { Err(NoFlatBackground) } else { Ok(lights) }
}

/// The share of all frames' borders that agrees with the best of `lights`.
fn border_share(lights: &[Light], per_frame: &[&[Sample]], size: (usize, usize)) -> f64 {
    let counts = per_frame.iter().filter_map(|samples| {
        lights.iter().map(|light| agreeing_border(light, samples, size)).max_by_key(|[agreeing, _]| *agreeing)
    });
    let [agreeing, all] = counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]]);
    agreeing as f64 / all.max(1) as f64
}

fn border_is_clear(samples: &[Frame]) -> bool {
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

/// The most frequent color of the border.
fn border_mode(per_frame: &[&[Sample]]) -> Option<[f64; 3]> {
    let border = per_frame.iter().copied().flatten().filter(|sample| sample.at_border);
    mode(border.map(|sample| (sample.ycc, 1.0)))
}
