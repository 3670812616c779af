//! Decoding: frames from a decoder's pipe, all of a clip or a few.

use std::io::ErrorKind;

use clearcut_ffmpeg::{Child, Error as ToolError, MediaError, MediaInfo, read_frame};
use clearcut_frame::{Frame, FrameFormat};
use crossbeam_channel::Sender;

use crate::{CutJob, Error, Stop, plan::Plan};

/// Reads frames from the decoder until its end, and checks that none are missing.
pub(crate) fn decode(
    mut child: Child,
    job: &CutJob,
    info: &MediaInfo,
    plan: &Plan,
    frames: &Sender<Frame>,
) -> Result<(), Error> {
    let mut decoded = 0;
    if let Some(mut pipe) = child.take_stdout() {
        loop {
            let mut frame = Frame::new(plan.frame);
            match read_frame(&mut pipe, frame.bytes_mut()) {
                Ok(true) => decoded += 1,
                Ok(false) => break,
                // The decoder ended within a frame; its exit says why.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    child.wait().map_err(ToolError::of_reading)?;
                    return Err(ToolError::Media(MediaError::Damaged).into());
                }
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
    let expected = plan.decoded_frames();
    if plan.decode.window.is_some_and(|window| window.seek.is_some()) && decoded != expected {
        return Err(Error::SegmentIncomplete { decoded, expected });
    }
    // Decoders conceal or drop a frame or two at a truncated end. If a tenth is missing, the file
    // is damaged.
    let before = plan.frames_before();
    if decoded <= plan.run_in || (before + decoded) * 10 < (before + expected) * 9 {
        return Err(Error::EndedEarly { decoded: before + decoded, stated: (before + expected).max(info.frames) });
    }
    Ok(())
}

/// Reads frames of `format` from `child` until its end, but at most `max_frames`: a malicious clip
/// could control the decoder's output. Stops early if `stop` is set or a read fails.
pub(crate) fn read_frames(child: &mut Child, format: FrameFormat, max_frames: u64, stop: &Stop) -> Vec<Frame> {
    let mut frames = Vec::new();
    if let Some(mut pipe) = child.take_stdout() {
        while (frames.len() as u64) < max_frames && !stop.is_stopped() {
            let mut frame = Frame::new(format);
            match read_frame(&mut pipe, frame.bytes_mut()) {
                Ok(true) => frames.push(frame),
                Ok(false) | Err(_) => break,
            }
        }
    }
    frames
}

/// Reads frames as [`read_frames`] does, then ends `child`.
///
/// # Errors
/// If there are none: the decoder's error, or [`MediaError::Damaged`].
pub(crate) fn read_some_frames(
    mut child: Child,
    format: FrameFormat,
    max_frames: u64,
    stop: &Stop,
) -> Result<Vec<Frame>, Error> {
    let frames = read_frames(&mut child, format, max_frames, stop);
    if frames.is_empty() {
        let ended = child.wait();
        stop.check()?;
        ended.map_err(ToolError::of_reading)?;
        return Err(ToolError::Media(MediaError::Damaged).into());
    }
    drop(child);
    stop.check()?;
    Ok(frames)
}
