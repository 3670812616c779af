//! Joining of segments: the checked pieces of each output become one file, with the sound, which is
//! checked for all that joining could break.

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
    matte_log::MatteLog,
    notes::notes,
    plan::Plan,
    probe::probe_clip,
    progress::Counters,
    quality::QualityLog,
    stages::{
        check::{Joined, PieceCheck},
        encode::{finished, mux_streams, remove_streams},
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
    let job = &CutJob { request: &plan.request(job.request), ..*job };
    let (info, whole) = probe_clip(job, stop, progress)?;
    plan.check(&whole)?;
    progress(CutStep::Checking);
    let mut report = join_pieces(job, (info, whole), plan, folders, stop)?;
    plan.scan.iter().for_each(|scan| scan.complete(&mut report));
    Ok(report)
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
    let (mut mattes, mut quality) = (MatteLog::default(), QualityLog::default());
    let mut segments = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        let SegmentLog { mattes: next, quality: next_quality, checks, .. } = SegmentLog::read(folder, index)?;
        let range = &plan.segments()[index];
        let is_cut_off = range.end != whole.expected_frames && next.frames() != range.end - range.start;
        if is_cut_off || checks.len() != whole.encodes.len() {
            return Err(Error::SegmentDamaged { index });
        }
        segments.push(SegmentPieces { folder, frames: next.frames(), checks });
        mattes.append(next);
        quality.append(next_quality);
    }
    let sound = match &info.audio {
        Some(audio) if whole.carries_audio() => extract_sound(job, &info, (audio, whole.span), stop)?,
        _ => Sound::default(),
    };
    let notes = notes(job.request, &info, &whole, sound.note);
    if !sound.is_kept {
        whole.leave_out_audio();
    }
    let outputs = join_outputs(job, &whole, &segments, &mattes, stop)?;
    let (confidence, removed) = (plan.background.confidence(), mattes.removed_share());
    Ok(CutReport {
        notes,
        crop: info.crop,
        source: info,
        size: whole.size(),
        frame_rate: whole.frame_rate,
        frames: mattes.frames(),
        method: CutMethod::ChromaKey,
        reason: plan.reason,
        model: None,
        key_color: Some(plan.background.color()),
        matte: quality.report(Some(confidence), removed, whole.frame_rate, Vec::new()),
        outputs,
    })
}

/// The checked pieces of one segment.
struct SegmentPieces<'a> {
    folder: &'a Path,
    frames: u64,
    /// In the order of the formats.
    checks: Vec<PieceCheck>,
}

/// Joins and checks all outputs at the same time.
fn join_outputs(
    job: &CutJob,
    whole: &Plan,
    segments: &[SegmentPieces],
    log: &MatteLog,
    stop: &Stop,
) -> Result<Vec<OutputReport>, Error> {
    let start = Instant::now();
    let outputs: Vec<Option<OutputReport>> = thread::scope(|scope| {
        let output = |(index, plan)| {
            let joined = move || {
                let folders: Vec<&Path> = segments.iter().map(|segment| segment.folder).collect();
                let pieces: Vec<_> = segments.iter().map(|segment| (segment.frames, &segment.checks[index])).collect();
                let joined = Joined {
                    pieces: &pieces,
                    log,
                    sound_secs: whole.span.length.as_secs_f64() / job.request.tempo.factor(),
                };
                join_output(job, plan, (&folders, &joined), stop)?;
                stop.check()?;
                let check = joined.check((job.tools, stop), plan, job.scratch, &Counters::new(0));
                finished(plan, job.scratch, start, check?)
            };
            stop.on_error(spawn(scope, move || stop.on_error(joined())))
        };
        let threads: Vec<_> = whole.encodes.iter().enumerate().map(output).collect();
        threads.into_iter().map(|thread| thread.and_then(join)).collect()
    });
    stop.check()?;
    outputs.into_iter().collect::<Option<Vec<_>>>().ok_or(Error::Cancelled)
}

/// Makes the file of `plan` in the scratch folder of its pieces in `folders`, which are removed.
fn join_output(
    job: &CutJob,
    plan: &EncodePlan,
    (folders, joined): (&[&Path], &Joined),
    stop: &Stop,
) -> Result<(), Error> {
    let scratch = job.scratch;
    match plan.format {
        OutputFormat::Webm => {
            if plan.has_audio {
                stop.register(job.tools.encode_sound(scratch)?).wait()?;
            }
            mux_streams(plan, folders, scratch)?;
            remove_streams(plan, &[folders, &[scratch]].concat());
        }
        OutputFormat::StackedAlpha | OutputFormat::Mov | OutputFormat::Matte => {
            let lengths = joined.pieces.iter().map(|(frames, _)| *frames);
            let names = link_into(scratch, folders, &plan.file_name())?;
            let listed: Vec<(String, u64)> = names.iter().cloned().zip(lengths).collect();
            stop.register(job.tools.join(plan, (&listed, joined.are_alike()), scratch)?).wait()?;
            remove(folders, &plan.file_name());
            for name in &names {
                remove(&[scratch], name);
            }
        }
        OutputFormat::Webp => join_animation(plan, folders, scratch, |files, out| join_webp(plan.size, files, out))?,
        OutputFormat::Apng => join_animation(plan, folders, scratch, |files, out| join_apng(plan.size, files, out))?,
        OutputFormat::Mp4
        | OutputFormat::Gif
        | OutputFormat::HevcAlpha
        | OutputFormat::PngSequence
        | OutputFormat::SpriteSheet
        | OutputFormat::Foreground
        | OutputFormat::Poster => {
            return Err(Error::not_of_pieces(plan.format));
        }
    }
    Ok(())
}

/// Gives the pieces with this file name names in `scratch`, where ffmpeg can read them.
fn link_into(scratch: &Path, folders: &[&Path], file_name: &str) -> Result<Vec<String>, Error> {
    let link = |(index, folder): (usize, &&Path)| {
        let (piece, name) = (folder.join(file_name), format!("piece-{index}-{file_name}"));
        let linked = fs::hard_link(&piece, scratch.join(&name));
        // Another file system.
        linked.or_else(|_| fs::copy(&piece, scratch.join(&name)).map(drop)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::SegmentDamaged { index },
            _ => Error::from_write("joining the pieces of an output", source),
        })?;
        Ok(name)
    };
    folders.iter().enumerate().map(link).collect()
}

/// The files of an animation's pieces, each opened in its turn.
type Files<'a> = &'a mut dyn Iterator<Item = io::Result<BufReader<File>>>;

/// Has `join` write the file of `plan` in `scratch`.
fn join_animation(
    plan: &EncodePlan,
    folders: &[&Path],
    scratch: &Path,
    join: impl FnOnce(Files, BufWriter<File>) -> Result<u64, AnimationError>,
) -> Result<(), Error> {
    let io = |source| Error::from_write("joining the pieces of an output", source);
    let out = File::create_new(scratch.join(plan.file_name())).map_err(io)?;
    let mut files = folders.iter().map(|folder| File::open(folder.join(plan.file_name())).map(BufReader::new));
    join(&mut files, BufWriter::new(out)).map_err(|error| match error {
        AnimationError::Write(source) => io(source),
        source => Error::Encoder { format: plan.format, source },
    })?;
    remove(folders, &plan.file_name());
    Ok(())
}

/// Removes the files with this name in `folders`, to free disk space early.
fn remove(folders: &[&Path], name: &str) {
    for folder in folders {
        let _ = fs::remove_file(folder.join(name)); // What remains is removed with the folder.
    }
}
