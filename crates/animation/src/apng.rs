//! The animated PNG encoder: schedules patches, filters and compresses them on threads, and writes
//! the chunks.

use std::{
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use clearcut_frame::{Frame, Size};
use clearcut_parallel::with_workers;

use crate::{
    AnimationSettings, EXTRA_PATCHES, Error, Summary,
    clock::Clock,
    pieces::{StoredPart, next_png_chunk, skip_start},
    rgba::Rgba,
    schedule::{Patch, ScheduleRules, patches},
};

mod container;
mod filter;

use container::{Container, PatchHeader};
use filter::ColorError;

/// Writes `frames` as an animated PNG that plays as often as the settings say. Blocks; pulls frames
/// as fast as they are compressed.
///
/// Quality 100 is lossless. Below 100, color may be off by a few levels (see `filter::ColorError`).
/// Alpha is exact at every quality.
///
/// # Errors
/// The first failure of the writer. The output is then incomplete and not a valid file.
pub fn encode_apng(
    settings: &AnimationSettings,
    frames: impl Iterator<Item = Arc<Frame>>,
    out: impl Write + Seek,
) -> Result<Summary, Error> {
    let clock = Clock::in_milliseconds(settings.frame_rate);
    let max_repeats = clock.max_repeats(u16::MAX.into());
    let min_repeats = clock.min_repeats().min(max_repeats);
    let rules = ScheduleRules { alignment: 1, first_covers_canvas: true, min_repeats, max_repeats };
    let error = ColorError::for_quality(settings.quality);
    let canvases = frames.map(|frame| Arc::new(Rgba::from_frame(&frame)));
    let mut container = Container::begin(out, settings.frame.size, settings.plays)?;
    let mut summary = Summary::default();
    with_workers(settings.threads, |workers| {
        let compressed = workers.map_in_order_ahead(EXTRA_PATCHES, patches(rules, canvases), |patch: Patch<Rgba>| {
            (
                header(&patch, clock, settings.first_frame),
                patch.repeats,
                filter::compress(&patch.canvas, patch.rect, error),
            )
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

fn header(patch: &Patch<Rgba>, clock: Clock, first_frame: u64) -> PatchHeader {
    let duration_ms = clock.duration(first_frame + patch.first, patch.repeats) as u16;
    PatchHeader { rect: patch.rect, duration_ms, is_cleared_after: patch.is_cleared_after }
}

/// Joins pieces of one animation in the size `canvas`, which [`encode_apng`] wrote for consecutive
/// frames and which are opened one after the other. Returns the length in bytes.
///
/// # Errors
/// [`Error::Piece`], [`Error::TooLong`], [`Error::Write`].
pub fn join_apng<R: Read>(
    canvas: Size,
    pieces: impl IntoIterator<Item = io::Result<R>>,
    out: impl Write + Seek,
) -> Result<u64, Error> {
    let mut container = Container::begin(out, canvas, 0)?;
    for piece in pieces {
        read_apng(piece?, |part| match part {
            StoredPart::Canvas(_) => Ok(()),
            StoredPart::Patch(control) => container.begin_patch(control),
            StoredPart::Pixels(image) => container.write_image(image),
        })?;
    }
    container.finish()
}

/// Reads what a file stores that [`encode_apng`] or [`join_apng`] wrote, without decompressing it.
/// Checksums and the numbers of chunks and patches are checked.
///
/// # Errors
/// [`Error::Piece`], [`Error::Write`], those of `visit`.
pub fn read_apng<R: Read>(mut file: R, mut visit: impl FnMut(StoredPart) -> Result<(), Error>) -> Result<(), Error> {
    skip_start(&mut file, b"\x89PNG\r\n\x1a\n")?;
    let (mut stated_patches, mut patches, mut sequence, mut is_whole) = (0, 0_u32, 0_u32, false);
    while let Some(chunk) = next_png_chunk(&mut file)? {
        if let (b"fcTL" | b"fdAT", [a, b, c, d, ..]) = (&chunk.name, &chunk.content[..]) {
            if u32::from_be_bytes([*a, *b, *c, *d]) != sequence {
                return Err(Error::Piece);
            }
            sequence += 1;
        }
        match (&chunk.name, &chunk.content[..]) {
            (b"IHDR", canvas) => visit(StoredPart::Canvas(canvas))?,
            (b"acTL", [a, b, c, d, ..]) => stated_patches = u32::from_be_bytes([*a, *b, *c, *d]),
            (b"fcTL", [_, _, _, _, control @ ..]) => {
                patches += 1;
                visit(StoredPart::Patch(control))?;
            }
            (b"IDAT", image) | (b"fdAT", [_, _, _, _, image @ ..]) => visit(StoredPart::Pixels(image))?,
            (b"IEND", _) => is_whole = patches == stated_patches,
            _ => {}
        }
    }
    if is_whole { Ok(()) } else { Err(Error::Piece) }
}
