//! The light of a background: its color over the frame, its noise, and how each frame's brightness differs; fitted to a grid of readings.

use clearcut_frame::{Frame, Matrix};

use crate::{
    field::{Field, Residue},
    parts::Part,
    shift::{ROUGHLY, Shift},
    siting::Siting,
    surface::{Reading, Surface},
};

/// Black of luma and the neutral of both chromas: what a change of light scales around.
pub(crate) const NEUTRAL: [f64; 3] = [16.0, 128.0, 128.0];

/// Frames with less contrast than this are not asked about the field: their noise would be drawn out.
const CLEAR: f64 = 0.5;

/// Readings along the longer side of a sampled frame.
pub(crate) const READINGS_ALONG_SIDE: usize = 56;

/// What is known of a background that is there (and not transparent already).
#[derive(Debug, Clone)]
pub(crate) struct Light {
    /// Y', Cb, Cr over the frame, at the clip's usual brightness.
    pub(crate) field: Field,
    /// Standard deviation of luma and of chroma around the surfaces, in levels.
    pub(crate) noise: [f32; 2],
    /// The most of the background's hue that solid subject has, see [`crate::palette`].
    pub(crate) most_hue: f32,
    pub(crate) matrix: Matrix,
    pub(crate) siting: Siting,
    /// By what factor edges that only chroma shows are to be steepened, see [`crate::sharpness`].
    pub(crate) steepening: f32,
    /// The background's second part, if it has two.
    pub(crate) second: Option<Part>,
}

/// One pixel of a sampled frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    u: f64,
    v: f64,
    pub(crate) ycc: [f64; 3],
    pub(crate) at_border: bool,
}

impl Sample {
    /// Its column as a share of the width.
    pub(crate) fn across(&self) -> f32 {
        f32::midpoint(self.u as f32, 1.0)
    }

    /// Its row as a share of the height.
    pub(crate) fn down(&self) -> f32 {
        f32::midpoint(self.v as f32, 1.0)
    }
}

impl Light {
    /// How the light of a frame with these samples differs from the usual, and the evidence for it: the share of the frame that agrees
    /// then, weighed by how usual the light is.
    pub(crate) fn shift_in(&self, samples: &[Sample]) -> (Shift, f64) {
        let field = |sample: &Sample| self.field.at(sample.across(), sample.down()).map(f64::from);
        let (shift, share) = Shift::of(samples, field, self.centre(), self.tolerances());
        (shift, share * shift.weight(self.tolerances()))
    }

    /// The usual color in the middle of the frame: Y', Cb, Cr.
    pub(crate) fn centre(&self) -> [f64; 3] {
        self.field.at(0.5, 0.5).map(f64::from)
    }

    /// Whether the color is one that subjects seldom have by chance: its chroma stands clear of neutral.
    pub(crate) fn is_colored(&self) -> bool {
        let [_, cb, cr] = self.field.at(0.5, 0.5).map(f64::from);
        let centre = [cb - NEUTRAL[1], cr - NEUTRAL[2]];
        centre[0].hypot(centre[1]) > 8.0 + 5.0 * f64::from(self.noise[1])
    }

    /// Whether the color is so strong that subjects seldom go beyond it: a quarter of the chroma range and more.
    pub(crate) fn is_vivid(&self) -> bool {
        let [_, cb, cr] = self.centre();
        (cb - NEUTRAL[1]).hypot(cr - NEUTRAL[2]) >= 28.0
    }

    /// Whether a sample of a frame whose light differs by `shift` is background.
    pub(crate) fn agrees(&self, shift: &Shift, sample: &Sample) -> bool {
        let expected = shift.expected(self.field.at(sample.across(), sample.down()).map(f64::from));
        let tolerances = self.tolerances();
        (0..3).all(|k| (sample.ycc[k] - expected[k]).abs() <= tolerances[k])
    }

    /// How far luma and chroma of a background pixel may be from the surfaces: five deviations, and 2 levels of rounding.
    fn tolerances(&self) -> [f64; 3] {
        let [luma, chroma] = self.noise.map(|sigma| 2.0 + 5.0 * f64::from(sigma));
        [luma + 8.0, chroma + 4.0, chroma + 4.0]
    }
}

/// A grid of the opaque pixels of `frame`, the border among them.
pub(crate) fn sampled(frame: &Frame) -> Vec<Sample> {
    let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
    let step = width.max(height).div_ceil(READINGS_ALONG_SIDE).max(1);
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

/// The light that most of the readings around the color `seed` agree with.
pub(crate) fn fitted_light(per_frame: &[&[Sample]], seed: [f64; 3], size: (usize, usize)) -> Light {
    let mut surfaces = seed.map(Surface::constant);
    // Every round measures again how wide it is.
    let mut tolerances = ROUGHLY;
    for degree in [0, 1, 1, 2, 2, 3, 3] {
        let deviations = refit(&mut surfaces, degree, per_frame, tolerances);
        tolerances = [0, 1, 2].map(|k| tolerances[k].min((2.0 + 5.0 * deviations[k]).max(5.0)));
    }
    light_on(&surfaces, per_frame, tolerances, size)
}

/// The light of a background that varies by at most `most` around its field, in levels of each plane. What varies more is in front of it
/// and must not bend the field. The border is fitted first, since the least is in front of it.
pub(crate) fn calm_light(per_frame: &[&[Sample]], seed: [f64; 3], size: (usize, usize), most: [f64; 3]) -> Light {
    let at_border: Vec<Vec<Sample>> =
        per_frame.iter().map(|samples| samples.iter().filter(|sample| sample.at_border).copied().collect()).collect();
    let at_border: Vec<&[Sample]> = at_border.iter().map(Vec::as_slice).collect();
    let mut surfaces = seed.map(Surface::constant);
    for degree in [0, 1, 2] {
        refit(&mut surfaces, degree, &at_border, ROUGHLY);
    }
    let tolerances = most.map(|most| 2.0 + 3.0 * most);
    for degree in [2, 2, 3] {
        refit(&mut surfaces, degree, per_frame, tolerances);
    }
    let light = light_on(&surfaces, per_frame, tolerances, size);
    Light { noise: [light.noise[0].min(most[0] as f32), light.noise[1].min(most[1].max(most[2]) as f32)], ..light }
}

/// Fits the surfaces anew to what agrees with them within `tolerances`; returns how much that deviates from them.
fn refit(surfaces: &mut [Surface; 3], degree: u32, per_frame: &[&[Sample]], tolerances: [f64; 3]) -> [f64; 3] {
    let inliers = inliers_of(per_frame, |s| on_surfaces(surfaces, s), tolerances);
    let fitted = [0, 1, 2].map(|k| {
        let readings = inliers.iter().map(|(s, level)| Reading { u: s.u, v: s.v, value: level[k] });
        Surface::fitted(readings, degree)
    });
    if let [Some(y), Some(cb), Some(cr)] = fitted {
        *surfaces = [y, cb, cr];
    }
    deviations_of(&inliers, |s| on_surfaces(surfaces, s))
}

/// The light on `surfaces`, corrected by what agrees with them within `tolerances`.
fn light_on(surfaces: &[Surface; 3], per_frame: &[&[Sample]], tolerances: [f64; 3], size: (usize, usize)) -> Light {
    let inliers = inliers_of(per_frame, |s| on_surfaces(surfaces, s), tolerances);
    let residues: Vec<Residue> = inliers
        .iter()
        .map(|(sample, level)| {
            let expected = on_surfaces(surfaces, sample);
            Residue { u: sample.u, v: sample.v, value: [0, 1, 2].map(|k| level[k] - expected[k]) }
        })
        .collect();
    let field = Field::new(surfaces, &residues, size);
    let in_field = |s: &Sample| field.at(s.across(), s.down()).map(f64::from);
    let inliers = inliers_of(per_frame, in_field, tolerances);
    let [luma, cb, cr] = deviations_of(&inliers, in_field);
    let noise = [luma.max(0.5) as f32, cb.max(cr).max(0.5) as f32];
    Light { field, noise, most_hue: 1.0, matrix: Matrix::Bt709, siting: Siting::Centre, steepening: 1.0, second: None }
}

/// How much of the border of a frame with these samples agrees with `light`, or with its second part: pixels that agree, and all.
pub(crate) fn agreeing_border(light: &Light, samples: &[Sample], size: (usize, usize)) -> [usize; 2] {
    let (shift, _) = light.shift_in(samples);
    let [agreeing, all] = agreeing_at(light, &shift, samples);
    let of_second = light.second.as_ref().map_or(0, |part| {
        let other = part.shift_in(samples, size);
        let border = samples.iter().filter(|sample| sample.at_border);
        border.filter(|sample| !light.agrees(&shift, sample) && part.light.agrees(&other, sample)).count()
    });
    [agreeing + of_second, all]
}

fn agreeing_at(light: &Light, shift: &Shift, samples: &[Sample]) -> [usize; 2] {
    let border = || samples.iter().filter(|sample| sample.at_border);
    [border().filter(|sample| light.agrees(shift, sample)).count(), border().count()]
}

/// Whether the border of a frame with these samples speaks for `light`: at least `least` of it agrees, weighed by how usual the light is.
pub(crate) fn is_lit_by(light: &Light, samples: &[Sample], least: f64) -> bool {
    let (shift, _) = light.shift_in(samples);
    let [agreeing, all] = agreeing_at(light, &shift, samples);
    shift.weight(light.tolerances()) * agreeing as f64 >= least * all as f64
}

fn on_surfaces(surfaces: &[Surface; 3], sample: &Sample) -> [f64; 3] {
    [0, 1, 2].map(|k| surfaces[k].at(sample.u, sample.v))
}

/// The samples that agree with what is expected, and their levels with each frame's own light taken out; frames with less than
/// [`CLEAR`] of the contrast are left out.
fn inliers_of(
    per_frame: &[&[Sample]],
    expected: impl Fn(&Sample) -> [f64; 3],
    tolerances: [f64; 3],
) -> Vec<(Sample, [f64; 3])> {
    let mut inliers = Vec::new();
    let middle = Sample { u: 0.0, v: 0.0, ycc: [0.0; 3], at_border: false };
    let centre = expected(&middle);
    for samples in per_frame {
        let (shift, _) = Shift::of(samples, &expected, centre, tolerances);
        for sample in samples.iter().filter(|_| shift.gain >= CLEAR) {
            let (level, here) = (shift.usual(sample.ycc), expected(sample));
            if (0..3).all(|k| (level[k] - here[k]).abs() <= tolerances[k]) {
                inliers.push((*sample, level));
            }
        }
    }
    inliers
}

/// Robust standard deviation of the inliers around what is expected: 1.4826 × the median absolute deviation, or what the
/// 98th percentile at the border says if that is more, up to twice as much (compression leaves most pixels exact and a
/// few far off).
fn deviations_of(inliers: &[(Sample, [f64; 3])], expected: impl Fn(&Sample) -> [f64; 3]) -> [f64; 3] {
    let off = |only_border: bool, k: usize| -> Vec<f64> {
        let chosen = inliers.iter().filter(|(sample, _)| sample.at_border || !only_border);
        chosen.map(|(sample, level)| (level[k] - expected(sample)[k]).abs()).collect()
    };
    [0, 1, 2].map(|k| {
        let middle = 1.4826 * quantile(off(false, k), 0.5).max(0.4);
        let tail = quantile(off(true, k), 0.98) / 2.33;
        tail.clamp(middle, 2.0 * middle)
    })
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    let at = (values.len() as f64 * share) as usize;
    if at < values.len() { *values.select_nth_unstable_by(at, f64::total_cmp).1 } else { 0.0 }
}
