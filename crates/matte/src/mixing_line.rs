//! The line of the mixtures of two colors, and how far another color is from it.

/// Deviations of the luma, of the chroma and of the hue of a mixture at an edge, as shares of the
/// contrast: ringing, half-resolution chroma, and coding. Less takes sharp edges for outlines, more
/// misses outlines near the background's color.
const LUMA_SMEAR: f32 = 0.1;
const CHROMA_SMEAR: f32 = 0.25;
const HUE_SMEAR: f32 = 0.06;

/// Number of deviations from the line from which a color is no mixture: noise and smear explain
/// less.
pub(crate) const OFF_LINE: f32 = 3.0;

/// The mixtures of the background with one color of the subject, as contrasts with the background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MixingLine {
    /// Contrast of the subject: luma, and the length of chroma.
    full: [f32; 2],
    /// Direction of its chroma, of length 1.
    along: [f32; 2],
    /// Weights of luma, of chroma along that direction, and of chroma across it.
    weights: [f32; 3],
}

impl MixingLine {
    /// The line to the contrast `full`, with `noise` of luma and chroma.
    pub(crate) fn new(full: [f32; 3], noise: [f32; 2]) -> Self {
        let [luma_level, chroma_level] = noise.map(|noise| 1.0 + 3.0 * noise);
        let chroma = full[1].hypot(full[2]);
        let weight = |level: f32, smear: f32| 1.0 / (level * level + smear * smear);
        Self {
            full: [full[0], chroma],
            along: [full[1], full[2]].map(|level| level / chroma.max(1e-3)),
            weights: [
                weight(luma_level, LUMA_SMEAR * full[0]),
                weight(chroma_level, CHROMA_SMEAR * chroma),
                weight(chroma_level, HUE_SMEAR * chroma),
            ],
        }
    }

    /// Distance of the contrast `here` from the line, in deviations.
    pub(crate) fn deviations(&self, here: [f32; 3]) -> f32 {
        let Self { full: [full, chroma], along, weights } = *self;
        let parallel = here[1] * along[0] + here[2] * along[1];
        let across = here[1] * along[1] - here[2] * along[0];
        let power = weights[0] * full * full + weights[1] * chroma * chroma;
        let share = (weights[0] * here[0] * full + weights[1] * parallel * chroma) / power.max(1e-6);
        let share = share.clamp(0.0, 1.0);
        let off = [here[0] - share * full, parallel - share * chroma, across];
        (0..3).map(|k| weights[k] * off[k] * off[k]).sum::<f32>().sqrt()
    }
}
