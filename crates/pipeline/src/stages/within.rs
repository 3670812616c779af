//! Encoding of an output within a limit of bytes: its frames are kept, and encoded up to three times
//! with settings that a search chooses.

use std::{cell::RefCell, fs, path::PathBuf, sync::Arc};

use clearcut_ffmpeg::{EncodePlan, LayerCrf};
use clearcut_frame::Frame;
use clearcut_job::OutputFormat;
use crossbeam_channel::Receiver;

use super::{
    check::{Logs, check_output},
    encode::{Encoder, EncoderBackend, complete, encode_frames, encode_output, finished, remove_streams},
};
use crate::{
    Error, OutputReport,
    limit::{Limit, MAX_ENCODES, Search, Settings, Source},
    matte_log::MatteLog,
    report::{KeptLimit, LoweredQuality},
};

mod spool;

use spool::FrameSpool;

/// An encoded output that keeps its limit.
struct Within {
    /// What the file holds.
    plan: EncodePlan,
    /// Its mattes.
    log: MatteLog,
}

/// Feeds `frames` to the encoder, waits for its file, and checks the file, which keeps its limit of
/// bytes if it has one. Blocks.
///
/// # Errors
/// The failure of the encoder, [`Error::CheckFailed`], or [`Error::LimitNotMet`].
pub(crate) fn encode_within_limit(encoder: Encoder, frames: &Receiver<Arc<Frame>>) -> Result<OutputReport, Error> {
    let EncoderBackend::Within(limit) = encoder.backend else { return encode_output(encoder, frames) };
    let Encoder { index, plan, scratch, tools, stop, counters, start, .. } = encoder;
    let taken = frames.iter().inspect(|_| counters.count_taken(index)).take_while(|_| !stop.is_stopped());
    let within = encode_within(&encoder, limit, taken)?;
    let alpha_check = check_output((tools, stop), &within.plan, scratch, Logs::of(&within.log), counters)?;
    let kept = KeptLimit {
        limit: limit.max_bytes,
        size: within.plan.size,
        frame_rate: within.plan.frame_rate,
        frames: within.log.frames(),
        lowered: lowered(&within.plan, plan),
    };
    Ok(OutputReport { kept: Some(kept), ..finished(plan, scratch, start, alpha_check)? })
}

/// What a file of the plan `kept` lacks of the quality that was `planned`.
fn lowered(kept: &EncodePlan, planned: &EncodePlan) -> Option<LoweredQuality> {
    if planned.format == OutputFormat::Webm {
        let crf = |plan: &EncodePlan| plan.crf.unwrap_or(LayerCrf::of(plan.speed)).color;
        return (crf(kept) > crf(planned)).then(|| LoweredQuality::Crf(crf(kept), crf(planned)));
    }
    let [to, from] = [kept, planned].map(|plan| u16::from(plan.quality));
    (to < from).then_some(LoweredQuality::Quality(to, from))
}

/// Encodes `frames` until a file keeps `limit`, and leaves it under the name of the plan. Blocks.
///
/// # Errors
/// [`Error::LimitNotMet`], or the failure of an encoder.
fn encode_within(encoder: &Encoder, limit: Limit, frames: impl Iterator<Item = Arc<Frame>>) -> Result<Within, Error> {
    let Encoder { plan, scratch, stop, .. } = *encoder;
    let spool = FrameSpool::keep(scratch, frames)?;
    stop.check()?;
    let mut search = Search::new(
        Source {
            format: plan.format,
            frame_rate: plan.frame_rate,
            frames: spool.frames(),
            visible_pixels: spool.visible_pixels(),
            quality: plan.quality,
            crf: plan.crf.unwrap_or(LayerCrf::of(plan.speed)),
        },
        limit,
    );
    let kept = scratch.join(format!("kept-{}", plan.file_name()));
    let mut best = None;
    for _ in 0..MAX_ENCODES {
        let Some(settings) = search.next() else { break };
        let (within, path, bytes) = encode_once(encoder, &spool, settings)?;
        let replaced = if search.learn(settings, bytes) {
            best = Some(within);
            fs::rename(&path, &kept)
        } else {
            fs::remove_file(&path)
        };
        replaced.map_err(|source| Error::from_write("writing an output", source))?;
    }
    let unmet = Error::LimitNotMet { format: plan.format, limit: limit.max_bytes, closest: search.closest() };
    let best = best.ok_or(unmet)?;
    let renamed = fs::rename(&kept, scratch.join(plan.file_name()));
    renamed.map_err(|source| Error::from_write("writing an output", source))?;
    Ok(best)
}

/// Encodes the frames once. Returns the file and its length in bytes.
fn encode_once(encoder: &Encoder, spool: &FrameSpool, settings: Settings) -> Result<(Within, PathBuf, u64), Error> {
    let Encoder { plan, scratch, tools, stop, counters, .. } = *encoder;
    let plan = EncodePlan {
        size: settings.size(plan.size),
        frame_rate: settings.frame_rate(plan.frame_rate),
        quality: settings.quality(),
        crf: Some(settings.crf()),
        ..plan.clone()
    };
    let backend = EncoderBackend::start((&plan, spool.frames()), None, (tools, stop), scratch)?;
    let (mut log, failure) = (MatteLog::default(), RefCell::new(None));
    let frames = spool.read(settings, stop, &failure).inspect(|frame| {
        log.push(frame);
        counters.count_checked();
    });
    let own = encode_frames(backend, &plan, (scratch, stop), 0, frames)?;
    stop.check()?;
    if let Some(error) = failure.take() {
        return Err(error);
    }
    complete(&plan, scratch)?;
    remove_streams(&plan, &[scratch]);
    let path = scratch.join(plan.file_name());
    let length = fs::metadata(&path).map_err(|source| Error::Io { doing: "checking an output", source })?.len();
    Ok((Within { plan, log: own.mattes.unwrap_or(log) }, path, length))
}
