//! What is remembered of the frames that were passed to the encoders, for the check of the outputs.

use std::borrow::Cow;

use crate::{
    matte_log::{MatteLog, MatteSummary},
    picture_log::PictureLog,
};

/// The logs of all frames.
#[derive(Debug, Default)]
pub(crate) struct FrameLog {
    /// Of the matte, before a background is put behind it.
    pub(crate) mattes: MatteLog,
    /// Of what is shown with a new background; empty without one.
    pub(crate) pictures: PictureLog,
}

impl FrameLog {
    /// Adds the frame of this number once more.
    pub(crate) fn repeat(&mut self, number: usize) {
        self.mattes.0.extend(self.mattes.0.get(number).copied());
        self.pictures.0.extend(self.pictures.0.get(number).copied());
    }

    /// The mattes that the outputs have: solid if there is a new background.
    pub(crate) fn shown_mattes(&self) -> Cow<'_, MatteLog> {
        if self.pictures.0.is_empty() {
            return Cow::Borrowed(&self.mattes);
        }
        let solid = MatteSummary::from_alpha([255].into_iter());
        Cow::Owned(MatteLog(vec![solid; self.pictures.0.len()]))
    }
}
