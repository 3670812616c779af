//! The request of a cut, and the parsers and ranges of its fields.

use std::{fmt, str::FromStr, time::Duration};

use clearcut_frame::{FrameRate, Rgb8, Size};
use serde::{Deserialize, Serialize};

use crate::{
    Backdrop, Bounds, Crop, EdgeColor, Formats, Hints, LoopChoice, MaxBytes, Preset, RequestError, Tempo, Trim,
    backdrop::check_backdrop,
};

/// Parses a whole number of decimal digits within `range`.
fn parse_in_range(
    field: &'static str,
    text: &str,
    range: (u16, u16),
    allowed: &'static str,
) -> Result<u16, RequestError> {
    let trimmed = text.trim();
    let is_decimal = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    match trimmed.parse::<u16>() {
        Ok(value) if is_decimal && (range.0..=range.1).contains(&value) => Ok(value),
        _ => Err(RequestError::new(field, text, allowed)),
    }
}

/// Implements parsing of an enum from its keywords.
macro_rules! keyword_enum {
    ($name:ident, $field:literal, $allowed:literal, $($word:literal => $variant:ident),+) => {
        impl $name {
            /// All keywords.
            pub const KEYWORDS: &'static [&'static str] = &[$($word),+];
        }

        impl std::str::FromStr for $name {
            type Err = $crate::RequestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.trim() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::RequestError::new($field, text, $allowed)),
                }
            }
        }
    };
}
pub(crate) use keyword_enum;

macro_rules! ranged_number {
    ($(#[$docs:meta])* $name:ident, $inner:ty, $field:literal, $min:literal ..= $max:literal, $allowed:literal) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "u16", into = "u16")]
        pub struct $name($inner);

        impl $name {
            /// The number, within the documented range.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = RequestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_in_range($field, text, ($min, $max), $allowed).map(|value| Self(value as $inner))
            }
        }

        impl TryFrom<u16> for $name {
            type Error = RequestError;

            fn try_from(value: u16) -> Result<Self, Self::Error> {
                value.to_string().parse()
            }
        }

        impl From<$name> for u16 {
            fn from(value: $name) -> Self {
                Self::from(value.0)
            }
        }
    };
}

ranged_number!(
    /// Maximum distance of the background from the key color, 0–100: 0 keeps everything that might
    /// be subject, 100 removes everything that might be background, 30 is balanced.
    Tolerance, u8, "tolerance", 0..=100, "a whole number from 0 to 100"
);

ranged_number!(
    /// Image quality of WebP and APNG, 0 (small) – 100 (lossless where the format can).
    Quality, u8, "quality", 0..=100, "a whole number from 0 to 100"
);

ranged_number!(
    /// The longer side of the output in pixels, 64–2048.
    LongestSide, u16, "size", 64..=2048, "a whole number from 64 to 2048"
);

impl Default for Tolerance {
    /// 30, balanced.
    fn default() -> Self {
        Self(30)
    }
}

impl Default for Quality {
    /// 60.
    fn default() -> Self {
        Self(60)
    }
}

/// The frame rate of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FpsChoice {
    /// The frame rate of the source.
    Source,
    /// A fixed rate in frames per second, 1–60: frames are dropped or repeated to reach it.
    Fixed(u8),
    /// A fixed rate of NTSC: 1000/1001 of this many frames per second, which are 24, 30 or 60.
    Ntsc(u8),
}

impl FpsChoice {
    /// The fixed rate; `None` for that of the source.
    #[must_use]
    pub fn rate(self) -> Option<FrameRate> {
        match self {
            Self::Source => None,
            Self::Fixed(fps) => FrameRate::new(fps.into(), 1),
            Self::Ntsc(fps) => FrameRate::new(u32::from(fps) * 1000, 1001),
        }
    }
}

impl FromStr for FpsChoice {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "source" => return Ok(Self::Source),
            "23.976" | "23.98" | "24000/1001" => return Ok(Self::Ntsc(24)),
            "29.97" | "30000/1001" => return Ok(Self::Ntsc(30)),
            "59.94" | "60000/1001" => return Ok(Self::Ntsc(60)),
            _ => {}
        }
        let allowed = "a whole number from 1 to 60, 23.976, 29.97, 59.94, or source";
        parse_in_range("fps", text, (1, 60), allowed).map(|fps| Self::Fixed(fps as u8))
    }
}

/// Source of the key color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyColorChoice {
    /// Measured from the clip.
    Auto,
    /// Given by the user.
    Given(Rgb8),
}

impl fmt::Display for KeyColorChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Given(color) => color.fmt(f),
        }
    }
}

impl FromStr for KeyColorChoice {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let allowed = "auto, #RRGGBB, or R,G,B with each from 0 to 255";
        text.parse().map(Self::Given).map_err(|_| RequestError::new("chromaKey", text, allowed))
    }
}

/// Speed of the lossy video encoders. Slower encoding makes smaller files of the same quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// The smallest files, in about twice the time.
    Best,
    /// Small files in moderate time.
    #[default]
    Balanced,
    /// Fastest, with larger files.
    Fast,
}

keyword_enum!(Speed, "speed", "best, balanced or fast", "best" => Best, "balanced" => Balanced, "fast" => Fast);

/// Requested method of separating subject and background.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodChoice {
    /// By color if the background is flat, else by a neural model.
    #[default]
    Auto,
    /// By color.
    Chroma,
    /// By a neural model.
    Ai,
}

keyword_enum!(MethodChoice, "method", "auto, chroma or ai", "auto" => Auto, "chroma" => Chroma, "ai" => Ai);

/// Treatment of the shadows that the subject casts on the background.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShadowChoice {
    /// Shadows are kept as translucent black.
    #[default]
    Keep,
    /// Shadows are treated as background. Neural models always do so.
    Drop,
}

keyword_enum!(ShadowChoice, "shadow", "keep or drop", "keep" => Keep, "drop" => Drop);

/// Treatment of interlaced frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeinterlaceChoice {
    /// Frames that are measured or flagged as interlaced are made whole.
    #[default]
    Auto,
    /// All frames are de-interlaced.
    On,
    /// No frame is.
    Off,
}

keyword_enum!(DeinterlaceChoice, "deinterlace", "auto, on or off", "auto" => Auto, "on" => On, "off" => Off);

/// All settings of one cut.
#[derive(Debug, Clone, PartialEq)]
pub struct CutRequest {
    /// What the file is for; its other fields are then those of [`Self::with_preset`].
    pub preset: Option<Preset>,
    /// The largest length of each output; `None` for any.
    pub max_bytes: Option<MaxBytes>,
    /// The output formats, all made from one matte.
    pub formats: Formats,
    /// The method of separating subject and background.
    pub method: MethodChoice,
    /// The key color, which is the background color.
    pub key_color: KeyColorChoice,
    /// Maximum distance of the background from the key color.
    pub tolerance: Tolerance,
    /// Treatment of shadows.
    pub shadow: ShadowChoice,
    /// The user's hints about regions of the clip.
    pub hints: Hints,
    /// Treatment of interlaced frames.
    pub deinterlace: DeinterlaceChoice,
    /// The part of the clip that is cut; `None` for all of it.
    pub trim: Option<Trim>,
    /// How much faster than the clip the outputs play.
    pub tempo: Tempo,
    /// How the outputs loop; `None` for as the clip goes.
    pub looped: Option<LoopChoice>,
    /// The part of the frame that is cut; `None` for all of it.
    pub crop: Option<Crop>,
    /// What is put behind the subject; `None` leaves it transparent.
    pub background: Option<Backdrop>,
    /// Frame rate of the output.
    pub fps: FpsChoice,
    /// Longer side of the output; `None` keeps the size of the source.
    pub size: Option<LongestSide>,
    /// Width and height of the output, in place of its longer side.
    pub bounds: Option<Bounds>,
    /// The color that the soft edges of a GIF are mixed with; `None` leaves them as they are, solid or clear.
    pub edge_color: Option<EdgeColor>,
    /// Image quality of WebP and APNG.
    pub quality: Quality,
    /// Speed of the encoders.
    pub speed: Speed,
    /// Whether audio is kept in the formats that carry it.
    pub keeps_audio: bool,
}

impl CutRequest {
    /// A cut to `formats` with the defaults of the command line: automatic method and key color,
    /// rate and size of the source, with audio.
    #[must_use]
    pub fn new(formats: impl Into<Formats>) -> Self {
        Self {
            preset: None,
            max_bytes: None,
            formats: formats.into(),
            method: MethodChoice::Auto,
            key_color: KeyColorChoice::Auto,
            tolerance: Tolerance::default(),
            shadow: ShadowChoice::default(),
            hints: Hints::default(),
            deinterlace: DeinterlaceChoice::default(),
            trim: None,
            tempo: Tempo::default(),
            looped: None,
            crop: None,
            background: None,
            fps: FpsChoice::Source,
            size: None,
            bounds: None,
            edge_color: None,
            quality: Quality::default(),
            speed: Speed::default(),
            keeps_audio: true,
        }
    }

    /// Refuses fields that contradict each other.
    ///
    /// # Errors
    /// The field that another one excludes.
    pub fn check(&self) -> Result<(), RequestError> {
        let is_outside = |time: Duration| self.trim.is_some_and(|trim| !trim.contains(time));
        if let Some(hint) = self.hints.iter().find(|hint| is_outside(hint.time)) {
            let time = hint.time.as_secs_f64().to_string();
            return Err(RequestError::new("hints", &time, "times within trim, the part of the clip that is cut"));
        }
        check_backdrop(self.background.as_ref(), &self.formats)?;
        if self.background.is_some() && self.bounds.and_then(Bounds::padded).is_some() {
            return Err(RequestError::new(
                "fit",
                "pad",
                "contain or cover with a background, which leaves no margins clear",
            ));
        }
        if let (Some(crop @ Crop::Subject(Some(shape))), Some(bounds)) =
            (self.crop, self.bounds.and_then(Bounds::shape))
            && u64::from(shape.0) * u64::from(bounds.1) != u64::from(shape.1) * u64::from(bounds.0)
        {
            let allowed = "auto, or the shape of width and height, which fit cover asks for";
            return Err(RequestError::new("crop", &crop.to_string(), allowed));
        }
        if let Some(size) = self.size.filter(|_| self.bounds.is_some()) {
            return Err(RequestError::new("size", &size.get().to_string(), "given without width and height"));
        }
        self.max_bytes.map_or(Ok(()), |max_bytes| max_bytes.check_formats(&self.formats))
    }

    /// The size to which frames of `size` are scaled; the outputs may have [margins](Bounds::padded)
    /// around them.
    #[must_use]
    pub fn output_size(&self, size: Size) -> Size {
        if let Some(side) = self.preset.and_then(Preset::longest_side) {
            return size.with_longest_side(size.longest_side().min(side));
        }
        match (self.bounds, self.size) {
            (Some(bounds), _) => bounds.size_of(size),
            (None, Some(side)) => size.with_longest_side(u32::from(side.get())),
            (None, None) => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn number_ranges_end_at_their_documented_limits() {
        assert_eq!("0".parse::<Tolerance>().unwrap().get(), 0);
        assert_eq!("100".parse::<Quality>().unwrap().get(), 100);
        assert_eq!("64".parse::<LongestSide>().unwrap().get(), 64);
        assert_eq!("2048".parse::<LongestSide>().unwrap().get(), 2048);
        assert_eq!("60".parse::<FpsChoice>().unwrap(), FpsChoice::Fixed(60));
        assert!("101".parse::<Tolerance>().is_err());
        assert!("63".parse::<LongestSide>().is_err());
        assert!("2049".parse::<LongestSide>().is_err());
        assert!("0".parse::<FpsChoice>().is_err());
        assert!("61".parse::<FpsChoice>().is_err());
    }

    #[test]
    fn rates_of_ntsc_are_exact_however_they_are_written() {
        for (text, frames) in [("23.976", 24_000), ("23.98", 24_000), (" 29.97 ", 30_000), ("60000/1001", 60_000)] {
            let rate = text.parse::<FpsChoice>().unwrap().rate();
            assert_eq!(rate, FrameRate::new(frames, 1001), "{text}");
        }
        assert_eq!("25".parse::<FpsChoice>().unwrap().rate(), FrameRate::new(25, 1));
        assert!("29.5".parse::<FpsChoice>().unwrap_err().allowed().contains("29.97"));
    }

    #[test]
    fn values_that_are_not_whole_numbers_are_rejected_with_the_field_code() {
        for text in ["", " ", "-1", "+5", "3.5", "1e1", "٣", "NaN", "99999999999"] {
            let error = text.parse::<Tolerance>().unwrap_err();
            assert_eq!((error.code(), error.value()), (ErrorCode::InvalidTolerance, text));
        }
    }

    #[test]
    fn a_long_value_is_truncated_in_the_message() {
        let error = "9".repeat(5000).parse::<Quality>().unwrap_err();
        assert_eq!(error.value().len(), 64);
    }

    #[test]
    fn a_method_is_parsed_from_its_lower_case_keyword() {
        assert_eq!(" ai ".parse(), Ok(MethodChoice::Ai));
        assert_eq!("AI".parse::<MethodChoice>().unwrap_err().field(), "method");
    }

    #[test]
    fn shadow_treatment_is_parsed_from_its_keyword() {
        assert_eq!(("keep".parse(), " drop ".parse()), (Ok(ShadowChoice::Keep), Ok(ShadowChoice::Drop)));
        assert_eq!("soft".parse::<ShadowChoice>().unwrap_err().allowed(), "keep or drop");
    }

    #[test]
    fn deinterlacing_is_parsed_from_its_keyword() {
        assert_eq!(("auto".parse(), " on ".parse()), (Ok(DeinterlaceChoice::Auto), Ok(DeinterlaceChoice::On)));
        assert_eq!("yes".parse::<DeinterlaceChoice>().unwrap_err().allowed(), "auto, on or off");
    }

    #[test]
    fn a_hint_outside_of_the_part_that_is_cut_is_refused() {
        let hints: Hints = r#"[{"time":1.5,"x":0.5,"y":0.5,"kind":"keep"}]"#.parse().unwrap();
        let checked = |trim: &str| {
            let trim = Some(trim.parse().unwrap());
            CutRequest { hints: hints.clone(), trim, ..CutRequest::new(crate::OutputFormat::Webm) }.check()
        };
        assert_eq!((checked("1,2"), checked(",1.501")), (Ok(()), Ok(())));
        for trim in ["2,3", ",1.5"] {
            assert_eq!(checked(trim).unwrap_err().field(), "hints");
        }
    }

    #[test]
    fn a_shape_around_the_subject_is_that_of_the_sides_that_are_covered() {
        let checked = |crop: &str| {
            let side = |side: u16| Some(side.try_into().unwrap());
            let bounds = Bounds::new(side(300), side(200), Some(crate::Fit::Cover)).unwrap();
            CutRequest { crop: Some(crop.parse().unwrap()), bounds, ..CutRequest::new(crate::OutputFormat::Webm) }
                .check()
        };
        assert_eq!((checked("auto"), checked("auto:3:2")), (Ok(()), Ok(())));
        assert_eq!(checked("auto:1:1").unwrap_err().field(), "crop");
    }

    #[test]
    fn key_colors_are_parsed_in_all_documented_notations() {
        assert_eq!("auto".parse(), Ok(KeyColorChoice::Auto));
        assert_eq!("#00ff00".parse(), Ok(KeyColorChoice::Given(Rgb8::new(0, 255, 0))));
        assert_eq!("0,255,0".parse(), Ok(KeyColorChoice::Given(Rgb8::new(0, 255, 0))));
        assert_eq!("green".parse::<KeyColorChoice>().unwrap_err().code(), "INVALID_CHROMA_KEY");
    }
}
