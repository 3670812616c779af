//! Encoding of one output: feeding its encoder, and checking and syncing the finished file.

use std::{
    borrow::Cow,
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
    time::Instant,
};

use clearcut_animation::{encode_apng, encode_gif, encode_webp};
use clearcut_ffmpeg::{Child, EncodePlan, Tools};
use clearcut_frame::Frame;
use clearcut_job::{AlphaCheck, OutputFormat};
use crossbeam_channel::Receiver;

use super::{
    check::{Logs, PieceCheck, check_output, check_piece},
    mov::mend_frame_headers,
};
use crate::{
    Error, OutputReport, Stop, backdrop::mix_edges, frame_log::FrameLog, limit::Limit, matte_log::MatteLog,
    picture_log::PictureLog, progress::Counters,
};

mod animate;
mod layers;
mod sequence;
mod sprites;
mod stack;

use animate::animate;
pub(crate) use animate::spool_in;
pub(crate) use layers::{Layers, mux_streams, remove_streams};
pub(crate) use sequence::SequenceInfo;
use sequence::{write_poster, write_sequence};
use sprites::write_sprites;
pub(crate) use sprites::{Grid, SheetInfo};
pub(crate) use stack::full_range;
use stack::{matte_frame, opaque_frame, padded_frame, stack_frame};

/// The backend that encodes an output.
pub(crate) enum EncoderBackend {
    /// A child process that reads raw frames.
    Child(Child),
    /// Two child processes, one for each stream of a WebM.
    Layers(Layers),
    /// The encoder of animated WebP in this process.
    Webp,
    /// The encoder of animated PNG in this process.
    Apng,
    /// The encoder of GIF in this process.
    Gif,
    /// The writer of the archive of PNGs in this process.
    PngSequence,
    /// The writer of one PNG in this process.
    Poster,
    /// The writer of a sheet of frames in this process.
    SpriteSheet(Grid),
    /// The frames are kept, and encoded until the file keeps a limit of bytes.
    Within(Limit),
}

impl EncoderBackend {
    /// Starts the encoder of `plan` for about `frames` frames, or, with `limit`, what keeps the frames for it. Child processes
    /// end with the thread that calls this.
    ///
    /// # Errors
    /// A failure of the machine, above all [`clearcut_ffmpeg::Error::Spawn`].
    pub(crate) fn start(
        (plan, frames): (&EncodePlan, u64),
        limit: Option<Limit>,
        (tools, stop): (&Tools, &Stop),
        scratch: &Path,
    ) -> Result<Self, Error> {
        if let Some(limit) = limit {
            return Ok(Self::Within(limit));
        }
        Ok(match plan.format {
            OutputFormat::Webp => Self::Webp,
            OutputFormat::Apng => Self::Apng,
            OutputFormat::Gif => Self::Gif,
            OutputFormat::Webm => Self::Layers(Layers::start(tools, plan, scratch, stop)?),
            OutputFormat::PngSequence => Self::PngSequence,
            OutputFormat::SpriteSheet => Self::SpriteSheet(Grid::of_sheet(plan.size, frames)?),
            OutputFormat::Poster => Self::Poster,
            OutputFormat::StackedAlpha
            | OutputFormat::Mp4
            | OutputFormat::Mov
            | OutputFormat::HevcAlpha
            | OutputFormat::Matte
            | OutputFormat::Foreground => Self::Child(stop.register(tools.encode(plan, scratch)?)),
        })
    }
}

/// One running encoder and all that is needed to produce a checked file.
pub(crate) struct Encoder<'a> {
    pub(crate) index: usize,
    /// Number in the clip of the first frame.
    pub(crate) first: u64,
    pub(crate) plan: &'a EncodePlan,
    pub(crate) backend: EncoderBackend,
    pub(crate) scratch: &'a Path,
    pub(crate) tools: &'a Tools,
    pub(crate) stop: &'a Stop,
    pub(crate) counters: &'a Counters,
    /// Set once the last frame has been matted.
    pub(crate) log: &'a OnceLock<FrameLog>,
    pub(crate) start: Instant,
}

/// Feeds `frames` to the encoder, waits for its file, and checks the file. Blocks.
///
/// # Errors
/// The failure of the encoder, or [`Error::CheckFailed`].
pub(crate) fn encode_output(encoder: Encoder, frames: &Receiver<Arc<Frame>>) -> Result<OutputReport, Error> {
    let Encoder { plan, scratch, tools, stop, counters, log, start, .. } = encoder;
    let own = encode(encoder, frames)?;
    if !stop.is_stopped() {
        complete(plan, scratch)?;
        remove_streams(plan, &[scratch]);
    }
    let Some(log) = log.get() else { return Err(Error::Cancelled) };
    let mattes = own.mattes.map_or_else(|| log.shown_mattes(), Cow::Owned);
    let logs = Logs { mattes: &mattes, pictures: Some(own.pictures.as_ref().unwrap_or(&log.pictures)) };
    let alpha_check = check_output((tools, stop), plan, scratch, logs, counters)?;
    finished(plan, scratch, start, alpha_check)
}

/// Feeds `frames`, of one segment, to the encoder, waits for its file, and checks the file. Of a WebM
/// the streams are left, not the file. Blocks.
///
/// # Errors
/// Those of [`encode_output`].
pub(crate) fn encode_piece(encoder: Encoder, frames: &Receiver<Arc<Frame>>) -> Result<PieceCheck, Error> {
    let Encoder { plan, scratch, tools, stop, counters, log, .. } = encoder;
    encode(encoder, frames)?;
    let Some(log) = log.get().filter(|_| !stop.is_stopped()) else { return Err(Error::Cancelled) };
    complete(plan, scratch)?;
    let check = check_piece((tools, stop), plan, scratch, &log.mattes, counters)?;
    if plan.format == OutputFormat::Webm {
        let removed = std::fs::remove_file(scratch.join(plan.file_name()));
        removed.map_err(|source| Error::Io { doing: "removing a checked piece", source })?;
    }
    Ok(check)
}

/// What a file should hold, beside the mattes of the frames.
#[derive(Default)]
pub(crate) struct OwnLogs {
    /// The mattes as the format has them, if they are not those of the frames.
    pub(crate) mattes: Option<MatteLog>,
    /// The pictures under the mattes, of HEVC and of a foreground.
    pictures: Option<PictureLog>,
}

/// Feeds `frames` to the encoder and waits for its file, or the streams of a WebM. Blocks.
///
/// # Errors
/// The failure of the encoder.
fn encode(encoder: Encoder, frames: &Receiver<Arc<Frame>>) -> Result<OwnLogs, Error> {
    let Encoder { index, first, plan, scratch, stop, counters, .. } = encoder;
    // Frames count when they are taken, because an encoder takes no more than it can hold.
    let taken = frames.iter().inspect(|_| counters.count_taken(index));
    encode_frames(encoder.backend, plan, (scratch, stop), first, taken)
}

/// Feeds `taken`, frames from number `first` of the clip on, to the encoder of `plan`, as [`encode`]
/// does.
pub(crate) fn encode_frames(
    backend: EncoderBackend,
    plan: &EncodePlan,
    (scratch, stop): (&Path, &Stop),
    first: u64,
    taken: impl Iterator<Item = Arc<Frame>>,
) -> Result<OwnLogs, Error> {
    let not_stopped = |_: &Arc<Frame>| !stop.is_stopped();
    match backend {
        EncoderBackend::Child(child) if matches!(plan.format, OutputFormat::HevcAlpha | OutputFormat::Foreground) => {
            let mut pictures = PictureLog::default();
            feed(child, plan, taken.inspect(|frame| pictures.push(frame)))?;
            return Ok(OwnLogs { pictures: Some(pictures), ..OwnLogs::default() });
        }
        EncoderBackend::Child(child) => feed(child, plan, taken),
        EncoderBackend::Layers(layers) => layers.encode(taken),
        EncoderBackend::Webp => {
            animate(plan, scratch, first, |settings, out| encode_webp(settings, taken.take_while(not_stopped), out))
        }
        EncoderBackend::Apng => {
            animate(plan, scratch, first, |settings, out| encode_apng(settings, taken.take_while(not_stopped), out))
        }
        EncoderBackend::Gif => {
            let mut log = MatteLog::default();
            let mixed = taken.take_while(not_stopped).map(|frame| match plan.edge_color {
                Some(color) => Arc::new(mix_edges(Arc::unwrap_or_clone(frame), color)),
                None => frame,
            });
            let frames = mixed.inspect(|frame| log.push_solid_or_clear(frame));
            let spool = spool_in(scratch)?;
            animate(plan, scratch, first, |settings, out| {
                encode_gif(settings, frames, spool, out, || stop.is_stopped())
            })?;
            return Ok(OwnLogs { mattes: Some(log), ..OwnLogs::default() });
        }
        EncoderBackend::PngSequence => write_sequence(plan, scratch, taken.take_while(not_stopped)),
        EncoderBackend::SpriteSheet(grid) => write_sprites(plan, &grid, scratch, taken.take_while(not_stopped)),
        EncoderBackend::Poster => {
            let mut log = MatteLog::default();
            if let Some(frame) = write_poster(plan, scratch, taken.take_while(not_stopped))? {
                log.push(&frame);
            }
            return Ok(OwnLogs { mattes: Some(log), ..OwnLogs::default() });
        }
        EncoderBackend::Within(_) => Ok(()), // Its frames are kept first: `stages::within`.
    }?;
    Ok(OwnLogs::default())
}

/// Makes the file of `plan` of what its encoder left in `scratch`.
pub(crate) fn complete(plan: &EncodePlan, scratch: &Path) -> Result<(), Error> {
    match plan.format {
        OutputFormat::Mov => mend_frame_headers(&scratch.join(plan.file_name())),
        OutputFormat::Webm => mux_streams(plan, &[scratch], scratch),
        OutputFormat::StackedAlpha
        | OutputFormat::Mp4
        | OutputFormat::Webp
        | OutputFormat::Apng
        | OutputFormat::Gif
        | OutputFormat::PngSequence
        | OutputFormat::HevcAlpha
        | OutputFormat::Matte
        | OutputFormat::Foreground
        | OutputFormat::Poster
        | OutputFormat::SpriteSheet => Ok(()),
    }
}

/// Brings a checked output to the disk. Its encoding began at `start`.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn finished(
    plan: &EncodePlan,
    scratch: &Path,
    start: Instant,
    alpha_check: AlphaCheck,
) -> Result<OutputReport, Error> {
    let path = scratch.join(plan.file_name());
    let file = File::open(&path).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
    let bytes = file.map_err(|source| Error::from_write("syncing an output to disk", source))?.len();
    Ok(OutputReport { format: plan.format, path, bytes, took: start.elapsed(), alpha_check, kept: None })
}

/// Writes `frames` to `child` and waits until it exits.
fn feed(mut child: Child, plan: &EncodePlan, frames: impl Iterator<Item = Arc<Frame>>) -> Result<(), Error> {
    let written = child.take_stdin().map_or(Ok(()), |pipe| write_frames(pipe, plan, frames));
    child.wait()?;
    written.map_err(|source| Error::Io { doing: "writing frames to an encoder", source })
}

fn write_frames(
    mut pipe: impl Write,
    plan: &EncodePlan,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> std::io::Result<()> {
    let mut drawn = Vec::new();
    for frame in frames {
        match plan.format {
            OutputFormat::StackedAlpha => stack_frame(&frame, &mut drawn),
            OutputFormat::Mp4 | OutputFormat::Foreground => opaque_frame(&frame, &mut drawn),
            OutputFormat::Matte => matte_frame(&frame, &mut drawn),
            OutputFormat::HevcAlpha => padded_frame(&frame, &mut drawn),
            _ => {
                pipe.write_all(frame.bytes())?;
                continue;
            }
        }
        pipe.write_all(&drawn)?;
    }
    Ok(())
}
