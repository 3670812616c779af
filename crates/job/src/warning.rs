//! Warnings of a cut: what a person should check, and how to mend it.

use serde::{Deserialize, Serialize};

use crate::CutMethod;

/// A problem that a person should check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// A large part of the border is not background.
    LowConfidence,
    /// Hardly anything was removed.
    NothingRemoved,
    /// Nearly everything was removed.
    EverythingRemoved,
    /// A large part of the subject's inside was removed.
    Holes,
    /// A large part of the subject's inside has the background color and was kept.
    Lookalike,
    /// An area that nearly has the background color was kept.
    Residue,
    /// Much of the subject is a few pixels wide.
    Fine,
    /// Much of the subject is translucent, as smoke, glow or motion blur.
    Soft,
    /// Much of the subject hardly differs from the background.
    Faint,
    /// Alpha changes where nothing moves.
    Flicker,
    /// A hint marks no region that can be distinguished from its surroundings.
    HintWithoutEffect,
}

impl Warning {
    /// All warnings.
    pub const ALL: [Self; 11] = [
        Self::LowConfidence,
        Self::NothingRemoved,
        Self::EverythingRemoved,
        Self::Holes,
        Self::Lookalike,
        Self::Residue,
        Self::Fine,
        Self::Soft,
        Self::Faint,
        Self::Flicker,
        Self::HintWithoutEffect,
    ];

    /// The warning's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LowConfidence => "LOW_CONFIDENCE",
            Self::NothingRemoved => "NOTHING_REMOVED",
            Self::EverythingRemoved => "EVERYTHING_REMOVED",
            Self::Holes => "POSSIBLE_HOLES",
            Self::Lookalike => "LOOKALIKE_KEPT",
            Self::Residue => "POSSIBLE_RESIDUE",
            Self::Fine => "FINE_DETAIL",
            Self::Soft => "SOFT_SUBJECT",
            Self::Faint => "LOW_CONTRAST",
            Self::Flicker => "POSSIBLE_FLICKER",
            Self::HintWithoutEffect => "HINT_WITHOUT_EFFECT",
        }
    }

    /// Explanation and advice for people, for a matte that was made with `method`.
    #[must_use]
    pub const fn message(self, method: CutMethod) -> &'static str {
        match (self, method) {
            (Self::NothingRemoved, CutMethod::Ai) => {
                "hardly anything was removed: the model classified nearly everything as subject; try another model"
            }
            (Self::EverythingRemoved, CutMethod::Ai) => {
                "nearly everything was removed: the model found no subject; try another model"
            }
            (Self::Flicker, CutMethod::Ai) => {
                "the matte flickers in places that do not move: the model is unsure there; try another model"
            }
            (warning, _) => warning.chroma_key_message(),
        }
    }

    const fn chroma_key_message(self) -> &'static str {
        match self {
            Self::LowConfidence => {
                "much of the frame's border is not background: check that the whole subject is there, or name the background color"
            }
            Self::NothingRemoved => "hardly anything was removed: name the background color, or raise the tolerance",
            Self::EverythingRemoved => {
                "nearly everything was removed: lower the tolerance, or name the background color"
            }
            Self::Holes => {
                "enclosed parts with the background's color were removed: if they belong to the subject, lower the tolerance"
            }
            Self::Lookalike => {
                "enclosed parts have the background's color and were kept: if the background shows through there, film or render it in a color that the subject does not have"
            }
            Self::Residue => {
                "parts that nearly have the background's color were kept: to remove them, raise the tolerance"
            }
            Self::Fine => {
                "much of the subject is a few pixels wide: check that lines and small pieces are whole and as thick as they were; a larger picture keeps them better"
            }
            Self::Soft => {
                "parts are soft, such as smoke, glow or motion blur: how dense they are cannot be told from their color; check them over the background that you want"
            }
            Self::Faint => {
                "parts hardly differ from the background: check whether they were kept or removed rightly, and whether they are translucent; a hint corrects them, and another background color avoids them"
            }
            Self::Flicker => "the matte flickers in places that do not move: try another tolerance",
            Self::HintWithoutEffect => {
                "a hint has no effect: its time is beyond the end, or its point lies in the outer background; draw a box around the region"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mattes_made_without_a_background_color_get_no_advice_about_color() {
        for warning in [Warning::NothingRemoved, Warning::EverythingRemoved, Warning::Flicker] {
            assert!(!warning.message(CutMethod::Ai).contains("tolerance"), "{warning:?}");
            assert!(warning.message(CutMethod::ChromaKey).contains("tolerance"), "{warning:?}");
        }
    }
}
