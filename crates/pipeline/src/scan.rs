//! The scan: a pass over small frames of the part of a clip before it is cut. It finds what the cut
//! has to know of all frames before it encodes the first one: the box of the subject, and the seam of a loop.
//!
//! The scan mattes the whole frame as the cut does, with the method that the whole frame asks for. The cut
//! itself is then one of a rectangle, so its segments, wherever they are cut, have the same one.

use std::{ops::Range, thread};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::{Frame, Size};
use clearcut_job::{
    Bounds, Crop, CropRect, CutRequest, CutStep, Hint, Hints, LongestSide, LoopChoice, MethodChoice, MethodReason,
    Note, NoteCode, Speed, Trim,
};
use clearcut_matte::Keyer;
use crossbeam_channel::{Receiver, bounded};
use serde::{Deserialize, Serialize};

mod seam;

use seam::{MAX_FRAMES, Seam, Thumbnail};

use crate::{
    CutJob, CutReport, Error, Stop,
    method::{MatteSource, choose_method},
    part::check_trim,
    plan::Plan,
    preset::with_preset_rate,
    stages::{
        decode::decode,
        hints::{HintMaps, Place, small_frames, track_hints},
        key::{keyer_settings, matte_by_color},
        segment::{matte_with_model, pace},
        survey::survey,
    },
    threads::spawn,
};

/// Longer side of the small frames in pixels: what is 2 pixels wide in a frame of 1080p is then half
/// a pixel wide, and has half of its alpha.
const SIDE: u16 = 480;

/// Least alpha of a pixel of a small frame that counts as subject: a quarter, so that a line of a full
/// frame still counts, and the faint haze of a model does not.
const LEAST_ALPHA: u8 = 64;

/// Margin around the box of the subject: this share of the longer side of the box, and at least so many pixels
/// of the small frames, which is the accuracy of the box.
const MARGIN: f64 = 0.04;
const MARGIN_PIXELS: u32 = 3;

/// What the scan found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Scan {
    /// The rectangle of the subject, if it was looked for: distances from the left and top side, width and height.
    rect: Option<(u32, u32, u32, u32)>,
    /// The part of the clip that loops, if it was looked for.
    trim: Option<Trim>,
    method: MethodChoice,
    reason: MethodReason,
    /// The hints that lie in the rectangle, and for each one that was given, the number of frames to which it
    /// applies.
    hints: Hints,
    hint_frames: Vec<u64>,
    notes: Vec<Note>,
}

impl Scan {
    /// The request of the cut: `request` with the rectangle, the part and the method that were found.
    pub(crate) fn request(&self, request: &CutRequest) -> CutRequest {
        let found =
            self.rect.and_then(|(x, y, width, height)| Some(CropRect { x, y, size: Size::new(width, height)? }));
        CutRequest {
            crop: found.map(Crop::Rect).or(request.crop),
            trim: self.trim.or(request.trim),
            looped: request.looped.filter(|looped| *looped != LoopChoice::Seamless),
            method: self.method,
            hints: self.hints.clone(),
            ..request.clone()
        }
    }

    /// Adds to the report of the cut what the scan knows.
    pub(crate) fn complete(&self, report: &mut CutReport) {
        report.notes.extend(self.notes.iter().cloned());
        report.reason = self.reason;
        report.matte.hint_frames.clone_from(&self.hint_frames);
    }
}

/// Whether a cut of `request` has to know what a scan finds.
pub(crate) const fn needs_scan(request: &CutRequest) -> bool {
    matches!(request.crop, Some(Crop::Subject(_))) || matches!(request.looped, Some(LoopChoice::Seamless))
}

/// Scans the clip of `job` if its request needs that; else `None`. Blocks.
///
/// # Errors
/// Those of [`crate::cut`] that concern the clip; [`Error::NoSubject`], [`Error::ShapeAroundSubject`].
pub(crate) fn scan(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<Option<Scan>, Error> {
    if !needs_scan(job.request) {
        return Ok(None);
    }
    stop.check()?;
    progress(CutStep::Surveying);
    let info = stop.media_info(job.tools.probe(job.input, &job.limits)?, job.request)?;
    check_trim(job.request, &info)?;
    let at_rate = with_preset_rate(job.request, &info)?;
    let small = small_request(&at_rate, info.decoded_size());
    let (request, job) = (job.request, &CutJob { request: &small, ..*job });
    let plan = Plan::new(&info, &small, &job.resources);
    plan.check_clip(&info, &job.limits, &job.resources)?;
    let is_looped = request.looped == Some(LoopChoice::Seamless);
    if is_looped && plan.expected_frames > MAX_FRAMES {
        return Err(Error::LoopTooLong { frames: plan.expected_frames, limit: MAX_FRAMES });
    }
    let method = choose_method(&small, job.models, || survey(job, &info, plan.frame, stop), stop, &|| ())?;
    let frames = small_frames(job, &info, plan.decode, plan.expected_frames, stop)?;
    let place =
        Place { first: plan.frames_before(), rate: plan.clip_rate, crop: info.crop.map(|crop| (crop, info.size)) };
    let mut hints = track_hints(&small, &frames, &place, &method.source, stop);
    drop(frames);
    stop.check()?;
    let hint_frames = std::mem::take(&mut hints.frame_counts);
    let choice = match method.source {
        MatteSource::Color(_) => MethodChoice::Chroma,
        MatteSource::Model(_) => MethodChoice::Ai,
    };
    let seen = matte_small((job, &info, &plan), method.source, &hints, is_looped, stop)?;
    let (mut notes, mut rect, mut trim) = (Vec::new(), None, None);
    if let Some(Crop::Subject(asked)) = request.crop {
        let shape = asked.or(request.bounds.and_then(Bounds::shape));
        let found = FoundBox::of(&seen, shape, (plan.frame.size, info.size))?;
        notes.push(Note::new(NoteCode::CropFound, found.message(info.size)));
        rect = Some(found.rect);
    }
    if let Some(seam) = Seam::find(&seen.thumbnails) {
        notes.push(Note::new(NoteCode::LoopFound, seam_message(&seam, &plan)));
        let of_clip = |number: usize| plan.frames_before() + number as u64;
        let end = if seam.end < seen.thumbnails.len() { Some(of_clip(seam.end)) } else { plan.end() };
        trim = Some(Trim::of_frames(of_clip(seam.first), end, plan.clip_rate));
    }
    let is_kept = |hint: &&Hint| {
        rect.is_none_or(|rect| rect.area_of(hint.area, info.size).is_some())
            && trim.is_none_or(|trim: Trim| trim.contains(hint.time))
    };
    let kept: Vec<Hint> = request.hints.iter().filter(is_kept).copied().collect();
    Ok(Some(Scan {
        rect: rect.map(|CropRect { x, y, size }| (x, y, size.width(), size.height())),
        trim,
        method: choice,
        reason: method.reason,
        hints: Hints::try_from(kept).unwrap_or_default(),
        hint_frames,
        notes,
    }))
}

/// What is told of the seam of a loop: where it is, and how well it closes.
fn seam_message(Seam { first, end, difference, usual }: &Seam, plan: &Plan) -> String {
    let secs = |number: usize| plan.clip_rate.start_of(plan.frames_before() + number as u64).as_secs_f64();
    let verdict = match difference / usual.max(0.1) {
        ..=1.0 => "the jump back is not larger than a step from frame to frame",
        ..=3.0 => "the jump back may be seen",
        _ => "the jump back is seen: nothing in the clip leads back to its beginning",
    };
    let (from, to) = (secs(*first), secs(*end));
    format!(
        "loop seamless took {from:.3} to {to:.3} s: {verdict} (the subject differs there by {difference:.1} levels of 255, \
         and from frame to frame by {usual:.1})"
    )
}

/// The request of the scan: frames of `size`, small, at the pace that is the fastest for models.
fn small_request(request: &CutRequest, size: Size) -> CutRequest {
    CutRequest {
        preset: None,
        max_bytes: None,
        background: None,
        crop: request.crop.filter(|crop| !matches!(crop, Crop::Subject(_))),
        bounds: None,
        looped: None,
        size: LongestSide::try_from(SIDE).ok().filter(|_| size.longest_side() > u32::from(SIDE)),
        speed: Speed::Fast,
        ..request.clone()
    }
}

/// Mattes all frames of `plan` and returns what is seen of the subject in any of them.
fn matte_small(
    (job, info, plan): (&CutJob, &MediaInfo, &Plan),
    source: MatteSource,
    hints: &HintMaps,
    keeps_thumbnails: bool,
    stop: &Stop,
) -> Result<Seen, Error> {
    let decoder = stop.register(job.tools.decode(job.input, info, &plan.decode, &job.limits)?);
    let (sender, decoded) = bounded::<Frame>(1);
    let mut seen = Seen { keeps_thumbnails, ..Seen::default() };
    thread::scope(|scope| {
        let decoding = spawn(scope, move || stop.on_error(decode(decoder, job, info, plan, &sender)));
        stop.on_error(decoding.map(drop));
        stop.on_error(look_at((job, plan), source, hints, &decoded, |frame| {
            seen.add(frame);
            !stop.is_stopped()
        }));
        drop(decoded); // Ends the decoder if the matting failed.
    });
    stop.check()?;
    Ok(seen)
}

/// Mattes the `decoded` frames and passes each one on, until `look` returns false.
fn look_at(
    (job, plan): (&CutJob, &Plan),
    source: MatteSource,
    hints: &HintMaps,
    decoded: &Receiver<Frame>,
    mut look: impl FnMut(&Frame) -> bool,
) -> Result<(), Error> {
    match source {
        MatteSource::Color(background) => {
            let keyer = Keyer::new(background, keyer_settings(job.request));
            matte_by_color(&keyer, hints, plan.matte_threads, decoded.iter(), |frame, _| look(&frame));
            Ok(())
        }
        MatteSource::Model(model) => {
            let mut indices = 0..;
            matte_with_model(model, pace(job.request.speed), plan.matte_threads, decoded.iter(), |mut frame, planes| {
                if let Some(map) = indices.next().and_then(|index| hints.map(index)) {
                    map.overrule(&mut frame, planes);
                }
                look(&frame)
            })
        }
    }
}

/// What was seen of the subject in frames of one size: the columns and the rows of its box, and for a loop
/// a thumbnail of each frame.
#[derive(Default)]
struct Seen {
    columns: Range<u32>,
    rows: Range<u32>,
    keeps_thumbnails: bool,
    thumbnails: Vec<Thumbnail>,
}

impl Seen {
    /// Adds what `frame` shows.
    fn add(&mut self, frame: &Frame) {
        if self.keeps_thumbnails {
            self.thumbnails.push(Thumbnail::of(frame));
        }
        let width = frame.size().width() as usize;
        let Some(alpha) = frame.alpha() else { return self.join(0..frame.size().width(), 0..frame.size().height()) };
        for (row, alpha) in (0..).zip(alpha.chunks_exact(width)) {
            let is_seen = |alpha: &u8| *alpha >= LEAST_ALPHA;
            if let Some((first, last)) = alpha.iter().position(is_seen).zip(alpha.iter().rposition(is_seen)) {
                self.join(first as u32..last as u32 + 1, row..row + 1);
            }
        }
    }

    fn join(&mut self, columns: Range<u32>, rows: Range<u32>) {
        let joined = |own: &Range<u32>, other: Range<u32>| {
            if own.is_empty() { other } else { own.start.min(other.start)..own.end.max(other.end) }
        };
        (self.columns, self.rows) = (joined(&self.columns, columns), joined(&self.rows, rows));
    }
}

/// The rectangle around a subject.
#[derive(Debug, PartialEq, Eq)]
struct FoundBox {
    rect: CropRect,
    margin: u32,
    shape: Option<(u32, u32)>,
}

impl FoundBox {
    /// The rectangle in frames of `size` around what was `seen` in `small` ones, in `shape` if there is one.
    ///
    /// # Errors
    /// [`Error::NoSubject`], [`Error::ShapeAroundSubject`].
    fn of(seen: &Seen, shape: Option<(u32, u32)>, (small, size): (Size, Size)) -> Result<Self, Error> {
        let scaled = |pixels: &Range<u32>, from: u32, to: u32| {
            let scaled = |at: u32| u64::from(at) * u64::from(to);
            (scaled(pixels.start) / u64::from(from)) as u32..scaled(pixels.end).div_ceil(u64::from(from)) as u32
        };
        let columns = scaled(&seen.columns, small.width(), size.width());
        let rows = scaled(&seen.rows, small.height(), size.height());
        let longer = columns.len().max(rows.len()) as f64;
        let pixel = size.longest_side().div_ceil(small.longest_side());
        let margin = ((MARGIN * longer).ceil() as u32).max(MARGIN_PIXELS * pixel);
        let around = |margin| CropRect::around_pixels((&columns, &rows), margin, size).ok_or(Error::NoSubject);
        let Some(shape) = shape else { return Ok(Self { rect: around(margin)?, margin, shape: None }) };
        // A frame that is too small for the margin may hold the subject.
        let margins = [margin, MARGIN_PIXELS * pixel, 0];
        for margin in margins {
            if let Some(rect) = around(margin)?.grown_to(shape, size) {
                return Ok(Self { rect, margin, shape: Some(shape) });
            }
        }
        Err(Error::ShapeAroundSubject { shape, subject: around(0)?, size })
    }

    fn message(&self, size: Size) -> String {
        let Self { rect, margin, shape } = self;
        let shape = shape.map(|(width, height)| format!(", in the shape {width}:{height}")).unwrap_or_default();
        format!("crop auto took {rect} of {size}: the subject of all frames with a margin of {margin} pixels{shape}")
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Subsampling};

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn a_subject_is_seen_in_any_frame_and_haze_is_not() {
        let format =
            FrameFormat { size: size(8, 6), subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 };
        let mut seen = Seen::default();
        for (at, value) in [(9, 255), (3 * 8 + 5, LEAST_ALPHA), (47, LEAST_ALPHA - 1)] {
            let mut frame = Frame::new(format);
            let [.., alpha] = frame.planes_mut();
            alpha[at] = value;
            seen.add(&frame);
        }
        assert_eq!((&seen.columns, &seen.rows), (&(1..6), &(1..4)));
        seen.add(&Frame::new(FrameFormat { has_alpha: false, ..format }));
        assert_eq!((seen.columns, seen.rows), (0..8, 0..6), "a frame without alpha is all subject");
    }

    #[test]
    fn the_box_is_that_of_the_large_frame_with_a_margin() {
        let seen = Seen { columns: 100..150, rows: 40..140, ..Seen::default() };
        let sizes = (size(480, 270), size(1920, 1080));
        let found = |shape| FoundBox::of(&seen, shape, sizes).map(|found| (found.rect.to_string(), found.margin));
        assert_eq!(found(None).unwrap(), ("384,144,232,432".to_owned(), 16));
        assert_eq!(found(Some((1, 1))).unwrap(), ("284,144,432,432".to_owned(), 16));
        assert_eq!(found(Some((9, 2))).unwrap(), ("0,148,1908,424".to_owned(), 12), "with less of a margin");
        let error = found(Some((5, 1))).unwrap_err();
        assert!(matches!(error, Error::ShapeAroundSubject { .. }), "{error}");
        assert!(matches!(FoundBox::of(&Seen::default(), None, sizes), Err(Error::NoSubject)));
    }
}
