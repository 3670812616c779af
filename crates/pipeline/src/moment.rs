//! One moment of a clip for previews: measured and decoded once, keyed as often as it is asked for.

use std::{fmt, num::NonZeroUsize, thread, time::Duration};

use clearcut_ffmpeg::{DecodePlan, Error as ToolError, ExcerptPlan, MediaError, MediaInfo, read_frame};
use clearcut_frame::{Frame, FrameFormat, Rgb8, Size};
use clearcut_job::{CutMethod, CutRequest, FpsChoice, MethodReason};
use clearcut_matte::{Background, Keyer};

use crate::{
    CutJob, Error, Stop,
    hinting::{Hinted, follow_hints, small_frames},
    matting::{key_settings, matte_in_order},
    method::{MatteSource, Method, choose},
    model_matting::{matte_by_model, pace},
    plan::timing,
    still::png_of,
    threads::{joined, start},
};

/// Frames on each side of the moment: what the keyer looks at, and a keyframe of a model on each side at the middle pace.
const NEIGHBOURS: u64 = 4;

/// One moment of a clip, measured, its hints followed, and decoded: what a cut would make of it can be shown at any tolerance, with or without shadows, soon.
pub struct Moment {
    prepared: Prepared,
    /// Where in [`Prepared::Color::frames`] the moment lies.
    position: usize,
    size: Size,
    at: Duration,
    reason: MethodReason,
    model: Option<String>,
    hint_frames: Vec<u64>,
}

/// What is kept of a moment.
enum Prepared {
    /// Keyed anew each time.
    Color { background: Background, hinted: Hinted, frames: Vec<Frame> },
    /// Matted: a model knows neither tolerance nor shadows.
    Matted(Frame),
}

/// One frame of a cut.
#[derive(Debug)]
pub struct StillCut {
    /// A PNG: R'G'B' and straight alpha, 8 bits each.
    pub png: Vec<u8>,
    /// Its size in pixels.
    pub size: Size,
    /// When in the clip it is shown.
    pub at: Duration,
    /// How subject and background were told apart.
    pub method: CutMethod,
    /// Why in that way.
    pub reason: MethodReason,
    /// The neural model, where one was used.
    pub model: Option<String>,
    /// The background's color, measured or given; `None` where it was not asked for.
    pub key_color: Option<Rgb8>,
    /// Share of the border, over the whole clip, that is this background: 0.0..=1.0.
    pub confidence: Option<f32>,
    /// In how many frames of the clip each hint holds.
    pub hint_frames: Vec<u64>,
}

impl Moment {
    /// Measures the background of the whole clip, as a cut does, and decodes the frame that is shown `at` and its neighbors. Blocks until
    /// every child process has ended. Works on one thread, but for the decoder of the samples.
    ///
    /// Of the request only method, key color, hints, speed and size count, and a size that is larger than the clip's is ignored; of the
    /// job the scratch folder is not used.
    ///
    /// # Errors
    /// As those of [`crate::cut`], and [`Error::NoSuchMoment`].
    pub fn find(job: &CutJob, at: Duration, stop: &Stop) -> Result<Self, Error> {
        let info = stop.wait_for_headers(job.tools.probe(job.input, &job.limits)?)?;
        let index = index_at(&info, at).ok_or(Error::NoSuchMoment { length: info.duration })?;
        let before = index.min(NEIGHBOURS);
        let format = info.frame_format(size_within(job, &info));
        let plan = ExcerptPlan {
            size: format.size,
            from: info.frame_rate.start_of(index - before),
            frames: before + 1 + NEIGHBOURS,
        };
        let (rate, retiming) = timing(&info, FpsChoice::Source);
        let (method, small, frames) = thread::scope(|scope| {
            // Nobody is told that it waits for memory: whoever asked has a deadline.
            let choosing = stop.ok(start(scope, || stop.ok(choose(job, &info, format, stop, &|| ()))));
            let shrinking = stop.ok(start(scope, || {
                let plan = DecodePlan { size: format.size, retiming, threads: 1 };
                stop.ok(small_frames(job, &info, plan, rate, stop))
            }));
            let frames = stop.ok(decode(job, &info, &plan, format, stop));
            (choosing.and_then(joined), shrinking.and_then(joined), frames)
        });
        stop.check()?;
        let (Some(Method { source, reason }), Some(small), Some(frames)) = (method, small, frames) else {
            return Err(Error::Cancelled);
        };
        let hinted = follow_hints(job.request, &small, rate, &source, stop);
        stop.check()?;
        let hinted = hinted.beginning_at(usize::try_from(index - before).unwrap_or(usize::MAX));
        // A frame or two at a cut end are dropped by decoders.
        let position = usize::try_from(before).unwrap_or(0).min(frames.len() - 1);
        let at = info.frame_rate.start_of(index);
        let hint_frames = hinted.frames.clone();
        let (prepared, model) = match source {
            MatteSource::Color(background) => (Prepared::Color { background, hinted, frames }, None),
            MatteSource::Model(opened) => {
                let model = opened.id.clone();
                let mut mattes = Vec::new();
                let emit = |mut frame: Frame, seen: &[u8]| {
                    if let Some(map) = hinted.map(mattes.len()) {
                        map.overrule(&mut frame, seen);
                    }
                    mattes.push(frame);
                    mattes.len() <= position && !stop.is_stopped()
                };
                matte_by_model(opened, pace(job.request.speed), NonZeroUsize::MIN, frames.into_iter(), emit)?;
                stop.check()?;
                (Prepared::Matted(mattes.pop().ok_or(Error::Cancelled)?), Some(model))
            }
        };
        Ok(Self { prepared, position, size: format.size, at, reason, model, hint_frames })
    }

    /// What a cut would make of the moment with the tolerance and the shadows of `request`, as far as its neighbors tell: a cut also
    /// follows what it saw earlier.
    ///
    /// # Errors
    /// [`Error::Io`] if the frame could not be written.
    pub fn cut(&self, request: &CutRequest) -> Result<StillCut, Error> {
        let (png, method, background) = match &self.prepared {
            Prepared::Matted(frame) => (png_of(frame)?, CutMethod::Ai, None),
            Prepared::Color { background, hinted, frames } => {
                let keyer = Keyer::new(background.clone(), key_settings(request));
                let (mut count, mut found) = (0, None);
                matte_in_order(&keyer, hinted, NonZeroUsize::MIN, frames.iter().cloned(), |frame, _| {
                    found = Some(frame);
                    count += 1;
                    count <= self.position
                });
                let frame = found.ok_or(ToolError::Media(MediaError::Damaged))?;
                (png_of(&frame)?, CutMethod::ChromaKey, Some(background))
            }
        };
        Ok(StillCut {
            png,
            size: self.size,
            at: self.at,
            method,
            reason: self.reason,
            model: self.model.clone(),
            key_color: background.map(Background::color),
            confidence: background.map(Background::confidence),
            hint_frames: self.hint_frames.clone(),
        })
    }

    /// Memory that its frames take.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        match &self.prepared {
            Prepared::Color { frames, .. } => frames.iter().map(|frame| frame.bytes().len()).sum(),
            Prepared::Matted(frame) => frame.bytes().len(),
        }
    }
}

impl fmt::Debug for Moment {
    /// Without its pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("at", &self.at).field("size", &self.size).finish_non_exhaustive()
    }
}

/// The number of the frame that is shown `at`; `None` beyond the end. The last frame is shown at the very end, too.
fn index_at(info: &MediaInfo, at: Duration) -> Option<u64> {
    if at > info.duration {
        return None;
    }
    // A millisecond more, since clients round to it: the start of a frame is that frame.
    let shown = (at + Duration::from_millis(1)).as_secs_f64() * info.frame_rate.per_second();
    let last = info.frame_rate.frames_in(info.duration).max(1) - 1;
    Some((shown as u64).min(last))
}

fn size_within(job: &CutJob, info: &MediaInfo) -> Size {
    let asked = job.request.size.map(|side| u32::from(side.get()));
    asked.filter(|side| *side < info.size.longest_side()).map_or(info.size, |side| info.size.with_longest_side(side))
}

fn decode(
    job: &CutJob,
    info: &MediaInfo,
    plan: &ExcerptPlan,
    format: FrameFormat,
    stop: &Stop,
) -> Result<Vec<Frame>, Error> {
    let mut child = stop.covers(job.tools.excerpt(job.input, info, plan, &job.limits)?);
    let mut frames = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        let mut frame = Frame::new(format);
        while (frames.len() as u64) < plan.frames
            && let Ok(true) = read_frame(&mut pipe, frame.bytes_mut())
        {
            frames.push(std::mem::replace(&mut frame, Frame::new(format)));
        }
    }
    if frames.is_empty() {
        let ended = child.wait();
        stop.check()?;
        ended.map_err(ToolError::of_reading)?;
        return Err(ToolError::Media(MediaError::Damaged).into());
    }
    drop(child);
    stop.check()?;
    Ok(frames)
}
