//! One cut from the clip to its files: decode, matte and encode on threads of their own, and the check of what was written.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{Child, Error as ToolError, MediaError, MediaInfo, MediaLimits, Tools, read_frame};
use clearcut_frame::Frame;
use clearcut_job::CutRequest;
use clearcut_matte::{Doubts, Keyer};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    CutReport, Error, ModelSource, OutputReport, Progress, Resources, Stop,
    check::MatteLog,
    children::Children,
    encode::Encoder,
    hinting::{Hinted, follow_hints, small_frames},
    matting::{key_settings, matte_in_order},
    method::{MatteSource, Method, choose},
    model_matting::{matte_by_model, pace},
    plan::Plan,
    progress::{Counters, StallTimer},
    quality::QualityLog,
    threads::{joined, start},
};

/// A cut to be made.
#[derive(Debug)]
pub struct CutJob<'a> {
    /// The ffmpeg to work with.
    pub tools: &'a Tools,
    /// The clip.
    pub input: &'a File,
    /// What to make of it.
    pub request: &'a CutRequest,
    /// An empty folder of its own. Outputs are left in it; everything else in it may be removed.
    pub scratch: &'a Path,
    /// What the clip may at most be.
    pub limits: MediaLimits,
    /// What may be used of this machine.
    pub resources: Resources,
    /// Where a neural model comes from, if one is needed.
    pub models: &'a dyn ModelSource,
}

/// Nothing moves for longer than this only if a child hangs: the slowest encoders take a second for a frame.
const STALL_LIMIT: Duration = Duration::from_mins(2);
/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Cuts the subject out of a clip and leaves a checked file for each asked format in the scratch folder. Blocks until all is done
/// and every child process has ended, however it ends. `progress` is called on this thread.
///
/// # Errors
/// See [`Error`]. No file of a failed cut is to be used.
pub fn cut(job: &CutJob, stop: &Stop, progress: &mut dyn FnMut(Progress)) -> Result<CutReport, Error> {
    let probe = job.tools.probe(job.input, &job.limits); // Read while ffmpeg says what it can do.
    for format in job.request.formats.iter() {
        job.tools.require(format)?;
    }
    progress(Progress::Surveying);
    let info = stop.wait_for_headers(probe?)?;
    let plan = Plan::new(&info, job.request, &job.resources);
    check_rate(&plan, &job.limits)?;
    if plan.expected_frames > job.limits.max_frames {
        return Err(Error::TooManyFrames { limit: job.limits.max_frames });
    }
    check_work(&plan, &info, job)?;
    for encode in &plan.encodes {
        if let Some(max_pixels) = encode.max_pixels().filter(|most| encode.size.pixels() > *most) {
            return Err(Error::TooManyPixelsFor { format: encode.format, size: encode.size, max_pixels });
        }
        let (format, size, max_side) = (encode.format, encode.raw_size(), encode.max_side());
        if size.longest_side() > max_side {
            return Err(Error::TooLargeFor { format, size, max_side });
        }
    }
    let (method, hinted, children) = prepare(job, &info, &plan, stop, progress)?;
    let (cut_method, reason) = (method.source.method(), method.reason);
    let (key_color, confidence, model) = match &method.source {
        MatteSource::Color(background) => (Some(background.color()), Some(background.confidence()), None),
        MatteSource::Model(opened) => (None, None, Some(opened.id.clone())),
    };
    let (log, quality, outputs) =
        run(job, &info, &plan, Matting { source: method.source, hinted: &hinted }, children, stop, progress)?;
    Ok(CutReport {
        source: info,
        size: plan.size(),
        frame_rate: plan.frame_rate,
        frames: log.frames(),
        method: cut_method,
        reason,
        model,
        key_color,
        matte: quality.report(confidence, log.removed_share(), plan.frame_rate, hinted.frames),
        outputs,
    })
}

/// How a clip is matted: what tells subject and background apart, and what the user knows better.
struct Matting<'a> {
    source: MatteSource,
    hinted: &'a Hinted,
}

fn check_rate(plan: &Plan, limits: &MediaLimits) -> Result<(), Error> {
    let rate = plan.frame_rate.per_second();
    if rate <= f64::from(limits.max_rate) {
        return Ok(());
    }
    let (found, limit) = (format!("{rate:.0} frames/s"), format!("{} frames/s", limits.max_rate));
    Err(ToolError::Media(MediaError::OverLimit { found, limit }).into())
}

/// Refuses what would hold this machine for too long or take too much of its memory, before any of it is done.
fn check_work(plan: &Plan, info: &MediaInfo, job: &CutJob) -> Result<(), Error> {
    let over = |found: String, limit: String| Err(ToolError::Media(MediaError::OverLimit { found, limit }).into());
    let (limits, frames) = (&job.limits, plan.expected_frames);
    if plan.work() > limits.max_work {
        let (found, limit) = (plan.work() / 1_000_000_000, limits.max_work / 1_000_000_000);
        return over(format!("{found} billion pixels to cut"), format!("{limit} billion"));
    }
    let most = limits.max_held_frames.saturating_add(info.frames.saturating_mul(30));
    if frames > most {
        return over(format!("{} frames that stand for {frames} frames", info.frames), format!("{most} frames"));
    }
    if plan.memory_bytes() > job.resources.max_bytes {
        let mib = |bytes: u64| format!("{} MiB of memory", bytes >> 20);
        return over(format!("frames that take {}", mib(plan.memory_bytes())), mib(job.resources.max_bytes));
    }
    Ok(())
}

/// Measures the background and follows the hints, and meanwhile starts decoder and encoders, since starting them takes as long as a few frames.
fn prepare(
    job: &CutJob,
    info: &MediaInfo,
    plan: &Plan,
    stop: &Stop,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Method, Hinted, Children), Error> {
    let (method, small, children) = thread::scope(|scope| {
        // One word is enough: it says that there is waiting, not how much.
        let (waits_to, waits) = bounded(1);
        let surveying = stop.ok(start(scope, move || {
            let waits = || {
                let _ = waits_to.try_send(());
            };
            stop.ok(choose(job, info, plan.frame, stop, &waits))
        }));
        let shrinking = stop.ok(start(scope, || stop.ok(small_frames(job, info, plan.decode, plan.frame_rate, stop))));
        let children = stop.ok(Children::start(job, info, plan, stop));
        waits.iter().for_each(|()| progress(Progress::Waiting)); // Until it is chosen.
        (surveying.and_then(joined), shrinking.and_then(joined), children)
    });
    stop.check()?;
    let (Some(method), Some(small), Some(children)) = (method, small, children) else {
        return Err(Error::Cancelled);
    };
    let hinted = follow_hints(job.request, &small, plan.frame_rate, &method.source, stop);
    stop.check()?;
    Ok((method, hinted, children))
}

/// Runs decoder, matting and all encoders at the same time.
fn run(
    job: &CutJob,
    info: &MediaInfo,
    plan: &Plan,
    matting: Matting,
    children: Children,
    stop: &Stop,
    progress: &mut dyn FnMut(Progress),
) -> Result<(MatteLog, QualityLog, Vec<OutputReport>), Error> {
    let counters = Counters::new(plan.encodes.len());
    let log = OnceLock::new();
    let Children { decoder, works } = children;
    let (tools, scratch, began) = (job.tools, job.scratch, Instant::now());
    let encoders: Vec<Encoder> = (works.into_iter().zip(&plan.encodes).enumerate())
        .map(|(index, (work, plan))| {
            let (counters, log) = (&counters, &log);
            Encoder { index, plan, work, scratch, tools, stop, counters, log, began }
        })
        .collect();
    // Bounded in frames, by Plan::queue_len, which is bounded in bytes.
    let (decoded_to, decoded) = bounded::<Frame>(plan.queue_len);
    let (results, quality) = thread::scope(|scope| {
        let (done_to, done) = bounded(encoders.len());
        let mut finished_to = Vec::new();
        for encoder in encoders {
            let (to, frames) = bounded::<Arc<Frame>>(plan.queue_len);
            finished_to.push(to);
            let done_to = done_to.clone();
            stop.ok(start(scope, move || {
                let index = encoder.index;
                let result = stop.ok(encoder.run(&frames));
                // The receiver lives until all have reported.
                let _ = done_to.send((index, result));
            }));
        }
        drop(done_to);
        stop.ok(start(scope, move || stop.ok(decode(decoder, job, info, plan, &decoded_to))));
        let log = &log;
        let matting = stop.ok(start(scope, move || {
            let (all, quality, ended) = matte(matting, job, &decoded, &finished_to);
            // An encoder that a failure cuts short must not take its file for whole.
            stop.ok(ended);
            let _ = log.set(all);
            drop(finished_to); // Encoders end only now, when the log they are checked against stands.
            quality
        }));
        let results = watch(&done, &counters, plan, stop, progress);
        (results, matting.map(joined))
    });
    stop.check()?;
    let mut outputs: Vec<(usize, OutputReport)> =
        results.into_iter().filter_map(|(index, output)| Some((index, output?))).collect();
    outputs.sort_by_key(|(index, _)| *index);
    let (log, quality) = log.into_inner().zip(quality).ok_or(Error::Cancelled)?;
    Ok((log, quality, outputs.into_iter().map(|(_, output)| output).collect()))
}

/// Reads frames from the decoder until its end, and checks that all came.
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
                return Ok(()); // Matting has ended, and whoever ended it says why.
            }
        }
    }
    child.wait().map_err(ToolError::of_reading)?;
    // A frame or two at a cut end are concealed or dropped by decoders; a tenth missing is a damaged file.
    if decoded == 0 || decoded * 10 < plan.expected_frames * 9 {
        return Err(Error::EndedEarly { decoded, stated: plan.expected_frames.max(info.frames) });
    }
    Ok(())
}

/// Mattes what comes from the decoder and hands each frame to every encoder.
fn matte(
    Matting { source, hinted }: Matting,
    job: &CutJob,
    decoded: &Receiver<Frame>,
    encoders: &[Sender<Arc<Frame>>],
) -> (MatteLog, QualityLog, Result<(), Error>) {
    let (mut log, mut quality) = (MatteLog::default(), QualityLog::default());
    let mut emit = |frame: Frame, seen: &[u8], doubts: Doubts| {
        log.push(&frame);
        quality.push(&frame, seen, doubts);
        let frame = Arc::new(frame);
        encoders.iter().all(|encoder| encoder.send(Arc::clone(&frame)).is_ok())
    };
    let ended = match source {
        MatteSource::Color(background) => {
            let keyer = Keyer::new(background, key_settings(job.request));
            matte_in_order(&keyer, hinted, job.resources.threads, decoded.iter(), |frame, keyed| {
                emit(frame, keyed.seen(), keyed.doubts())
            });
            Ok(())
        }
        MatteSource::Model(opened) => {
            let (pace, threads) = (pace(job.request.speed), job.resources.threads);
            let mut indices = 0..;
            let emit = |mut frame: Frame, seen: &[u8]| {
                if let Some(map) = indices.next().and_then(|index| hinted.map(index)) {
                    map.overrule(&mut frame, seen);
                }
                emit(frame, seen, Doubts::default())
            };
            matte_by_model(opened, pace, threads, decoded.iter(), emit)
        }
    };
    (log, quality, ended)
}

/// Tells progress until every encoder has reported, and ends the cut if nothing moves.
fn watch<T>(
    done: &Receiver<T>,
    counters: &Counters,
    plan: &Plan,
    stop: &Stop,
    progress: &mut dyn FnMut(Progress),
) -> Vec<T> {
    let mut stall = StallTimer::new(STALL_LIMIT);
    let (mut results, mut last) = (Vec::new(), None);
    loop {
        match done.recv_timeout(PROGRESS_INTERVAL) {
            Ok(result) => results.push(result),
            Err(RecvTimeoutError::Disconnected) => return results,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stall.has_stalled(counters.heartbeat()) {
            stop.fail(Error::Stalled { secs: STALL_LIMIT.as_secs() });
        }
        let (count, total) = (counters.done(), plan.expected_frames);
        let now = if count >= total { Progress::Checking } else { Progress::Cutting { done: count, total } };
        if last.replace(now) != Some(now) {
            progress(now);
        }
    }
}
