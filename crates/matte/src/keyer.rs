use clearcut_frame::Picture;

use crate::Backdrop;

/// What the user may turn.
#[derive(Debug, Clone, Copy)]
pub struct KeySettings {
    /// 0 keeps everything that might be subject, 100 removes everything that might be background, 30 is balanced.
    pub tolerance: u8,
}

/// One picture with its own first matte, before its neighbours in time have been asked.
#[derive(Debug)]
pub struct Keyed {
    picture: Picture,
}

/// Turns pictures over a known backdrop into pictures with alpha and clean colour.
#[derive(Debug)]
pub struct Keyer;

impl Keyer {
    /// How many neighbours on each side [`Self::finish`] looks at.
    pub const REACH: usize = 1;

    /// A keyer for pictures over `backdrop`.
    #[must_use]
    pub fn new(_backdrop: Backdrop, _settings: KeySettings) -> Self {
        Self
    }

    /// The first matte of `picture`, from itself alone. An alpha plane on the input multiplies ours.
    #[must_use]
    pub fn key(&self, picture: Picture) -> Keyed {
        Keyed { picture }
    }

    /// The finished picture `current` (format with alpha): alpha settled over time, colour unmixed and cleaned.
    ///
    /// `before` holds up to [`Self::REACH`] predecessors (nearest first), `after` as many successors (nearest first);
    /// fewer at the ends of the clip.
    #[must_use]
    pub fn finish(&self, _before: &[&Keyed], current: &Keyed, _after: &[&Keyed]) -> Picture {
        current.picture.clone()
    }
}
