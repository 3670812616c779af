//! Output formats, and the non-empty list of them in a request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::RequestError;

/// What is fixed of a format.
struct Traits {
    name: &'static str,
    extension: &'static str,
    /// What follows the name of the clip in the name of the file, so that no two formats share one.
    suffix: &'static str,
    mime: &'static str,
    carries_audio: bool,
    has_quality: bool,
    joins_segments: bool,
}

/// Declares the formats, in the documented order, as one table.
macro_rules! output_formats {
    ($($(#[$docs:meta])* $format:ident = $name:literal { $($traits:tt)* })+) => {
        /// An output format of clips.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum OutputFormat {
            $($(#[$docs])* $format),+
        }

        impl OutputFormat {
            /// All formats, in the documented order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$format),+];

            /// The names of all formats, for texts: `any of webm, …`.
            pub const ANY: &'static str = {
                let text = concat!("any of ", $($name, ", "),+);
                text.split_at(text.len() - 2).0
            };

            /// The names of all formats: `webm, …`.
            pub const NAMES: &'static str = Self::ANY.split_at("any of ".len()).1;

            const fn traits(self) -> Traits {
                match self {
                    $(Self::$format => Traits { name: $name, $($traits)* }),+
                }
            }
        }
    };
}

output_formats! {
    /// VP9 with alpha in WebM, for Chrome, Edge and Firefox.
    Webm = "webm" { extension: "webm", suffix: "", mime: "video/webm", carries_audio: true, has_quality: false, joins_segments: true }
    /// H.264 in MP4, with color in the top half and the matte as gray in the bottom half, for
    /// players with a shader.
    StackedAlpha = "stacked-alpha" { extension: "mp4", suffix: "", mime: "video/mp4", carries_audio: true, has_quality: false, joins_segments: true }
    /// H.264 in MP4 without transparency, over a new background, for players everywhere.
    Mp4 = "mp4" {
        extension: "mp4", suffix: "", mime: "video/mp4", carries_audio: true, has_quality: false,
        joins_segments: false
    }
    /// Animated WebP, looping.
    Webp = "webp" { extension: "webp", suffix: "", mime: "image/webp", carries_audio: false, has_quality: true, joins_segments: true }
    /// Animated PNG, looping.
    Apng = "apng" { extension: "apng", suffix: "", mime: "image/apng", carries_audio: false, has_quality: true, joins_segments: true }
    /// GIF, looping; each pixel is solid or clear.
    Gif = "gif" {
        extension: "gif", suffix: "", mime: "image/gif", carries_audio: false, has_quality: true, joins_segments: false
    }
    /// `ProRes` 4444 in QuickTime, for editors.
    Mov = "mov" { extension: "mov", suffix: "", mime: "video/quicktime", carries_audio: true, has_quality: false, joins_segments: true }
    /// HEVC with a layer of alpha in `QuickTime`, for Safari and apps on iOS and macOS.
    HevcAlpha = "hevc-alpha" {
        extension: "mov", suffix: "-hevc", mime: "video/quicktime", carries_audio: true, has_quality: false,
        joins_segments: false
    }
    /// A ZIP archive of one PNG for each frame.
    PngSequence = "png-sequence" {
        extension: "zip", suffix: "", mime: "application/zip", carries_audio: false, has_quality: false,
        joins_segments: false
    }
    /// A ZIP archive of one PNG with all frames, and of a JSON file with their places.
    SpriteSheet = "sprite-sheet" {
        extension: "zip", suffix: "-sprites", mime: "application/zip", carries_audio: false, has_quality: false,
        joins_segments: false
    }
    /// The matte alone, as gray in H.264, full range, in MP4.
    Matte = "matte" {
        extension: "mp4", suffix: "-matte", mime: "video/mp4", carries_audio: false, has_quality: false,
        joins_segments: true
    }
    /// The color of the subject alone, opaque over the whole frame, as H.264 in MP4: what [`Self::Matte`] cuts
    /// out.
    Foreground = "foreground" {
        extension: "mp4", suffix: "-foreground", mime: "video/mp4", carries_audio: false, has_quality: false,
        joins_segments: false
    }
    /// One frame as a PNG.
    Poster = "poster" {
        extension: "png", suffix: "-poster", mime: "image/png", carries_audio: false, has_quality: false,
        joins_segments: false
    }
}

impl OutputFormat {
    /// The name on the command line and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.traits().name
    }

    /// The file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        self.traits().extension
    }

    /// What follows the name of a clip in the name of a file of this format: nothing, or a word after a
    /// hyphen.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        self.traits().suffix
    }

    /// Whether files of this format may have this extension, in any case; of APNG also `png`.
    #[must_use]
    pub fn has_extension(self, extension: &str) -> bool {
        extension.eq_ignore_ascii_case(self.extension()) || self == Self::Apng && extension.eq_ignore_ascii_case("png")
    }

    /// The first format whose files may have this extension, of those that show a new background or
    /// of those that are transparent.
    #[must_use]
    pub fn from_extension(extension: &str, with_background: bool) -> Option<Self> {
        let fits = |format: &Self| if with_background { format.takes_background() } else { !format.needs_background() };
        Self::ALL.into_iter().find(|format| fits(format) && format.has_extension(extension))
    }

    /// The MIME type, without parameters.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        self.traits().mime
    }

    /// Whether the format carries audio.
    #[must_use]
    pub const fn carries_audio(self) -> bool {
        self.traits().carries_audio
    }

    /// Whether a long clip may be cut in segments whose files are joined. If not, it is cut whole.
    #[must_use]
    pub const fn joins_segments(self) -> bool {
        self.traits().joins_segments
    }

    /// Whether the format has no transparency, so that it needs a [`Backdrop`](crate::Backdrop).
    #[must_use]
    pub const fn needs_background(self) -> bool {
        matches!(self, Self::Mp4)
    }

    /// Whether files of the format may show a [`Backdrop`](crate::Backdrop): not those that hold a
    /// matte beside or in place of the picture.
    #[must_use]
    pub const fn takes_background(self) -> bool {
        !matches!(self, Self::StackedAlpha | Self::Matte | Self::Foreground)
    }

    /// Whether its quality can be lowered until a file keeps a limit of bytes.
    #[must_use]
    pub const fn can_keep_limit(self) -> bool {
        matches!(self, Self::Webm | Self::Webp | Self::Apng | Self::Gif)
    }

    /// Whether [`Quality`](crate::Quality) applies to the format.
    #[must_use]
    pub const fn has_quality(self) -> bool {
        self.traits().has_quality
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
            .ok_or_else(|| RequestError::new("formats", text, Self::ANY))
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
            return Err(RequestError::new("formats", "", OutputFormat::ANY));
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
        for (text, value) in [("", ""), (",", ""), ("webm,webm", "webm"), ("webm,flv", "flv")] {
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
