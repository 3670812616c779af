//! Quality report of the matte of a clip or an image: estimates, which warnings apply and where; and
//! what the check of an output compared.

use serde::{Deserialize, Serialize};

use crate::Warning;

/// Quality estimate of a matte, computed from the clip and the matte alone, without ground truth.
/// An image is a clip of one frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatteReport {
    /// Share of the border, over the whole clip, that agrees with the estimated background: 0–1.
    /// `None` if the cut did not use the background color, as in all fields that depend on it.
    pub confidence: Option<f64>,
    /// Mean share of the frame that was made transparent, 0–1.
    pub removed_share: f64,
    /// Percentage of the subject that lies inside it and was made transparent although it does not
    /// quite have the background color.
    pub holes_percent: Option<f64>,
    /// Percentage of the subject that lies inside it, has the background color, and was kept.
    pub lookalike_percent: Option<f64>,
    /// Area next to the removed area that nearly has the background color and was kept, as a
    /// percentage of the removed area.
    pub residue_percent: Option<f64>,
    /// Fine parts, at most eight pixels wide, as a percentage of the subject. `None` also in reports
    /// of earlier versions, as the two that follow.
    #[serde(default)]
    pub fine_percent: Option<f64>,
    /// Soft parts, translucent beyond the width of an edge and no shadow, as a percentage of the
    /// subject.
    #[serde(default)]
    pub soft_percent: Option<f64>,
    /// Faint parts, of a color near the background's, as a percentage of the subject.
    #[serde(default)]
    pub faint_percent: Option<f64>,
    /// Root mean square of the change of alpha between frames where the color did not change, ×
    /// 100.
    pub flicker: f64,
    /// The worst place of each warning; warnings about the whole clip have no entry.
    #[serde(default)]
    pub places: Vec<(Warning, Place)>,
    /// For each hint of the request, the number of frames in which it applies.
    #[serde(default)]
    pub hint_frames: Vec<u64>,
}

/// What the check of an output compared: its alpha, decoded again, with the matte that was passed to
/// its encoder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlphaCheck {
    /// Number of frames whose alpha was compared: all that the output shows.
    pub frames_compared: u64,
    /// Largest difference of a frame's mean alpha, in levels of 255.
    pub largest_mean_difference: f64,
}

/// A part of a clip, in time and in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Start time in seconds.
    pub from: f64,
    /// End time in seconds.
    pub to: f64,
    /// Area of the frame.
    #[serde(rename = "box")]
    pub area: FrameBox,
}

/// A rectangle in a frame, as shares of the frame's width and height: 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrameBox {
    /// Distance from the left side.
    pub x: f64,
    /// Distance from the top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl FrameBox {
    /// The whole frame.
    pub const WHOLE: Self = Self { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
}

/// What an estimate of acceptance weighs: the amount of one kind of defect.
struct Term {
    warning: Warning,
    percent: Option<f64>,
    /// Percentage up to which the score falls about linearly; above, it falls by its logarithm.
    unit: f64,
    /// Fall of the score when `percent` rises from 0 to 1.7 times `unit`.
    weight: f64,
}

impl Term {
    /// By how much the defect lowers the score.
    fn fall(&self) -> f64 {
        self.weight * (self.percent.unwrap_or(0.0) / self.unit).ln_1p()
    }
}

/// Score of a matte without any defect.
const BEST_SCORE: f64 = 3.16;

/// Estimate of acceptance below which a cut warns.
const DOUBTED_ACCEPTANCE: f64 = 0.78;

/// Share of the largest fall of the score from which another defect is named as well.
const NAMED_SHARE: f64 = 0.5;

/// Flicker above which a cut warns.
const MOST_FLICKER: f64 = 2.0;

impl MatteReport {
    /// Estimated probability that a person accepts the matte unchanged, 0.0..=1.0; `None` if the
    /// cut did not use the background color.
    ///
    /// A logistic regression over the reports of random clips with known alpha, with the verdict
    /// whether a person would accept the matte. `scripts/calibrate-report.py` fits the weights;
    /// docs/reference/quality.md has the accuracy. Nobody accepts a cut that removed hardly anything,
    /// or nearly everything.
    #[must_use]
    pub fn acceptance(&self) -> Option<f64> {
        self.holes_percent?;
        if self.is_useless() {
            return Some(0.0);
        }
        let score = BEST_SCORE - self.terms().iter().map(Term::fall).sum::<f64>();
        Some(1.0 / (1.0 + (-score).exp()))
    }

    fn removes_nothing(&self) -> bool {
        self.removed_share < 0.005
    }

    fn removes_everything(&self) -> bool {
        self.removed_share > 0.999
    }

    fn is_useless(&self) -> bool {
        self.removes_nothing() || self.removes_everything()
    }

    fn terms(&self) -> [Term; 6] {
        [
            (Warning::Holes, self.holes_percent, 1.0, 0.59),
            (Warning::Lookalike, self.lookalike_percent, 1.0, 1.62),
            (Warning::Residue, self.residue_percent, 0.5, 0.77),
            (Warning::Fine, self.fine_percent, 2.0, 0.74),
            (Warning::Soft, self.soft_percent, 10.0, 2.50),
            (Warning::Faint, self.faint_percent, 5.0, 1.07),
        ]
        .map(|(warning, percent, unit, weight)| Term { warning, percent, unit, weight })
    }

    /// The warnings that apply. If the matte is less likely to be accepted than
    /// `DOUBTED_ACCEPTANCE`, they name the defects that lower the estimate most
    /// (docs/reference/quality.md says how often they are right).
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let is_doubted =
            !self.is_useless() && self.acceptance().is_some_and(|acceptance| acceptance < DOUBTED_ACCEPTANCE);
        let terms = self.terms();
        let largest = terms.iter().map(Term::fall).fold(0.0, f64::max);
        let is_named =
            |warning: Warning| terms.iter().any(|t| t.warning == warning && t.fall() >= NAMED_SHARE * largest);
        let applies = |warning: &Warning| match *warning {
            Warning::LowConfidence => self.confidence.is_some_and(|confidence| confidence < 0.6),
            Warning::NothingRemoved => self.removes_nothing(),
            Warning::EverythingRemoved => self.removes_everything(),
            Warning::Flicker => self.flicker > MOST_FLICKER,
            Warning::HintWithoutEffect => self.hint_frames.contains(&0),
            defect => is_doubted && is_named(defect),
        };
        Warning::ALL.into_iter().filter(applies).collect()
    }
}

impl MatteReport {
    /// The place of a warning in a clip of `duration_secs`; the whole clip if no place is recorded.
    #[must_use]
    pub fn place_of(&self, warning: Warning, duration_secs: f64) -> Place {
        let recorded = self.places.iter().find(|(other, _)| *other == warning).map(|(_, place)| *place);
        recorded.unwrap_or(Place { from: 0.0, to: duration_secs, area: FrameBox::WHOLE })
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
        fine_percent: Some(0.5),
        soft_percent: Some(0.0),
        faint_percent: Some(0.5),
        flicker: 0.2,
        places: Vec::new(),
        hint_frames: Vec::new(),
    };

    #[test]
    fn a_good_matte_has_no_warnings() {
        assert_eq!(GOOD.warnings(), []);
    }

    #[test]
    fn a_matte_made_without_a_background_color_has_no_warnings_about_it() {
        let without_background_color = MatteReport {
            confidence: None,
            holes_percent: None,
            lookalike_percent: None,
            residue_percent: None,
            ..GOOD
        };
        assert_eq!(without_background_color.warnings(), []);
    }

    #[test]
    fn acceptance_falls_with_every_kind_of_defect() {
        let good = GOOD.acceptance().unwrap();
        assert!((0.85..0.95).contains(&good), "{good}");
        for worse in [
            MatteReport { holes_percent: Some(5.0), ..GOOD },
            MatteReport { lookalike_percent: Some(2.0), ..GOOD },
            MatteReport { residue_percent: Some(2.0), ..GOOD },
            MatteReport { fine_percent: Some(20.0), ..GOOD },
            MatteReport { soft_percent: Some(10.0), ..GOOD },
            MatteReport { faint_percent: Some(20.0), ..GOOD },
        ] {
            assert!(worse.acceptance().unwrap() < good - 0.05);
        }
        assert_eq!(MatteReport { holes_percent: None, ..GOOD }.acceptance(), None);
        for removed_share in [0.0, 1.0] {
            assert_eq!(MatteReport { removed_share, ..GOOD }.acceptance(), Some(0.0));
        }
    }

    #[test]
    fn a_doubtful_matte_names_its_main_defects_only() {
        let lace = MatteReport { fine_percent: Some(80.0), holes_percent: Some(20.0), soft_percent: Some(0.2), ..GOOD };
        assert_eq!(lace.warnings(), [Warning::Holes, Warning::Fine]);
        // Each alone is no reason for doubt.
        let together =
            MatteReport { fine_percent: Some(4.0), residue_percent: Some(1.0), faint_percent: Some(3.0), ..GOOD };
        assert_eq!(together.warnings(), [Warning::Residue, Warning::Fine, Warning::Faint]);
        for alone in [
            MatteReport { fine_percent: Some(4.0), ..GOOD },
            MatteReport { residue_percent: Some(1.0), ..GOOD },
            MatteReport { faint_percent: Some(3.0), ..GOOD },
        ] {
            assert_eq!(alone.warnings(), []);
        }
    }

    #[test]
    fn a_report_of_an_earlier_version_is_judged_by_what_it_has() {
        let earlier = r#"{"confidence":1.0,"removedShare":0.7,"holesPercent":60.0,"lookalikePercent":0.0,"residuePercent":0.0,"flicker":0.2}"#;
        let report: MatteReport = serde_json::from_str(earlier).unwrap();
        assert_eq!(report.fine_percent, None);
        assert_eq!(report.warnings(), [Warning::Holes]);
    }

    #[test]
    fn a_warning_without_a_place_covers_the_whole_clip() {
        let area = FrameBox { x: 0.25, y: 0.5, width: 0.1, height: 0.2 };
        let place = Place { from: 1.0, to: 1.5, area };
        let report = MatteReport { places: vec![(Warning::Holes, place)], ..GOOD };
        let read: MatteReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(read.place_of(Warning::Holes, 3.0), place);
        let whole = Place { from: 0.0, to: 3.0, area: FrameBox::WHOLE };
        assert_eq!(read.place_of(Warning::Residue, 3.0), whole);
    }

    #[test]
    fn each_defect_raises_exactly_its_warning() {
        let cases = [
            (MatteReport { confidence: Some(0.5), ..GOOD }, Warning::LowConfidence),
            (MatteReport { removed_share: 0.0, ..GOOD }, Warning::NothingRemoved),
            (MatteReport { removed_share: 1.0, ..GOOD }, Warning::EverythingRemoved),
            (MatteReport { holes_percent: Some(30.0), ..GOOD }, Warning::Holes),
            (MatteReport { lookalike_percent: Some(9.0), ..GOOD }, Warning::Lookalike),
            (MatteReport { residue_percent: Some(9.0), ..GOOD }, Warning::Residue),
            (MatteReport { fine_percent: Some(60.0), ..GOOD }, Warning::Fine),
            (MatteReport { soft_percent: Some(9.0), ..GOOD }, Warning::Soft),
            (MatteReport { faint_percent: Some(30.0), ..GOOD }, Warning::Faint),
            (MatteReport { flicker: 9.0, ..GOOD }, Warning::Flicker),
            (MatteReport { hint_frames: vec![24, 0], ..GOOD }, Warning::HintWithoutEffect),
        ];
        for (report, warning) in cases {
            assert_eq!(report.warnings(), [warning]);
        }
    }
}
