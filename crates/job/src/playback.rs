//! How a cut plays: its tempo, and how it loops.

use std::{fmt, str::FromStr};

use clearcut_frame::FrameRate;
use serde::{Deserialize, Serialize};

use crate::{RequestError, request::keyword_enum};

/// How much faster than the clip the outputs play: 0.25–4, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tempo {
    hundredths: u16,
}

impl Tempo {
    /// The factor: 0.25–4.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }

    /// Whether the outputs are slower than the clip.
    #[must_use]
    pub const fn is_slower(self) -> bool {
        self.hundredths < 100
    }

    /// The rate at which frames are shown that come at `rate` in the clip; `rate` if it were no valid one.
    #[must_use]
    pub fn shown(self, rate: FrameRate) -> FrameRate {
        rate.scaled(u32::from(self.hundredths), 100).unwrap_or(rate)
    }

    /// The rate in the clip of frames that are shown at `rate`; `rate` if it were no valid one.
    #[must_use]
    pub fn in_clip(self, rate: FrameRate) -> FrameRate {
        rate.scaled(100, u32::from(self.hundredths)).unwrap_or(rate)
    }
}

impl Default for Tempo {
    /// That of the clip.
    fn default() -> Self {
        Self { hundredths: 100 }
    }
}

impl FromStr for Tempo {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new("tempo", text, "a number from 0.25 to 4 with up to two decimals");
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(invalid());
        }
        let hundredths = |text: &str| format!("{text:0<2}").parse::<u16>().map_err(|_| invalid());
        let hundredths = whole.parse::<u16>().map_err(|_| invalid())? * 100 + hundredths(decimals)?;
        if (25..=400).contains(&hundredths) { Ok(Self { hundredths }) } else { Err(invalid()) }
    }
}

impl fmt::Display for Tempo {
    /// The form that is parsed, such as `1.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.factor().fmt(f)
    }
}

impl TryFrom<String> for Tempo {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Tempo> for String {
    fn from(tempo: Tempo) -> Self {
        tempo.to_string()
    }
}

/// How the outputs loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoopChoice {
    /// Forth, and back again.
    Boomerang,
    /// The part whose end leads back to its beginning best.
    Seamless,
}

keyword_enum!(LoopChoice, "loop", "boomerang or seamless", "boomerang" => Boomerang, "seamless" => Seamless);

impl LoopChoice {
    /// Number of frames of the outputs, of `frames` frames of the part. At its turns, a boomerang shows a frame once.
    #[must_use]
    pub const fn frames(this: Option<Self>, frames: u64) -> u64 {
        match this {
            Some(Self::Boomerang) if frames > 2 => frames.saturating_mul(2) - 2,
            _ => frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tempos_are_read_in_hundredths_and_others_refused() {
        for (text, shown) in
            [("0.25", "0.25"), ("1", "1"), (" 1.5 ", "1.5"), ("1.50", "1.5"), ("4", "4"), ("0.3", "0.3")]
        {
            assert_eq!(text.parse::<Tempo>().unwrap().to_string(), shown);
        }
        for text in ["", "0", "0.24", "4.01", "-1", "1,5", "2x", "1.234", ".5", "1.", "NaN", "1e0", "100"] {
            let error = text.parse::<Tempo>().unwrap_err();
            assert_eq!((error.field(), error.code().name()), ("tempo", "INVALID_REQUEST"), "{text}");
        }
    }

    #[test]
    fn rates_follow_the_tempo_exactly() {
        let (tempo, rate): (Tempo, FrameRate) = ("0.75".parse().unwrap(), "30000/1001".parse().unwrap());
        assert_eq!(tempo.shown(rate).to_string(), "22500/1001");
        assert_eq!(tempo.shown(tempo.in_clip(rate)), rate);
        assert_eq!(Tempo::default().shown(rate), rate);
    }

    #[test]
    fn a_boomerang_shows_the_frames_at_its_turns_once() {
        let frames = |frames| LoopChoice::frames(Some(LoopChoice::Boomerang), frames);
        assert_eq!([0, 1, 2, 3, 10].map(frames), [0, 1, 2, 4, 18]);
        assert_eq!((LoopChoice::frames(None, 10), LoopChoice::frames(Some(LoopChoice::Seamless), 10)), (10, 10));
    }
}
