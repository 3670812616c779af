//! Data of a frame that is kept while its neighbors in time may need it.

use clearcut_frame::Frame;

use super::grey::{Grey, Pyramid};

/// One frame as its neighbors need it: grayscale copies, and the model's mask if the frame is a
/// keyframe.
#[derive(Debug)]
pub struct Trace {
    pub(crate) pyramid: Pyramid,
    /// Number of its shot in the clip. Nothing is carried from one shot to another.
    pub(crate) shot: u64,
    /// Whether it is the first frame of its shot.
    pub(crate) starts_shot: bool,
    /// Whether the model segments this frame.
    pub(crate) is_keyframe: bool,
    /// The model's mask, at the size of the pyramid's finest level.
    pub(crate) mask: Option<Grey>,
}

impl Trace {
    pub(crate) fn from_frame(frame: &Frame) -> Self {
        Self { pyramid: Pyramid::from_frame(frame), shot: 0, starts_shot: false, is_keyframe: false, mask: None }
    }

    /// Whether the model still has to segment this frame.
    #[must_use]
    pub const fn awaits_model(&self) -> bool {
        self.is_keyframe && self.mask.is_none()
    }
}
