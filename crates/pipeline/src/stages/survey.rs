//! The survey: measures the background of a clip from sample frames spread over the whole clip, and
//! that of a still image from its one frame.

use std::time::Duration;

use clearcut_ffmpeg::{MediaInfo, SamplePlan, Sampled};
use clearcut_frame::{Frame, FrameFormat};
use clearcut_job::{CutRequest, KeyColorChoice};
use clearcut_matte::{Background, is_checkerboard};

use super::decode::read_some_frames;
use crate::{BackgroundFinding, CutJob, Error, Stop};

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
    background_of(&read_some_frames(child, format, plan.max_frames, stop)?, job.request)
}

/// Measures the background of sample frames, around the color that `request` gives, if it does.
///
/// # Errors
/// [`Error::NoFlatBackground`].
pub(crate) fn background_of(samples: &[Frame], request: &CutRequest) -> Result<Background, Error> {
    let given_color = match request.key_color {
        KeyColorChoice::Auto => None,
        KeyColorChoice::Given(color) => Some(color),
    };
    let refused = |finding| Error::NoFlatBackground { finding, could_use_model: false };
    let measured = Background::estimate(samples, given_color);
    let is_sure = measured.as_ref().is_ok_and(|background| background.confidence() >= MAX_CHECKERBOARD_CONFIDENCE);
    if given_color.is_none() && !is_sure && shows_checkerboard(samples) {
        return Err(refused(BackgroundFinding::Checkerboard));
    }
    measured.map_err(|_| refused(BackgroundFinding::NoDominantColor))
}

/// Confidence of a background that is no checkerboard: on one, a single tone has about half of the
/// border. Two tones that are too close to tell apart are keyed as one.
const MAX_CHECKERBOARD_CONFIDENCE: f32 = 0.9;

/// Whether most of a few samples show a checkerboard.
fn shows_checkerboard(samples: &[Frame]) -> bool {
    const LOOKED_AT: usize = 5;
    let frames = samples.iter().step_by(samples.len().div_ceil(LOOKED_AT).max(1));
    let (checkered, others): (Vec<_>, Vec<_>) = frames.partition(|frame| is_checkerboard(frame));
    checkered.len() > others.len()
}

fn sample_plan(info: &MediaInfo, format: FrameFormat, threads: usize) -> SamplePlan {
    let max_frames = (SAMPLE_BYTES / format.byte_len() as u64).clamp(4, SAMPLES);
    let among = if info.alpha_stream.is_some() {
        // Skipped frames would pair color with the alpha of another frame.
        Sampled::Every(info.frames.div_ceil(max_frames))
    } else if info.keyframes >= MIN_KEYFRAMES {
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
