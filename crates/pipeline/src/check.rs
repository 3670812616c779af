//! The self-check of outputs: every output is decoded and compared with its matte before the cut
//! succeeds.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_frame::{Frame, Size};
use clearcut_job::OutputFormat;

use crate::{
    Error, Stop,
    progress::Counters,
    read_back::{read_apng, read_webp, read_with_ffmpeg},
};

/// Summary of one frame's matte: minimum, maximum and mean of alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MatteSummary {
    least: u8,
    most: u8,
    /// Mean alpha × 256.
    mean_256: u16,
}

impl MatteSummary {
    pub(crate) fn from_alpha(alpha: impl ExactSizeIterator<Item = u8> + Clone) -> Self {
        let count = alpha.len().max(1) as u64;
        let sum: u64 = alpha.clone().map(u64::from).sum();
        let most = alpha.clone().max().unwrap_or(0);
        Self { least: alpha.min().unwrap_or(0), most, mean_256: (sum * 256 / count) as u16 }
    }

    fn mean(self) -> f64 {
        f64::from(self.mean_256) / 256.0
    }
}

/// Log of the mattes passed to the encoders: one entry of four bytes per frame.
#[derive(Debug, Default)]
pub(crate) struct MatteLog(Vec<MatteSummary>);

impl MatteLog {
    pub(crate) fn push(&mut self, frame: &Frame) {
        self.0.push(MatteSummary::from_alpha(frame.alpha().unwrap_or(&[255]).iter().copied()));
    }

    pub(crate) fn frames(&self) -> u64 {
        self.0.len() as u64
    }

    /// Mean fraction of the frame that is transparent, 0–1.
    pub(crate) fn removed_share(&self) -> f64 {
        1.0 - self.0.iter().map(|matte| matte.mean() / 255.0).sum::<f64>() / self.0.len().max(1) as f64
    }
}

/// Tolerance for the mean alpha of a frame after lossy encoding, in levels of 255. A lost or
/// shifted alpha plane changes the mean by the subject's whole share; the codecs at our settings
/// change it by less than one.
const MEAN_TOLERANCE: f64 = 4.0;
/// The same for frames of less than [`SMALL_FRAME_PIXELS`], where errors of single blocks do not
/// average out.
const SMALL_FRAME_MEAN_TOLERANCE: f64 = 16.0;
/// Number of pixels below which a frame counts as small: four macroblocks of 16×16.
const SMALL_FRAME_PIXELS: u64 = 1024;

fn mean_tolerance(size: Size) -> f64 {
    if size.pixels() < SMALL_FRAME_PIXELS { SMALL_FRAME_MEAN_TOLERANCE } else { MEAN_TOLERANCE }
}

/// Tolerance for the values of clear and solid after lossy encoding, in levels of 255.
const RANGE_TOLERANCE: u8 = 40;

/// Decodes the output and compares its frame count and matte with the frames passed to its encoder.
///
/// # Errors
/// [`Error::CheckFailed`] with the finding, or an error of reading the output.
pub(crate) fn check_output(
    tools: &Tools,
    plan: &EncodePlan,
    scratch: &Path,
    log: &MatteLog,
    stop: &Stop,
    counters: &Counters,
) -> Result<(), Error> {
    let read_back = match plan.format {
        OutputFormat::Webp => read_webp(plan, scratch, counters)?,
        OutputFormat::Apng => read_apng(plan, scratch, counters)?,
        _ => read_with_ffmpeg(tools, plan, scratch, stop, counters)?,
    };
    compare(log, &read_back, mean_tolerance(plan.size))
        .map_err(|finding| Error::CheckFailed { format: plan.format, finding })
}

fn compare(log: &MatteLog, read_back: &[MatteSummary], mean_tolerance: f64) -> Result<(), String> {
    if read_back.len() != log.0.len() {
        return Err(format!("it holds {} frames instead of {}", read_back.len(), log.0.len()));
    }
    for (index, (expected, actual)) in log.0.iter().zip(read_back).enumerate() {
        let is_mean_off = (expected.mean() - actual.mean()).abs() > mean_tolerance;
        let is_not_clear = expected.least == 0 && actual.least > RANGE_TOLERANCE && expected.mean() < 250.0;
        let is_not_solid = expected.most == 255 && actual.most < 255 - RANGE_TOLERANCE && expected.mean() > 5.0;
        if is_mean_off || is_not_clear || is_not_solid {
            return Err(format!("the matte of frame {index} is {actual:?} instead of {expected:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(alphas: &[&[u8]]) -> MatteLog {
        MatteLog(alphas.iter().map(|alpha| MatteSummary::from_alpha(alpha.iter().copied())).collect())
    }

    #[test]
    fn a_lost_alpha_plane_is_detected() {
        let expected = log(&[&[0, 0, 255, 255]]);
        assert!(compare(&expected, &log(&[&[255; 4]]).0, MEAN_TOLERANCE).is_err());
        assert!(compare(&expected, &log(&[&[0; 4]]).0, MEAN_TOLERANCE).is_err());
        assert!(compare(&expected, &log(&[&[2, 1, 253, 255]]).0, MEAN_TOLERANCE).is_ok());
    }

    #[test]
    fn a_missing_frame_is_detected() {
        let expected = log(&[&[0, 255], &[0, 255]]);
        assert!(compare(&expected, &log(&[&[0, 255]]).0, MEAN_TOLERANCE).is_err());
    }

    #[test]
    fn a_matte_in_limited_range_is_detected() {
        let expected = log(&[&[0, 0, 0, 255]]);
        assert!(compare(&expected, &log(&[&[50, 50, 50, 235]]).0, MEAN_TOLERANCE).is_err());
    }
}
