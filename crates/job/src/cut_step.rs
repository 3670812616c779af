//! What a running cut does, and the progress of its job at that step.

use crate::{Progress, Stage};

/// What a running cut does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutStep {
    /// The headers are read and the background is measured. Reported repeatedly while a clip is
    /// unpacked.
    Surveying,
    /// The model waits for memory that other cuts use. Reported repeatedly while it waits.
    Waiting,
    /// Frames are decoded, matted and encoded.
    Cutting {
        /// Number of frames that the slowest encoder has taken.
        done: u64,
        /// Expected number of frames according to the headers.
        total: u64,
    },
    /// The encoders have taken all frames; files are being finished and checked.
    Checking,
}

impl From<CutStep> for Progress {
    /// The progress of a job whose cut is at this step. The first half of [`Stage::Loading`] is the
    /// transfer of the clip.
    fn from(step: CutStep) -> Self {
        match step {
            CutStep::Surveying | CutStep::Waiting => Self::within(Stage::Loading, 0.5),
            CutStep::Cutting { done, total } => Self::within(Stage::Cutting, done as f64 / total.max(1) as f64),
            CutStep::Checking => Self::within(Stage::Cutting, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_rises_from_step_to_step() {
        let steps = [
            CutStep::Surveying,
            CutStep::Cutting { done: 0, total: 4 },
            CutStep::Cutting { done: 1, total: 4 },
            CutStep::Checking,
        ];
        let at = steps.map(|step| (Progress::from(step).stage(), Progress::from(step).percent()));
        let stages = [(Stage::Loading, 17), (Stage::Cutting, 25), (Stage::Cutting, 40), (Stage::Cutting, 85)];
        assert_eq!(at, stages);
        assert_eq!(Progress::from(CutStep::Waiting), Progress::from(CutStep::Surveying));
    }

    #[test]
    fn a_cut_of_no_expected_frames_has_a_progress() {
        assert_eq!(Progress::from(CutStep::Cutting { done: 0, total: 0 }).percent(), 25);
    }
}
