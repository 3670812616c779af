use std::str::FromStr;

/// What is being done to a job, in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Waiting for a processor.
    Waiting,
    /// The input is brought to the worker and looked at.
    Loading,
    /// Frames are cut.
    Cutting,
    /// The outputs are written to the store.
    Storing,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Loading, Self::Cutting, Self::Storing];

    /// The word on the wire. The first is an odd one: it stands in the published documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "queued-on-railway",
            Self::Loading => "loading-input",
            Self::Cutting => "processing-video",
            Self::Storing => "uploading-outputs",
        }
    }

    /// The per cent at which the stage begins and at which it ends.
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

/// The text is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no stage of a job")]
pub struct ParseStageError(String);

impl FromStr for Stage {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|stage| stage.name() == text).ok_or_else(|| ParseStageError(text.to_owned()))
    }
}

/// How far a job is: a stage and a per cent within the band of that stage.
///
/// Ordered by the work done, so that the greater of two is the further one. A job that starts again keeps the furthest it
/// had reached: what is shown never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Progress {
    stage: Stage,
    percent: u8,
}

impl Progress {
    /// Accepted, nothing done.
    pub const NONE: Self = Self { stage: Stage::Waiting, percent: 0 };

    /// `fraction` (0.0–1.0, held to that range; not a number counts as 0) of `stage` is done.
    ///
    /// The last per cent of a job is kept back: 100 is said by the completed state alone.
    #[must_use]
    pub fn within(stage: Stage, fraction: f64) -> Self {
        let (begin, end) = stage.band();
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let percent = f64::from(begin) + f64::from(end - begin) * fraction;
        Self { stage, percent: (percent as u8).min(99) }
    }

    /// `percent` held to the band of `stage`, for reading back what was stored.
    #[must_use]
    pub fn stored(stage: Stage, percent: u8) -> Self {
        let (begin, end) = stage.band();
        Self { stage, percent: percent.clamp(begin, end) }
    }

    /// What is being done.
    #[must_use]
    pub const fn stage(self) -> Stage {
        self.stage
    }

    /// 0–99, within the band of the stage.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_touch_and_cover_everything() {
        assert_eq!((Stage::Waiting.band().0, Stage::Storing.band().1), (0, 100));
        assert!(Stage::ALL.windows(2).all(|pair| pair[0].band().1 == pair[1].band().0));
    }

    proptest::proptest! {
        #[test]
        fn progress_stays_in_its_band_and_grows_with_the_work(a in -1.0..2.0f64, b in -1.0..2.0f64, at in 0..4usize) {
            let stage = Stage::ALL[at];
            let (low, high) = (Progress::within(stage, a.min(b)), Progress::within(stage, a.max(b)));
            assert!(low <= high);
            assert!((stage.band().0..=stage.band().1).contains(&low.percent()));
            assert!(high.percent() < 100);
        }
    }

    #[test]
    fn what_is_not_a_number_is_no_progress() {
        assert_eq!(Progress::within(Stage::Cutting, f64::NAN).percent(), 25);
    }

    #[test]
    fn a_later_stage_is_further_whatever_the_fraction() {
        assert!(Progress::within(Stage::Cutting, 0.0) > Progress::within(Stage::Loading, 1.0));
    }
}
