use std::{
    io::{Seek, Write},
    sync::Arc,
};

use clearcut_frame::{Frame, FrameRate};

use crate::{
    AnimationSettings, Error, Summary,
    ordered::in_order,
    rgba::Rgba,
    schedule::{ScheduleRules, Step, steps},
};

mod container;
mod filter;

use container::{Container, Delay, PatchHeader};
use filter::ColorError;

/// Writes `frames` as an animated PNG that loops for ever. Blocks; takes frames as fast as they are compressed.
///
/// Quality 100 is lossless; below, color may be off by a few levels (see `filter::ColorError`). Alpha is exact at every quality.
///
/// # Errors
/// The first failure of the writer. What was written until then is no file.
pub fn encode_apng(
    settings: &AnimationSettings,
    frames: impl Iterator<Item = Arc<Frame>>,
    out: impl Write + Seek,
) -> Result<Summary, Error> {
    let clock = PatchClock::of(settings.frame_rate);
    let rules = ScheduleRules { alignment: 1, starts_whole: true, max_repeats: clock.max_repeats() };
    let error = ColorError::at(settings.quality);
    let canvases = frames.map(|frame| Arc::new(Rgba::of(&frame)));
    let mut container = Container::begin(out, settings.frame.size)?;
    let mut summary = Summary::default();
    in_order(
        settings.threads,
        steps(rules, canvases),
        |step| Ok((header(&step, clock), step.repeats, filter::compress(&step.canvas, step.rect, error)?)),
        |(header, repeats, image)| {
            summary.frames += repeats;
            summary.patches += 1;
            container.write_patch(&header, &image)
        },
    )?;
    summary.bytes = container.finish()?;
    Ok(summary)
}

fn header(step: &Step<Rgba>, clock: PatchClock) -> PatchHeader {
    let delay = clock.delay(step.first, step.repeats);
    PatchHeader { rect: step.rect, delay, is_cleared_after: step.is_cleared_after }
}

/// How the length of a patch is said: as a fraction of a second of two 16-bit numbers.
#[derive(Debug, Clone, Copy)]
enum PatchClock {
    /// Exactly, which every common rate allows.
    Exact { frames: u16, seconds: u16 },
    /// In milliseconds, rounded from the start so that they do not drift.
    Millis(FrameRate),
}

impl PatchClock {
    fn of(rate: FrameRate) -> Self {
        match (u16::try_from(rate.frames()), u16::try_from(rate.seconds())) {
            (Ok(frames), Ok(seconds)) => Self::Exact { frames, seconds },
            _ => Self::Millis(rate),
        }
    }

    /// For how many frames a patch can be shown.
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

    fn clock(frames: u32, seconds: u32) -> PatchClock {
        PatchClock::of(FrameRate::new(frames, seconds).unwrap())
    }

    #[test]
    fn common_rates_are_said_exactly() {
        assert_eq!(clock(30000, 1001).delay(7, 3), Delay { num: 3003, den: 30000 });
        assert_eq!(clock(30000, 1001).max_repeats(), 65);
        assert_eq!(clock(25, 1).max_repeats(), 65535);
    }

    #[test]
    fn odd_rates_do_not_drift() {
        let odd = clock(10_000_000, 333_667);
        let total: u32 = (0..1000).map(|frame| u32::from(odd.delay(frame, 1).num)).sum();
        assert_eq!(total, 33_367);
        let longest = odd.delay(0, odd.max_repeats());
        assert!(longest.num > 65_000, "{longest:?}");
    }
}
