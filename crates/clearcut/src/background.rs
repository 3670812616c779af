//! The option for a new background, and its file.

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
};

use clearcut_job::{Backdrop, BackdropFile, ErrorCode, RequestError};

use crate::{color::css_color, console::escape_line, failure::Failure, input::open_input};

/// A new background as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackgroundOption {
    /// A color, or the blurred clip.
    Named(Backdrop),
    /// An image or a video.
    File(PathBuf),
}

impl FromStr for BackgroundOption {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Backdrop::named(text) {
            Ok(Some(named)) => Ok(Self::Named(named)),
            // A file may be named like a color.
            Ok(None) if Path::new(text).exists() => Ok(Self::File(text.into())),
            named => match css_color(text) {
                Some(color) => Ok(Self::Named(Backdrop::Color(color))),
                None => named.map(|_| Self::File(text.into())),
            },
        }
    }
}

impl BackgroundOption {
    /// The background of a request.
    pub(crate) fn backdrop(&self) -> Backdrop {
        match self {
            Self::Named(backdrop) => backdrop.clone(),
            Self::File(_) => Backdrop::File(BackdropFile::Local),
        }
    }

    /// The file, opened; `None` if there is none.
    pub(crate) fn open(&self) -> Result<Option<File>, Failure> {
        match self {
            Self::Named(_) => Ok(None),
            Self::File(path) => open_background(path).map(Some),
        }
    }
}

/// Opens the file of a background.
pub(crate) fn open_background(path: &Path) -> Result<File, Failure> {
    open_input(path).map_err(|failure| {
        let message = format!("background {}: {}", escape_line(&path.display().to_string()), failure.message());
        let hint = "Give a color such as white or #RRGGBB, blur, or the name of an image or a video.";
        Failure::output(ErrorCode::InvalidBackground, message, hint)
    })
}
