//! What is kept of a frame while its neighbors in time may ask for it.

use clearcut_frame::Frame;

use super::grey::{Grey, Pyramid};

/// One frame as its neighbors see it: small grey copies, and what the model said if it was asked.
#[derive(Debug)]
pub struct Trace {
    pub(crate) pyramid: Pyramid,
    /// Which shot of the clip it belongs to. Nothing is carried from one to another.
    pub(crate) shot: u64,
    /// Whether its shot begins with it.
    pub(crate) begins: bool,
    /// Whether the model is to be asked about it.
    pub(crate) is_key: bool,
    /// What the model said, at the size of the pyramid's finest level.
    pub(crate) mask: Option<Grey>,
}

impl Trace {
    pub(crate) fn of(frame: &Frame) -> Self {
        Self { pyramid: Pyramid::of(frame), shot: 0, begins: false, is_key: false, mask: None }
    }

    /// Whether the model has still to be asked about this frame.
    #[must_use]
    pub const fn awaits_model(&self) -> bool {
        self.is_key && self.mask.is_none()
    }
}
