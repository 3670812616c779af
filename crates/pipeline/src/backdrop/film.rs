//! A video as a background: its frames at the rate and in the format of the outputs, again from its
//! start when it has ended.

use std::{cmp::Ordering, fs::File, io::ErrorKind, process::ChildStdout};

use clearcut_ffmpeg::{Child, DecodePlan, Error as ToolError, MediaError, MediaInfo, Retiming, read_frame};
use clearcut_frame::{Frame, FrameFormat, Rgb8};
use clearcut_job::{CropRect, CutRequest, Note, NoteCode, OutputFormat};

use super::{compose::put_behind, fitted, solid};
use crate::{CutJob, Error, Stop, plan::Plan, stages::unpack::unpack};

/// A video whose frames are all within this is decoded once, in bytes.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The frames of a video, without end.
pub(super) struct Film<'a> {
    job: &'a CutJob<'a>,
    stop: &'a Stop,
    /// The video, as ffmpeg reads it.
    file: File,
    info: MediaInfo,
    plan: DecodePlan,
    /// Format of the frames that are shown, which have no alpha.
    format: FrameFormat,
    decoder: Option<(Child, ChildStdout)>,
    /// The frames of the first pass; `None` if they are too many to be kept.
    kept: Option<Vec<Frame>>,
    /// Number of frames of this pass so far.
    shown: usize,
    /// Whether the first pass has ended.
    was_whole: bool,
    current: Frame,
}

impl<'a> Film<'a> {
    /// Probes the video in `file`. Its frames will cover those of `format`, at the rate of `plan`.
    ///
    /// # Errors
    /// The file is at fault or no video, or exceeds a limit.
    pub(super) fn open(
        (job, file): (&'a CutJob, &File),
        plan: &Plan,
        format: FrameFormat,
        stop: &'a Stop,
    ) -> Result<(Self, Vec<Note>), Error> {
        let unpacked = unpack(&CutJob { input: file, ..*job }, stop, || ())?;
        let file = match unpacked {
            Some(file) => file,
            None => file.try_clone().map_err(|source| Error::Io { doing: "opening the background", source })?,
        };
        let probe = job.tools.probe(&file, &job.limits)?;
        let mut info = stop.media_info(probe, &CutRequest::new(OutputFormat::Apng))?;
        let size = format.size;
        info.crop = CropRect::of_shape((size.width(), size.height()), info.size);
        info.subsampling = format.subsampling;
        let is_unchanged = info.frame_rate == plan.frame_rate && !info.has_variable_rate;
        let retiming = if is_unchanged { Retiming::EveryFrame } else { Retiming::To(plan.frame_rate) };
        let notes = [fitted(info.size, size), retimed(&info, plan)].into_iter().flatten().collect();
        let plan = DecodePlan { size, retiming, threads: 1, window: None };
        let (current, kept) = (Frame::new(format), Some(Vec::new()));
        let film =
            Self { job, stop, file, info, plan, format, decoder: None, kept, shown: 0, was_whole: false, current };
        Ok((film, notes))
    }

    /// The next frame; after the last one, the first.
    ///
    /// # Errors
    /// The file is damaged, or a failure of its decoder.
    pub(super) fn next_picture(&mut self) -> Result<&Frame, Error> {
        if self.was_whole && self.kept.is_some() {
            let kept = self.kept.as_deref().unwrap_or_default();
            let picture = &kept[self.shown % kept.len()];
            self.shown += 1;
            return Ok(picture);
        }
        while !self.decode_next()? {
            if self.shown == 0 {
                return Err(ToolError::Media(MediaError::Damaged).into());
            }
            (self.shown, self.was_whole) = (0, true);
            if self.kept.is_some() {
                return self.next_picture();
            }
        }
        self.shown += 1;
        if let Some(kept) = &mut self.kept {
            kept.push(self.current.clone());
            if kept.len() * self.format.byte_len() > MAX_KEPT_BYTES {
                self.kept = None;
            }
        }
        Ok(&self.current)
    }

    /// Decodes a frame to [`Self::current`]; false at the end of the video.
    fn decode_next(&mut self) -> Result<bool, Error> {
        let (child, mut pipe) = match self.decoder.take() {
            Some(running) => running,
            None => self.start()?,
        };
        let mut frame = Frame::new(FrameFormat { has_alpha: self.info.has_alpha, ..self.format });
        match read_frame(&mut pipe, frame.bytes_mut()) {
            Ok(true) => {}
            Ok(false) => {
                child.wait().map_err(ToolError::of_reading)?;
                return Ok(false);
            }
            // The decoder ended within a frame; its exit says why.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                child.wait().map_err(ToolError::of_reading)?;
                return Err(ToolError::Media(MediaError::Damaged).into());
            }
            Err(source) => return Err(Error::Io { doing: "reading the background", source }),
        }
        self.decoder = Some((child, pipe));
        self.current = if self.info.has_alpha { over_black(frame, self.format) } else { frame };
        Ok(true)
    }

    fn start(&self) -> Result<(Child, ChildStdout), Error> {
        let Self { job, info, plan, .. } = self;
        let decoder = job.tools.decode_in(self.format.matrix, &self.file, info, plan, &job.limits)?;
        let mut child = self.stop.register(decoder);
        let pipe = child.take_stdout().ok_or(ToolError::Media(MediaError::Damaged))?;
        Ok((child, pipe))
    }
}

/// A frame with alpha over black, in `format`.
fn over_black(mut frame: Frame, format: FrameFormat) -> Frame {
    put_behind(&mut frame, &solid(Rgb8::default(), format));
    let mut bytes = frame.into_bytes();
    bytes.truncate(format.byte_len());
    Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format))
}

/// The note that a video of another length begins again, or ends with the clip.
fn retimed(info: &MediaInfo, plan: &Plan) -> Option<Note> {
    let frames = plan.frame_rate.frames_in(info.duration).max(1);
    let (length, clip) = (info.duration.as_secs_f64(), plan.frame_rate.start_of(plan.expected_frames).as_secs_f64());
    let what = match frames.cmp(&plan.expected_frames) {
        Ordering::Less => "begins again until the clip ends",
        Ordering::Greater => "ends with the clip",
        Ordering::Equal => return None,
    };
    let message = format!("the background is {length:.2} s long and the clip {clip:.2} s: it {what}");
    Some(Note::new(NoteCode::BackgroundRetimed, message))
}
