//! Arguments of the command that reads the frames from which the background is measured.

use std::time::Duration;

use clearcut_frame::{FrameRate, Size};

use super::{
    decode::{deinterlacing, ffmpeg_input, pixel_filters, raw_output, retime, seek_before, start_at_first_frame},
    split_arguments,
};
use crate::{MediaInfo, MediaLimits, TimeSpan};

/// Selection of the frames that are sampled to measure the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// The candidate frames and their spacing.
    pub among: Sampled,
    /// Maximum number of frames.
    pub max_frames: u64,
    /// Decoder threads.
    pub threads: usize,
}

/// Candidate frames of a sample. Frames outside the selection are not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// Every n-th keyframe, n at least 1.
    Keyframes(u64),
    /// Reference frames, at least this long after the previous sample. Only for clips of constant
    /// rate, whose timestamps are correct.
    References(Duration),
    /// Every n-th frame, n at least 1.
    Every(u64),
    /// The keyframes in a part of the clip, at least this long after the previous sample. Only for
    /// clips of constant rate; the part must have a keyframe.
    KeyframesIn(TimeSpan, Duration),
    /// What is on screen in a part of the clip, at moments that are spread evenly over it.
    ShownIn(TimeSpan),
}

/// ffmpeg command that writes sampled raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn sample(info: &MediaInfo, size: Size, plan: &SamplePlan, limits: &MediaLimits) -> Vec<String> {
    let every = |step: u64| format!("select=not(mod(n\\,{}))", step.max(1));
    let apart = |interval: Duration| {
        format!("select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{:.6})", interval.as_secs_f64())
    };
    let mut options = format!("-threads {}", plan.threads);
    let mut filters = Vec::new();
    match plan.among {
        Sampled::Keyframes(step) => {
            options += " -skip_frame nokey";
            filters.push(every(step));
        }
        Sampled::References(interval) => {
            options += " -skip_frame noref";
            filters.push(apart(interval));
        }
        Sampled::Every(step) => filters.push(every(step)),
        Sampled::KeyframesIn(span, interval) => {
            options += " -skip_frame nokey -copyts";
            options.extend(seek_before(info, span.start));
            let start = info.video_start_secs + span.start.as_secs_f64();
            let end = start + span.length.as_secs_f64();
            filters.push(format!("trim=start={:.6}:end={end:.6}", start - ROUNDING_SECS));
            filters.push(apart(interval));
        }
        Sampled::ShownIn(span) => {
            options += " -copyts";
            let seek = seek_before(info, span.start);
            if seek.is_none() {
                filters.extend(start_at_first_frame(info));
            }
            options.extend(seek);
            let rate = sampling_rate(plan.max_frames, span).unwrap_or(info.frame_rate);
            filters.push(retime(info, rate, span.start, plan.max_frames, plan.max_frames));
        }
    }
    let mut arguments = ffmpeg_input(info, limits, &options);
    // The frames are not neighbors. What moves then takes one field, and what stands takes both.
    filters.extend(deinterlacing(info));
    filters.extend(pixel_filters(info, size, info.color.matrix));
    arguments.extend(split_arguments(&format!("-frames:v {}", plan.max_frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// Difference of a keyframe's time from its place on the grid of the frames: containers round.
const ROUNDING_SECS: f64 = 1e-3;

/// The rate at which `samples` frames fill `span`.
fn sampling_rate(samples: u64, span: TimeSpan) -> Option<FrameRate> {
    let frames = u32::try_from(samples.saturating_mul(1000)).ok()?;
    FrameRate::new(frames, u32::try_from(span.length.as_millis()).ok()?)
}
