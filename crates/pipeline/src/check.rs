//! Reads every output back before it is called done.

use std::{path::Path, time::Duration};

use clearcut_ffmpeg::{EncodePlan, Tools, read_picture};
use clearcut_frame::Picture;
use clearcut_job::OutputFormat;

use crate::{Error, Stop, progress::Counters, stack::full_range};

/// The matte of one picture in three numbers.
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

/// What was handed to the encoders: one entry of four bytes a picture.
#[derive(Debug, Default)]
pub(crate) struct MatteLog(Vec<MatteSummary>);

impl MatteLog {
    pub(crate) fn push(&mut self, picture: &Picture) {
        self.0.push(MatteSummary::of(picture.alpha().unwrap_or(&[255]).iter().copied()));
    }

    pub(crate) fn frames(&self) -> u64 {
        self.0.len() as u64
    }

    /// Mean share that is transparent, 0–1.
    pub(crate) fn removed_share(&self) -> f64 {
        1.0 - self.0.iter().map(|matte| matte.mean() / 255.0).sum::<f64>() / self.0.len().max(1) as f64
    }
}

/// How far the mean alpha of a picture may move in a lossy encoder, in levels of 255. A lost or shifted alpha plane moves it by
/// the subject's whole share; the codecs at our settings move it by less than one.
const MEAN_TOLERANCE: f64 = 4.0;
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
    let read_back = if plan.format == OutputFormat::Webp {
        read_webp(plan, scratch, log, counters)?
    } else {
        read_with_ffmpeg(tools, plan, scratch, stop, counters)?
    };
    compare(log, &read_back).map_err(|finding| Error::CheckFailed { format: plan.format, finding })
}

fn compare(log: &MatteLog, read_back: &[MatteSummary]) -> Result<(), String> {
    if read_back.len() != log.0.len() {
        return Err(format!("it holds {} pictures instead of {}", read_back.len(), log.0.len()));
    }
    for (index, (meant, found)) in log.0.iter().zip(read_back).enumerate() {
        let too_far = (meant.mean() - found.mean()).abs() > MEAN_TOLERANCE;
        let not_clear = meant.least == 0 && found.least > RANGE_TOLERANCE && meant.mean() < 250.0;
        let not_solid = meant.most == 255 && found.most < 255 - RANGE_TOLERANCE && meant.mean() > 5.0;
        if too_far || not_clear || not_solid {
            return Err(format!("the matte of picture {index} is {found:?} instead of {meant:?}"));
        }
    }
    Ok(())
}

fn read_with_ffmpeg(
    tools: &Tools,
    plan: &EncodePlan,
    scratch: &Path,
    stop: &Stop,
    counters: &Counters,
) -> Result<Vec<MatteSummary>, Error> {
    let mut child = stop.covers(tools.decode_matte(plan, scratch)?);
    let mut matte = vec![0; plan.size.pixels() as usize];
    let mut summaries = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_picture(&mut pipe, &mut matte) {
            if plan.format == OutputFormat::StackedAlpha {
                for value in &mut matte {
                    *value = full_range(*value);
                }
            }
            summaries.push(MatteSummary::of(matte.iter().copied()));
            counters.checked_one();
        }
    }
    child.wait()?;
    Ok(summaries)
}

/// With libwebp, since ffmpeg reads animated WebP only from version 8 on. Equal pictures are merged into a longer one in such a
/// file: each is counted for as long as it is shown.
fn read_webp(
    plan: &EncodePlan,
    scratch: &Path,
    log: &MatteLog,
    counters: &Counters,
) -> Result<Vec<MatteSummary>, Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let bytes = std::fs::read(scratch.join(plan.file_name()))
        .map_err(|source| Error::Io { doing: "checking an output", source })?;
    let decoder = webp_animation::Decoder::new(&bytes).map_err(|error| failed(format!("{error:?}")))?;
    if decoder.dimensions() != (plan.size.width(), plan.size.height()) {
        return Err(failed(format!("it is {:?} pixels large", decoder.dimensions())));
    }
    let mut summaries = Vec::new();
    for picture in decoder {
        let summary = MatteSummary::of(picture.data().chunks_exact(4).map(|pixel| pixel[3]));
        let shown_until = Duration::from_millis(u64::try_from(picture.timestamp()).unwrap_or(0));
        let until = plan.frame_rate.frames_in(shown_until).max(summaries.len() as u64 + 1);
        summaries.resize(until as usize, summary);
        counters.checked_one();
    }
    if let [only] = summaries[..] {
        // A clip that does not move is written as a still picture, without a time.
        summaries = vec![only; log.0.len()];
    }
    Ok(summaries)
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
        assert!(compare(&meant, &log(&[&[255; 4]]).0).is_err());
        assert!(compare(&meant, &log(&[&[0; 4]]).0).is_err());
        assert!(compare(&meant, &log(&[&[2, 1, 253, 255]]).0).is_ok());
    }

    #[test]
    fn a_missing_picture_is_noticed() {
        let meant = log(&[&[0, 255], &[0, 255]]);
        assert!(compare(&meant, &log(&[&[0, 255]]).0).is_err());
    }

    #[test]
    fn a_matte_squeezed_into_limited_range_is_noticed() {
        let meant = log(&[&[0, 0, 0, 255]]);
        assert!(compare(&meant, &log(&[&[50, 50, 50, 235]]).0).is_err());
    }
}
