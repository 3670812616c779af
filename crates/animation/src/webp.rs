//! The animated WebP encoder: schedules patches, compresses them with libwebp on threads, and
//! writes the container.

use std::{
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use clearcut_frame::{Frame, Size};
use clearcut_parallel::with_workers;

use crate::{
    AnimationSettings, EXTRA_PATCHES, Error, Summary,
    clock::Clock,
    pieces::{StoredPart, next_riff_chunk, skip_start},
    planes::to_webp_format,
    rect::Rect,
    rgba::Rgba,
    schedule::{Canvas, Patch, ScheduleRules, patches},
};

mod coarse;
mod container;
mod fill;
mod still;

use coarse::AlphaQuantizer;
use container::{Container, PATCH_HEADER_BYTES, PatchHeader};

/// Writes `frames` as an animated WebP that loops forever. Blocks; pulls frames as fast as they are
/// compressed.
///
/// Quality 100 is lossless (in R'G'B'A). Lower qualities are VP8 with quantized alpha: see
/// `coarse::AlphaQuantizer`.
///
/// # Errors
/// The first failure of the writer or of libwebp. The output is then incomplete and not a valid
/// file.
pub fn encode_webp(
    settings: &AnimationSettings,
    frames: impl Iterator<Item = Arc<Frame>>,
    out: impl Write + Seek,
) -> Result<Summary, Error> {
    if settings.quality >= 100 {
        let canvases = frames.map(|frame| Arc::new(Rgba::from_frame(&frame)));
        write(settings, canvases, out, still::lossless)
    } else {
        let mut quantizer = AlphaQuantizer::new(settings.quality);
        let canvases = frames.map(|frame| quantizer.quantize(to_webp_format(&frame)));
        write(settings, canvases, out, |canvas, rect| still::lossy(canvas, rect, settings.quality))
    }
}

/// Longest duration of a patch in milliseconds: 24 bits.
const MAX_DURATION_MS: u32 = (1 << 24) - 1;

fn write<C: Canvas + Send + Sync>(
    settings: &AnimationSettings,
    canvases: impl Iterator<Item = Arc<C>>,
    out: impl Write + Seek,
    compress: impl Fn(&C, Rect) -> Result<Vec<u8>, Error> + Sync,
) -> Result<Summary, Error> {
    let clock = Clock::in_milliseconds(settings.frame_rate);
    let max_repeats = clock.max_repeats(MAX_DURATION_MS);
    let min_repeats = clock.min_repeats().min(max_repeats);
    let first_covers_canvas = settings.first_frame > 0;
    let rules = ScheduleRules { alignment: 2, first_covers_canvas, min_repeats, max_repeats };
    let mut container = Container::begin(out, settings.frame.size)?;
    let mut summary = Summary::default();
    still::warm_up();
    with_workers(settings.threads, |workers| {
        let compressed = workers.map_in_order_ahead(EXTRA_PATCHES, patches(rules, canvases), |patch: Patch<C>| {
            (header(&patch, clock, settings.first_frame), patch.repeats, compress(&patch.canvas, patch.rect))
        });
        compressed.into_iter().try_for_each(|(header, repeats, image)| {
            summary.frames += repeats;
            summary.patches += 1;
            container.write_patch(&header, &image?)
        })
    })?;
    summary.bytes = container.finish()?;
    Ok(summary)
}

fn header<C>(patch: &Patch<C>, clock: Clock, first_frame: u64) -> PatchHeader {
    let duration_ms = clock.duration(first_frame + patch.first, patch.repeats) as u32;
    PatchHeader { rect: patch.rect, duration_ms, is_cleared_after: patch.is_cleared_after }
}

/// Joins pieces of one animation in the size `canvas`, which [`encode_webp`] wrote for consecutive
/// frames and which are opened one after the other. Returns the length in bytes.
///
/// # Errors
/// [`Error::Piece`], [`Error::TooLong`], [`Error::Write`].
pub fn join_webp<R: Read>(
    canvas: Size,
    pieces: impl IntoIterator<Item = io::Result<R>>,
    out: impl Write + Seek,
) -> Result<u64, Error> {
    let mut container = Container::begin(out, canvas)?;
    for piece in pieces {
        let mut header = Vec::new();
        read_webp(piece?, |part| match part {
            StoredPart::Canvas(_) => Ok(()),
            StoredPart::Patch(next) => {
                next.clone_into(&mut header);
                Ok(())
            }
            StoredPart::Pixels(image) => container.copy_patch(&header, image),
        })?;
    }
    container.finish()
}

/// Reads what a file stores that [`encode_webp`] or [`join_webp`] wrote, without decompressing it.
///
/// # Errors
/// [`Error::Piece`], [`Error::Write`], those of `visit`.
pub fn read_webp<R: Read>(mut file: R, mut visit: impl FnMut(StoredPart) -> Result<(), Error>) -> Result<(), Error> {
    skip_start(&mut file, b"RIFF\0\0\0\0WEBP")?;
    while let Some(chunk) = next_riff_chunk(&mut file)? {
        match &chunk.name {
            b"VP8X" => visit(StoredPart::Canvas(&chunk.content))?,
            b"ANMF" => {
                let (header, image) = chunk.content.split_at_checked(PATCH_HEADER_BYTES).ok_or(Error::Piece)?;
                visit(StoredPart::Patch(header))?;
                visit(StoredPart::Pixels(image))?;
            }
            _ => {}
        }
    }
    Ok(())
}
