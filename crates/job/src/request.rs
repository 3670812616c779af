//! What is asked of one cut, field by field, each read from text and checked.

use std::str::FromStr;

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{Formats, Hints};

/// A field of a request that holds something it must not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}; allowed is {allowed}")]
pub struct RequestError {
    field: &'static str,
    value: String,
    allowed: &'static str,
}

impl RequestError {
    /// `field` was given as `value` (cut to 64 characters), where `allowed` says in words what it may be.
    #[must_use]
    pub fn new(field: &'static str, value: &str, allowed: &'static str) -> Self {
        Self { field, value: value.chars().take(64).collect(), allowed }
    }

    /// The name of the field, as on the wire.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What was given, cut short.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is allowed, in words.
    #[must_use]
    pub const fn allowed(&self) -> &'static str {
        self.allowed
    }

    /// The stable code of the API for this field.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.field {
            "tolerance" => "INVALID_TOLERANCE",
            "fps" => "INVALID_FPS",
            "format" | "formats" => "INVALID_FORMATS",
            "chromaKey" => "INVALID_CHROMA_KEY",
            "quality" => "INVALID_QUALITY",
            "size" => "INVALID_SIZE",
            "url" | "webhookUrl" => "INVALID_URL",
            _ => "INVALID_REQUEST",
        }
    }
}

/// A whole number in the range `MIN..=MAX`, as text of decimal digits.
fn ranged(field: &'static str, text: &str, range: (u16, u16), allowed: &'static str) -> Result<u16, RequestError> {
    let trimmed = text.trim();
    let digits = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    match trimmed.parse::<u16>() {
        Ok(value) if digits && (range.0..=range.1).contains(&value) => Ok(value),
        _ => Err(RequestError::new(field, text, allowed)),
    }
}

/// Reads an enum from the one of a few words that names it.
macro_rules! one_word {
    ($name:ident, $field:literal, $allowed:literal, $($word:literal => $variant:ident),+) => {
        impl FromStr for $name {
            type Err = RequestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.trim() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(RequestError::new($field, text, $allowed)),
                }
            }
        }
    };
}

macro_rules! ranged_number {
    ($(#[$docs:meta])* $name:ident, $inner:ty, $field:literal, $min:literal ..= $max:literal, $allowed:literal) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "u16", into = "u16")]
        pub struct $name($inner);

        impl $name {
            /// The number itself, within the documented range.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = RequestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                ranged($field, text, ($min, $max), $allowed).map(|value| Self(value as $inner))
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
    /// How far from the key color the background may lie, 0–100: 0 keeps everything that might be subject, 100 removes
    /// everything that might be background, 30 is balanced.
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
    /// That of the source.
    Source,
    /// So many frames per second, 1–60: frames are dropped or repeated to reach it.
    Fixed(u8),
}

impl FromStr for FpsChoice {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "source" {
            return Ok(Self::Source);
        }
        ranged("fps", text, (1, 60), "a whole number from 1 to 60, or source").map(|fps| Self::Fixed(fps as u8))
    }
}

/// Where the key color comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChoice {
    /// Measured from the clip.
    Auto,
    /// Given by the user.
    Given(Rgb8),
}

impl FromStr for KeyChoice {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let allowed = "auto, #RRGGBB, or R,G,B with each from 0 to 255";
        text.parse().map(Self::Given).map_err(|_| RequestError::new("chromaKey", text, allowed))
    }
}

/// How much time the encoders of lossy video may take; what they gain by it is smaller files, of the same quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// The smallest files, for about twice the time.
    Best,
    /// Small files soon.
    #[default]
    Balanced,
    /// The soonest, with larger files.
    Fast,
}

one_word!(Speed, "speed", "best, balanced or fast", "best" => Best, "balanced" => Balanced, "fast" => Fast);

/// How subject and background are to be told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodChoice {
    /// By color where the background is flat, else by a neural model.
    #[default]
    Auto,
    /// By color.
    Chroma,
    /// By a neural model.
    Ai,
}

one_word!(MethodChoice, "method", "auto, chroma or ai", "auto" => Auto, "chroma" => Chroma, "ai" => Ai);

/// What becomes of the shadows that the subject casts on the background.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShadowChoice {
    /// They stay, as translucent black.
    #[default]
    Keep,
    /// They are background. A model takes them for that anyway.
    Drop,
}

one_word!(ShadowChoice, "shadow", "keep or drop", "keep" => Keep, "drop" => Drop);

/// All that was asked of one cut.
#[derive(Debug, Clone, PartialEq)]
pub struct CutRequest {
    /// Which files to make, all from one matte.
    pub formats: Formats,
    /// How subject and background are told apart.
    pub method: MethodChoice,
    /// The background color.
    pub key: KeyChoice,
    /// How far from it the background may lie.
    pub tolerance: Tolerance,
    /// What becomes of shadows.
    pub shadow: ShadowChoice,
    /// What the user knows about regions of it.
    pub hints: Hints,
    /// Frame rate of the output.
    pub fps: FpsChoice,
    /// Longer side of the output; `None` keeps the size of the source.
    pub size: Option<LongestSide>,
    /// Image quality of WebP and APNG.
    pub quality: Quality,
    /// How much time the encoders may take.
    pub speed: Speed,
    /// Whether sound is carried over where the container can.
    pub keeps_audio: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_where_they_are_documented() {
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
    fn what_is_no_whole_number_is_refused_by_name() {
        for text in ["", " ", "-1", "+5", "3.5", "1e1", "٣", "NaN", "99999999999"] {
            let error = text.parse::<Tolerance>().unwrap_err();
            assert_eq!((error.code(), error.value()), ("INVALID_TOLERANCE", text));
        }
    }

    #[test]
    fn a_long_value_is_cut_in_the_message() {
        let error = "9".repeat(5000).parse::<Quality>().unwrap_err();
        assert_eq!(error.value().len(), 64);
    }

    #[test]
    fn a_method_is_one_of_three_words() {
        assert_eq!(" ai ".parse(), Ok(MethodChoice::Ai));
        assert_eq!("AI".parse::<MethodChoice>().unwrap_err().field(), "method");
    }

    #[test]
    fn shadows_stay_or_go() {
        assert_eq!(("keep".parse(), " drop ".parse()), (Ok(ShadowChoice::Keep), Ok(ShadowChoice::Drop)));
        assert_eq!("soft".parse::<ShadowChoice>().unwrap_err().allowed(), "keep or drop");
    }

    #[test]
    fn keys_are_read_in_all_documented_forms() {
        assert_eq!("auto".parse(), Ok(KeyChoice::Auto));
        assert_eq!("#00ff00".parse(), Ok(KeyChoice::Given(Rgb8::new(0, 255, 0))));
        assert_eq!("0,255,0".parse(), Ok(KeyChoice::Given(Rgb8::new(0, 255, 0))));
        assert_eq!("green".parse::<KeyChoice>().unwrap_err().code(), "INVALID_CHROMA_KEY");
    }
}
