//! The part of a clip that is cut.

use std::{fmt, str::FromStr, time::Duration};

use clearcut_frame::FrameRate;
use serde::{Deserialize, Serialize};

use crate::RequestError;

/// The part of a clip that is cut, from `start` to `end`, in the time of the clip.
///
/// Times are whole milliseconds, to which every program that shows them rounds. So a frame that
/// begins up to half a millisecond before a time counts as beginning at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Trim {
    start_ms: u64,
    end_ms: Option<u64>,
}

/// Description of a valid part.
const ALLOWED: &str = "START,END in seconds or as hh:mm:ss.mmm, START before END; one of them may be empty";

/// Longest time in milliseconds: more than any clip has, and no sum of it overflows.
const MAX_MS: u64 = 1000 * 3600 * 1000;

impl Trim {
    /// The part from frame `first` at `rate` to the frame before `end`, or to the end of the clip.
    #[must_use]
    pub fn of_frames(first: u64, end: Option<u64>, rate: FrameRate) -> Self {
        let millis = |frame: u64| (rate.start_of(frame).as_secs_f64() * 1000.0).round() as u64;
        Self { start_ms: millis(first), end_ms: end.map(millis) }
    }

    /// When the part begins.
    #[must_use]
    pub const fn start(self) -> Duration {
        Duration::from_millis(self.start_ms)
    }

    /// Number of the first frame at `rate` that begins in the part.
    #[must_use]
    pub fn first_frame(self, rate: FrameRate) -> u64 {
        frame_from(self.start_ms, rate)
    }

    /// Number of the first frame at `rate` that begins after the part; `None` if the part ends with
    /// the clip.
    #[must_use]
    pub fn end_frame(self, rate: FrameRate) -> Option<u64> {
        self.end_ms.map(|end| frame_from(end, rate))
    }

    /// Whether `time` lies in the part.
    #[must_use]
    pub fn contains(self, time: Duration) -> bool {
        let millis = (time.as_secs_f64() * 1000.0).round() as u64;
        self.start_ms <= millis && self.end_ms.is_none_or(|end| millis < end)
    }
}

/// Number of the first frame that begins at `millis` or later, or up to half a millisecond earlier.
fn frame_from(millis: u64, rate: FrameRate) -> u64 {
    let half_millis = u128::from((2 * millis).saturating_sub(1));
    let frames = (half_millis * u128::from(rate.frames())).div_ceil(2000 * u128::from(rate.seconds()));
    u64::try_from(frames).unwrap_or(u64::MAX)
}

impl FromStr for Trim {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new("trim", text, ALLOWED);
        let (start, end) = text.split_once(',').ok_or_else(invalid)?;
        let time = |text: &str| match text.trim() {
            "" => Ok(None),
            time => millis(time).map(Some).ok_or_else(invalid),
        };
        let (start, end_ms) = (time(start)?, time(end)?);
        let start_ms = start.unwrap_or(0);
        if (start.is_none() && end_ms.is_none()) || end_ms.is_some_and(|end| end <= start_ms) {
            return Err(invalid());
        }
        Ok(Self { start_ms, end_ms })
    }
}

/// The milliseconds of `1.5`, `.5`, `02:01.5` or `1:02:01.5`.
fn millis(text: &str) -> Option<u64> {
    let is_number = |text: &str| (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = if whole.is_empty() { "0" } else { whole };
    if !is_number(fraction) {
        return None;
    }
    let units: Vec<u64> =
        whole.split(':').map(|unit| unit.parse().ok().filter(|_| is_number(unit))).collect::<Option<_>>()?;
    // Only the first unit may exceed 59: `90` and `90:00`, but not `1:90`.
    if units.len() > 3 || units.iter().skip(1).any(|unit| *unit > 59) {
        return None;
    }
    let seconds = units.iter().fold(0, |sum, unit| sum * 60 + unit);
    let parts = fraction.parse::<u64>().ok()? * 1000;
    let unit = 10_u64.pow(fraction.len() as u32);
    Some(seconds * 1000 + (parts + unit / 2) / unit).filter(|millis| *millis <= MAX_MS)
}

impl fmt::Display for Trim {
    /// Both times in seconds, such as `1.5,4`, in the form that is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |millis: u64| millis as f64 / 1000.0;
        write!(f, "{},", seconds(self.start_ms))?;
        self.end_ms.map_or(Ok(()), |end| write!(f, "{}", seconds(end)))
    }
}

impl TryFrom<String> for Trim {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Trim> for String {
    fn from(trim: Trim) -> Self {
        trim.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trim(text: &str) -> Trim {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_in_every_documented_notation() {
        for (text, shown) in [
            ("1.5,4", "1.5,4"),
            (" 0 , 00:00:02.250 ", "0,2.25"),
            (",90", "0,90"),
            (".5,2", "0.5,2"),
            ("1:30,", "90,"),
            ("01:01:01.5,90:00:00", "3661.5,324000"),
            ("0.0666667,0.1", "0.067,0.1"),
            ("90,90:00", "90,5400"),
        ] {
            assert_eq!(trim(text).to_string(), shown);
            assert_eq!(trim(shown), trim(text));
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_is_allowed() {
        for text in [
            "",
            ",",
            "1",
            "4,1",
            "1,1",
            "1,1.0004",
            "-1,2",
            "1,2,3",
            "a,b",
            "1e3,",
            "1.,2",
            ".,2",
            ":.5,2",
            "1:90,",
            "1:2:3:4,",
            "NaN,",
            "+1,",
            "1s,",
            "9999999999,",
            "1,9999999",
            "٣,",
        ] {
            let error = text.parse::<Trim>().unwrap_err();
            assert_eq!((error.field(), error.code().name()), ("trim", "INVALID_REQUEST"), "{text:?}");
            assert!(error.allowed().contains("hh:mm:ss.mmm"));
        }
    }

    #[test]
    fn a_part_of_frames_holds_these_frames() {
        for rate in ["30000/1001", "24/1", "240/1", "15/2"].map(|rate| rate.parse::<FrameRate>().unwrap()) {
            for (first, end) in [(0, Some(7)), (13, Some(1000)), (999, None)] {
                let trim = Trim::of_frames(first, end, rate);
                assert_eq!((trim.first_frame(rate), trim.end_frame(rate)), (first, end), "{rate}");
            }
        }
    }

    #[test]
    fn frames_that_begin_in_the_part_are_counted() {
        let frames = |text: &str, rate: &str| {
            let rate = rate.parse().unwrap();
            (trim(text).first_frame(rate), trim(text).end_frame(rate))
        };
        assert_eq!(frames("1,2", "30/1"), (30, Some(60)));
        assert_eq!(frames("0,0.5", "25/1"), (0, Some(13)), "frame 12 begins at 0.48 s");
        // Frame 1 begins at 0.0333 s, and frame 2 at 0.0667 s.
        assert_eq!(frames("0.033,0.067", "30/1"), (1, Some(2)));
        assert_eq!(frames("0.034,", "30/1"), (2, None));
        // Frame 1 begins in the middle between two milliseconds.
        assert_eq!((frames("0.012,", "80/1").0, frames("0.013,", "80/1").0), (1, 1));
        assert_eq!(frames("3600,3601", "30000/1001"), (107_893, Some(107_923)));
    }

    #[test]
    fn a_time_lies_in_the_part_from_its_start_until_before_its_end() {
        let holds = |millis| trim("1,2").contains(Duration::from_millis(millis));
        assert_eq!([999, 1000, 1999, 2000].map(holds), [false, true, true, false]);
        assert!(trim("1,").contains(Duration::from_hours(9)));
    }
}
