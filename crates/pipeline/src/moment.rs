//! Previews of one frame of a cut: surveyed and decoded once, then keyed with any settings.

use std::{fmt, num::NonZeroUsize, thread, time::Duration};

use clearcut_ffmpeg::{DecodePlan, Error as ToolError, ExcerptPlan, MediaError, MediaInfo};
use clearcut_frame::{Frame, FrameFormat, Size};
use clearcut_job::{CutMethod, CutRequest, FpsChoice, MethodReason, PreviewFrame, Tempo};
use clearcut_matte::{Background, Keyer};

use crate::{
    CutJob, Error, Stop,
    method::{MatteSource, Method, choose_method},
    part::{Part, check_trim, timing},
    stages::{
        decode::read_some_frames,
        hints::{HintMaps, Place, small_frames, track_hints},
        key::{keyer_settings, matte_by_color},
        segment::{matte_with_model, pace},
        survey::survey,
        unpack::unpack,
    },
    still::encode_png,
    threads::{join, spawn},
};

/// Number of frames decoded on each side of the moment: enough for the keyer, and for one keyframe
/// of a model on each side at the balanced pace.
const NEIGHBORS: u64 = 4;

/// One frame of a clip, prepared for previews: the background is measured, hints are tracked, and
/// the frame is decoded. A preview with another tolerance or shadow setting is then fast.
pub struct Moment {
    prepared: Prepared,
    /// Index of the moment in [`Prepared::Color::frames`].
    position: usize,
    size: Size,
    at: Duration,
    reason: MethodReason,
    model: Option<String>,
    hint_frames: Vec<u64>,
}

/// The data kept for previews.
enum Prepared {
    /// Keyed again for each preview.
    Color { background: Background, hints: HintMaps, frames: Vec<Frame> },
    /// Already matted, because a model has neither tolerance nor shadow settings.
    Matted(Frame),
}

impl Moment {
    /// Measures the background of the part of the clip that is cut, as a cut does, and decodes the frame shown at
    /// `at` and its neighbors. Blocks until every child process has ended. Mattes on one
    /// thread; two more choose the method and decode small frames.
    ///
    /// Only method, key color, hints, speed, size, trim, crop and de-interlacing of the request are used. A
    /// size larger than the clip's is ignored. The job's scratch folder holds nothing afterwards.
    ///
    /// # Errors
    /// The errors of [`crate::cut`], and [`Error::NoSuchMoment`] for a moment outside of the part.
    pub fn find(job: &CutJob, at: Duration, stop: &Stop) -> Result<Self, Error> {
        let stop = &stop.for_cut();
        let unpacked = unpack(job, stop, || ())?;
        // A preview shows a frame of the clip, whatever the rate of the cut.
        let request = &CutRequest { fps: FpsChoice::Source, tempo: Tempo::default(), ..job.request.clone() };
        let job = &CutJob { input: unpacked.as_ref().unwrap_or(job.input), request, ..*job };
        let info = stop.media_info(job.tools.probe(job.input, &job.limits)?, job.request)?;
        check_trim(request, &info)?;
        let part = Part::of(request, &info);
        let index = frame_index_at(&info, at).ok_or(Error::NoSuchMoment { length: info.duration })?;
        // A part may start while a frame is shown that began before it: the part shows the next one then.
        let is_in_part = request.trim.is_some_and(|trim| trim.contains(at));
        let index = if is_in_part { index.max(part.frames.start) } else { index };
        if let Some(trim) = request.trim.filter(|_| !part.frames.contains(&index)) {
            return Err(Error::MomentOutsideTrim { at, trim });
        }
        // While the last frame is held, its neighbors are repetitions of it.
        let last = info.frame_rate.frames_in(info.last_frame_start) + NEIGHBORS;
        let before = (index - part.frames.start).min(NEIGHBORS);
        let format = info.frame_format(preview_size(job, &info));
        let plan = ExcerptPlan { size: format.size, first: index.min(last) - before, frames: before + 1 + NEIGHBORS };
        let (rate, retiming) = timing(request, &info);
        let (method, small, frames) = thread::scope(|scope| {
            // Waiting for memory is not reported, because previews have a deadline.
            let method_thread = stop.on_error(spawn(scope, || {
                let survey = || survey(job, &info, format, stop);
                stop.on_error(choose_method(job.request, job.models, survey, stop, &|| ()))
            }));
            let shrink_thread = stop.on_error(spawn(scope, || {
                let plan = DecodePlan { size: format.size, retiming, threads: 1, window: part.window() };
                stop.on_error(small_frames(job, &info, plan, part.count(), stop))
            }));
            let frames = stop.on_error(decode_excerpt(job, &info, &plan, format, stop));
            (method_thread.and_then(join), shrink_thread.and_then(join), frames)
        });
        stop.check()?;
        let (Some(Method { source, reason }), Some(small), Some(frames)) = (method, small, frames) else {
            return Err(Error::Cancelled);
        };
        let crop = info.crop.map(|crop| (crop, info.size));
        let hints = track_hints(request, &small, &Place { first: part.frames.start, rate, crop }, &source, stop);
        stop.check()?;
        let hints = hints.starting_at(usize::try_from(index - before - part.frames.start).unwrap_or(usize::MAX));
        // Decoders may drop a frame or two at a truncated end.
        let position = usize::try_from(before).unwrap_or(0).min(frames.len() - 1);
        let at = info.frame_rate.start_of(index);
        let hint_frames = hints.frame_counts.clone();
        let (prepared, model) = match source {
            MatteSource::Color(background) => (Prepared::Color { background, hints, frames }, None),
            MatteSource::Model(model) => {
                let model_id = model.id.clone();
                let mut mattes = Vec::new();
                let emit = |mut frame: Frame, source_planes: &[u8]| {
                    if let Some(map) = hints.map(mattes.len()) {
                        map.overrule(&mut frame, source_planes);
                    }
                    mattes.push(frame);
                    mattes.len() <= position && !stop.is_stopped()
                };
                matte_with_model(model, pace(job.request.speed), NonZeroUsize::MIN, frames.into_iter(), emit)?;
                stop.check()?;
                (Prepared::Matted(mattes.pop().ok_or(Error::Cancelled)?), Some(model_id))
            }
        };
        Ok(Self { prepared, position, size: format.size, at, reason, model, hint_frames })
    }

    /// Renders the preview with the tolerance and shadow setting of `request`. It can differ from
    /// the cut, which also uses information from earlier frames, and may have another frame rate.
    ///
    /// # Errors
    /// [`Error::Io`] if the PNG could not be encoded.
    pub fn cut(&self, request: &CutRequest) -> Result<PreviewFrame, Error> {
        let (png, method, background) = match &self.prepared {
            Prepared::Matted(frame) => (encode_png(frame)?, CutMethod::Ai, None),
            Prepared::Color { background, hints, frames } => {
                let keyer = Keyer::new(background.clone(), keyer_settings(request));
                let (mut count, mut found) = (0, None);
                matte_by_color(&keyer, hints, NonZeroUsize::MIN, frames.iter().cloned(), |frame, _| {
                    found = Some(frame);
                    count += 1;
                    count <= self.position
                });
                let frame = found.ok_or(ToolError::Media(MediaError::Damaged))?;
                (encode_png(&frame)?, CutMethod::ChromaKey, Some(background))
            }
        };
        Ok(PreviewFrame {
            png,
            size: self.size,
            at: self.at,
            method,
            reason: self.reason,
            model: self.model.clone(),
            key_color: background.map(Background::color),
            confidence: background.map(|background| f64::from(background.confidence())),
            hint_frames: self.hint_frames.clone(),
        })
    }

    /// Memory used by the frames, in bytes.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        match &self.prepared {
            Prepared::Color { frames, .. } => frames.iter().map(|frame| frame.bytes().len()).sum(),
            Prepared::Matted(frame) => frame.bytes().len(),
        }
    }
}

impl fmt::Debug for Moment {
    /// Omits the pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("at", &self.at).field("size", &self.size).finish_non_exhaustive()
    }
}

/// The index of the frame shown at `at`; `None` beyond the end. The last frame is also shown at the
/// exact end.
fn frame_index_at(info: &MediaInfo, at: Duration) -> Option<u64> {
    if at > info.duration {
        return None;
    }
    // One millisecond is added, because clients round times to milliseconds: the start time of a
    // frame must map to that frame.
    let shown = (at + Duration::from_millis(1)).as_secs_f64() * info.frame_rate.per_second();
    let rate = info.frame_rate;
    let end = rate.frames_in(info.duration).max(rate.frames_in(info.last_frame_start) + 1);
    Some((shown as u64).min(end - 1))
}

fn preview_size(job: &CutJob, info: &MediaInfo) -> Size {
    let asked = job.request.size.map(|side| u32::from(side.get()));
    let size = info.decoded_size();
    asked.filter(|side| *side < size.longest_side()).map_or(size, |side| size.with_longest_side(side))
}

fn decode_excerpt(
    job: &CutJob,
    info: &MediaInfo,
    plan: &ExcerptPlan,
    format: FrameFormat,
    stop: &Stop,
) -> Result<Vec<Frame>, Error> {
    let child = stop.register(job.tools.excerpt(job.input, info, plan, &job.limits)?);
    read_some_frames(child, format, plan.frames, stop)
}
