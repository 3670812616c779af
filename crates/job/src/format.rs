//! Output formats, and the non-empty list of them in a request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::RequestError;

/// A transparent output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// VP9 with alpha in WebM, for Chrome, Edge and Firefox.
    Webm,
    /// H.264 in MP4, with color in the top half and the matte as gray in the bottom half, for
    /// players with a shader.
    StackedAlpha,
    /// Animated WebP, looping.
    Webp,
    /// Animated PNG, looping.
    Apng,
    /// `ProRes` 4444 in QuickTime, for editors.
    Mov,
}

impl OutputFormat {
    /// All formats, in the documented order.
    pub const ALL: [Self; 5] = [Self::Webm, Self::StackedAlpha, Self::Webp, Self::Apng, Self::Mov];

    /// The name on the command line and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webm => "webm",
            Self::StackedAlpha => "stacked-alpha",
            Self::Webp => "webp",
            Self::Apng => "apng",
            Self::Mov => "mov",
        }
    }

    /// The file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webm => "webm",
            Self::StackedAlpha => "mp4",
            Self::Webp => "webp",
            Self::Apng => "apng",
            Self::Mov => "mov",
        }
    }

    /// The format whose files have this extension, in any case; also APNG for `png`.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let is_named = |format: &Self| {
            extension.eq_ignore_ascii_case(format.extension())
                || *format == Self::Apng && extension.eq_ignore_ascii_case("png")
        };
        Self::ALL.into_iter().find(is_named)
    }

    /// The MIME type, without parameters.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Webm => "video/webm",
            Self::StackedAlpha => "video/mp4",
            Self::Webp => "image/webp",
            Self::Apng => "image/apng",
            Self::Mov => "video/quicktime",
        }
    }

    /// Whether the format carries audio.
    #[must_use]
    pub const fn carries_audio(self) -> bool {
        matches!(self, Self::Webm | Self::StackedAlpha | Self::Mov)
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OutputFormat {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| RequestError::new("formats", text, "any of webm, stacked-alpha, webp, apng, mov"))
    }
}

/// The requested formats: at least one, without duplicates, in the requested order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<OutputFormat>", into = "Vec<OutputFormat>")]
pub struct Formats(Vec<OutputFormat>);

impl Formats {
    /// Creates the list from `requested`.
    ///
    /// # Errors
    /// If the list is empty or contains a duplicate.
    pub fn new(requested: Vec<OutputFormat>) -> Result<Self, RequestError> {
        if requested.is_empty() {
            return Err(RequestError::new("formats", "", "at least one of webm, stacked-alpha, webp, apng, mov"));
        }
        for (index, format) in requested.iter().enumerate() {
            if requested[..index].contains(format) {
                return Err(RequestError::new("formats", format.name(), "each format once"));
            }
        }
        Ok(Self(requested))
    }

    /// The formats in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = OutputFormat> + '_ {
        self.0.iter().copied()
    }

    /// The first requested format.
    #[must_use]
    pub fn first(&self) -> OutputFormat {
        self.0[0]
    }
}

impl From<OutputFormat> for Formats {
    fn from(format: OutputFormat) -> Self {
        Self(vec![format])
    }
}

impl TryFrom<Vec<OutputFormat>> for Formats {
    type Error = RequestError;

    fn try_from(requested: Vec<OutputFormat>) -> Result<Self, Self::Error> {
        Self::new(requested)
    }
}

impl From<Formats> for Vec<OutputFormat> {
    fn from(formats: Formats) -> Self {
        formats.0
    }
}

impl FromStr for Formats {
    type Err = RequestError;

    /// Parses a comma-separated list: `webm,stacked-alpha`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let requested = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self::new(requested.map(str::parse).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_formats_keeps_its_order() {
        let formats: Formats = "mov, webm".parse().unwrap();
        assert_eq!(formats.iter().collect::<Vec<_>>(), [OutputFormat::Mov, OutputFormat::Webm]);
    }

    #[test]
    fn empty_duplicate_and_unknown_formats_are_rejected_with_the_value() {
        for (text, value) in [("", ""), (",", ""), ("webm,webm", "webm"), ("webm,gif", "gif")] {
            let error = text.parse::<Formats>().unwrap_err();
            assert_eq!((error.field(), error.value()), ("formats", value), "{text:?}");
            assert_eq!(error.code(), "INVALID_FORMATS");
        }
    }

    #[test]
    fn format_names_round_trip() {
        for format in OutputFormat::ALL {
            assert_eq!(format.name().parse::<OutputFormat>().unwrap(), format);
        }
    }
}
