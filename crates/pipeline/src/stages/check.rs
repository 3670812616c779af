//! The self-check of outputs: every output is decoded and compared with its matte before the cut
//! succeeds.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_frame::Size;
use clearcut_job::OutputFormat;

use super::mov::check_mov;
use crate::{
    Error, Stop,
    matte_log::{MatteLog, MatteSummary},
    progress::Counters,
};

mod read_back;

use read_back::{read_apng, read_webp, read_with_ffmpeg};

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
    if plan.format == OutputFormat::Mov {
        check_mov(&scratch.join(plan.file_name()), plan)?;
    }
    let read_back = match plan.format {
        OutputFormat::Webp => read_webp(plan, scratch, counters)?,
        OutputFormat::Apng => read_apng(plan, scratch, counters)?,
        OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mov => {
            read_with_ffmpeg(tools, plan, scratch, stop, counters)?
        }
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
