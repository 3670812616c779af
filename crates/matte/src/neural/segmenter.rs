//! Segmenter: the public steps of matting with a model, and the choice of its pace.

use clearcut_frame::Frame;

use super::{carry::propagated_mask, mask::predicted_mask, refine, shots::ShotDetector, trace::Trace};
use crate::model::{ModelError, SegmentationModel};

/// Share of the frames that the model segments. The frames between are filled in along the optical
/// flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Every frame, as a model with states needs it.
    Every,
    /// Every second frame.
    Best,
    /// Every fourth to eighth frame, depending on motion.
    #[default]
    Balanced,
    /// Every eighth frame.
    Fast,
}

impl Pace {
    /// Least and largest distance between keyframes, in frames.
    const fn spacing(self) -> [usize; 2] {
        match self {
            Self::Every => [1, 1],
            Self::Best => [2, 2],
            Self::Balanced => [4, 8],
            Self::Fast => [8, 8],
        }
    }
}

/// Turns frames over any background into frames with alpha and clean color, using a model on some
/// of them.
#[derive(Debug, Clone, Copy)]
pub struct Segmenter {
    pace: Pace,
}

impl Segmenter {
    /// Number of neighbors on each side that [`Self::finish`] reads. It includes a keyframe on each
    /// side at every pace.
    pub const REACH: usize = 8;

    /// A segmenter that runs the model at `pace`.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace }
    }

    /// The detector that finds the shots and chooses the keyframes. It takes the frames in order.
    #[must_use]
    pub fn shot_detector(&self) -> ShotDetector {
        let [least, most] = self.pace.spacing();
        ShotDetector::new(least, most)
    }

    /// The data of `frame` that its neighbors need.
    #[must_use]
    pub fn analyze(&self, frame: &Frame) -> Trace {
        Trace::from_frame(frame)
    }

    /// Runs `model` on `frame`, which belongs to `trace`, if the trace awaits it.
    ///
    /// # Errors
    /// If the model gives no usable output.
    pub fn segment(
        &self,
        frame: &Frame,
        trace: &mut Trace,
        model: &mut dyn SegmentationModel,
    ) -> Result<(), ModelError> {
        if trace.awaits_model() {
            if trace.starts_shot {
                model.forget();
            }
            let finest = trace.pyramid.finest();
            trace.mask = Some(predicted_mask(frame, model, [finest.width, finest.height])?);
        }
        Ok(())
    }

    /// The finished `frame` (format with alpha), which belongs to the trace `current`.
    ///
    /// `before` holds the traces of up to [`Self::REACH`] predecessors (nearest first), `after`
    /// those of as many successors (nearest first); fewer at the ends of the clip. All traces that
    /// await the model have been segmented.
    #[must_use]
    pub fn finish(&self, before: &[&Trace], frame: Frame, current: &Trace, after: &[&Trace]) -> Frame {
        let mut keyframes: Vec<(usize, &Trace)> = vec![(0, current)];
        keyframes.extend((1..).zip(before.iter().copied()).take(Self::REACH));
        keyframes.extend((1..).zip(after.iter().copied()).take(Self::REACH));
        keyframes.retain(|(_, trace)| trace.shot == current.shot && trace.mask.is_some());
        refine::matted(frame, propagated_mask(current, &keyframes).as_ref())
    }
}
