//! The argument for a new background.

use std::path::PathBuf;

use clearcut_job::{Backdrop, BackdropFile};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Failure, Roots};

/// What is put behind the subject.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct BackgroundArgument {
    /// What is put behind the subject: a color as #RRGGBB; blur (the clip itself, blurred); or the path
    /// of an image or a video, which covers the frame and begins again if it is shorter. Without it the
    /// files are transparent. Without formats, it makes an mp4. Not with stacked-alpha, matte and foreground.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["#FF8800", "blur", "beach.jpg"]))]
    background: Option<String>,
}

impl BackgroundArgument {
    /// The background of a request; `None` without one.
    ///
    /// # Errors
    /// A text that begins with `#` and is no color.
    pub(crate) fn backdrop(&self) -> Result<Option<Backdrop>, Failure> {
        let Some(text) = self.background.as_deref() else { return Ok(None) };
        Ok(Some(Backdrop::named(text)?.unwrap_or(Backdrop::File(BackdropFile::Local))))
    }

    /// The path of its file, in the allowed folders; `None` if it has no file.
    ///
    /// # Errors
    /// As [`Self::backdrop`], and those of [`Roots::input`].
    pub(crate) fn file(&self, roots: &Roots) -> Result<Option<PathBuf>, Failure> {
        match (self.background.as_deref(), self.backdrop()?) {
            (Some(path), Some(Backdrop::File(_))) => roots.input(Backdrop::FIELD, path).map(Some),
            _ => Ok(None),
        }
    }
}
