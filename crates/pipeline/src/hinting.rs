//! Hints of a request, followed through the clip before it is cut.

use std::time::Duration;

use clearcut_ffmpeg::{DecodePlan, MediaInfo, read_frame};
use clearcut_frame::{Frame, FrameRate, Size};
use clearcut_job::{CutRequest, HintKind};
use clearcut_matte::{Background, Followed, Hint, HintMap, follow};

use crate::{CutJob, Error, Stop, method::MatteSource};

/// The longer side of the small frames that regions are followed in, in pixels: between these, as long as all frames of the clip fit into [`BYTES`].
const SIDES: std::ops::RangeInclusive<u32> = 64..=320;

/// Memory for the small frames of a clip and what hints say of them. Of clips longer than some 20 minutes the first part is followed.
const BYTES: u64 = 256 << 20;

/// Three of a pixel with full chroma, and one of its map.
const BYTES_OF_PIXEL: u64 = 4;

/// Where the hints of a request hold.
#[derive(Debug, Default)]
pub(crate) struct Hinted {
    /// Per frame; frames beyond the end have none.
    maps: Vec<Option<HintMap>>,
    /// Per hint of the request, in how many frames it holds.
    pub(crate) frames: Vec<u64>,
}

impl Hinted {
    /// What hints say of the frame with this number.
    pub(crate) fn map(&self, index: usize) -> Option<&HintMap> {
        self.maps.get(index)?.as_ref()
    }

    /// The same for an excerpt of the clip that begins with the frame `first`.
    pub(crate) fn beginning_at(mut self, first: usize) -> Self {
        self.maps.drain(..first.min(self.maps.len()));
        self
    }
}

/// Decodes the clip as `plan` does, its frames at `rate`, but small, if the request has hints to be followed through them. A clip that ends early has
/// fewer frames.
///
/// # Errors
/// What starting the decoder complains of.
pub(crate) fn small_frames(
    job: &CutJob,
    info: &MediaInfo,
    plan: DecodePlan,
    rate: FrameRate,
    stop: &Stop,
) -> Result<Vec<Frame>, Error> {
    if job.request.hints.is_empty() {
        return Ok(Vec::new());
    }
    let size = small(plan.size, rate.frames_in(info.duration).max(1));
    let format = info.frame_format(size);
    let most = (BYTES / (BYTES_OF_PIXEL * size.pixels())).max(1) as usize;
    let mut child = stop.covers(job.tools.decode(job.input, info, &DecodePlan { size, ..plan }, &job.limits)?);
    let mut frames = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        while frames.len() < most && !stop.is_stopped() {
            let mut frame = Frame::new(format);
            match read_frame(&mut pipe, frame.bytes_mut()) {
                Ok(true) => frames.push(frame),
                Ok(false) | Err(_) => break,
            }
        }
    }
    drop(child);
    stop.check()?;
    Ok(frames)
}

/// Follows the hints of `request` through [`small_frames`] that come at `rate`, until `stop` says so.
pub(crate) fn follow_hints(
    request: &CutRequest,
    frames: &[Frame],
    rate: FrameRate,
    source: &MatteSource,
    stop: &Stop,
) -> Hinted {
    let background = match source {
        MatteSource::Color(background) => Some(background),
        MatteSource::Model(_) => None,
    };
    let hints: Vec<Hint> = (request.hints.iter())
        .map(|hint| Hint { frame: frame_at(hint.time, rate), area: hint.area, keeps: hint.kind == HintKind::Keep })
        .collect();
    let Followed { maps, mut frames } = follow(&hints, frames, background, &|| !stop.is_stopped());
    // What is transparent in the clip itself has nothing to be kept.
    let is_cut_already = background.is_some_and(Background::is_absent);
    for (count, _) in frames.iter_mut().zip(&hints).filter(|(_, hint)| is_cut_already && hint.keeps) {
        *count = 0;
    }
    Hinted { maps, frames: frames.into_iter().map(|count| count as u64).collect() }
}

/// The number of the frame that is shown at `time`; a millisecond more, since clients round to it.
fn frame_at(time: Duration, rate: FrameRate) -> usize {
    ((time + Duration::from_millis(1)).as_secs_f64() * rate.per_second()) as usize
}

/// The size of the small frames of a clip of so many: [`BYTES`] hold all of them, where [`SIDES`] allow it.
fn small(size: Size, frames: u64) -> Size {
    let longest = size.longest_side().min(*SIDES.end());
    let fitting = (*SIDES.start()..=longest)
        .rev()
        .find(|side| BYTES_OF_PIXEL * size.with_longest_side(*side).pixels() * frames <= BYTES);
    size.with_longest_side(fitting.unwrap_or(*SIDES.start()).min(size.longest_side()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_of_a_clip_fit_into_memory_and_are_never_larger_than_the_clip() {
        let side = |width, height, frames| small(Size::new(width, height).unwrap(), frames).longest_side();
        assert_eq!([side(1920, 1080, 240), side(100, 80, 240), side(20, 10, 240)], [320, 100, 20]);
        let long = small(Size::new(1920, 1080).unwrap(), 9000);
        assert!((64..320).contains(&long.longest_side()) && BYTES_OF_PIXEL * long.pixels() * 9000 <= BYTES, "{long}");
        assert_eq!(side(1920, 1080, 6 * 3600 * 60), 64);
    }

    #[test]
    fn the_frame_of_a_time_is_the_one_that_is_shown() {
        let rate = FrameRate::new(24, 1).unwrap();
        let at = |millis| frame_at(Duration::from_millis(millis), rate);
        assert_eq!([at(0), at(41), at(42), at(1000)], [0, 1, 1, 24]);
    }
}
