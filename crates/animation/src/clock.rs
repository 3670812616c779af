//! Durations of patches: in the unit of the format, and long enough for browsers.

use std::time::Duration;

use clearcut_frame::FrameRate;

/// Shortest duration of a patch that browsers play as it is.
const SHORTEST_PLAYED: Duration = Duration::from_millis(11);
/// Shortest duration of a patch of a GIF that browsers play as it is.
const SHORTEST_PLAYED_OF_GIF: Duration = Duration::from_millis(20);
/// Shortest duration of a patch in an animation whose frames are shorter than that.
const SHORTEST_REPACKED: Duration = Duration::from_millis(20);

/// Whether browsers would play an animation of `frame_rate` too slowly: above 90 frames per second.
/// They round durations down to milliseconds, and show patches of 10 ms and less for 100 ms.
#[must_use]
pub fn is_too_fast_for_browsers(frame_rate: FrameRate) -> bool {
    frame_rate.start_of(1) < SHORTEST_PLAYED
}

/// Whether browsers would play a GIF of `frame_rate` too slowly: above 50 frames per second. GIF has
/// hundredths of a second, of which browsers show one for ten.
#[must_use]
pub fn is_too_fast_for_gif(frame_rate: FrameRate) -> bool {
    frame_rate.start_of(1) < SHORTEST_PLAYED_OF_GIF
}

/// Clock of an animation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    rate: FrameRate,
    units_per_second: u32,
    is_too_fast: bool,
}

impl Clock {
    /// A clock of milliseconds. WebP stores them, and browsers read APNG's fractions as such: a
    /// thirtieth of a second as 33 ms, so that a clip would play 1 % too fast.
    pub(crate) fn in_milliseconds(rate: FrameRate) -> Self {
        Self { rate, units_per_second: 1000, is_too_fast: is_too_fast_for_browsers(rate) }
    }

    /// The clock of a GIF: hundredths of a second.
    pub(crate) fn in_hundredths(rate: FrameRate) -> Self {
        Self { rate, units_per_second: 100, is_too_fast: is_too_fast_for_gif(rate) }
    }

    /// Duration of a patch in units. Rounded from the start of the clip, so that it does not drift.
    pub(crate) fn duration(self, first: u64, repeats: u64) -> u64 {
        let units = |frame| (self.rate.start_of(frame).as_secs_f64() * f64::from(self.units_per_second)).round() as u64;
        units(first + repeats) - units(first)
    }

    /// Maximum number of frames for which a patch can be shown, at least one, if it can last
    /// `longest` units.
    pub(crate) fn max_repeats(self, longest: u32) -> u64 {
        let longest = Duration::from_secs(longest.into()) / self.units_per_second;
        self.rate.frames_in(longest).saturating_sub(1).max(1)
    }

    /// Minimum number of frames for which a patch is shown.
    pub(crate) fn min_repeats(self) -> u64 {
        if !self.is_too_fast {
            return 1;
        }
        let frames = self.rate.frames_in(SHORTEST_REPACKED);
        if self.rate.start_of(frames) < SHORTEST_REPACKED { frames + 1 } else { frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(frames: u32, seconds: u32) -> Clock {
        Clock::in_milliseconds(FrameRate::new(frames, seconds).unwrap())
    }

    #[test]
    fn durations_do_not_drift() {
        for (clock, frames, total) in [
            (clock(30, 1), 30, 1000),
            (clock(30000, 1001), 30000, 1_001_000),
            (clock(10_000_000, 333_667), 1000, 33_367),
        ] {
            assert_eq!((0..frames).map(|frame| clock.duration(frame, 1)).sum::<u64>(), total, "{clock:?}");
        }
        assert_eq!(clock(25, 1).duration(7, 3), 120);
    }

    #[test]
    fn the_longest_patch_fits_wherever_it_starts() {
        for clock in [clock(25, 1), clock(30000, 1001), clock(240, 1), clock(1, 1), clock(1, 100)] {
            let repeats = clock.max_repeats(65_535);
            let longest = (0..1000).map(|first| clock.duration(first, repeats)).max().unwrap();
            assert!(longest <= 65_535 || repeats == 1, "{clock:?}: {longest}");
        }
        assert_eq!(clock(25, 1).max_repeats(65_535), 1637);
    }

    #[test]
    fn patches_of_fast_animations_last_a_fiftieth_of_a_second() {
        let frames = [(60, 1), (90, 1), (91, 1), (100, 1), (120, 1), (150, 1), (240, 1), (120_000, 1001)]
            .map(|(frames, seconds)| clock(frames, seconds).min_repeats());
        assert_eq!(frames, [1, 1, 2, 2, 3, 3, 5, 3]);
    }

    #[test]
    fn a_gif_has_whole_hundredths_of_at_least_two_that_add_up() {
        let rate = |frames, seconds| FrameRate::new(frames, seconds).unwrap();
        for (rate, least, frames, total) in [
            (rate(30, 1), 1, 30, 100),
            (rate(50, 1), 1, 50, 100),
            (rate(60, 1), 2, 60, 100),
            (rate(24000, 1001), 1, 24, 100),
        ] {
            let clock = Clock::in_hundredths(rate);
            assert_eq!(clock.min_repeats(), least, "{rate}");
            let durations: Vec<u64> =
                (0..frames).step_by(least as usize).map(|frame| clock.duration(frame, least)).collect();
            assert_eq!(durations.iter().sum::<u64>(), total, "{rate}");
            assert!(durations.iter().all(|&hundredths| hundredths >= 2), "{rate}: {durations:?}");
        }
    }
}
