//! Tone of a background: one color, as it varies over the frame in the clip's usual light, and its
//! noise.

use clearcut_frame::{Matrix, Rgb8};
use serde::{Deserialize, Serialize};

use crate::{
    field::Field,
    sample::{NEUTRAL, Sample},
    shift::Shift,
};

/// Least chroma of a colored background, in levels above neutral, and its allowance per deviation
/// of chroma noise: beyond the casts of white balance and beyond noise. Enclosed look-alikes are
/// background on a colored background, so a lower limit makes holes in grey subjects.
const COLORED_CHROMA: f64 = 8.0;
const COLORED_CHROMA_OF_NOISE: f64 = 5.0;

/// Least chroma of a vivid background, in levels: a quarter of the range of chroma.
const VIVID_CHROMA: f64 = 28.0;

/// A color of a background that is present, not already transparent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tone {
    /// Y', Cb, Cr over the frame, at the clip's usual brightness.
    pub(crate) field: Field,
    /// Standard deviation of luma and of chroma around the field, in levels.
    pub(crate) noise: [f32; 2],
}

impl Tone {
    /// Shift of the light in a frame with these samples against the usual light, and its support:
    /// the share of the frame that then agrees, weighted by how usual the light is.
    pub(crate) fn shift_in(&self, samples: &[Sample]) -> (Shift, f64) {
        let field = |sample: &Sample| self.field.at(sample.across(), sample.down()).map(f64::from);
        let (shift, share) = Shift::estimate(samples, field, self.centre(), self.tolerances());
        (shift, share * shift.weight(self.tolerances()))
    }

    /// Usual color in the middle of the frame: Y', Cb, Cr.
    pub(crate) fn centre(&self) -> [f64; 3] {
        self.field.at(0.5, 0.5).map(f64::from)
    }

    /// Usual color in the middle of the frame.
    pub(crate) fn color(&self, matrix: Matrix) -> Rgb8 {
        let rgb = matrix.rgb_from_ycc(self.centre().map(|level| level as f32));
        let [r, g, b] = rgb.map(|value| value.round().clamp(0.0, 255.0) as u8);
        Rgb8::new(r, g, b)
    }

    /// Distance of its usual color from neutral, in levels.
    fn chroma(&self) -> f64 {
        let [_, cb, cr] = self.centre();
        (cb - NEUTRAL[1]).hypot(cr - NEUTRAL[2])
    }

    /// Returns true if the chroma is clear of neutral. Subjects seldom have such a color by chance.
    pub(crate) fn is_colored(&self) -> bool {
        self.chroma() > COLORED_CHROMA + COLORED_CHROMA_OF_NOISE * f64::from(self.noise[1])
    }

    /// Returns true if the chroma is so strong that subjects seldom exceed it: a quarter of the
    /// chroma range and more.
    pub(crate) fn is_vivid(&self) -> bool {
        self.chroma() >= VIVID_CHROMA
    }

    /// Expected Y', Cb, Cr in a frame whose light differs by `shift`, at a place given as shares of
    /// width and height.
    pub(crate) fn expected(&self, shift: &Shift, across: f32, down: f32) -> [f64; 3] {
        shift.expected(self.field.at(across, down).map(f64::from))
    }

    /// Returns true if a sample of a frame whose light differs by `shift` is background.
    pub(crate) fn agrees(&self, shift: &Shift, sample: &Sample) -> bool {
        let expected = self.expected(shift, sample.across(), sample.down());
        let tolerances = self.tolerances();
        (0..3).all(|k| (sample.ycc[k] - expected[k]).abs() <= tolerances[k])
    }

    /// Border samples of a frame that agree, and all its border samples.
    pub(crate) fn border_agreement(&self, shift: &Shift, samples: &[Sample]) -> [usize; 2] {
        let border = || samples.iter().filter(|sample| sample.at_border);
        [border().filter(|sample| self.agrees(shift, sample)).count(), border().count()]
    }

    /// Returns true if at least `min_share` of the border of a frame with these samples agrees,
    /// weighted by how usual the light is.
    pub(crate) fn is_supported_by_border(&self, samples: &[Sample], min_share: f64) -> bool {
        let (shift, _) = self.shift_in(samples);
        let [agreeing, all] = self.border_agreement(&shift, samples);
        shift.weight(self.tolerances()) * agreeing as f64 >= min_share * all as f64
    }

    /// Maximum distance of a background pixel from the field, in luma and chroma: five standard
    /// deviations plus 2 levels of rounding, and 8 more levels in luma, 4 in chroma.
    fn tolerances(&self) -> [f64; 3] {
        let [luma, chroma] = self.noise.map(|sigma| 2.0 + 5.0 * f64::from(sigma));
        [luma + 8.0, chroma + 4.0, chroma + 4.0]
    }
}
