//! Joining of segments: the pieces of each output become one file, with the sound, which passes the
//! same check as the file of a whole cut.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use clearcut_animation::{Error as AnimationError, join_apng, join_webp};
use clearcut_ffmpeg::{EncodePlan, MediaInfo};
use clearcut_job::{CutMethod, CutStep, OutputFormat};

use super::{piece::SegmentLog, plan::SegmentPlan};
use crate::{
    CutJob, CutReport, Error, OutputReport, Stop,
    notes::notes,
    plan::Plan,
    probe::probe_clip,
    progress::Counters,
    stages::{
        encode::{Finished, checked, mux_streams},
        mov::mend_frame_headers,
        sound::{Sound, extract_sound},
    },
    threads::{join, spawn},
};

/// Joins the segments of `plan`, whose folders are given in order, encodes the sound once, checks the
/// files, and leaves them in [`CutJob::scratch`], as [`crate::cut`] does. Blocks. Files in `folders`
/// are removed when they are not needed any more.
///
/// # Errors
/// [`Error::PlanMismatch`] if the plan is not for this clip and request, [`Error::SegmentDamaged`],
/// [`Error::CheckFailed`]; those of [`crate::cut`].
pub fn join_segments(
    job: &CutJob,
    plan: &SegmentPlan,
    folders: &[PathBuf],
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<CutReport, Error> {
    let stop = &stop.for_cut();
    let (info, whole) = probe_clip(job, stop, progress)?;
    plan.check(&whole)?;
    progress(CutStep::Checking);
    join_pieces(job, (info, whole), plan, folders, stop)
}

/// Joins the segments of a clip that was probed.
pub(super) fn join_pieces(
    job: &CutJob,
    (info, mut whole): (MediaInfo, Plan),
    plan: &SegmentPlan,
    folders: &[PathBuf],
    stop: &Stop,
) -> Result<CutReport, Error> {
    if folders.len() != plan.segments().len() {
        return Err(Error::PlanMismatch { finding: format!("it has no {} segments", folders.len()) });
    }
    let (mut log, mut lengths) = (SegmentLog::default(), Vec::new());
    for (index, folder) in folders.iter().enumerate() {
        let SegmentLog { mattes, quality } = SegmentLog::read(folder, index)?;
        let range = &plan.segments()[index];
        if range.end != whole.expected_frames && mattes.frames() != range.end - range.start {
            return Err(Error::SegmentDamaged { index });
        }
        lengths.push(mattes.frames());
        log.mattes.append(mattes);
        log.quality.append(quality);
    }
    let sound = match &info.audio {
        Some(audio) if whole.carries_audio() => extract_sound(job, &info, (audio, whole.span), stop)?,
        _ => Sound::default(),
    };
    let notes = notes(job.request, &info, &whole, sound.note);
    if !sound.is_kept {
        whole.leave_out_audio();
    }
    let outputs = join_outputs(job, &whole, &Pieces { folders, lengths: &lengths }, &log, stop)?;
    let (confidence, removed) = (plan.background.confidence(), log.mattes.removed_share());
    Ok(CutReport {
        notes,
        source: info,
        size: whole.size(),
        frame_rate: whole.frame_rate,
        frames: log.mattes.frames(),
        method: CutMethod::ChromaKey,
        reason: plan.reason,
        model: None,
        key_color: Some(plan.background.color()),
        matte: log.quality.report(Some(confidence), removed, whole.frame_rate, Vec::new()),
        outputs,
    })
}

/// The folders of the segments, and the number of frames of each.
struct Pieces<'a> {
    folders: &'a [PathBuf],
    lengths: &'a [u64],
}

/// Joins and checks all outputs at the same time.
fn join_outputs(
    job: &CutJob,
    whole: &Plan,
    pieces: &Pieces,
    log: &SegmentLog,
    stop: &Stop,
) -> Result<Vec<OutputReport>, Error> {
    let (tools, scratch, start) = (job.tools, job.scratch, Instant::now());
    let counters = &Counters::new(0);
    let outputs: Vec<Option<OutputReport>> = thread::scope(|scope| {
        let output = |plan| {
            let joined = move || {
                join_output(job, plan, pieces, stop)?;
                stop.check()?;
                checked(&Finished { plan, scratch, tools, stop, counters, start }, &log.mattes)
            };
            stop.on_error(spawn(scope, move || stop.on_error(joined())))
        };
        let threads: Vec<_> = whole.encodes.iter().map(output).collect();
        threads.into_iter().map(|thread| thread.and_then(join)).collect()
    });
    stop.check()?;
    outputs.into_iter().collect::<Option<Vec<_>>>().ok_or(Error::Cancelled)
}

/// Makes the file of `plan` in the scratch folder of its pieces.
fn join_output(job: &CutJob, plan: &EncodePlan, pieces: &Pieces, stop: &Stop) -> Result<(), Error> {
    match plan.format {
        OutputFormat::Webm => {
            if plan.has_audio {
                stop.register(job.tools.encode_sound(job.scratch)?).wait()?;
            }
            mux_streams(plan, pieces.folders, job.scratch)
        }
        OutputFormat::StackedAlpha | OutputFormat::Mov => {
            let names = pieces.link_into(job.scratch, &plan.file_name())?;
            stop.register(job.tools.join(plan, &names, job.scratch)?).wait()?;
            pieces.remove(&plan.file_name());
            for (name, _) in &names {
                let _ = fs::remove_file(job.scratch.join(name)); // Frees disk space early.
            }
            if plan.format == OutputFormat::Mov {
                mend_frame_headers(&job.scratch.join(plan.file_name()))
            } else {
                Ok(())
            }
        }
        OutputFormat::Webp => pieces.join_animation(plan, job.scratch, |files, out| join_webp(plan.size, files, out)),
        OutputFormat::Apng => pieces.join_animation(plan, job.scratch, |files, out| join_apng(plan.size, files, out)),
    }
}

/// The files of an animation's pieces, each opened in its turn.
type Files<'a> = &'a mut dyn Iterator<Item = io::Result<BufReader<File>>>;

impl Pieces<'_> {
    /// Gives the pieces with this file name names in `scratch`, where ffmpeg can read them: each name
    /// with its number of frames.
    fn link_into(&self, scratch: &Path, file_name: &str) -> Result<Vec<(String, u64)>, Error> {
        let link = |(index, (folder, frames)): (usize, (&PathBuf, &u64))| {
            let (piece, name) = (folder.join(file_name), format!("piece-{index}-{file_name}"));
            let linked = fs::hard_link(&piece, scratch.join(&name));
            // Another file system.
            linked.or_else(|_| fs::copy(&piece, scratch.join(&name)).map(drop)).map_err(|source| {
                match source.kind() {
                    io::ErrorKind::NotFound => Error::SegmentDamaged { index },
                    _ => Error::from_write("joining the pieces of an output", source),
                }
            })?;
            Ok((name, *frames))
        };
        self.folders.iter().zip(self.lengths).enumerate().map(link).collect()
    }

    /// Has `join` write the file of `plan` in `scratch`.
    fn join_animation(
        &self,
        plan: &EncodePlan,
        scratch: &Path,
        join: impl FnOnce(Files, BufWriter<File>) -> Result<u64, AnimationError>,
    ) -> Result<(), Error> {
        let io = |source| Error::from_write("joining the pieces of an output", source);
        let out = File::create_new(scratch.join(plan.file_name())).map_err(io)?;
        let mut files = self.folders.iter().map(|folder| File::open(folder.join(plan.file_name())).map(BufReader::new));
        join(&mut files, BufWriter::new(out)).map_err(|error| match error {
            AnimationError::Write(source) => io(source),
            source => Error::Encoder { format: plan.format, source },
        })?;
        self.remove(&plan.file_name());
        Ok(())
    }

    /// Removes the pieces with this file name, to free disk space early.
    fn remove(&self, file_name: &str) {
        for folder in self.folders {
            let _ = fs::remove_file(folder.join(file_name));
        }
    }
}
