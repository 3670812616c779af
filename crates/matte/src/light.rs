//! Light of a background: its color over the frame and its noise, fitted to a grid of samples. The
//! fits follow the changes of brightness from frame to frame.

use clearcut_frame::{Frame, Matrix};

use crate::{
    field::{Field, Residual},
    parts::Part,
    shift::{COARSE_TOLERANCES, Shift},
    siting::Siting,
    surface::{Reading, Surface},
};

/// Black luma and neutral chroma: the point around which a change of light scales.
pub(crate) const NEUTRAL: [f64; 3] = [16.0, 128.0, 128.0];

/// Minimum gain of a frame that takes part in the fit. Frames with less contrast would amplify
/// their noise.
const MIN_GAIN: f64 = 0.5;

/// Number of samples along the longer side of a sampled frame.
pub(crate) const SAMPLES_ALONG_SIDE: usize = 56;

/// Measured light of a background that is present, not already transparent.
#[derive(Debug, Clone)]
pub(crate) struct Light {
    /// Y', Cb, Cr over the frame, at the clip's usual brightness.
    pub(crate) field: Field,
    /// Standard deviation of luma and of chroma around the surfaces, in levels.
    pub(crate) noise: [f32; 2],
    /// Maximum share of the background's hue in solid subject, see [`crate::palette`].
    pub(crate) max_hue_share: f32,
    pub(crate) matrix: Matrix,
    pub(crate) siting: Siting,
    /// Factor by which edges visible only in chroma are steepened, see [`crate::sharpness`].
    pub(crate) steepening: f32,
    /// Second part of the background, if it has two.
    pub(crate) second_part: Option<Part>,
}

/// One pixel of the sample grid of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    u: f64,
    v: f64,
    pub(crate) ycc: [f64; 3],
    pub(crate) at_border: bool,
}

impl Sample {
    /// Column as a share of the width.
    pub(crate) fn across(&self) -> f32 {
        f32::midpoint(self.u as f32, 1.0)
    }

    /// Row as a share of the height.
    pub(crate) fn down(&self) -> f32 {
        f32::midpoint(self.v as f32, 1.0)
    }
}

impl Light {
    /// Shift of the light in a frame with these samples against the usual light, and the evidence
    /// for it: the share of the frame that then agrees, weighted by how usual the light is.
    pub(crate) fn shift_in(&self, samples: &[Sample]) -> (Shift, f64) {
        let field = |sample: &Sample| self.field.at(sample.across(), sample.down()).map(f64::from);
        let (shift, share) = Shift::estimate(samples, field, self.centre(), self.tolerances());
        (shift, share * shift.weight(self.tolerances()))
    }

    /// Usual color in the middle of the frame: Y', Cb, Cr.
    pub(crate) fn centre(&self) -> [f64; 3] {
        self.field.at(0.5, 0.5).map(f64::from)
    }

    /// Returns true if the chroma is clear of neutral. Subjects seldom have such a color by chance.
    pub(crate) fn is_colored(&self) -> bool {
        let [_, cb, cr] = self.field.at(0.5, 0.5).map(f64::from);
        let centre = [cb - NEUTRAL[1], cr - NEUTRAL[2]];
        centre[0].hypot(centre[1]) > 8.0 + 5.0 * f64::from(self.noise[1])
    }

    /// Returns true if the chroma is so strong that subjects seldom exceed it: a quarter of the
    /// chroma range and more.
    pub(crate) fn is_vivid(&self) -> bool {
        let [_, cb, cr] = self.centre();
        (cb - NEUTRAL[1]).hypot(cr - NEUTRAL[2]) >= 28.0
    }

    /// Returns true if a sample of a frame whose light differs by `shift` is background.
    pub(crate) fn agrees(&self, shift: &Shift, sample: &Sample) -> bool {
        let expected = shift.expected(self.field.at(sample.across(), sample.down()).map(f64::from));
        let tolerances = self.tolerances();
        (0..3).all(|k| (sample.ycc[k] - expected[k]).abs() <= tolerances[k])
    }

    /// Maximum distance of a background pixel from the surfaces, in luma and chroma: five standard
    /// deviations plus 2 levels of rounding, and 8 more levels in luma, 4 in chroma.
    fn tolerances(&self) -> [f64; 3] {
        let [luma, chroma] = self.noise.map(|sigma| 2.0 + 5.0 * f64::from(sigma));
        [luma + 8.0, chroma + 4.0, chroma + 4.0]
    }
}

/// Samples a grid of opaque pixels of `frame`, including the border.
pub(crate) fn sample_grid(frame: &Frame) -> Vec<Sample> {
    let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
    let step = width.max(height).div_ceil(SAMPLES_ALONG_SIDE).max(1);
    let shift = frame.format().subsampling.shift();
    let chroma_width = frame.format().chroma_size().0;
    let coordinates = |length: usize| (0..length).step_by(step).chain((length > 1).then_some(length - 1));
    let place = |at: usize, length: usize| 2.0 * (at as f64 + 0.5) / length as f64 - 1.0;
    let margin = step.min(width.min(height).div_ceil(16));
    let mut samples = Vec::new();
    for y in coordinates(height) {
        for x in coordinates(width) {
            if frame.alpha().is_some_and(|alpha| alpha[y * width + x] < 255) {
                continue;
            }
            let chroma = (y >> shift) * chroma_width + (x >> shift);
            let ycc = [frame.y()[y * width + x], frame.cb()[chroma], frame.cr()[chroma]].map(f64::from);
            let at_border = x < margin || y < margin || x + margin >= width || y + margin >= height;
            samples.push(Sample { u: place(x, width), v: place(y, height), ycc, at_border });
        }
    }
    samples
}

/// Fits the light that most of the samples around the color `seed` agree with.
pub(crate) fn fit_light(per_frame: &[&[Sample]], seed: [f64; 3], size: (usize, usize)) -> Light {
    let mut surfaces = seed.map(Surface::constant);
    // Each round measures the deviation of the background again.
    let mut tolerances = COARSE_TOLERANCES;
    for degree in [0, 1, 1, 2, 2, 3, 3] {
        let deviations = refit(&mut surfaces, degree, per_frame, tolerances);
        tolerances = [0, 1, 2].map(|k| tolerances[k].min((2.0 + 5.0 * deviations[k]).max(5.0)));
    }
    light_from_surfaces(&surfaces, per_frame, tolerances, size)
}

/// Fits the light of a background that varies by at most `max_noise` around its field, in levels of
/// each plane. Anything that varies more is in front of the background and must not bend the field.
/// The border is fitted first, because the least is in front of it.
pub(crate) fn fit_light_with_noise_limit(
    per_frame: &[&[Sample]],
    seed: [f64; 3],
    size: (usize, usize),
    max_noise: [f64; 3],
) -> Light {
    let at_border: Vec<Vec<Sample>> =
        per_frame.iter().map(|samples| samples.iter().filter(|sample| sample.at_border).copied().collect()).collect();
    let at_border: Vec<&[Sample]> = at_border.iter().map(Vec::as_slice).collect();
    let mut surfaces = seed.map(Surface::constant);
    for degree in [0, 1, 2] {
        refit(&mut surfaces, degree, &at_border, COARSE_TOLERANCES);
    }
    let tolerances = max_noise.map(|limit| 2.0 + 3.0 * limit);
    for degree in [2, 2, 3] {
        refit(&mut surfaces, degree, per_frame, tolerances);
    }
    let light = light_from_surfaces(&surfaces, per_frame, tolerances, size);
    Light {
        noise: [light.noise[0].min(max_noise[0] as f32), light.noise[1].min(max_noise[1].max(max_noise[2]) as f32)],
        ..light
    }
}

/// Fits the surfaces again to the samples within `tolerances` of them. Returns the standard
/// deviation of those samples.
fn refit(surfaces: &mut [Surface; 3], degree: u32, per_frame: &[&[Sample]], tolerances: [f64; 3]) -> [f64; 3] {
    let inliers = inliers_of(per_frame, |s| surface_levels(surfaces, s), tolerances);
    let fitted = [0, 1, 2].map(|k| {
        let readings = inliers.iter().map(|(s, level)| Reading { u: s.u, v: s.v, value: level[k] });
        Surface::fitted(readings, degree)
    });
    if let [Some(y), Some(cb), Some(cr)] = fitted {
        *surfaces = [y, cb, cr];
    }
    deviations_of(&inliers, |s| surface_levels(surfaces, s))
}

/// Builds the light from `surfaces`, corrected by the samples within `tolerances` of them.
fn light_from_surfaces(
    surfaces: &[Surface; 3],
    per_frame: &[&[Sample]],
    tolerances: [f64; 3],
    size: (usize, usize),
) -> Light {
    let inliers = inliers_of(per_frame, |s| surface_levels(surfaces, s), tolerances);
    let residuals: Vec<Residual> = inliers
        .iter()
        .map(|(sample, level)| {
            let expected = surface_levels(surfaces, sample);
            Residual { u: sample.u, v: sample.v, value: [0, 1, 2].map(|k| level[k] - expected[k]) }
        })
        .collect();
    let field = Field::new(surfaces, &residuals, size);
    let in_field = |s: &Sample| field.at(s.across(), s.down()).map(f64::from);
    let inliers = inliers_of(per_frame, in_field, tolerances);
    let [luma, cb, cr] = deviations_of(&inliers, in_field);
    let noise = [luma.max(0.5) as f32, cb.max(cr).max(0.5) as f32];
    Light {
        field,
        noise,
        max_hue_share: 1.0,
        matrix: Matrix::Bt709,
        siting: Siting::Centre,
        steepening: 1.0,
        second_part: None,
    }
}

/// Agreement of the border of a frame with these samples with `light` or with its second part:
/// agreeing samples, all samples.
pub(crate) fn border_agreement(light: &Light, samples: &[Sample], size: (usize, usize)) -> [usize; 2] {
    let (shift, _) = light.shift_in(samples);
    let [agreeing, all] = count_border_agreement(light, &shift, samples);
    let agreeing_second = light.second_part.as_ref().map_or(0, |part| {
        let part_shift = part.shift_in(samples, size);
        let border = samples.iter().filter(|sample| sample.at_border);
        border.filter(|sample| !light.agrees(&shift, sample) && part.light.agrees(&part_shift, sample)).count()
    });
    [agreeing + agreeing_second, all]
}

/// Border samples that agree with `light`, and all border samples.
fn count_border_agreement(light: &Light, shift: &Shift, samples: &[Sample]) -> [usize; 2] {
    let border = || samples.iter().filter(|sample| sample.at_border);
    [border().filter(|sample| light.agrees(shift, sample)).count(), border().count()]
}

/// Returns true if at least `min_share` of the border of a frame with these samples agrees with
/// `light`, weighted by how usual the light is.
pub(crate) fn border_supports(light: &Light, samples: &[Sample], min_share: f64) -> bool {
    let (shift, _) = light.shift_in(samples);
    let [agreeing, all] = count_border_agreement(light, &shift, samples);
    shift.weight(light.tolerances()) * agreeing as f64 >= min_share * all as f64
}

/// Levels of the surfaces at a sample.
fn surface_levels(surfaces: &[Surface; 3], sample: &Sample) -> [f64; 3] {
    [0, 1, 2].map(|k| surfaces[k].at(sample.u, sample.v))
}

/// The samples that agree with the expected levels, and their levels at the usual light. Frames
/// with a gain below [`MIN_GAIN`] are left out.
fn inliers_of(
    per_frame: &[&[Sample]],
    expected: impl Fn(&Sample) -> [f64; 3],
    tolerances: [f64; 3],
) -> Vec<(Sample, [f64; 3])> {
    let mut inliers = Vec::new();
    let middle = Sample { u: 0.0, v: 0.0, ycc: [0.0; 3], at_border: false };
    let centre = expected(&middle);
    for samples in per_frame {
        let (shift, _) = Shift::estimate(samples, &expected, centre, tolerances);
        for sample in samples.iter().filter(|_| shift.gain >= MIN_GAIN) {
            let (level, here) = (shift.usual(sample.ycc), expected(sample));
            if (0..3).all(|k| (level[k] - here[k]).abs() <= tolerances[k]) {
                inliers.push((*sample, level));
            }
        }
    }
    inliers
}

/// Robust standard deviation of the inliers around the expected levels: 1.4826 × the median
/// absolute deviation. If the 98th percentile at the border implies more, that counts, up to twice
/// the median's value: compression leaves most pixels exact and a few far off.
fn deviations_of(inliers: &[(Sample, [f64; 3])], expected: impl Fn(&Sample) -> [f64; 3]) -> [f64; 3] {
    let deviations = |only_border: bool, k: usize| -> Vec<f64> {
        let selected = inliers.iter().filter(|(sample, _)| sample.at_border || !only_border);
        selected.map(|(sample, level)| (level[k] - expected(sample)[k]).abs()).collect()
    };
    [0, 1, 2].map(|k| {
        let middle = 1.4826 * quantile(deviations(false, k), 0.5).max(0.4);
        let tail = quantile(deviations(true, k), 0.98) / 2.33;
        tail.clamp(middle, 2.0 * middle)
    })
}

/// The value below which `share` of the values lie; 0.0 if there are none.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    let at = (values.len() as f64 * share) as usize;
    if at < values.len() { *values.select_nth_unstable_by(at, f64::total_cmp).1 } else { 0.0 }
}
