//! The scan: a pass over small frames of the part of a clip before it is cut. It finds what the cut
//! has to know of all frames before it encodes the first one: the box of the subject.
//!
//! The scan mattes the whole frame as the cut does, with the method that the whole frame asks for. The cut
//! itself is then one of a rectangle, so its segments, wherever they are cut, have the same one.

use std::{ops::Range, thread};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::{Frame, Size};
use clearcut_job::{
    Bounds, Crop, CropRect, CutRequest, CutStep, Hint, Hints, LongestSide, MethodChoice, MethodReason, Note, NoteCode,
    Speed,
};
use clearcut_matte::Keyer;
use crossbeam_channel::{Receiver, bounded};
use serde::{Deserialize, Serialize};

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
    /// The rectangle of the subject: distances from the left and top side, width and height.
    rect: (u32, u32, u32, u32),
    method: MethodChoice,
    reason: MethodReason,
    /// The hints that lie in the rectangle, and for each one that was given, the number of frames to which it
    /// applies.
    hints: Hints,
    hint_frames: Vec<u64>,
    note: Note,
}

impl Scan {
    /// The request of the cut: `request` with the rectangle and the method that were found.
    pub(crate) fn request(&self, request: &CutRequest) -> CutRequest {
        let (x, y, width, height) = self.rect;
        let crop = Size::new(width, height).map(|size| Crop::Rect(CropRect { x, y, size }));
        CutRequest { crop, method: self.method, hints: self.hints.clone(), ..request.clone() }
    }

    /// Adds to the report of the cut what the scan knows.
    pub(crate) fn complete(&self, report: &mut CutReport) {
        report.notes.push(self.note.clone());
        report.reason = self.reason;
        report.matte.hint_frames.clone_from(&self.hint_frames);
    }
}

/// Whether a cut of `request` has to know what a scan finds.
pub(crate) const fn needs_scan(request: &CutRequest) -> bool {
    matches!(request.crop, Some(Crop::Subject(_)))
}

/// Scans the clip of `job` if its request needs that; else `None`. Blocks.
///
/// # Errors
/// Those of [`crate::cut`] that concern the clip; [`Error::NoSubject`], [`Error::ShapeAroundSubject`].
pub(crate) fn scan(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<Option<Scan>, Error> {
    let Some(Crop::Subject(asked)) = job.request.crop else { return Ok(None) };
    stop.check()?;
    progress(CutStep::Surveying);
    let info = stop.media_info(job.tools.probe(job.input, &job.limits)?, job.request)?;
    check_trim(job.request, &info, job.request.fps)?;
    let at_rate = with_preset_rate(job.request, &info)?;
    let small = small_request(&at_rate, info.size);
    let (request, job) = (job.request, &CutJob { request: &small, ..*job });
    let plan = Plan::new(&info, &small, &job.resources);
    plan.check_clip(&info, &job.limits, &job.resources)?;
    let method = choose_method(&small, job.models, || survey(job, &info, plan.frame, stop), stop, &|| ())?;
    let frames = small_frames(job, &info, plan.decode, plan.expected_frames, stop)?;
    let place = Place { first: plan.frames_before(), rate: plan.frame_rate, crop: None };
    let mut hints = track_hints(&small, &frames, &place, &method.source, stop);
    drop(frames);
    stop.check()?;
    let hint_frames = std::mem::take(&mut hints.frame_counts);
    let choice = match method.source {
        MatteSource::Color(_) => MethodChoice::Chroma,
        MatteSource::Model(_) => MethodChoice::Ai,
    };
    let seen = matte_small((job, &info, &plan), method.source, &hints, stop)?;
    let found = FoundBox::of(&seen, asked.or(request.bounds.and_then(Bounds::shape)), (plan.frame.size, info.size))?;
    let is_kept = |hint: &&Hint| found.rect.area_of(hint.area, info.size).is_some();
    let kept: Vec<Hint> = request.hints.iter().filter(is_kept).cloned().collect();
    let CropRect { x, y, size } = found.rect;
    Ok(Some(Scan {
        rect: (x, y, size.width(), size.height()),
        method: choice,
        reason: method.reason,
        hints: Hints::try_from(kept).unwrap_or_default(),
        hint_frames,
        note: Note::new(NoteCode::CropFound, found.message(info.size)),
    }))
}

/// The request of the scan: the whole frame of `size`, small, at the pace that is the fastest for models.
fn small_request(request: &CutRequest, size: Size) -> CutRequest {
    CutRequest {
        preset: None,
        max_bytes: None,
        background: None,
        crop: None,
        bounds: None,
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
    stop: &Stop,
) -> Result<Seen, Error> {
    let decoder = stop.register(job.tools.decode(job.input, info, &plan.decode, &job.limits)?);
    let (sender, decoded) = bounded::<Frame>(1);
    let mut seen = Seen::default();
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

/// What was seen of the subject in frames of one size: the columns and the rows of its box.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    columns: Range<u32>,
    rows: Range<u32>,
}

impl Seen {
    /// Adds what `frame` shows.
    fn add(&mut self, frame: &Frame) {
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
        *self = Self { columns: joined(&self.columns, columns), rows: joined(&self.rows, rows) };
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
        assert_eq!(seen, Seen { columns: 1..6, rows: 1..4 });
        seen.add(&Frame::new(FrameFormat { has_alpha: false, ..format }));
        assert_eq!(seen, Seen { columns: 0..8, rows: 0..6 }, "a frame without alpha is all subject");
    }

    #[test]
    fn the_box_is_that_of_the_large_frame_with_a_margin() {
        let seen = Seen { columns: 100..150, rows: 40..140 };
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
