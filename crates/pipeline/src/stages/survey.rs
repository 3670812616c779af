//! The survey: measures the background of a clip from sample frames spread over the whole clip.

use std::time::Duration;

use clearcut_ffmpeg::{MediaInfo, SamplePlan, Sampled};
use clearcut_frame::FrameFormat;
use clearcut_job::KeyColorChoice;
use clearcut_matte::Background;

use super::decode::read_some_frames;
use crate::{CutJob, Error, Stop};

/// Number of sample frames: enough if a subject covers the border for a while.
const SAMPLES: u64 = 24;
/// Memory limit for the samples in bytes. Fewer samples are taken of large frames.
const SAMPLE_BYTES: u64 = 96 << 20;
/// Number of keyframes from which a clip is sampled from its keyframes only, so that a long clip is
/// not decoded twice. In clips with fewer, frames that no other frame is predicted from are
/// skipped, which saves half of the work.
const MIN_KEYFRAMES: u64 = 8;

/// Measures the background of the clip from sample frames.
///
/// # Errors
/// [`Error::NoFlatBackground`], or an error of decoding.
pub(crate) fn survey(job: &CutJob, info: &MediaInfo, format: FrameFormat, stop: &Stop) -> Result<Background, Error> {
    let plan = sample_plan(info, format, job.resources.threads.get());
    let child = stop.register(job.tools.sample(job.input, info, format.size, &plan, &job.limits)?);
    let samples = read_some_frames(child, format, plan.max_frames, stop)?;
    let given_color = match job.request.key_color {
        KeyColorChoice::Auto => None,
        KeyColorChoice::Given(color) => Some(color),
    };
    Background::estimate(&samples, given_color).map_err(|_| Error::NoFlatBackground { could_use_model: false })
}

fn sample_plan(info: &MediaInfo, format: FrameFormat, threads: usize) -> SamplePlan {
    let max_frames = (SAMPLE_BYTES / format.byte_len() as u64).clamp(4, SAMPLES);
    let among = if info.keyframes >= MIN_KEYFRAMES {
        Sampled::Keyframes(info.keyframes.div_ceil(max_frames))
    } else if info.has_variable_rate {
        Sampled::Every(info.frames.div_ceil(max_frames))
    } else {
        // One millisecond less, because containers round timestamps.
        let interval = info.duration / u32::try_from(max_frames).unwrap_or(u32::MAX);
        Sampled::References(interval.saturating_sub(Duration::from_millis(1)))
    };
    SamplePlan { among, max_frames, threads }
}
