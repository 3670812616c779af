//! The part of a clip that is cut: a range of the frames that the whole clip would give.

use std::ops::Range;

use clearcut_ffmpeg::{DecodeWindow, MediaInfo, Retiming, TimeSpan};
use clearcut_frame::FrameRate;
use clearcut_job::CutRequest;

use crate::Error;

/// The part of a clip that is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its frames, by their numbers in the whole clip at the rate of the output.
    pub(crate) frames: Range<u64>,
    /// The time of these frames.
    pub(crate) span: TimeSpan,
    /// Whether the clip goes on behind it.
    ends_early: bool,
}

impl Part {
    /// The part of the clip that `request` names, at the rate that it chooses. It holds no frame if
    /// [`check_trim`] refuses it.
    pub(crate) fn of(request: &CutRequest, info: &MediaInfo) -> Self {
        let (trim, (rate, retiming)) = (request.trim, timing(request, info));
        let count = frames_of(info, rate, retiming);
        let first = trim.map_or(0, |trim| trim.first_frame(rate)).min(count);
        let end = trim.and_then(|trim| trim.end_frame(rate)).map_or(count, |end| end.clamp(first, count));
        let (start, ends_early) = (rate.start_of(first), end < count);
        let length = if ends_early { rate.start_of(end) } else { info.duration }.saturating_sub(start);
        Self { frames: first..end, span: TimeSpan { start, length }, ends_early }
    }

    /// Number of frames.
    pub(crate) const fn count(&self) -> u64 {
        self.frames.end - self.frames.start
    }

    /// Whether it is the whole clip.
    pub(crate) const fn is_whole(&self) -> bool {
        self.frames.start == 0 && !self.ends_early
    }

    /// The frames that a decoder passes on; `None` for all.
    pub(crate) fn window(&self) -> Option<DecodeWindow> {
        // A clip may have more frames at its end than its packets say.
        let end = self.ends_early.then_some(self.frames.end);
        (!self.is_whole()).then_some(DecodeWindow { first: self.frames.start, end, seek: None })
    }
}

/// The constant rate in the time of the clip at which `request` takes its frames, and how the source is converted to
/// it. They are shown at this rate times the tempo. Slower than the clip, without a rate of its own, each
/// frame is shown once, for longer.
pub(crate) fn timing(request: &CutRequest, info: &MediaInfo) -> (FrameRate, Retiming) {
    let requested = match request.fps.rate() {
        None if request.tempo.is_slower() => info.frame_rate,
        None => request.tempo.in_clip(info.frame_rate),
        Some(rate) => request.tempo.in_clip(rate),
    };
    let is_unchanged = requested == info.frame_rate && !info.has_variable_rate;
    (requested, if is_unchanged { Retiming::EveryFrame } else { Retiming::To(requested) })
}

/// Number of frames of the whole clip at `rate`, by its headers.
fn frames_of(info: &MediaInfo, rate: FrameRate, retiming: Retiming) -> u64 {
    match retiming {
        Retiming::EveryFrame => info.frames,
        Retiming::To(_) => rate.frames_in(info.duration).max(1),
    }
}

/// Refuses a request whose part begins or ends behind the clip, or holds no frame of it. The end may
/// lie up to a frame behind the clip's: programs round the length that they show.
///
/// # Errors
/// [`Error::TrimOutside`].
pub(crate) fn check_trim(request: &CutRequest, info: &MediaInfo) -> Result<(), Error> {
    let Some(trim) = request.trim else { return Ok(()) };
    let (rate, retiming) = timing(request, info);
    let count = frames_of(info, rate, retiming);
    let (first, end) = (trim.first_frame(rate), trim.end_frame(rate).unwrap_or(count));
    let refused = |finding| Err(Error::TrimOutside { trim, finding, length: info.duration });
    if first >= count {
        refused("begins at its end or later")
    } else if end > count + 1 {
        refused("ends behind it")
    } else if end <= first {
        refused("holds none of its frames")
    } else {
        Ok(())
    }
}
