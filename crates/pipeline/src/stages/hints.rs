//! Tracking of the user's hints through the clip before it is cut.

use std::time::Duration;

use clearcut_ffmpeg::{DecodePlan, MediaInfo};
use clearcut_frame::{Area, Frame, FrameRate, Size};
use clearcut_job::{CropRect, CutRequest, HintKind};
use clearcut_matte::{Background, Followed, Hint, HintMap, follow};

use super::decode::read_frames;
use crate::{CutJob, Error, Stop, method::MatteSource};

/// Range for the longer side of the small frames in which regions are tracked, in pixels. The
/// largest side is used with which all frames of the clip fit into [`MAX_BYTES`].
const SIDES: std::ops::RangeInclusive<u32> = 64..=320;

/// Memory for the small frames of a clip and their hint maps. In clips longer than about 20
/// minutes, only the first part is tracked.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes per pixel of a small frame: three with full chroma, and one in its hint map.
const BYTES_PER_PIXEL: u64 = 4;

/// The result of tracking: the hints that apply to each frame.
#[derive(Debug, Default)]
pub(crate) struct HintMaps {
    /// Hint map of each frame, if it has one. Frames beyond the end have none.
    maps: Vec<Option<HintMap>>,
    /// For each hint of the request, the number of frames to which it applies.
    pub(crate) frame_counts: Vec<u64>,
}

impl HintMaps {
    /// The hint map of the frame with this index.
    pub(crate) fn map(&self, index: usize) -> Option<&HintMap> {
        self.maps.get(index)?.as_ref()
    }

    /// The hint maps for an excerpt of the clip that starts with frame `first`.
    pub(crate) fn starting_at(mut self, first: usize) -> Self {
        self.maps.drain(..first.min(self.maps.len()));
        self
    }
}

/// The place in the clip of frames in which hints are tracked.
pub(crate) struct Place {
    /// Number of the first one in the clip.
    pub(crate) first: u64,
    pub(crate) rate: FrameRate,
    /// The part of the frames of the clip that they show, and the size of those.
    pub(crate) crop: Option<(CropRect, Size)>,
}

impl Place {
    /// An area of the frames of the clip as one of the part that is shown. [`crate::crop::crop_of`]
    /// has refused those outside of it.
    fn area_of(&self, area: Area) -> Area {
        self.crop.and_then(|(crop, size)| crop.area_of(area, size)).unwrap_or(area)
    }
}

/// Decodes small versions of the `frames` frames that `plan` gives. Without hints in the request
/// the result is empty. A clip that ends early has fewer frames.
///
/// # Errors
/// An error of starting the decoder.
pub(crate) fn small_frames(
    job: &CutJob,
    info: &MediaInfo,
    plan: DecodePlan,
    frames: u64,
    stop: &Stop,
) -> Result<Vec<Frame>, Error> {
    if job.request.hints.is_empty() {
        return Ok(Vec::new());
    }
    let size = small_size(plan.size, frames.max(1));
    let format = info.frame_format(size);
    let max_frames = (MAX_BYTES / (BYTES_PER_PIXEL * size.pixels())).max(1);
    let mut child = stop.register(job.tools.decode(job.input, info, &DecodePlan { size, ..plan }, &job.limits)?);
    let frames = read_frames(&mut child, format, max_frames, stop);
    drop(child);
    stop.check()?;
    Ok(frames)
}

/// Tracks the hints of `request` through [`small_frames`], which have this place in the clip. Ends early if `stop` is set.
pub(crate) fn track_hints(
    request: &CutRequest,
    frames: &[Frame],
    place: &Place,
    source: &MatteSource,
    stop: &Stop,
) -> HintMaps {
    let background = match source {
        MatteSource::Color(background) => Some(background),
        MatteSource::Model(_) => None,
    };
    let hints: Vec<Hint> = (request.hints.iter())
        .map(|hint| Hint {
            frame: frame_at(hint.time, place.rate).saturating_sub(place.first as usize),
            area: place.area_of(hint.area),
            keeps: hint.kind == HintKind::Keep,
        })
        .collect();
    let Followed { maps, frames: mut frame_counts } = follow(&hints, frames, background, &|| !stop.is_stopped());
    // In a clip with its own transparency, hints that keep a region have no effect.
    let has_own_alpha = background.is_some_and(Background::is_transparent);
    for (count, _) in frame_counts.iter_mut().zip(&hints).filter(|(_, hint)| has_own_alpha && hint.keeps) {
        *count = 0;
    }
    HintMaps { maps, frame_counts: frame_counts.into_iter().map(|count| count as u64).collect() }
}

/// The index of the frame that is shown at `time`. One millisecond is added, because clients round
/// times to milliseconds.
fn frame_at(time: Duration, rate: FrameRate) -> usize {
    ((time + Duration::from_millis(1)).as_secs_f64() * rate.per_second()) as usize
}

/// The size of the small frames of a clip of `size` with this many frames. All of them fit into
/// [`MAX_BYTES`] if [`SIDES`] permit it.
fn small_size(size: Size, frames: u64) -> Size {
    let longest = size.longest_side().min(*SIDES.end());
    let fitting = (*SIDES.start()..=longest)
        .rev()
        .find(|side| BYTES_PER_PIXEL * size.with_longest_side(*side).pixels() * frames <= MAX_BYTES);
    size.with_longest_side(fitting.unwrap_or(*SIDES.start()).min(size.longest_side()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_fit_into_memory_and_are_never_larger_than_the_clip() {
        let side = |width, height, frames| small_size(Size::new(width, height).unwrap(), frames).longest_side();
        assert_eq!([side(1920, 1080, 240), side(100, 80, 240), side(20, 10, 240)], [320, 100, 20]);
        let long = small_size(Size::new(1920, 1080).unwrap(), 9000);
        assert!(
            (64..320).contains(&long.longest_side()) && BYTES_PER_PIXEL * long.pixels() * 9000 <= MAX_BYTES,
            "{long}"
        );
        assert_eq!(side(1920, 1080, 6 * 3600 * 60), 64);
    }

    #[test]
    fn a_time_maps_to_the_frame_shown_at_that_time() {
        let rate = FrameRate::new(24, 1).unwrap();
        let at = |millis| frame_at(Duration::from_millis(millis), rate);
        assert_eq!([at(0), at(41), at(42), at(1000)], [0, 1, 1, 24]);
    }
}
