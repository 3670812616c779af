//! One cut from the clip to its files: decoder, matting and encoders run on threads of their own,
//! and every file is checked.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{Child, Error as ToolError, MediaError, MediaInfo, MediaLimits, Tools, read_frame};
use clearcut_frame::Frame;
use clearcut_job::{CutRequest, CutStep};
use clearcut_matte::{Doubts, Keyer};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    CutReport, Error, ModelSource, OutputReport, Resources, Stop,
    check::MatteLog,
    children::Children,
    encode::Encoder,
    hinting::{HintMaps, small_frames, track_hints},
    matting::{keyer_settings, matte_in_order},
    method::{MatteSource, Method, choose_method},
    model_matting::{matte_with_model, pace},
    plan::Plan,
    progress::{Counters, StallTimer},
    quality::QualityLog,
    threads::{join, spawn},
};

/// The inputs of a cut.
#[derive(Debug)]
pub struct CutJob<'a> {
    /// The ffmpeg to use.
    pub tools: &'a Tools,
    /// The clip to cut.
    pub input: &'a File,
    /// The user's request: method, formats and settings.
    pub request: &'a CutRequest,
    /// An empty folder for this cut alone. Outputs are left in it; everything else in it may be
    /// removed.
    pub scratch: &'a Path,
    /// Limits for the clip.
    pub limits: MediaLimits,
    /// Machine resources the cut may use.
    pub resources: Resources,
    /// Source of the neural model, if one is needed.
    pub models: &'a dyn ModelSource,
}

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
    let probe = job.tools.probe(job.input, &job.limits); // Runs while ffmpeg's capabilities are queried.
    for format in job.request.formats.iter() {
        job.tools.require(format)?;
    }
    progress(CutStep::Surveying);
    let info = stop.media_info(probe?)?;
    let plan = Plan::new(&info, job.request, &job.resources);
    check_rate(&plan, &job.limits)?;
    if plan.expected_frames > job.limits.max_frames {
        return Err(Error::TooManyFrames { limit: job.limits.max_frames });
    }
    check_work(&plan, &info, job)?;
    for encode in &plan.encodes {
        if let Some(max_pixels) = encode.max_pixels().filter(|max_pixels| encode.size.pixels() > *max_pixels) {
            return Err(Error::TooManyPixelsFor { format: encode.format, size: encode.size, max_pixels });
        }
        let (format, size, max_side) = (encode.format, encode.raw_size(), encode.max_side());
        if size.longest_side() > max_side {
            return Err(Error::TooLargeFor { format, size, max_side });
        }
    }
    let (method, hints, children) = prepare(job, &info, &plan, stop, progress)?;
    let (cut_method, reason) = (method.source.method(), method.reason);
    let (key_color, confidence, model) = match &method.source {
        MatteSource::Color(background) => (Some(background.color()), Some(background.confidence()), None),
        MatteSource::Model(model) => (None, None, Some(model.id.clone())),
    };
    let (log, quality, outputs) =
        run(job, &info, &plan, Matting { source: method.source, hints: &hints }, children, stop, progress)?;
    Ok(CutReport {
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

/// The inputs of the matting: what separates subject and background, and the user's hints.
struct Matting<'a> {
    source: MatteSource,
    hints: &'a HintMaps,
}

fn check_rate(plan: &Plan, limits: &MediaLimits) -> Result<(), Error> {
    let rate = plan.frame_rate.per_second();
    if rate <= f64::from(limits.max_rate) {
        return Ok(());
    }
    let (found, limit) = (format!("{rate:.0} frames/s"), format!("{} frames/s", limits.max_rate));
    Err(ToolError::Media(MediaError::OverLimit { found, limit }).into())
}

/// Rejects a cut that would take too much time or memory, before any work is done.
fn check_work(plan: &Plan, info: &MediaInfo, job: &CutJob) -> Result<(), Error> {
    let over_limit =
        |found: String, limit: String| Err(ToolError::Media(MediaError::OverLimit { found, limit }).into());
    let (limits, frames) = (&job.limits, plan.expected_frames);
    if plan.work() > limits.max_work {
        let (found, limit) = (plan.work() / 1_000_000_000, limits.max_work / 1_000_000_000);
        return over_limit(format!("{found} billion pixels to cut"), format!("{limit} billion"));
    }
    let max_frames = limits.max_held_frames.saturating_add(info.frames.saturating_mul(30));
    if frames > max_frames {
        return over_limit(
            format!("{} frames that are repeated to {frames} frames", info.frames),
            format!("{max_frames} frames"),
        );
    }
    if plan.memory_bytes() > job.resources.max_bytes {
        let mib = |bytes: u64| format!("{} MiB of memory", bytes >> 20);
        return over_limit(format!("frames that take {}", mib(plan.memory_bytes())), mib(job.resources.max_bytes));
    }
    Ok(())
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
            stop.on_error(choose_method(job, info, plan.frame, stop, &waits))
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
    let Children { decoder, encoders } = children;
    let (tools, scratch, start) = (job.tools, job.scratch, Instant::now());
    let encoders: Vec<Encoder> = (encoders.into_iter().zip(&plan.encodes).enumerate())
        .map(|(index, (backend, plan))| {
            let (counters, log) = (&counters, &log);
            Encoder { index, plan, backend, scratch, tools, stop, counters, log, start }
        })
        .collect();
    // Bounded by Plan::queue_len frames, which is derived from a limit in bytes.
    let (decoded_sender, decoded) = bounded::<Frame>(plan.queue_len);
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

/// Reads frames from the decoder until its end, and checks that none are missing.
fn decode(mut child: Child, job: &CutJob, info: &MediaInfo, plan: &Plan, frames: &Sender<Frame>) -> Result<(), Error> {
    let mut decoded = 0;
    if let Some(mut pipe) = child.take_stdout() {
        loop {
            let mut frame = Frame::new(plan.frame);
            match read_frame(&mut pipe, frame.bytes_mut()) {
                Ok(true) => decoded += 1,
                Ok(false) => break,
                Err(source) => return Err(Error::Io { doing: "reading from the decoder", source }),
            }
            if decoded > job.limits.max_frames {
                return Err(Error::TooManyFrames { limit: job.limits.max_frames });
            }
            if frames.send(frame).is_err() {
                return Ok(()); // Matting has ended; the reason is reported there.
            }
        }
    }
    child.wait().map_err(ToolError::of_reading)?;
    // Decoders conceal or drop a frame or two at a truncated end. If a tenth is missing, the file
    // is damaged.
    if decoded == 0 || decoded * 10 < plan.expected_frames * 9 {
        return Err(Error::EndedEarly { decoded, stated: plan.expected_frames.max(info.frames) });
    }
    Ok(())
}

/// Mattes the decoded frames and passes each one to every encoder.
fn matte(
    Matting { source, hints }: Matting,
    job: &CutJob,
    decoded: &Receiver<Frame>,
    encoders: &[Sender<Arc<Frame>>],
) -> (MatteLog, QualityLog, Result<(), Error>) {
    let (mut log, mut quality) = (MatteLog::default(), QualityLog::default());
    let mut emit = |frame: Frame, source_planes: &[u8], doubts: Doubts| {
        log.push(&frame);
        quality.push(&frame, source_planes, doubts);
        let frame = Arc::new(frame);
        encoders.iter().all(|encoder| encoder.send(Arc::clone(&frame)).is_ok())
    };
    let result = match source {
        MatteSource::Color(background) => {
            let keyer = Keyer::new(background, keyer_settings(job.request));
            matte_in_order(&keyer, hints, job.resources.threads, decoded.iter(), |frame, keyed| {
                emit(frame, keyed.seen(), keyed.doubts())
            });
            Ok(())
        }
        MatteSource::Model(model) => {
            let (pace, threads) = (pace(job.request.speed), job.resources.threads);
            let mut indices = 0..;
            let emit = |mut frame: Frame, source_planes: &[u8]| {
                if let Some(map) = indices.next().and_then(|index| hints.map(index)) {
                    map.overrule(&mut frame, source_planes);
                }
                emit(frame, source_planes, Doubts::default())
            };
            matte_with_model(model, pace, threads, decoded.iter(), emit)
        }
    };
    (log, quality, result)
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
