//! Plates: the backgrounds of a clip, each with all that keying a frame over it takes.

use clearcut_frame::Matrix;
use serde::{Deserialize, Serialize};

use crate::{glass::Tint, sample::Sample, shift::Shift, siting::Siting, stored, tone::Tone};

/// One background of the clip. Frames of other shots may have another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plate {
    pub(crate) tones: Tones,
    /// Maximum share of the background's hue in solid subject, see [`crate::hue_share`].
    pub(crate) max_hue_share: f32,
    /// Tints of translucent things with a form, see [`crate::glass`].
    #[serde(default)]
    pub(crate) tints: Vec<Tint>,
    #[serde(with = "stored::MatrixForm")]
    pub(crate) matrix: Matrix,
    pub(crate) siting: Siting,
    /// Factor by which edges visible only in chroma are steepened, see [`crate::sharpness`].
    pub(crate) steepening: f32,
}

impl Plate {
    /// Standard deviation of luma and of chroma, in levels.
    pub(crate) fn noise(&self) -> [f32; 2] {
        self.tones.first.noise
    }

    /// See [`Tone::centre`].
    pub(crate) fn centre(&self) -> [f64; 3] {
        self.tones.first.centre()
    }

    /// See [`Tone::is_colored`].
    pub(crate) fn is_colored(&self) -> bool {
        self.tones.first.is_colored()
    }
}

/// The tones of a background: one all over the frame, or two in different areas.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tones {
    pub(crate) first: Tone,
    pub(crate) second: Option<Part>,
}

/// Second part of a background: its tone, and where it is visible.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) tone: Tone,
    /// Per pixel the visible share of this part in luma and in chroma: 0 the first tone alone, 255
    /// this part alone.
    #[serde(with = "stored::runs")]
    pub(crate) share: Vec<[u8; 2]>,
}

impl From<Tone> for Tones {
    fn from(first: Tone) -> Self {
        Self { first, second: None }
    }
}

impl Tones {
    /// Agreement of the border of a frame with these samples with either tone: agreeing samples,
    /// all samples.
    pub(crate) fn border_agreement(&self, samples: &[Sample], size: (usize, usize)) -> [usize; 2] {
        let (shift, _) = self.first.shift_in(samples);
        let [agreeing, all] = self.first.border_agreement(&shift, samples);
        let agreeing_second = self.second.as_ref().map_or(0, |part| {
            let part_shift = part.shift_in(samples, size);
            let border = samples.iter().filter(|sample| sample.at_border);
            border.filter(|s| !self.first.agrees(&shift, s) && part.tone.agrees(&part_shift, s)).count()
        });
        [agreeing + agreeing_second, all]
    }
}

impl Part {
    /// Shift of the light of this part in a frame with these samples.
    pub(crate) fn shift_in(&self, samples: &[Sample], (width, height): (usize, usize)) -> Shift {
        let samples_of_part: Vec<Sample> = samples
            .iter()
            .filter(|sample| {
                let (x, y) = ((sample.across() * width as f32) as usize, (sample.down() * height as f32) as usize);
                self.share[y.min(height - 1) * width + x.min(width - 1)] == [u8::MAX; 2]
            })
            .copied()
            .collect();
        self.tone.shift_in(&samples_of_part).0
    }
}
