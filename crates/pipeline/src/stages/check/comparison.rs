//! Comparison of the mattes that a file shows with those that were passed to its encoder.

use clearcut_job::AlphaCheck;

use crate::matte_log::{MatteLog, MatteSummary};

/// Tolerance for the values of clear and solid after lossy encoding, in levels of 255.
const RANGE_TOLERANCE: u8 = 40;

/// A running comparison. Holds one finding, however long the clip is.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    log: &'a MatteLog,
    /// Tolerance for the mean alpha of a frame, in levels of 255.
    mean_tolerance: f64,
    /// Whether the file leaves frames out: of each shown matte, only the first frame is compared.
    leaves_frames_out: bool,
    /// Number of frames shown so far.
    shown: u64,
    check: AlphaCheck,
    finding: Option<String>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(log: &'a MatteLog, mean_tolerance: f64, leaves_frames_out: bool) -> Self {
        let check = AlphaCheck { frames_compared: 0, largest_mean_difference: 0.0 };
        Self { log, mean_tolerance, leaves_frames_out, shown: 0, check, finding: None }
    }

    /// Number of frames shown so far.
    pub(super) const fn shown(&self) -> u64 {
        self.shown
    }

    /// Adds a matte that the file shows until frame number `until`, at least for one frame.
    pub(super) fn show(&mut self, actual: MatteSummary, until: u64) {
        let first = self.shown;
        self.shown = until.max(first + 1);
        let compared_until = if self.leaves_frames_out { first + 1 } else { self.shown };
        for index in first..compared_until.min(self.log.frames()) {
            self.compare(index, actual);
        }
    }

    fn compare(&mut self, index: u64, actual: MatteSummary) {
        let expected = self.log.0[index as usize];
        let mean_difference = (expected.mean() - actual.mean()).abs();
        self.check.frames_compared += 1;
        self.check.largest_mean_difference = self.check.largest_mean_difference.max(mean_difference);
        let is_mean_off = mean_difference > self.mean_tolerance;
        let is_not_clear = expected.least == 0 && actual.least > RANGE_TOLERANCE && expected.mean() < 250.0;
        let is_not_solid = expected.most == 255 && actual.most < 255 - RANGE_TOLERANCE && expected.mean() > 5.0;
        if (is_mean_off || is_not_clear || is_not_solid) && self.finding.is_none() {
            self.finding = Some(format!("the matte of frame {index} is {actual:?} instead of {expected:?}"));
        }
    }

    /// What was compared.
    ///
    /// # Errors
    /// A wrong number of frames, or the first matte that differs.
    pub(super) fn finish(self) -> Result<AlphaCheck, String> {
        if self.shown != self.log.frames() {
            return Err(format!("it holds {} frames instead of {}", self.shown, self.log.frames()));
        }
        self.finding.map_or(Ok(self.check), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(alpha: &[u8]) -> MatteSummary {
        MatteSummary::from_alpha(alpha.iter().copied())
    }

    /// Compares a file whose patches show these mattes until these frames.
    fn compare(expected: &[&[u8]], shown: &[(&[u8], u64)], leaves_frames_out: bool) -> Result<AlphaCheck, String> {
        let log = MatteLog(expected.iter().map(|alpha| summary(alpha)).collect());
        let mut comparison = Comparison::new(&log, 4.0, leaves_frames_out);
        for &(alpha, until) in shown {
            comparison.show(summary(alpha), until);
        }
        comparison.finish()
    }

    #[test]
    fn a_lost_alpha_plane_is_detected() {
        let expected: &[&[u8]] = &[&[0, 0, 255, 255]];
        assert!(compare(expected, &[(&[255; 4], 1)], false).is_err());
        assert!(compare(expected, &[(&[0; 4], 1)], false).is_err());
        assert!(compare(expected, &[(&[2, 1, 253, 255], 1)], false).is_ok());
    }

    #[test]
    fn missing_and_surplus_frames_are_detected() {
        let expected: &[&[u8]] = &[&[0, 255], &[0, 255]];
        for until in [1, 3, u64::MAX] {
            assert!(compare(expected, &[(&[0, 255], until)], false).unwrap_err().contains("instead of 2"), "{until}");
        }
    }

    #[test]
    fn a_matte_in_limited_range_is_detected() {
        assert!(compare(&[&[0, 0, 0, 255]], &[(&[50, 50, 50, 235], 1)], false).is_err());
    }

    #[test]
    fn the_number_of_frames_and_the_largest_difference_are_told() {
        let expected: &[&[u8]] = &[&[0, 255], &[0, 254], &[0, 251], &[255, 255]];
        let check = compare(expected, &[(&[0, 255], 3), (&[255, 255], 4)], false).unwrap();
        assert_eq!(check, AlphaCheck { frames_compared: 4, largest_mean_difference: 2.0 });
    }

    #[test]
    fn frames_that_a_file_leaves_out_are_not_compared() {
        let expected: &[&[u8]] = &[&[0, 0], &[255, 255], &[0, 255], &[9, 9]];
        let shown: &[(&[u8], u64)] = &[(&[0, 0], 2), (&[0, 255], 4)];
        let check = compare(expected, shown, true).unwrap();
        assert_eq!(check, AlphaCheck { frames_compared: 2, largest_mean_difference: 0.0 });
        assert!(compare(expected, shown, false).unwrap_err().contains("frame 1"));
        assert!(compare(expected, &[(&[0, 0], 1), (&[0, 255], 4)], true).unwrap_err().contains("frame 1"));
    }
}
