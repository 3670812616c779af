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
    pieces::{next_png_chunk, skip_start},
    rgba::Rgba,
    schedule::{Patch, ScheduleRules, patches},
};

mod container;
mod filter;

use container::{Container, PatchHeader};
use filter::ColorError;

/// Writes `frames` as an animated PNG that loops forever. Blocks; pulls frames as fast as they are
/// compressed.
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
    let mut container = Container::begin(out, settings.frame.size)?;
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
    let mut container = Container::begin(out, canvas)?;
    for piece in pieces {
        let mut piece = piece?;
        skip_start(&mut piece, b"\x89PNG\r\n\x1a\n")?;
        while let Some(chunk) = next_png_chunk(&mut piece)? {
            match (&chunk.name, &chunk.content[..]) {
                (b"fcTL", [_, _, _, _, control @ ..]) => container.begin_patch(control)?,
                (b"IDAT", image) | (b"fdAT", [_, _, _, _, image @ ..]) => container.write_image(image)?,
                _ => {}
            }
        }
    }
    container.finish()
}
