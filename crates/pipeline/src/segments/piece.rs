//! The cut of one segment: the pieces of the outputs, and the logs for the check and the report of
//! the whole.

use std::{fs, path::Path};

use clearcut_ffmpeg::{MediaInfo, SeekPoint};
use clearcut_job::CutStep;
use clearcut_matte::Keyer;
use serde::{Deserialize, Serialize};

use super::plan::SegmentPlan;
use crate::{
    CutJob, Error, Stop,
    children::Children,
    frame_log::FrameLog,
    matte_log::MatteLog,
    method::MatteSource,
    plan::Plan,
    probe::probe_clip,
    quality::QualityLog,
    run::Run,
    stages::{check::PieceCheck, encode::encode_piece, hints::HintMaps, matte::Matting},
};

/// Number of frames that are matted before a segment: the memory of the keyer for pockets, regions
/// of background that the subject encloses. One that was recognized earlier than this, and not by
/// itself since, is missed.
pub(crate) const RUN_IN: u64 = 48;

/// File name, in the folder of a segment, of its logs.
const LOG_FILE: &str = "segment.json";

/// What is remembered of a segment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SegmentLog {
    /// Number of the segment, from 0.
    pub(super) index: usize,
    pub(super) mattes: MatteLog,
    pub(super) quality: QualityLog,
    /// The checks of the pieces, in the order of the formats.
    pub(super) checks: Vec<PieceCheck>,
}

impl SegmentLog {
    /// The log in the folder of segment `index`.
    pub(super) fn read(folder: &Path, index: usize) -> Result<Self, Error> {
        let json = fs::read(folder.join(LOG_FILE)).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::SegmentDamaged { index },
            _ => Error::Io { doing: "reading the log of a segment", source },
        })?;
        let log: Option<Self> = serde_json::from_slice(&json).ok();
        log.filter(|log| log.index == index).ok_or(Error::SegmentDamaged { index })
    }

    fn write(&self, folder: &Path) -> Result<(), Error> {
        let failed = |source| Error::from_write("writing the log of a segment", source);
        let json = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        fs::write(folder.join(LOG_FILE), json).map_err(failed)
    }
}

/// Cuts segment `index` of `plan` and leaves its checked pieces of the outputs and its log in
/// [`CutJob::scratch`], and nothing else. Blocks as [`crate::cut`] does. `progress` counts the frames
/// of this segment.
///
/// # Errors
/// [`Error::PlanMismatch`] if the plan is not for this clip and request; those of [`crate::cut`].
pub fn cut_segment(
    job: &CutJob,
    plan: &SegmentPlan,
    index: usize,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(), Error> {
    let stop = &stop.for_cut();
    let job = &CutJob { request: &plan.request(job.request), ..*job };
    let (info, whole) = probe_clip(job, stop, progress)?;
    plan.check(&whole)?;
    cut_piece(&Piece { job, info: &info, whole: &whole, plan, index }, stop, progress)
}

/// One segment of a clip that is about to be cut.
pub(super) struct Piece<'a> {
    pub(super) job: &'a CutJob<'a>,
    pub(super) info: &'a MediaInfo,
    /// The plan of the whole clip, with the resources of this segment.
    pub(super) whole: &'a Plan,
    pub(super) plan: &'a SegmentPlan,
    pub(super) index: usize,
}

/// Cuts one segment. If the frames after a seek are not all there, it decodes from the start of the
/// clip.
pub(super) fn cut_piece(piece: &Piece, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<(), Error> {
    let (_, seek) = piece.plan.segment(piece.index)?;
    match try_piece(piece, seek, &stop.for_cut(), progress) {
        Err(Error::SegmentIncomplete { .. }) if seek.is_some() => {
            remove_files(piece.job.scratch)?;
            try_piece(piece, None, &stop.for_cut(), progress)
        }
        result => result,
    }
}

fn try_piece(
    Piece { job, info, whole, plan, index }: &Piece,
    seek: Option<SeekPoint>,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(), Error> {
    let (range, _) = plan.segment(*index)?;
    let is_last = range.end == whole.expected_frames;
    let section = &whole.section(range, RUN_IN, Keyer::REACH as u64, seek);
    let children = Children::start(job, info, section, stop)?;
    let (first, count) = (section.run_in, section.expected_frames);
    let matting = Matting {
        source: MatteSource::Color(plan.background.clone()),
        hints: &HintMaps::default(),
        threads: section.matte_threads,
        // At its end, a clip may have more frames than its packets say.
        kept: first..if is_last { u64::MAX } else { first + count },
        pictures: None,
        goes_back: false,
        canvas: section.size(),
    };
    let run = Run { job, info, plan: section, stop };
    let (FrameLog { mattes, .. }, quality, checks) = run.frames(matting, children, encode_piece, progress)?;
    if !is_last && mattes.frames() != count {
        return Err(Error::SegmentIncomplete { decoded: mattes.frames(), expected: count });
    }
    SegmentLog { index: *index, mattes, quality, checks }.write(job.scratch)
}

/// Removes the files in `folder`.
pub(crate) fn remove_files(folder: &Path) -> Result<(), Error> {
    let remove = || fs::read_dir(folder)?.try_for_each(|entry| fs::remove_file(entry?.path()));
    remove().map_err(|source| Error::Io { doing: "removing the files of a segment", source })
}
