//! Matting: passes the decoded frames through the keyer or the model, and each result to every
//! encoder.

use std::{num::NonZeroUsize, ops::Range, sync::Arc};

use clearcut_frame::{Frame, Size};
use clearcut_matte::{Defects, Keyer};
use crossbeam_channel::{Receiver, Sender};

use super::{
    hints::HintMaps,
    key::{keyer_settings, matte_by_color},
    segment::{matte_with_model, pace},
};
use crate::{
    CutJob, Error, backdrop::Pictures, frame_log::FrameLog, kept_frames::KeptFrames, margins::with_margins,
    method::MatteSource, quality::QualityLog,
};

/// The inputs of the matting: what separates subject and background, and the user's hints.
pub(crate) struct Matting<'a> {
    pub(crate) source: MatteSource,
    pub(crate) hints: &'a HintMaps,
    /// Number of threads.
    pub(crate) threads: NonZeroUsize,
    /// The frames that are passed on, by their number among the decoded ones. The others are their
    /// neighbors.
    pub(crate) kept: Range<u64>,
    /// The new background, which is put behind the frames that are passed on.
    pub(crate) pictures: Option<Pictures<'a>>,
    /// The size of the outputs, which may have margins.
    pub(crate) canvas: Size,
    /// Whether the frames are passed on a second time, backwards, but for the first and the last one.
    pub(crate) goes_back: bool,
}

/// Mattes the decoded frames and passes each one to every encoder. Blocks until the last frame, the
/// first error, or the end of an encoder.
pub(crate) fn matte(
    Matting { source, hints, threads, kept, canvas, mut pictures, goes_back }: Matting,
    job: &CutJob,
    decoded: &Receiver<Frame>,
    encoders: &[Sender<Arc<Frame>>],
) -> (FrameLog, QualityLog, Result<(), Error>) {
    let (mut log, mut quality) = (FrameLog::default(), QualityLog::default());
    let (mut numbers, mut failure) = (0.., None);
    let mut back = match goes_back.then(|| KeptFrames::in_folder(job.scratch)).transpose() {
        Ok(back) => back,
        Err(error) => return (log, quality, Err(error)),
    };
    let pass_on = |frame: Frame| {
        let frame = Arc::new(frame);
        encoders.iter().all(|encoder| encoder.send(Arc::clone(&frame)).is_ok())
    };
    let mut is_wanted = true;
    let mut emit = |frame: Frame, source_planes: &[u8], defects: Defects| {
        let number = numbers.next().unwrap_or(u64::MAX);
        if !kept.contains(&number) {
            if number + 1 == kept.start {
                quality.follow(&frame, source_planes);
            }
            return true;
        }
        quality.push(&frame, source_planes, defects);
        let mut frame = with_margins(frame, canvas);
        log.mattes.push(&frame);
        if let Some(pictures) = &mut pictures {
            if let Err(error) = pictures.put_behind(&mut frame, source_planes) {
                failure = Some(error);
                return false;
            }
            log.pictures.push(&frame);
        }
        if let Some(Err(error)) = back.as_mut().map(|back| back.push(&frame)) {
            failure = Some(error);
            return false;
        }
        is_wanted = pass_on(frame);
        is_wanted
    };
    let result = match source {
        MatteSource::Color(background) => {
            let keyer = Keyer::new(background, keyer_settings(job.request));
            matte_by_color(&keyer, hints, threads, decoded.iter(), |frame, keyed| {
                emit(frame, keyed.source_planes(), keyed.defects())
            });
            Ok(())
        }
        MatteSource::Model(model) => {
            let mut indices = 0..;
            let emit = |mut frame: Frame, source_planes: &[u8]| {
                if let Some(map) = indices.next().and_then(|index| hints.map(index)) {
                    map.overrule(&mut frame, source_planes);
                }
                emit(frame, source_planes, Defects::default())
            };
            matte_with_model(model, pace(job.request.speed), threads, decoded.iter(), emit)
        }
    };
    let result = failure.map_or(result, Err).and_then(|()| match &back {
        Some(back) if is_wanted => pass_back(back, &mut log, pass_on),
        _ => Ok(()),
    });
    (log, quality, result)
}

/// Passes the frames between the last and the first one on, backwards, until `pass_on` returns false.
fn pass_back(kept: &KeptFrames, log: &mut FrameLog, pass_on: impl Fn(Frame) -> bool) -> Result<(), Error> {
    for number in (1..kept.count().saturating_sub(1)).rev() {
        let frame = kept.read(number)?;
        log.repeat(number as usize);
        if !pass_on(frame) {
            break;
        }
    }
    Ok(())
}
