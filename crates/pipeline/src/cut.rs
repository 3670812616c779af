//! One cut from the clip to its files: decoder, matting and encoders run on threads of their own,
//! and every file is checked.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::Frame;
use clearcut_job::CutStep;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::{
    CutJob, CutReport, Error, OutputReport, Stop,
    children::Children,
    matte_log::MatteLog,
    method::{MatteSource, Method, choose_method},
    notes::notes,
    plan::Plan,
    progress::{Counters, StallTimer},
    quality::QualityLog,
    stages::{
        decode::decode,
        encode::Encoder,
        hints::{HintMaps, small_frames, track_hints},
        matte::{Matting, matte},
        survey::survey,
        unpack::unpack,
    },
    threads::{join, spawn},
};

/// Time without progress after which the cut fails. It is only reached if a child process hangs:
/// the slowest encoders take a second per frame.
const STALL_LIMIT: Duration = Duration::from_mins(2);
/// Interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

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
    let probe = job.tools.probe(job.input, &job.limits); // Runs while ffmpeg's capabilities are queried.
    for format in job.request.formats.iter() {
        job.tools.require(format)?;
    }
    progress(CutStep::Surveying);
    let info = stop.media_info(probe?, job.request)?;
    let mut plan = Plan::new(&info, job.request, &job.resources);
    plan.check(&info, &job.limits, &job.resources)?;
    let (method, hints, mut children) = prepare(job, &info, &plan, stop, progress)?;
    let notes = notes(job.request, &info, &plan, children.sound.note.take());
    if !children.sound.is_kept {
        plan.leave_out_audio();
    }
    let (cut_method, reason) = (method.source.method(), method.reason);
    let (key_color, confidence, model) = match &method.source {
        MatteSource::Color(background) => (Some(background.color()), Some(background.confidence()), None),
        MatteSource::Model(model) => (None, None, Some(model.id.clone())),
    };
    let (log, quality, outputs) = run(
        job,
        &info,
        &plan,
        Matting { source: method.source, hints: &hints, threads: plan.matte_threads },
        children,
        stop,
        progress,
    )?;
    Ok(CutReport {
        notes,
        source: info,
        size: plan.size(),
        frame_rate: plan.frame_rate,
        frames: log.frames(),
        method: cut_method,
        reason,
        model,
        key_color,
        matte: quality.report(confidence, log.removed_share(), plan.frame_rate, hints.frame_counts),
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
        let shrink_thread =
            stop.on_error(spawn(scope, || stop.on_error(small_frames(job, info, plan.decode, plan.frame_rate, stop))));
        let children = stop.on_error(Children::start(job, info, plan, stop));
        waits.iter().for_each(|()| progress(CutStep::Waiting)); // Ends when the method is chosen.
        (survey_thread.and_then(join), shrink_thread.and_then(join), children)
    });
    stop.check()?;
    let (Some(method), Some(small), Some(children)) = (method, small, children) else {
        return Err(Error::Cancelled);
    };
    let hints = track_hints(job.request, &small, plan.frame_rate, &method.source, stop);
    stop.check()?;
    Ok((method, hints, children))
}

/// Runs decoder, matting and all encoders at the same time.
fn run(
    job: &CutJob,
    info: &MediaInfo,
    plan: &Plan,
    matting: Matting,
    children: Children,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(MatteLog, QualityLog, Vec<OutputReport>), Error> {
    let counters = Counters::new(plan.encodes.len());
    let log = OnceLock::new();
    let Children { decoder, encoders, .. } = children;
    let (tools, scratch, start) = (job.tools, job.scratch, Instant::now());
    let encoders: Vec<Encoder> = (encoders.into_iter().zip(&plan.encodes).enumerate())
        .map(|(index, (backend, plan))| {
            let (counters, log) = (&counters, &log);
            Encoder { index, plan, backend, scratch, tools, stop, counters, log, start }
        })
        .collect();
    // One frame is enough: the steps of the matting hold frames ahead of their own.
    let (decoded_sender, decoded) = bounded::<Frame>(1);
    let (results, quality) = thread::scope(|scope| {
        let (done_sender, done) = bounded(encoders.len());
        let mut encoder_senders = Vec::new();
        for encoder in encoders {
            let (sender, frames) = bounded::<Arc<Frame>>(plan.queue_len);
            encoder_senders.push(sender);
            let done_sender = done_sender.clone();
            stop.on_error(spawn(scope, move || {
                let index = encoder.index;
                let result = stop.on_error(encoder.run(&frames));
                // The receiver lives until all encoders have reported.
                let _ = done_sender.send((index, result));
            }));
        }
        drop(done_sender);
        stop.on_error(spawn(scope, move || stop.on_error(decode(decoder, job, info, plan, &decoded_sender))));
        let log = &log;
        let matting = stop.on_error(spawn(scope, move || {
            let (all, quality, result) = matte(matting, job, &decoded, &encoder_senders);
            // Stops the cut before the encoders see their input end, so a partial file never counts
            // as complete.
            stop.on_error(result);
            let _ = log.set(all);
            drop(encoder_senders); // Ends the encoders' input only now that the log for their check is set.
            quality
        }));
        let results = watch(&done, &counters, plan, stop, progress);
        (results, matting.map(join))
    });
    stop.check()?;
    let mut outputs: Vec<(usize, OutputReport)> =
        results.into_iter().filter_map(|(index, output)| Some((index, output?))).collect();
    outputs.sort_by_key(|(index, _)| *index);
    let (log, quality) = log.into_inner().zip(quality).ok_or(Error::Cancelled)?;
    Ok((log, quality, outputs.into_iter().map(|(_, output)| output).collect()))
}

/// Reports progress until every encoder has finished, and stops the cut if it stalls.
fn watch<T>(
    done: &Receiver<T>,
    counters: &Counters,
    plan: &Plan,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Vec<T> {
    let mut stall = StallTimer::new(STALL_LIMIT);
    let (mut results, mut last) = (Vec::new(), None);
    loop {
        match done.recv_timeout(PROGRESS_INTERVAL) {
            Ok(result) => results.push(result),
            Err(RecvTimeoutError::Disconnected) => return results,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stall.has_stalled(counters.steps()) {
            stop.fail(Error::Stalled { secs: STALL_LIMIT.as_secs() });
        }
        let (count, total) = (counters.min_taken(), plan.expected_frames);
        let now = if count >= total { CutStep::Checking } else { CutStep::Cutting { done: count, total } };
        if last.replace(now) != Some(now) {
            progress(now);
        }
    }
}
