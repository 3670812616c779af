use clearcut_frame::Frame;

use super::{carry::carried, mask::asked, refine, shots::Shots, trace::Trace};
use crate::model::{ModelError, SegmentationModel};

/// How often the model is asked: what is between is carried along the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Every frame: what a model with states wants.
    Every,
    /// Every second frame.
    Best,
    /// Every fourth to eighth frame, by how much moves.
    #[default]
    Balanced,
    /// Every eighth frame.
    Fast,
}

impl Pace {
    /// The fewest and most frames from key to key.
    const fn spacing(self) -> [usize; 2] {
        match self {
            Self::Every => [1, 1],
            Self::Best => [2, 2],
            Self::Balanced => [4, 8],
            Self::Fast => [8, 8],
        }
    }
}

/// Turns frames over any background into frames with alpha and clean color, by what a model says about some of them.
#[derive(Debug, Clone, Copy)]
pub struct Segmenter {
    pace: Pace,
}

impl Segmenter {
    /// How many neighbors on each side [`Self::finish`] looks at: a keyframe on each side at every pace.
    pub const REACH: usize = 8;

    /// One that asks at `pace`.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace }
    }

    /// What goes through the frames in order and chooses those that the model is asked about.
    #[must_use]
    pub fn shots(&self) -> Shots {
        let [least, most] = self.pace.spacing();
        Shots::new(least, most)
    }

    /// What is to be kept of `frame` for its neighbors.
    #[must_use]
    pub fn look(&self, frame: &Frame) -> Trace {
        Trace::of(frame)
    }

    /// Asks `model` about `frame`, whose `trace` it is, if it awaits that.
    ///
    /// # Errors
    /// If the model gives no answer that can be used.
    pub fn segment(
        &self,
        frame: &Frame,
        trace: &mut Trace,
        model: &mut dyn SegmentationModel,
    ) -> Result<(), ModelError> {
        if trace.awaits_model() {
            if trace.begins {
                model.forget();
            }
            let finest = trace.pyramid.finest();
            trace.mask = Some(asked(frame, model, [finest.width, finest.height])?);
        }
        Ok(())
    }

    /// The finished `frame` (format with alpha), whose trace is `current`.
    ///
    /// `before` holds the traces of up to [`Self::REACH`] predecessors (nearest first), `after` those of as many successors
    /// (nearest first); fewer at the ends of the clip. The model has been asked about all that await it.
    #[must_use]
    pub fn finish(&self, before: &[&Trace], frame: Frame, current: &Trace, after: &[&Trace]) -> Frame {
        let mut keys: Vec<(usize, &Trace)> = vec![(0, current)];
        keys.extend((1..).zip(before.iter().copied()).take(Self::REACH));
        keys.extend((1..).zip(after.iter().copied()).take(Self::REACH));
        keys.retain(|(_, trace)| trace.shot == current.shot && trace.mask.is_some());
        refine::cut(frame, carried(current, &keys).as_ref())
    }
}
