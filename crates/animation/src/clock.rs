//! Durations of patches: in whole milliseconds, and long enough for browsers.

use std::time::Duration;

use clearcut_frame::FrameRate;

/// Shortest duration of a patch that browsers play as it is.
const SHORTEST_PLAYED: Duration = Duration::from_millis(11);
/// Shortest duration of a patch in an animation whose frames are shorter than that.
const SHORTEST_REPACKED: Duration = Duration::from_millis(20);

/// Whether browsers would play an animation of `frame_rate` too slowly: above 90 frames per second.
/// They round durations down to milliseconds, and show patches of 10 ms and less for 100 ms.
#[must_use]
pub fn is_too_fast_for_browsers(frame_rate: FrameRate) -> bool {
    frame_rate.start_of(1) < SHORTEST_PLAYED
}

/// Clock of an animation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(pub(crate) FrameRate);

impl Clock {
    /// Duration of a patch in milliseconds. Rounded from the start of the clip, so that it does not
    /// drift. WebP stores milliseconds, and browsers read APNG's fractions as such: a thirtieth of
    /// a second as 33 ms, so that a clip would play 1 % too fast.
    pub(crate) fn duration_ms(self, first: u64, repeats: u64) -> u64 {
        let millis = |frame: u64| (self.0.start_of(frame).as_secs_f64() * 1000.0).round() as u64;
        millis(first + repeats) - millis(first)
    }

    /// Maximum number of frames for which a patch can be shown, at least one, if it can last
    /// `longest_ms`.
    pub(crate) fn max_repeats(self, longest_ms: u32) -> u64 {
        self.0.frames_in(Duration::from_millis(longest_ms.into())).saturating_sub(1).max(1)
    }

    /// Minimum number of frames for which a patch is shown.
    pub(crate) fn min_repeats(self) -> u64 {
        if !is_too_fast_for_browsers(self.0) {
            return 1;
        }
        let frames = self.0.frames_in(SHORTEST_REPACKED);
        if self.0.start_of(frames) < SHORTEST_REPACKED { frames + 1 } else { frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(frames: u32, seconds: u32) -> Clock {
        Clock(FrameRate::new(frames, seconds).unwrap())
    }

    #[test]
    fn durations_do_not_drift() {
        for (clock, frames, total) in [
            (clock(30, 1), 30, 1000),
            (clock(30000, 1001), 30000, 1_001_000),
            (clock(10_000_000, 333_667), 1000, 33_367),
        ] {
            assert_eq!((0..frames).map(|frame| clock.duration_ms(frame, 1)).sum::<u64>(), total, "{clock:?}");
        }
        assert_eq!(clock(25, 1).duration_ms(7, 3), 120);
    }

    #[test]
    fn the_longest_patch_fits_wherever_it_starts() {
        for clock in [clock(25, 1), clock(30000, 1001), clock(240, 1), clock(1, 1), clock(1, 100)] {
            let repeats = clock.max_repeats(65_535);
            let longest = (0..1000).map(|first| clock.duration_ms(first, repeats)).max().unwrap();
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
}
