//! The check of opaque pictures: every one is decoded again and compared with what was encoded.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools, read_frame};
use clearcut_frame::{FrameFormat, Subsampling};
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
    let tolerance = if plan.size.pixels() < SMALL_FRAME_PIXELS { SMALL_FRAME_TOLERANCE } else { TOLERANCE };
    let failed = |finding| Error::CheckFailed { format: plan.format, finding };
    let raw = plan.raw_size();
    let format = FrameFormat { size: raw, subsampling: Subsampling::Half, has_alpha: false, matrix: plan.color.matrix };
    let (width, height) = (plan.size.width() as usize, plan.size.height() as usize);
    let mut child = stop.register(tools.decode_picture(plan, scratch)?);
    let mut check = AlphaCheck { frames_compared: 0, largest_mean_difference: 0.0 };
    let mut bytes = vec![0; format.byte_len()];
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_frame(&mut pipe, &mut bytes) {
            let (y, chroma) = bytes.split_at(format.luma_len());
            let (cb, cr) = chroma.split_at(format.chroma_len());
            let found = PictureSummary::new([y, cb, cr], (width, height), raw.width() as usize);
            let index = check.frames_compared;
            check.frames_compared += 1;
            counters.count_checked();
            let Some(expected) = log.0.get(index as usize) else { continue };
            let difference = expected.difference(&found);
            check.largest_mean_difference = check.largest_mean_difference.max(f64::from(difference));
            if difference > tolerance {
                return Err(failed(format!("the picture of frame {index} is {found:?} instead of {expected:?}")));
            }
        }
    }
    child.wait()?;
    if check.frames_compared == log.0.len() as u64 {
        return Ok(check);
    }
    Err(failed(format!("it holds {} frames instead of {}", check.frames_compared, log.0.len())))
}
