//! Fit of a tone to the samples of many frames. The fit follows the changes of brightness from
//! frame to frame.

use crate::{
    field::{Field, Residual},
    sample::{Sample, as_slices},
    shift::{COARSE_TOLERANCES, Shift},
    surface::{Reading, Surface},
    tone::Tone,
};

/// Minimum gain of a frame that takes part in the fit. Frames with less contrast would amplify
/// their noise: at half the contrast, twofold.
const MIN_GAIN: f64 = 0.5;

/// Fits the tone that most of the samples around the color `seed` agree with.
pub(crate) fn fit_tone(per_frame: &[&[Sample]], seed: [f64; 3], size: (usize, usize)) -> Tone {
    let mut surfaces = seed.map(Surface::constant);
    // Each round measures the deviation of the background again.
    let mut tolerances = COARSE_TOLERANCES;
    for degree in [0, 1, 1, 2, 2, 3, 3] {
        let deviations = refit(&mut surfaces, degree, per_frame, tolerances);
        tolerances = [0, 1, 2].map(|k| tolerances[k].min((2.0 + 5.0 * deviations[k]).max(5.0)));
    }
    tone_from_surfaces(&surfaces, per_frame, tolerances, size)
}

/// Rounds of [`fit_tone_from_border`]: the part of the way from the border to the middle that the
/// samples lie on, and the degree of the surfaces.
const ROUNDS_FROM_BORDER: [(f64, u32); 8] =
    [(0.0, 1), (0.0, 2), (0.2, 2), (0.4, 2), (0.6, 2), (0.8, 3), (1.0, 3), (1.0, 3)];

/// Fits a tone that varies by at most `max_noise` around its field, in levels of each plane, to the
/// border and then inwards. Anything that varies more is in front of the background and must not
/// bend the field; the least is in front of the border.
pub(crate) fn fit_tone_from_border(
    per_frame: &[&[Sample]],
    seed: [f64; 3],
    size: (usize, usize),
    max_noise: [f64; 3],
) -> Tone {
    let mut surfaces = seed.map(Surface::constant);
    let at_border = samples_to_depth(per_frame, 0.0);
    for degree in [0, 1] {
        refit(&mut surfaces, degree, &as_slices(&at_border), COARSE_TOLERANCES);
    }
    let tolerances = max_noise.map(|limit| 2.0 + 3.0 * limit);
    for (depth, degree) in ROUNDS_FROM_BORDER {
        refit(&mut surfaces, degree, &as_slices(&samples_to_depth(per_frame, depth)), tolerances);
    }
    let Tone { field, noise: [luma, chroma] } = tone_from_surfaces(&surfaces, per_frame, tolerances, size);
    Tone { field, noise: [luma.min(max_noise[0] as f32), chroma.min(max_noise[1].max(max_noise[2]) as f32)] }
}

/// The samples of each frame at its border, and those inside up to the share `depth` of the way to
/// the middle.
fn samples_to_depth(per_frame: &[&[Sample]], depth: f64) -> Vec<Vec<Sample>> {
    let is_near = |sample: &&Sample| sample.at_border || sample.u.abs().max(sample.v.abs()) >= 1.0 - depth;
    per_frame.iter().map(|samples| samples.iter().filter(is_near).copied().collect()).collect()
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

/// Builds the tone from `surfaces`, corrected by the samples within `tolerances` of them.
fn tone_from_surfaces(
    surfaces: &[Surface; 3],
    per_frame: &[&[Sample]],
    tolerances: [f64; 3],
    size: (usize, usize),
) -> Tone {
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
    Tone { field, noise }
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
