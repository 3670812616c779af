//! Reads every output back before it is called done.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_frame::{Frame, Size};
use clearcut_job::OutputFormat;

use crate::{
    Error, Stop,
    progress::Counters,
    read_back::{read_apng, read_webp, read_with_ffmpeg},
};

/// The matte of one frame in three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MatteSummary {
    least: u8,
    most: u8,
    /// Mean alpha × 256.
    mean_256: u16,
}

impl MatteSummary {
    pub(crate) fn of(alpha: impl ExactSizeIterator<Item = u8> + Clone) -> Self {
        let count = alpha.len().max(1) as u64;
        let sum: u64 = alpha.clone().map(u64::from).sum();
        let most = alpha.clone().max().unwrap_or(0);
        Self { least: alpha.min().unwrap_or(0), most, mean_256: (sum * 256 / count) as u16 }
    }

    fn mean(self) -> f64 {
        f64::from(self.mean_256) / 256.0
    }
}

/// What was handed to the encoders: one entry of four bytes a frame.
#[derive(Debug, Default)]
pub(crate) struct MatteLog(Vec<MatteSummary>);

impl MatteLog {
    pub(crate) fn push(&mut self, frame: &Frame) {
        self.0.push(MatteSummary::of(frame.alpha().unwrap_or(&[255]).iter().copied()));
    }

    pub(crate) fn frames(&self) -> u64 {
        self.0.len() as u64
    }

    /// Mean share that is transparent, 0–1.
    pub(crate) fn removed_share(&self) -> f64 {
        1.0 - self.0.iter().map(|matte| matte.mean() / 255.0).sum::<f64>() / self.0.len().max(1) as f64
    }
}

/// How far the mean alpha of a frame may move in a lossy encoder, in levels of 255. A lost or shifted alpha plane moves it by
/// the subject's whole share; the codecs at our settings move it by less than one.
const MEAN_TOLERANCE: f64 = 4.0;
/// The same in a frame of less than [`FEW_PIXELS`], where what is lost in one block is not lost in the mean of many.
const FEW_PIXELS_MEAN_TOLERANCE: f64 = 16.0;
/// Four macroblocks of 16×16.
const FEW_PIXELS: u64 = 1024;

fn mean_tolerance(size: Size) -> f64 {
    if size.pixels() < FEW_PIXELS { FEW_PIXELS_MEAN_TOLERANCE } else { MEAN_TOLERANCE }
}

/// How far clear and solid may move in a lossy encoder, in levels of 255.
const RANGE_TOLERANCE: u8 = 40;

/// Decodes the output and compares frame count and matte with what was handed to its encoder.
///
/// # Errors
/// [`Error::CheckFailed`] with what was found.
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
    for (index, (meant, found)) in log.0.iter().zip(read_back).enumerate() {
        let too_far = (meant.mean() - found.mean()).abs() > mean_tolerance;
        let not_clear = meant.least == 0 && found.least > RANGE_TOLERANCE && meant.mean() < 250.0;
        let not_solid = meant.most == 255 && found.most < 255 - RANGE_TOLERANCE && meant.mean() > 5.0;
        if too_far || not_clear || not_solid {
            return Err(format!("the matte of frame {index} is {found:?} instead of {meant:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(alphas: &[&[u8]]) -> MatteLog {
        MatteLog(alphas.iter().map(|alpha| MatteSummary::of(alpha.iter().copied())).collect())
    }

    #[test]
    fn a_lost_alpha_plane_is_noticed() {
        let meant = log(&[&[0, 0, 255, 255]]);
        assert!(compare(&meant, &log(&[&[255; 4]]).0, MEAN_TOLERANCE).is_err());
        assert!(compare(&meant, &log(&[&[0; 4]]).0, MEAN_TOLERANCE).is_err());
        assert!(compare(&meant, &log(&[&[2, 1, 253, 255]]).0, MEAN_TOLERANCE).is_ok());
    }

    #[test]
    fn a_missing_frame_is_noticed() {
        let meant = log(&[&[0, 255], &[0, 255]]);
        assert!(compare(&meant, &log(&[&[0, 255]]).0, MEAN_TOLERANCE).is_err());
    }

    #[test]
    fn a_matte_squeezed_into_limited_range_is_noticed() {
        let meant = log(&[&[0, 0, 0, 255]]);
        assert!(compare(&meant, &log(&[&[50, 50, 50, 235]]).0, MEAN_TOLERANCE).is_err());
    }
}
