//! Processing stages of a job, and progress within them.

use std::str::FromStr;

/// The processing stage of a job. Stages are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Waiting for a worker.
    Waiting,
    /// The worker fetches and probes the input.
    Loading,
    /// The background is removed.
    Cutting,
    /// The outputs are written to the store.
    Storing,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Loading, Self::Cutting, Self::Storing];

    /// The stage's name on the wire. The first name is odd but appears in the published API
    /// documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "queued-on-railway",
            Self::Loading => "loading-input",
            Self::Cutting => "processing-video",
            Self::Storing => "uploading-outputs",
        }
    }

    /// The percentages at which the stage begins and ends.
    #[must_use]
    pub const fn band(self) -> (u8, u8) {
        match self {
            Self::Waiting => (0, 10),
            Self::Loading => (10, 25),
            Self::Cutting => (25, 85),
            Self::Storing => (85, 100),
        }
    }
}

/// The text is not a stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job stage")]
pub struct ParseStageError(String);

impl FromStr for Stage {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|stage| stage.name() == text).ok_or_else(|| ParseStageError(text.to_owned()))
    }
}

/// The progress of a job: a stage and a percentage in the range of that stage.
///
/// Ordered by the work done: the greater of two values is the further one. A job that is restarted
/// keeps its furthest progress, so that the displayed progress never decreases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Progress {
    stage: Stage,
    percent: u8,
}

impl Progress {
    /// No progress: the job is accepted, and no work is done.
    pub const NONE: Self = Self { stage: Stage::Waiting, percent: 0 };

    /// The progress when `fraction` of `stage` is done. `fraction` is clamped to 0.0–1.0; NaN
    /// counts as 0.
    ///
    /// Never reaches 100 %, which only a completed job reports.
    #[must_use]
    pub fn within(stage: Stage, fraction: f64) -> Self {
        let (begin, end) = stage.band();
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let percent = f64::from(begin) + f64::from(end - begin) * fraction;
        Self { stage, percent: (percent as u8).min(99) }
    }

    /// Restores a stored progress; `percent` is clamped to the range of `stage`.
    #[must_use]
    pub fn stored(stage: Stage, percent: u8) -> Self {
        let (begin, end) = stage.band();
        Self { stage, percent: percent.clamp(begin, end) }
    }

    /// The current stage.
    #[must_use]
    pub const fn stage(self) -> Stage {
        self.stage
    }

    /// The percentage, in the range of the stage.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentage_ranges_are_contiguous_from_0_to_100() {
        assert_eq!((Stage::Waiting.band().0, Stage::Storing.band().1), (0, 100));
        assert!(Stage::ALL.windows(2).all(|pair| pair[0].band().1 == pair[1].band().0));
    }

    proptest::proptest! {
        #[test]
        fn progress_stays_in_its_range_and_never_decreases(a in -1.0..2.0f64, b in -1.0..2.0f64, at in 0..4usize) {
            let stage = Stage::ALL[at];
            let (low, high) = (Progress::within(stage, a.min(b)), Progress::within(stage, a.max(b)));
            assert!(low <= high);
            assert!((stage.band().0..=stage.band().1).contains(&low.percent()));
            assert!(high.percent() < 100);
        }
    }

    #[test]
    fn a_nan_fraction_counts_as_zero() {
        assert_eq!(Progress::within(Stage::Cutting, f64::NAN).percent(), 25);
    }

    #[test]
    fn a_later_stage_is_always_further() {
        assert!(Progress::within(Stage::Cutting, 0.0) > Progress::within(Stage::Loading, 1.0));
    }
}
