//! The method that separated subject and background, and the reason for its choice.

use serde::{Deserialize, Serialize};

/// The method that separated subject and background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutMethod {
    /// By the background color.
    ChromaKey,
    /// By a neural model.
    Ai,
}

/// The reason for the choice of the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodReason {
    /// The method was requested explicitly.
    Asked,
    /// The background color was given.
    KeyGiven,
    /// The background is flat.
    FlatBackground,
    /// The background is not flat.
    NoFlatBackground,
    /// The clip's own border is transparent.
    Transparent,
}

impl CutMethod {
    /// Both methods.
    pub const ALL: [Self; 2] = [Self::ChromaKey, Self::Ai];

    /// The method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChromaKey => "chromakey",
            Self::Ai => "ai",
        }
    }
}

impl MethodReason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Asked, Self::KeyGiven, Self::FlatBackground, Self::NoFlatBackground, Self::Transparent];

    /// The reason's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::KeyGiven => "key-given",
            Self::FlatBackground => "flat-background",
            Self::NoFlatBackground => "no-flat-background",
            Self::Transparent => "transparent",
        }
    }
}
