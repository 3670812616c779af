//! One cut from the clip to its files: decoder, matting and encoders run on threads of their own,
//! and every file is checked.

use std::thread;

use clearcut_ffmpeg::{MediaInfo, SeekPoint};
use clearcut_job::{CutStep, LoopChoice};
use crossbeam_channel::bounded;

use crate::{
    CutJob, CutReport, Error, OutputReport, Stop,
    backdrop::Pictures,
    children::Children,
    method::{MatteSource, Method, choose_method},
    notes::{kept_notes, notes},
    plan::Plan,
    probe::probe_clip,
    run::Run,
    scan::scan,
    segments::{cut_side_by_side, remove_files, segments_at_once},
    stages::{
        hints::{HintMaps, Place, small_frames, track_hints},
        matte::Matting,
        survey::survey,
        unpack::unpack,
        within::encode_within_limit,
    },
    threads::{join, spawn},
};

/// Cuts the subject out of a clip and leaves a checked file for each requested format in the
/// scratch folder. Blocks until the cut has succeeded or failed and every child process has ended.
/// `progress` is called on this thread.
///
/// # Errors
/// See [`Error`]. The files of a failed cut must not be used.
pub fn cut(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<CutReport, Error> {
    let stop = &stop.for_cut();
    let unpacked = unpack(job, stop, || progress(CutStep::Surveying))?;
    let job = &CutJob { input: unpacked.as_ref().unwrap_or(job.input), ..*job };
    let Some(scan) = scan(job, stop, progress)? else { return cut_scanned(job, stop, progress) };
    let mut report = cut_scanned(&CutJob { request: &scan.request(job.request), ..*job }, stop, progress)?;
    scan.complete(&mut report);
    Ok(report)
}

/// Cuts a clip that was scanned, or needs no scan.
fn cut_scanned(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<CutReport, Error> {
    let (info, plan) = probe_clip(job, stop, progress)?;
    let count = segments_at_once(&job.resources, job.request, &info, &plan);
    if count.get() > 1
        && let Some(report) = cut_side_by_side((job, &info, &plan), count, stop, progress)?
    {
        return Ok(report);
    }
    let Some(seek) = seek_to_part(job, &info, &plan, stop)? else {
        return cut_whole((job, &info, plan), stop, progress);
    };
    match cut_whole((job, &info, plan.seeking(seek)), &stop.for_cut(), progress) {
        Err(Error::SegmentIncomplete { .. }) => {
            remove_files(job.scratch)?;
            cut_whole((job, &info, plan), stop, progress)
        }
        result => result,
    }
}

/// Number of frames before a part from which on a keyframe before it is looked for: to decode fewer
/// takes no longer than to look.
const MIN_SKIPPED: u64 = 240;

/// The keyframe from which the part of a clip is decoded. `None` for a part near the start, and where
/// the clip is to be decoded from its start.
fn seek_to_part(job: &CutJob, info: &MediaInfo, plan: &Plan, stop: &Stop) -> Result<Option<SeekPoint>, Error> {
    if plan.frames_before() < MIN_SKIPPED {
        return Ok(None);
    }
    let listing = stop.register_listing(job.tools.seek_points(job.input, info, &job.limits)?);
    let points = listing.finish();
    stop.check()?;
    Ok(plan.seek_before(&points?, info, 0))
}

/// Cuts a probed clip, or a part of it, on one decoder.
fn cut_whole(
    (job, info, mut plan): (&CutJob, &MediaInfo, Plan),
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<CutReport, Error> {
    let pictures = Pictures::open(job, &plan, info.has_alpha, stop)?;
    let (method, hints, mut children) = prepare(job, info, &plan, stop, progress)?;
    let mut notes = notes(job.request, info, &plan, children.sound.note.take());
    notes.extend(pictures.iter().flat_map(|pictures| pictures.notes.iter().cloned()));
    if !children.sound.is_kept {
        plan.leave_out_audio();
    }
    let (cut_method, reason) = (method.source.method(), method.reason);
    let (key_color, confidence, model) = match &method.source {
        MatteSource::Color(background) => (Some(background.color()), Some(background.confidence()), None),
        MatteSource::Model(model) => (None, None, Some(model.id.clone())),
    };
    let matting = Matting {
        source: method.source,
        hints: &hints,
        threads: plan.matte_threads,
        kept: 0..u64::MAX,
        canvas: plan.size(),
        pictures,
        goes_back: plan.looped == Some(LoopChoice::Boomerang),
    };
    let run = Run { job, info, plan: &plan, stop };
    let (log, quality, outputs) = run.frames(matting, children, encode_within_limit, progress)?;
    notes.extend(kept_notes(job.request, &plan, &outputs));
    // With one output, the report tells what it has.
    let kept = if let [OutputReport { kept, .. }] = outputs[..] { kept } else { None };
    let (size, frame_rate, frames) = kept
        .map_or((plan.size(), plan.frame_rate, log.mattes.frames()), |kept| (kept.size, kept.frame_rate, kept.frames));
    Ok(CutReport {
        notes,
        source: info.clone(),
        size,
        frame_rate,
        frames,
        crop: info.crop,
        method: cut_method,
        reason,
        model,
        key_color,
        matte: quality.report(confidence, log.mattes.removed_share(), plan.frame_rate, hints.frame_counts),
        outputs,
    })
}

/// Measures the background and tracks the hints. Starts decoder and encoders in parallel, because
/// that takes as long as a few frames.
fn prepare(
    job: &CutJob,
    info: &MediaInfo,
    plan: &Plan,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(Method, HintMaps, Children), Error> {
    let (method, small, children) = thread::scope(|scope| {
        // One message is enough: it signals that the model waits, not for how long.
        let (wait_sender, waits) = bounded(1);
        let survey_thread = stop.on_error(spawn(scope, move || {
            let waits = || {
                let _ = wait_sender.try_send(());
            };
            let survey = || survey(job, info, plan.frame, stop);
            stop.on_error(choose_method(job.request, job.models, survey, stop, &waits))
        }));
        let shrink_thread = stop
            .on_error(spawn(scope, || stop.on_error(small_frames(job, info, plan.decode, plan.expected_frames, stop))));
        let children = stop.on_error(Children::start(job, info, plan, stop));
        waits.iter().for_each(|()| progress(CutStep::Waiting)); // Ends when the method is chosen.
        (survey_thread.and_then(join), shrink_thread.and_then(join), children)
    });
    stop.check()?;
    let (Some(method), Some(small), Some(children)) = (method, small, children) else {
        return Err(Error::Cancelled);
    };
    let crop = info.crop.map(|crop| (crop, info.size));
    let place = Place { first: plan.frames_before(), rate: plan.clip_rate, crop };
    let hints = track_hints(job.request, &small, &place, &method.source, stop);
    stop.check()?;
    Ok((method, hints, children))
}
