//! The GIF encoder: keeps the frames on disk until their colors are known, then schedules patches,
//! compresses them on threads, and writes the blocks.

use std::{
    borrow::Cow,
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use clearcut_frame::{Frame, Size};
use clearcut_parallel::with_workers;
use gif::{DisposalMethod, Encoder, EncodingError, Repeat};

use crate::{
    AnimationSettings, EXTRA_PATCHES, Error, Summary,
    clock::Clock,
    schedule::{Patch, ScheduleRules, patches},
};

mod indexed;
mod lzw;
mod palette;
mod spool;

use indexed::{Indexed, Quantizer};
use lzw::Target;
use palette::{Palette, Sample};
use spool::{Packed, Spool};

/// Longest duration of a patch in hundredths of a second: 16 bits.
const MAX_DURATION: u32 = u16::MAX as u32;

/// Writes `frames` as a GIF that loops forever, with one palette for all frames. Blocks; pulls frames
/// as fast as they are packed. The palette is known after the last one, so the packed frames wait in
/// `spool`, an empty file; then `is_stopped` is asked before each frame, and ends the file early.
///
/// Pixels are solid or clear, without dithering. Quality 100 gives each pixel its nearest color of the
/// palette; below, colors may differ by a few levels where they then stay or repeat: at 60 by five.
///
/// # Errors
/// The first failure of the writer or of the spool. The output is then incomplete and not a valid
/// file.
pub fn encode_gif(
    settings: &AnimationSettings,
    frames: impl Iterator<Item = Arc<Frame>>,
    spool: impl Read + Write + Seek,
    out: impl Write + Seek,
    is_stopped: impl Fn() -> bool,
) -> Result<Summary, Error> {
    let (mut spool, mut sample) = (Spool::new(spool), Sample::default());
    with_workers(settings.threads, |workers| {
        let packed = workers.map_in_order_ahead(EXTRA_PATCHES, frames, |frame: Arc<Frame>| Packed::new(&frame));
        packed.into_iter().try_for_each(|packed| {
            let packed = packed?;
            sample.add(&packed.colors);
            spool.write(&packed)
        })
    })?;
    let palette = sample.palette(settings.quality);
    let clock = Clock::in_hundredths(settings.frame_rate);
    let max_repeats = clock.max_repeats(MAX_DURATION);
    let min_repeats = clock.min_repeats().min(max_repeats);
    let rules = ScheduleRules { alignment: 1, first_covers_canvas: true, min_repeats, max_repeats };
    let mut quantizer = Quantizer::new(&palette, settings.frame.size);
    let mut unread = Ok(());
    let stored = spool.read(settings.frame.size)?.take_while(|_| !is_stopped());
    let stored = stored.map_while(|pixels| pixels.map_err(|error| unread = Err(error)).ok());
    let canvases = stored.map(|pixels| quantizer.index(&pixels));
    let summary = with_workers(settings.threads, |workers| {
        let compressed =
            workers.map_in_order_ahead(EXTRA_PATCHES, patches(rules, canvases), |patch: Patch<Indexed>| {
                (compress(&patch, &palette, clock), patch.repeats)
            });
        write(settings.frame.size, &palette, compressed, out)
    });
    unread.and(summary)
}

/// The compressed pixels and the place of a patch.
fn compress(patch: &Patch<Indexed>, palette: &Palette, clock: Clock) -> gif::Frame<'static> {
    let rect = patch.rect;
    let mut targets = Vec::with_capacity(rect.area());
    for row in rect.top..rect.bottom {
        for column in rect.left..rect.right {
            let index = patch.canvas.at(row, column);
            let is_cleared = patch.cleared.is_some_and(|cleared| cleared.contains(row, column));
            let shown = patch.before.as_ref().filter(|_| !is_cleared).map(|before| before.at(row, column));
            targets.push(Target { index, may_be_clear: shown == Some(index) });
        }
    }
    gif::Frame {
        delay: clock.duration(patch.first, patch.repeats) as u16,
        dispose: if patch.is_cleared_after { DisposalMethod::Background } else { DisposalMethod::Keep },
        transparent: Some(palette.clear()),
        top: rect.top as u16,
        left: rect.left as u16,
        width: rect.width() as u16,
        height: rect.height() as u16,
        buffer: Cow::Owned(lzw::compress(&targets, palette)),
        ..gif::Frame::default()
    }
}

fn write(
    size: Size,
    palette: &Palette,
    patches: impl IntoIterator<Item = (gif::Frame<'static>, u64)>,
    out: impl Write + Seek,
) -> Result<Summary, Error> {
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    let mut summary = Summary::default();
    let mut encoder = Encoder::new(out, side(size.width()), side(size.height()), palette.bytes()).map_err(failure)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failure)?;
    for (patch, repeats) in patches {
        summary.frames += repeats;
        summary.patches += 1;
        encoder.write_lzw_pre_encoded_frame(&patch).map_err(failure)?;
    }
    let mut out = encoder.into_inner().map_err(failure)?;
    out.flush()?;
    summary.bytes = out.stream_position()?;
    Ok(summary)
}

fn failure(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => Error::Write(error),
        other => Error::Write(io::Error::other(other)),
    }
}
