//! How good a matte probably is, what to warn of, and where.

use serde::{Deserialize, Serialize};

use crate::CutMethod;

/// How good a matte probably is, told from the clip and the matte alone: nobody knows the truth here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatteReport {
    /// Share of the border, over the whole clip, that agrees with the background found: 0–1. `None`, as all that is told from
    /// the background's color, where the subject was found without it.
    pub confidence: Option<f64>,
    /// Mean share of the frame that was made transparent, 0–1.
    pub removed_share: f64,
    /// Of the subject, the per cent that lie inside it and were made transparent, though they have not quite the background's
    /// color.
    pub holes_percent: Option<f64>,
    /// Of the subject, the per cent that lie inside it, have the background's color, and were kept.
    pub lookalike_percent: Option<f64>,
    /// Of the removed area, the per cent beside it that nearly have the background's color, and were kept.
    pub residue_percent: Option<f64>,
    /// Root mean square of the change of alpha from frame to frame where the color did not change, × 100.
    pub flicker: f64,
    /// Where each thing that is warned of is at its worst; what is said of the whole clip is not among them.
    #[serde(default)]
    pub places: Vec<(Warning, Place)>,
    /// Per hint of the request, in how many frames it holds.
    #[serde(default)]
    pub hint_frames: Vec<u64>,
}

/// A part of a clip: when, and where in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// When it begins, in seconds.
    pub from: f64,
    /// When it ends, in seconds.
    pub to: f64,
    /// Where in the frame.
    #[serde(rename = "box")]
    pub area: FrameBox,
}

/// A rectangle in a frame, in shares of its sides: 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrameBox {
    /// From the left side.
    pub x: f64,
    /// From the upper side.
    pub y: f64,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
}

impl FrameBox {
    /// The whole frame.
    pub const WHOLE: Self = Self { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
}

/// What a person should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// Much of the border is not the background.
    LowConfidence,
    /// Hardly anything was removed.
    NothingRemoved,
    /// Nearly everything was removed.
    EverythingRemoved,
    /// Much of the subject's inside was removed.
    Holes,
    /// Much of the subject's inside has the background's color, and was kept.
    Lookalike,
    /// Something that nearly has the background's color was kept.
    Residue,
    /// Alpha changes where nothing moves.
    Flicker,
    /// A hint names nothing that can be told from what is around it.
    HintWithoutEffect,
}

impl MatteReport {
    /// How likely a person takes the matte as it is, 0.0..=1.0; `None` where the background's color did not tell it.
    ///
    /// A logistic regression on what random clips with known alpha said of themselves and on whether a person would accept them:
    /// `scripts/calibrate-report.py` fits its weights, docs/quality.md has how far it is right.
    #[must_use]
    pub fn acceptance(&self) -> Option<f64> {
        let scaled = |percent: Option<f64>, unit: f64| percent.map(|percent| (percent / unit).ln_1p());
        let [holes, lookalikes] = [self.holes_percent, self.lookalike_percent].map(|percent| scaled(percent, 1.0));
        let score = 2.90 - 0.93 * holes? - 0.56 * lookalikes? - 1.84 * scaled(self.residue_percent, 0.5)?;
        Some(1.0 / (1.0 + (-score).exp()))
    }

    /// What should be looked at. The limits are what the mattes of clips with known alpha do not reach when nothing is wrong
    /// with them (docs/quality.md has the figures).
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let above = |value: Option<f64>, limit: f64| value.is_some_and(|value| value > limit);
        let checks = [
            (self.confidence.is_some_and(|confidence| confidence < 0.6), Warning::LowConfidence),
            (self.removed_share < 0.005, Warning::NothingRemoved),
            (self.removed_share > 0.999, Warning::EverythingRemoved),
            (above(self.holes_percent, 5.0), Warning::Holes),
            (above(self.lookalike_percent, 1.0), Warning::Lookalike),
            (above(self.residue_percent, 1.0), Warning::Residue),
            (self.flicker > 2.0, Warning::Flicker),
            (self.hint_frames.contains(&0), Warning::HintWithoutEffect),
        ];
        checks.into_iter().filter(|(applies, _)| *applies).map(|(_, warning)| warning).collect()
    }
}

impl MatteReport {
    /// Where to look for what is warned of, in a clip that lasts so many seconds: all of it where no place is known.
    #[must_use]
    pub fn place_of(&self, warning: Warning, duration_secs: f64) -> Place {
        let known = self.places.iter().find(|(other, _)| *other == warning).map(|(_, place)| *place);
        known.unwrap_or(Place { from: 0.0, to: duration_secs, area: FrameBox::WHOLE })
    }
}

impl Warning {
    /// The word on the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::LowConfidence => "LOW_CONFIDENCE",
            Self::NothingRemoved => "NOTHING_REMOVED",
            Self::EverythingRemoved => "EVERYTHING_REMOVED",
            Self::Holes => "POSSIBLE_HOLES",
            Self::Lookalike => "LOOKALIKE_KEPT",
            Self::Residue => "POSSIBLE_RESIDUE",
            Self::Flicker => "POSSIBLE_FLICKER",
            Self::HintWithoutEffect => "HINT_WITHOUT_EFFECT",
        }
    }

    /// What it is and what to do about a matte that was made with `method`, for people.
    #[must_use]
    pub const fn message(self, method: CutMethod) -> &'static str {
        match (self, method) {
            (Self::NothingRemoved, CutMethod::Ai) => {
                "hardly anything was removed: the model takes nearly everything for subject; try another model"
            }
            (Self::EverythingRemoved, CutMethod::Ai) => {
                "nearly everything was removed: the model finds no subject in this clip; try another model"
            }
            (Self::Flicker, CutMethod::Ai) => {
                "the matte is unsteady in places that do not move: the model is unsure there; try another model"
            }
            (warning, _) => warning.about_a_key(),
        }
    }

    const fn about_a_key(self) -> &'static str {
        match self {
            Self::LowConfidence => {
                "much of the frame's border is not the background: check that the whole subject is there, or name the background color"
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
                "parts that nearly have the background's color were kept: if they should go, raise the tolerance"
            }
            Self::Flicker => "the matte is unsteady in places that do not move: try another tolerance",
            Self::HintWithoutEffect => {
                "a hint has no effect: its time is beyond the end, or its point lies in the background outside; draw a box around what it means"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: MatteReport = MatteReport {
        confidence: Some(1.0),
        removed_share: 0.7,
        holes_percent: Some(0.2),
        lookalike_percent: Some(0.0),
        residue_percent: Some(0.05),
        flicker: 0.2,
        places: Vec::new(),
        hint_frames: Vec::new(),
    };

    #[test]
    fn a_good_matte_warns_of_nothing() {
        assert_eq!(GOOD.warnings(), []);
    }

    #[test]
    fn no_warning_about_a_color_is_given_where_none_was_used() {
        let unkeyed = MatteReport {
            confidence: None,
            holes_percent: None,
            lookalike_percent: None,
            residue_percent: None,
            ..GOOD
        };
        assert_eq!(unkeyed.warnings(), []);
        for warning in [Warning::NothingRemoved, Warning::EverythingRemoved, Warning::Flicker] {
            assert!(!warning.message(CutMethod::Ai).contains("tolerance"), "{warning:?}");
            assert!(warning.message(CutMethod::ChromaKey).contains("tolerance"), "{warning:?}");
        }
    }

    #[test]
    fn a_matte_is_the_less_likely_accepted_the_more_of_it_is_in_doubt() {
        let good = GOOD.acceptance().unwrap();
        assert!((0.85..0.95).contains(&good), "{good}");
        for worse in [
            MatteReport { holes_percent: Some(2.0), ..GOOD },
            MatteReport { lookalike_percent: Some(2.0), ..GOOD },
            MatteReport { residue_percent: Some(2.0), ..GOOD },
        ] {
            assert!(worse.acceptance().unwrap() < good - 0.05);
        }
        assert_eq!(MatteReport { residue_percent: None, ..GOOD }.acceptance(), None);
    }

    #[test]
    fn what_has_no_place_is_said_of_the_whole_clip() {
        let area = FrameBox { x: 0.25, y: 0.5, width: 0.1, height: 0.2 };
        let place = Place { from: 1.0, to: 1.5, area };
        let report = MatteReport { places: vec![(Warning::Holes, place)], ..GOOD };
        let read: MatteReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(read.place_of(Warning::Holes, 3.0), place);
        let whole = Place { from: 0.0, to: 3.0, area: FrameBox::WHOLE };
        assert_eq!(read.place_of(Warning::Residue, 3.0), whole);
    }

    #[test]
    fn each_fault_is_named_alone() {
        let cases = [
            (MatteReport { confidence: Some(0.5), ..GOOD }, Warning::LowConfidence),
            (MatteReport { removed_share: 0.0, ..GOOD }, Warning::NothingRemoved),
            (MatteReport { removed_share: 1.0, ..GOOD }, Warning::EverythingRemoved),
            (MatteReport { holes_percent: Some(9.0), ..GOOD }, Warning::Holes),
            (MatteReport { lookalike_percent: Some(9.0), ..GOOD }, Warning::Lookalike),
            (MatteReport { residue_percent: Some(9.0), ..GOOD }, Warning::Residue),
            (MatteReport { flicker: 9.0, ..GOOD }, Warning::Flicker),
            (MatteReport { hint_frames: vec![24, 0], ..GOOD }, Warning::HintWithoutEffect),
        ];
        for (report, warning) in cases {
            assert_eq!(report.warnings(), [warning]);
        }
    }
}
