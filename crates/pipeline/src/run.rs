//! The running part of a cut: decoder, matting and encoders work on the frames at the same time, on
//! threads of their own.

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
    CutJob, Error, Stop,
    children::Children,
    frame_log::FrameLog,
    plan::Plan,
    progress::{Counters, StallTimer},
    quality::QualityLog,
    stages::{
        decode::decode,
        encode::Encoder,
        matte::{Matting, matte},
    },
    threads::{join, spawn},
};

/// Time without progress after which the cut fails. It is only reached if a child process hangs:
/// the slowest encoders take a second per frame.
const STALL_LIMIT: Duration = Duration::from_mins(2);
/// Interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The frames of a clip, or a section of them, that are about to be cut.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) job: &'a CutJob<'a>,
    pub(crate) info: &'a MediaInfo,
    pub(crate) plan: &'a Plan,
    pub(crate) stop: &'a Stop,
}

impl Run<'_> {
    /// Decodes, mattes and encodes the frames. `encode` runs each encoder to its end on a thread of
    /// its own; its results are returned in the order of the plan.
    ///
    /// # Errors
    /// The first failure. All threads and processes have ended then.
    pub(crate) fn frames<T: Send>(
        self,
        matting: Matting,
        children: Children,
        encode: impl Fn(Encoder, &Receiver<Arc<Frame>>) -> Result<T, Error> + Sync,
        progress: &mut dyn FnMut(CutStep),
    ) -> Result<(FrameLog, QualityLog, Vec<T>), Error> {
        let Self { job, info, plan, stop } = self;
        let encode = &encode;
        let counters = Counters::new(plan.encodes.len());
        let log = OnceLock::new();
        let Children { decoder, encoders, .. } = children;
        let (tools, scratch, first, start) = (job.tools, job.scratch, plan.first, Instant::now());
        let encoders: Vec<Encoder> = (encoders.into_iter().zip(&plan.encodes).enumerate())
            .map(|(index, (backend, plan))| {
                let (counters, log) = (&counters, &log);
                Encoder { index, first, plan, backend, scratch, tools, stop, counters, log, start }
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
                    let result = stop.on_error(encode(encoder, &frames));
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
        let mut outputs: Vec<(usize, T)> =
            results.into_iter().filter_map(|(index, output)| Some((index, output?))).collect();
        outputs.sort_by_key(|(index, _)| *index);
        let (log, quality) = log.into_inner().zip(quality).ok_or(Error::Cancelled)?;
        Ok((log, quality, outputs.into_iter().map(|(_, output)| output).collect()))
    }
}

/// Reports progress until every encoder has finished, and stops the cut if it stalls.
fn watch<T>(
    done: &Receiver<T>,
    counters: &Counters,
    plan: &Plan,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Vec<T> {
    let limit = STALL_LIMIT + plan.time_to_first_frame();
    let mut stall = StallTimer::new(limit);
    let (mut results, mut last) = (Vec::new(), None);
    loop {
        match done.recv_timeout(PROGRESS_INTERVAL) {
            Ok(result) => results.push(result),
            Err(RecvTimeoutError::Disconnected) => return results,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stall.has_stalled(counters.steps()) {
            stop.fail(Error::Stalled { secs: limit.as_secs() });
        }
        let (count, total) = (counters.min_taken(), plan.encoded_frames());
        let now = if count >= total { CutStep::Checking } else { CutStep::Cutting { done: count, total } };
        if last.replace(now) != Some(now) {
            progress(now);
        }
    }
}
