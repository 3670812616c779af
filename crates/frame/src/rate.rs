//! Frame rates as exact fractions, so timestamps do not drift.

use std::{fmt, str::FromStr, time::Duration};

/// Frames per second as an exact fraction in lowest terms: 30000/1001 stays 30000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    frames: u32,
    seconds: u32,
}

impl FrameRate {
    /// A rate of `frames` per `seconds`; `None` if either is 0.
    #[must_use]
    pub const fn new(frames: u32, seconds: u32) -> Option<Self> {
        if frames == 0 || seconds == 0 {
            return None;
        }
        let divisor = gcd(frames, seconds);
        Some(Self { frames: frames / divisor, seconds: seconds / divisor })
    }

    /// Numerator of the fraction in lowest terms.
    #[must_use]
    pub const fn frames(self) -> u32 {
        self.frames
    }

    /// Denominator of the fraction in lowest terms.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// This rate times `numerator` / `denominator`; `None` if it is no rate, or its fraction is too long.
    #[must_use]
    pub fn scaled(self, numerator: u32, denominator: u32) -> Option<Self> {
        let mut frames = u64::from(self.frames) * u64::from(numerator);
        let mut seconds = u64::from(self.seconds) * u64::from(denominator);
        let (mut divisor, mut rest) = (frames, seconds);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        (frames, seconds) = (frames / divisor.max(1), seconds / divisor.max(1));
        Self::new(u32::try_from(frames).ok()?, u32::try_from(seconds).ok()?)
    }

    /// Frames per second as a rounded float, for display and estimates, not for timestamps.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }

    /// Frames per second as people write them: `30`, `29.97`, `23.976`.
    #[must_use]
    pub fn readable(self) -> String {
        ((self.per_second() * 1000.0).round() / 1000.0).to_string()
    }

    /// Start time of frame number `index` (from 0).
    #[must_use]
    pub fn start_of(self, index: u64) -> Duration {
        let nanos = u128::from(index) * u128::from(self.seconds) * 1_000_000_000 / u128::from(self.frames);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Number of frames in `duration`, rounded to the nearest.
    #[must_use]
    pub fn frames_in(self, duration: Duration) -> u64 {
        (duration.as_secs_f64() * self.per_second()).round() as u64
    }
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for FrameRate {
    /// Formats the rate as `30000/1001`, the form that ffmpeg reads and writes; whole rates as
    /// `25/1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.frames, self.seconds)
    }
}

/// Error for a text that is not a frame rate such as `25` or `30000/1001`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a frame rate")]
pub struct ParseFrameRateError;

impl FromStr for FrameRate {
    type Err = ParseFrameRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
        let parse = |text: &str| text.trim().parse::<u32>().map_err(|_| ParseFrameRateError);
        Self::new(parse(frames)?, parse(seconds)?).ok_or(ParseFrameRateError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntsc_rates_are_exact() {
        let rate: FrameRate = "30000/1001".parse().unwrap();
        assert_eq!(rate.to_string(), "30000/1001");
        assert_eq!(rate.start_of(30000), Duration::from_secs(1001));
        assert_eq!([rate.readable(), FrameRate::new(30, 1).unwrap().readable()], ["29.97", "30"]);
        assert_eq!("60/2".parse::<FrameRate>().unwrap().to_string(), "30/1");
    }

    #[test]
    fn a_scaled_rate_is_exact_or_none() {
        let rate: FrameRate = "30000/1001".parse().unwrap();
        assert_eq!(rate.scaled(3, 4).unwrap().to_string(), "22500/1001");
        assert_eq!((rate.scaled(0, 1), rate.scaled(1, 0)), (None, None));
        assert_eq!(FrameRate::new(u32::MAX, 1).unwrap().scaled(3, 2), None);
    }

    #[test]
    fn malformed_frame_rates_are_rejected() {
        for text in ["0/0", "0", "25/0", "", "x", "-25", "1e3"] {
            assert_eq!(text.parse::<FrameRate>(), Err(ParseFrameRateError), "{text}");
        }
    }

    #[test]
    fn the_number_of_frames_in_a_duration_is_rounded_to_the_nearest() {
        let rate = FrameRate::new(24, 1).unwrap();
        assert_eq!(rate.frames_in(Duration::from_millis(5083)), 122);
    }
}
