//! The animated PNG encoder: schedules patches, filters and compresses them on threads, and writes
//! the chunks.

use std::{
    io::{Seek, Write},
    sync::Arc,
};

use clearcut_frame::{Frame, FrameRate};
use clearcut_parallel::with_workers;

use crate::{
    AnimationSettings, EXTRA_PATCHES, Error, Summary,
    rgba::Rgba,
    schedule::{Patch, ScheduleRules, patches},
};

mod container;
mod filter;

use container::{Container, Delay, PatchHeader};
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
    let clock = DelayClock::for_rate(settings.frame_rate);
    let rules = ScheduleRules { alignment: 1, first_covers_canvas: true, max_repeats: clock.max_repeats() };
    let error = ColorError::for_quality(settings.quality);
    let canvases = frames.map(|frame| Arc::new(Rgba::from_frame(&frame)));
    let mut container = Container::begin(out, settings.frame.size)?;
    let mut summary = Summary::default();
    with_workers(settings.threads, |workers| {
        let compressed = workers.map_in_order_ahead(EXTRA_PATCHES, patches(rules, canvases), |patch: Patch<Rgba>| {
            (header(&patch, clock), patch.repeats, filter::compress(&patch.canvas, patch.rect, error))
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

fn header(patch: &Patch<Rgba>, clock: DelayClock) -> PatchHeader {
    let delay = clock.delay(patch.first, patch.repeats);
    PatchHeader { rect: patch.rect, delay, is_cleared_after: patch.is_cleared_after }
}

/// Converts the duration of a patch to an APNG delay: a fraction of a second of two 16-bit numbers.
#[derive(Debug, Clone, Copy)]
enum DelayClock {
    /// Exact fractions, possible at every common rate.
    Exact { frames: u16, seconds: u16 },
    /// Milliseconds, rounded from the start of the clip so that they do not drift.
    Millis(FrameRate),
}

impl DelayClock {
    fn for_rate(rate: FrameRate) -> Self {
        match (u16::try_from(rate.frames()), u16::try_from(rate.seconds())) {
            (Ok(frames), Ok(seconds)) => Self::Exact { frames, seconds },
            _ => Self::Millis(rate),
        }
    }

    /// Maximum number of frames for which a patch can be shown.
    fn max_repeats(self) -> u64 {
        match self {
            Self::Exact { seconds, .. } => u64::from(u16::MAX / seconds),
            Self::Millis(rate) => (f64::from(u16::MAX - 1) / 1000.0 * rate.per_second()).max(1.0) as u64,
        }
    }

    fn delay(self, first: u64, repeats: u64) -> Delay {
        match self {
            Self::Exact { frames, seconds } => Delay { num: seconds.saturating_mul(repeats as u16), den: frames },
            Self::Millis(rate) => {
                let millis = |frame: u64| (rate.start_of(frame).as_secs_f64() * 1000.0).round();
                Delay { num: (millis(first + repeats) - millis(first)) as u16, den: 1000 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(frames: u32, seconds: u32) -> DelayClock {
        DelayClock::for_rate(FrameRate::new(frames, seconds).unwrap())
    }

    #[test]
    fn common_rates_have_exact_delays() {
        assert_eq!(clock(30000, 1001).delay(7, 3), Delay { num: 3003, den: 30000 });
        assert_eq!(clock(30000, 1001).max_repeats(), 65);
        assert_eq!(clock(25, 1).max_repeats(), 65535);
    }

    #[test]
    fn delays_at_uncommon_rates_do_not_drift() {
        let odd = clock(10_000_000, 333_667);
        let total: u32 = (0..1000).map(|frame| u32::from(odd.delay(frame, 1).num)).sum();
        assert_eq!(total, 33_367);
        let longest = odd.delay(0, odd.max_repeats());
        assert!(longest.num > 65_000, "{longest:?}");
    }
}
