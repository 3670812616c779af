use clearcut_ffmpeg::{Error as ToolError, MediaInfo, SamplePlan, read_picture};
use clearcut_frame::{Picture, PictureFormat};
use clearcut_job::KeyChoice;
use clearcut_matte::Backdrop;

use crate::{CutJob, Error, Stop};

/// Pictures that the background is measured from: enough to see past a subject that covers the border for a while.
const SAMPLES: u64 = 24;
/// Fewer are taken of large pictures, to stay within this.
const SAMPLE_BYTES: u64 = 96 << 20;
/// Clips with at least so many key frames are sampled from these alone, so that a long clip is not decoded twice.
const MIN_KEY_FRAMES: u64 = 8;

/// Measures the background of the clip from pictures spread over all of it.
///
/// # Errors
/// [`Error::NoFlatBackground`], or what decoding complains of.
pub(crate) fn survey(job: &CutJob, info: &MediaInfo, format: PictureFormat, stop: &Stop) -> Result<Backdrop, Error> {
    let plan = sample_plan(info, format);
    let mut child = stop.covers(job.tools.sample(job.input, info, format.size, &plan, &job.limits)?);
    let mut samples = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        loop {
            let mut picture = Picture::new(format);
            match read_picture(&mut pipe, picture.bytes_mut()) {
                Ok(true) => samples.push(picture),
                Ok(false) | Err(_) => break,
            }
        }
    }
    let ended = child.wait();
    stop.check()?;
    if samples.is_empty() {
        ended?;
        return Err(ToolError::Media(clearcut_ffmpeg::MediaError::Damaged).into());
    }
    let given = match job.request.key {
        KeyChoice::Auto => None,
        KeyChoice::Given(color) => Some(color),
    };
    Backdrop::estimate(&samples, given).map_err(|_| Error::NoFlatBackground { could_use_network: false })
}

fn sample_plan(info: &MediaInfo, format: PictureFormat) -> SamplePlan {
    let max_pictures = (SAMPLE_BYTES / format.byte_len() as u64).clamp(4, SAMPLES);
    let key_frames_only = info.key_frames >= MIN_KEY_FRAMES;
    let available = if key_frames_only { info.key_frames } else { info.frames };
    SamplePlan { key_frames_only, step: available.div_ceil(max_pictures).max(1), max_pictures }
}
