//! The survey: measures the background of a clip from sample frames spread over the whole clip, and
//! that of a still image from its one frame.

use std::time::Duration;

use clearcut_ffmpeg::{MediaInfo, SamplePlan, Sampled, TimeSpan};
use clearcut_frame::{Frame, FrameFormat};
use clearcut_job::{CutRequest, KeyColorChoice};
use clearcut_matte::{Background, is_checkerboard};

use super::decode::read_some_frames;
use crate::{BackgroundFinding, CutJob, Error, Stop, part::Part};

/// Number of sample frames: enough if a subject covers the border for a while.
const SAMPLES: u64 = 24;
/// Memory limit for the samples in bytes. Fewer samples are taken of large frames.
const SAMPLE_BYTES: u64 = 96 << 20;
/// Number of keyframes from which a clip is sampled from its keyframes only, so that a long clip is
/// not decoded twice. In clips with fewer, frames that no other frame is predicted from are
/// skipped, which saves half of the work.
const MIN_KEYFRAMES: u64 = 8;

/// Measures the background of the part of the clip that is cut from sample frames.
///
/// # Errors
/// [`Error::NoFlatBackground`], or an error of decoding.
pub(crate) fn survey(job: &CutJob, info: &MediaInfo, format: FrameFormat, stop: &Stop) -> Result<Background, Error> {
    let (part, threads) = (Part::of(job.request, info), job.resources.threads.get());
    let plan =
        if part.is_whole() { sample_plan(info, format, threads) } else { part_plan(info, format, &part, threads) };
    let child = stop.register(job.tools.sample(job.input, info, format.size, &plan, &job.limits)?);
    let background = background_of(&read_some_frames(child, format, plan.max_frames, stop)?, job.request)?;
    let code_size = |color| info.conversion.map_or([0.0; 2], |conversion| conversion.code_size(color));
    Ok(background.with_least_noise(|color| code_size(color).map(|levels| NOISE_OF_CODE * levels)))
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

/// Noise of a background per size of a code of the source: codecs are off by a code or two beside
/// what moves, even if the border shows no noise.
const NOISE_OF_CODE: f32 = 0.5;

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

/// The samples of the whole clip.
fn sample_plan(info: &MediaInfo, format: FrameFormat, threads: usize) -> SamplePlan {
    let max_frames = max_samples(format);
    let among = if info.alpha_stream.is_some() {
        // Skipped frames would pair color with the alpha of another frame.
        Sampled::Every(info.frames.div_ceil(max_frames))
    } else if info.keyframes >= MIN_KEYFRAMES {
        Sampled::Keyframes(info.keyframes.div_ceil(max_frames))
    } else if info.has_variable_rate {
        Sampled::Every(info.frames.div_ceil(max_frames))
    } else {
        Sampled::References(interval(info.duration, max_frames))
    };
    SamplePlan { among, max_frames, threads }
}

/// The samples of a part of a clip. Keyframes are taken if their places are known; else all frames of
/// the part are decoded, for in a short one, a choice could leave none.
fn part_plan(info: &MediaInfo, format: FrameFormat, part: &Part, threads: usize) -> SamplePlan {
    // A frame that is held through the part begins before it.
    let start = part.span.start.min(info.last_frame_start);
    let span = TimeSpan { start, length: (part.span.start + part.span.length).saturating_sub(start) };
    let max_frames = max_samples(format).min(part.count());
    let keyframes = info.keyframe_points.iter().filter(|point| {
        let from_start = point.secs - info.video_start_secs - span.start.as_secs_f64();
        (0.0..span.length.as_secs_f64()).contains(&from_start)
    });
    let among = if info.alpha_stream.is_none() && keyframes.count() as u64 >= MIN_KEYFRAMES {
        Sampled::KeyframesIn(span, interval(span.length, max_frames))
    } else {
        Sampled::ShownIn(span)
    };
    SamplePlan { among, max_frames, threads }
}

fn max_samples(format: FrameFormat) -> u64 {
    (SAMPLE_BYTES / format.byte_len() as u64).clamp(4, SAMPLES)
}

/// The time between `samples` samples of `length`: one millisecond less, because containers round
/// timestamps.
fn interval(length: Duration, samples: u64) -> Duration {
    (length / u32::try_from(samples).unwrap_or(u32::MAX)).saturating_sub(Duration::from_millis(1))
}
