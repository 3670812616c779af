use std::{
    io::{Seek, Write},
    sync::Arc,
    time::Duration,
};

use clearcut_frame::{Frame, FrameRate};

use crate::{
    AnimationSettings, Error, Summary,
    ordered::in_order,
    planes::for_webp,
    rect::Rect,
    rgba::Rgba,
    schedule::{Canvas, ScheduleRules, Step, steps},
};

mod coarse;
mod container;
mod fill;
mod still;

use coarse::CoarseAlpha;
use container::{Container, PatchHeader};

/// Writes `frames` as an animated WebP that loops for ever. Blocks; takes frames as fast as they are compressed.
///
/// Quality 100 is lossless (in R'G'B'A), anything less is VP8 with alpha in steps: see [`coarse::CoarseAlpha`].
///
/// # Errors
/// The first failure of the writer or of libwebp. What was written until then is no file.
pub fn encode_webp(
    settings: &AnimationSettings,
    frames: impl Iterator<Item = Arc<Frame>>,
    out: impl Write + Seek,
) -> Result<Summary, Error> {
    if settings.quality >= 100 {
        let canvases = frames.map(|frame| Arc::new(Rgba::of(&frame)));
        write(settings, canvases, out, still::lossless)
    } else {
        let mut steps = CoarseAlpha::new(settings.quality);
        let canvases = frames.map(|frame| steps.next(for_webp(&frame)));
        write(settings, canvases, out, |canvas, rect| still::lossy(canvas, rect, settings.quality))
    }
}

/// The longest time a patch can say: 24 bits of milliseconds.
const MAX_DURATION: Duration = Duration::from_millis((1 << 24) - 1);

fn write<C: Canvas + Send + Sync>(
    settings: &AnimationSettings,
    canvases: impl Iterator<Item = Arc<C>>,
    out: impl Write + Seek,
    compress: impl Fn(&C, Rect) -> Result<Vec<u8>, Error> + Sync,
) -> Result<Summary, Error> {
    let rate = settings.frame_rate;
    let max_repeats = rate.frames_in(MAX_DURATION).saturating_sub(1).max(1);
    let rules = ScheduleRules { alignment: 2, starts_whole: false, max_repeats };
    let mut container = Container::begin(out, settings.frame.size)?;
    let mut summary = Summary::default();
    still::warm_up();
    in_order(
        settings.threads,
        steps(rules, canvases),
        |step| Ok((header(&step, rate), step.repeats, compress(&step.canvas, step.rect)?)),
        |(header, repeats, image)| {
            summary.frames += repeats;
            summary.patches += 1;
            container.write_patch(&header, &image)
        },
    )?;
    summary.bytes = container.finish()?;
    Ok(summary)
}

fn header<C>(step: &Step<C>, rate: FrameRate) -> PatchHeader {
    let millis = |frame: u64| (rate.start_of(frame).as_secs_f64() * 1000.0).round() as u64;
    let duration_ms = (millis(step.first + step.repeats) - millis(step.first)) as u32;
    PatchHeader { rect: step.rect, duration_ms, is_cleared_after: step.is_cleared_after }
}
