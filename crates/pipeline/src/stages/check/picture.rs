//! The check of opaque pictures: every one is decoded again and compared with what was encoded.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools, read_frame};
use clearcut_frame::{FrameFormat, Size, Subsampling};
use clearcut_job::AlphaCheck;

use crate::{
    Error, Stop,
    picture_log::{PictureLog, PictureSummary},
    progress::Counters,
};

/// Tolerance for the means of a picture after lossy encoding, in levels of 255. A picture of another
/// color, range or frame changes them by more; the codecs at our settings change them by two at most.
const TOLERANCE: u8 = 6;
/// The same for small frames, where errors of single blocks do not average out.
const SMALL_FRAME_TOLERANCE: u8 = 24;
/// Number of pixels below which a frame counts as small: a cell of the summary has then less than four
/// macroblocks of 16×16.
const SMALL_FRAME_PIXELS: u64 = 16 * 1024;

/// A running comparison of the pictures that a file shows with those that were passed to its encoder.
#[derive(Debug)]
pub(super) struct PictureComparison<'a> {
    log: &'a PictureLog,
    /// Tolerance for each mean, in levels of 255.
    tolerance: u8,
    check: AlphaCheck,
    finding: Option<String>,
}

impl<'a> PictureComparison<'a> {
    /// A comparison with `log`, of pictures of `size`.
    pub(super) fn new(log: &'a PictureLog, size: Size) -> Self {
        let tolerance = if size.pixels() < SMALL_FRAME_PIXELS { SMALL_FRAME_TOLERANCE } else { TOLERANCE };
        let check = AlphaCheck { frames_compared: 0, largest_mean_difference: 0.0 };
        Self { log, tolerance, check, finding: None }
    }

    /// Adds the next picture of the file.
    pub(super) fn show(&mut self, actual: &PictureSummary) {
        let index = self.check.frames_compared;
        self.check.frames_compared += 1;
        let Some(expected) = self.log.0.get(index as usize) else { return };
        let difference = expected.difference(actual);
        self.check.largest_mean_difference = self.check.largest_mean_difference.max(f64::from(difference));
        if difference > self.tolerance && self.finding.is_none() {
            self.finding = Some(format!("the picture of frame {index} is {actual:?} instead of {expected:?}"));
        }
    }

    /// What was compared.
    ///
    /// # Errors
    /// A wrong number of frames, or the first picture that differs.
    pub(super) fn finish(self) -> Result<AlphaCheck, String> {
        let (shown, expected) = (self.check.frames_compared, self.log.0.len() as u64);
        if shown != expected {
            return Err(format!("it holds {shown} frames instead of {expected}"));
        }
        self.finding.map_or(Ok(self.check), Err)
    }
}

/// Decodes the output of `plan` and compares its pictures with `log`. Blocks.
///
/// # Errors
/// [`Error::CheckFailed`] with the first difference, or an error of reading the output.
pub(super) fn check_pictures(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    log: &PictureLog,
    counters: &Counters,
) -> Result<AlphaCheck, Error> {
    let raw = plan.raw_size();
    let format = FrameFormat { size: raw, subsampling: Subsampling::Half, has_alpha: false, matrix: plan.color.matrix };
    let (width, height) = (plan.size.width() as usize, plan.size.height() as usize);
    let mut child = stop.register(tools.decode_picture(plan, scratch)?);
    let mut comparison = PictureComparison::new(log, plan.size);
    let mut bytes = vec![0; format.byte_len()];
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_frame(&mut pipe, &mut bytes) {
            let (y, chroma) = bytes.split_at(format.luma_len());
            let (cb, cr) = chroma.split_at(format.chroma_len());
            comparison.show(&PictureSummary::new([y, cb, cr], (width, height), raw.width() as usize));
            counters.count_checked();
        }
    }
    child.wait()?;
    comparison.finish().map_err(|finding| Error::CheckFailed { format: plan.format, finding })
}

#[cfg(test)]
mod tests {
    use clearcut_frame::Matrix;

    use super::*;

    fn picture(level: u8) -> PictureSummary {
        let size = Size::new(256, 256).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let luma = vec![level; format.luma_len()];
        let chroma = vec![128; format.chroma_len()];
        PictureSummary::new([&luma, &chroma, &chroma], (256, 256), 256)
    }

    fn compare(levels: &[u8]) -> Result<AlphaCheck, String> {
        let log = PictureLog([90, 120, 150].map(picture).into());
        let mut comparison = PictureComparison::new(&log, Size::new(256, 256).unwrap());
        for &level in levels {
            comparison.show(&picture(level));
        }
        comparison.finish()
    }

    #[test]
    fn pictures_of_other_levels_or_in_another_number_are_refused() {
        let same = compare(&[91, 119, 152]).unwrap();
        assert_eq!((same.frames_compared, same.largest_mean_difference), (3, 2.0));
        assert!(compare(&[90, 127, 150]).unwrap_err().starts_with("the picture of frame 1 is "));
        assert_eq!(compare(&[90, 120]).unwrap_err(), "it holds 2 frames instead of 3");
        assert_eq!(compare(&[90, 120, 150, 150]).unwrap_err(), "it holds 4 frames instead of 3");
    }
}
