//! The new background of the outputs: what is put behind the subject. In code it is called the
//! backdrop, because the background is what a cut removes.

use std::{fmt, str::FromStr};

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{Formats, ObjectName, OutputFormat, RequestError, UploadId};

/// What is put behind the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Backdrop {
    /// One color.
    Color(Rgb8),
    /// The clip itself without its subject, blurred.
    Blur,
    /// An image or a video.
    File(BackdropFile),
}

/// Where the file of a [`Backdrop`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackdropFile {
    /// On this machine: who makes the request opens it.
    Local,
    /// At an address.
    Address(String),
    /// An upload of the API key that makes the request, which is not looked up yet.
    Uploaded(UploadId),
    /// In the store of a server.
    Stored(ObjectName),
}

impl Backdrop {
    /// Name of the field on the wire.
    pub const FIELD: &str = "background";

    /// Reads `blur`, or a color as `#RRGGBB`; `None` for a text that is neither and names a file.
    ///
    /// # Errors
    /// A text that begins with `#` and is no color.
    pub fn named(text: &str) -> Result<Option<Self>, RequestError> {
        match text.trim() {
            BLUR => Ok(Some(Self::Blur)),
            color if color.starts_with('#') => match color.parse() {
                Ok(color) => Ok(Some(Self::Color(color))),
                Err(_) => Err(RequestError::new(Self::FIELD, text, "a color as #RRGGBB")),
            },
            _ => Ok(None),
        }
    }

    /// Where the file is; `None` for a color and for the blurred clip.
    #[must_use]
    pub const fn file(&self) -> Option<&BackdropFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Color(_) | Self::Blur => None,
        }
    }
}

const BLUR: &str = "blur";
const LOCAL: &str = "file";
/// What the name of an object, and the id of an upload, follow in the stored form. No address begins
/// like this.
const OBJECT: &str = "object:";
const UPLOAD: &str = "upload:";

impl fmt::Display for Backdrop {
    /// The form in which a request is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Color(color) => color.fmt(f),
            Self::Blur => f.write_str(BLUR),
            Self::File(BackdropFile::Local) => f.write_str(LOCAL),
            Self::File(BackdropFile::Address(address)) => f.write_str(address),
            Self::File(BackdropFile::Uploaded(id)) => write!(f, "{UPLOAD}{id}"),
            Self::File(BackdropFile::Stored(name)) => write!(f, "{OBJECT}{name}"),
        }
    }
}

impl FromStr for Backdrop {
    type Err = RequestError;

    /// Reads the form in which a request is stored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new(Self::FIELD, text, "a color, blur or a file");
        if let Some(named) = Self::named(text)? {
            return Ok(named);
        }
        if let Some(id) = text.strip_prefix(UPLOAD) {
            return Ok(Self::File(BackdropFile::Uploaded(id.parse().map_err(|_| invalid())?)));
        }
        match text.strip_prefix(OBJECT) {
            Some(name) => Ok(Self::File(BackdropFile::Stored(name.parse().map_err(|_| invalid())?))),
            None if text == LOCAL => Ok(Self::File(BackdropFile::Local)),
            None if text.contains("://") => Ok(Self::File(BackdropFile::Address(text.to_owned()))),
            None => Err(invalid()),
        }
    }
}

impl TryFrom<String> for Backdrop {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Backdrop> for String {
    fn from(backdrop: Backdrop) -> Self {
        backdrop.to_string()
    }
}

/// What is allowed in place of an opaque format without a background.
const NEEDS_BACKGROUND: &str = "mp4 with a background (a color as #RRGGBB, an image, a video or blur), because it has no \
                                transparency; or a transparent format such as webm";

/// What is allowed in place of a matte with a background.
const TAKES_NO_BACKGROUND: &str = "formats that show a picture, such as mp4 or webm, with a background: one of a matte has \
                                   no place for it";

/// Refuses a format that needs a background without one, and one of a matte with one.
pub(crate) fn check_backdrop(background: Option<&Backdrop>, formats: &Formats) -> Result<(), RequestError> {
    let (is_wrong, allowed): (fn(OutputFormat) -> bool, _) = match background {
        None => (OutputFormat::needs_background, NEEDS_BACKGROUND),
        Some(_) => (|format| !format.takes_background(), TAKES_NO_BACKGROUND),
    };
    match formats.iter().find(|format| is_wrong(*format)) {
        Some(format) => Err(RequestError::new("formats", format.name(), allowed)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_colors_are_told_from_files() {
        assert_eq!(Backdrop::named(" blur "), Ok(Some(Backdrop::Blur)));
        assert_eq!(Backdrop::named("#ff8800"), Ok(Some(Backdrop::Color(Rgb8::new(255, 136, 0)))));
        for file in ["beach.jpg", "./blur", "ff8800", "https://a.example/b.mp4"] {
            assert_eq!(Backdrop::named(file), Ok(None), "{file}");
        }
        for broken in ["#", "#ff88", "#gg0000"] {
            assert_eq!(Backdrop::named(broken).unwrap_err().field(), "background", "{broken}");
        }
    }

    #[test]
    fn every_kind_round_trips_through_its_stored_form() {
        let address = BackdropFile::Address("https://a.example/beach.jpg?key=1".to_owned());
        let stored = BackdropFile::Stored(ObjectName::upload(7));
        let uploaded = BackdropFile::Uploaded(UploadId::from_random(7));
        let files = [BackdropFile::Local, address, uploaded, stored].map(Backdrop::File);
        for backdrop in [Backdrop::Color(Rgb8::new(255, 136, 0)), Backdrop::Blur].into_iter().chain(files) {
            assert_eq!(backdrop.to_string().parse(), Ok(backdrop.clone()), "{backdrop}");
        }
        for broken in ["", "object:../etc", "beach.jpg"] {
            assert!(broken.parse::<Backdrop>().is_err(), "{broken}");
        }
    }

    #[test]
    fn a_background_and_formats_that_contradict_each_other_are_refused() {
        let checked = |formats: &str, background: Option<Backdrop>| {
            check_backdrop(background.as_ref(), &formats.parse().unwrap())
        };
        for formats in ["mp4", "webm,mp4", "webp,apng,gif,mov,png-sequence,poster"] {
            assert_eq!(checked(formats, Some(Backdrop::Blur)), Ok(()), "{formats}");
        }
        assert_eq!(checked("stacked-alpha,matte", None), Ok(()));
        for (formats, background, value) in [
            ("webm,mp4", None, "mp4"),
            ("mp4,matte", Some(Backdrop::Blur), "matte"),
            ("stacked-alpha", Some(Backdrop::Blur), "stacked-alpha"),
        ] {
            let error = checked(formats, background).unwrap_err();
            assert_eq!((error.field(), error.value()), ("formats", value));
            assert!(error.allowed().contains("background"), "{error}");
        }
    }
}
