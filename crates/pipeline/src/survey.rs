//! Measuring the background of a clip from frames spread over all of it.

use std::time::Duration;

use clearcut_ffmpeg::{Error as ToolError, MediaInfo, SamplePlan, Sampled, read_frame};
use clearcut_frame::{Frame, FrameFormat};
use clearcut_job::KeyChoice;
use clearcut_matte::Background;

use crate::{CutJob, Error, Stop};

/// Frames that the background is measured from: enough to see past a subject that covers the border for a while.
const SAMPLES: u64 = 24;
/// Fewer are taken of large frames, to stay within this.
const SAMPLE_BYTES: u64 = 96 << 20;
/// Clips with at least so many key frames are sampled from these alone, so that a long clip is not decoded twice. Of others the frames
/// are left out that nothing is predicted from, which are half of the work.
const MIN_KEY_FRAMES: u64 = 8;

/// Measures the background of the clip from frames spread over all of it.
///
/// # Errors
/// [`Error::NoFlatBackground`], or what decoding complains of.
pub(crate) fn survey(job: &CutJob, info: &MediaInfo, format: FrameFormat, stop: &Stop) -> Result<Background, Error> {
    let plan = sample_plan(info, format);
    let mut child = stop.covers(job.tools.sample(job.input, info, format.size, &plan, &job.limits)?);
    let mut samples = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        // No more than were asked for, whatever a decoder that a clip has taken over would send.
        while (samples.len() as u64) < plan.max_frames {
            let mut frame = Frame::new(format);
            match read_frame(&mut pipe, frame.bytes_mut()) {
                Ok(true) => samples.push(frame),
                Ok(false) | Err(_) => break,
            }
        }
    }
    if samples.is_empty() {
        let ended = child.wait();
        stop.check()?;
        ended.map_err(ToolError::of_reading)?;
        return Err(ToolError::Media(clearcut_ffmpeg::MediaError::Damaged).into());
    }
    drop(child);
    stop.check()?;
    let given = match job.request.key {
        KeyChoice::Auto => None,
        KeyChoice::Given(color) => Some(color),
    };
    Background::estimate(&samples, given).map_err(|_| Error::NoFlatBackground { could_use_model: false })
}

fn sample_plan(info: &MediaInfo, format: FrameFormat) -> SamplePlan {
    let max_frames = (SAMPLE_BYTES / format.byte_len() as u64).clamp(4, SAMPLES);
    let among = if info.key_frames >= MIN_KEY_FRAMES {
        Sampled::KeyFrames(info.key_frames.div_ceil(max_frames))
    } else if info.has_variable_rate {
        Sampled::Every(info.frames.div_ceil(max_frames))
    } else {
        // A millisecond less, since containers round timestamps.
        let apart = info.duration / u32::try_from(max_frames).unwrap_or(u32::MAX);
        Sampled::References(apart.saturating_sub(Duration::from_millis(1)))
    };
    SamplePlan { among, max_frames }
}
