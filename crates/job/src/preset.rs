//! Presets: what platforms accept as a sticker or an emoji, as one table.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{MaxBytes, OutputFormat, RequestError};

/// Date on which the limits were looked up.
pub const LIMITS_AS_OF: &str = "2026-11-30";

/// The frame of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canvas {
    /// Exactly so many pixels a side, with transparent margins.
    Exact(u16),
    /// As large as fits into a width and a height, without margins.
    Within(u16, u16),
    /// The size of the clip, but no longer side than that.
    AtMost(u16),
}

/// What a platform accepts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The name on the command line and on the wire.
    pub name: &'static str,
    /// The format of the file.
    pub format: OutputFormat,
    /// Its frame.
    pub canvas: Canvas,
    /// Largest frame rate.
    pub max_rate: u8,
    /// Longest duration in seconds.
    pub max_secs: Option<u8>,
    /// Whether the duration must be whole seconds.
    pub is_in_whole_secs: bool,
    /// Fewest and most frames.
    pub frames: Option<(u64, u64)>,
    /// Longest time of all repeats in seconds, where the file may not repeat forever.
    pub max_repeated_secs: Option<u8>,
    /// Largest file.
    pub max_bytes: MaxBytes,
    /// Where the platform states its limits; empty if it is a recommendation of this program.
    pub source: &'static str,
}

/// Declares the presets, in the documented order, as one table.
macro_rules! presets {
    ($($(#[$docs:meta])* $preset:ident = $name:literal { $($limits:tt)* })+) => {
        /// What a file is for, which sets everything that a platform prescribes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Preset {
            $(
                $(#[$docs])*
                #[serde(rename = $name)]
                $preset
            ),+
        }

        impl Preset {
            /// All presets, in the documented order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$preset),+];

            /// The names of all presets: `telegram-sticker, …`.
            pub const NAMES: &'static str = {
                let text = concat!($($name, ", "),+);
                text.split_at(text.len() - 2).0
            };

            /// The row of the table.
            #[must_use]
            pub const fn limits(self) -> Limits {
                match self {
                    $(Self::$preset => Limits { name: $name, $($limits)*, ..FREE }),+
                }
            }
        }
    };
}

const fn kilobytes(number: u32) -> MaxBytes {
    MaxBytes::of_kilobytes(number)
}

/// A row without limits.
const FREE: Limits = Limits {
    name: "",
    format: OutputFormat::Webm,
    canvas: Canvas::Exact(0),
    max_rate: 30,
    max_secs: None,
    is_in_whole_secs: false,
    frames: None,
    max_repeated_secs: None,
    max_bytes: kilobytes(1),
    source: "",
};

// The limits of bytes count in units of 1000, so that files keep them whichever unit a platform
// means. Rates above 30 are not used where they are allowed: they cost quality.
presets! {
    /// A video sticker of Telegram: one side has 512 pixels.
    TelegramSticker = "telegram-sticker" {
        format: OutputFormat::Webm, canvas: Canvas::Within(512, 512), max_secs: Some(3), max_bytes: kilobytes(256),
        source: "https://core.telegram.org/stickers"
    }
    /// A video emoji of Telegram.
    TelegramEmoji = "telegram-emoji" {
        format: OutputFormat::Webm, canvas: Canvas::Exact(100), max_secs: Some(3), max_bytes: kilobytes(64),
        source: "https://core.telegram.org/stickers"
    }
    /// An animated sticker of `WhatsApp`.
    WhatsappSticker = "whatsapp-sticker" {
        format: OutputFormat::Webp, canvas: Canvas::Exact(512), max_secs: Some(10), max_bytes: kilobytes(500),
        source: "https://github.com/WhatsApp/stickers"
    }
    /// An animated sticker of Discord.
    DiscordSticker = "discord-sticker" {
        format: OutputFormat::Apng, canvas: Canvas::Exact(320), max_secs: Some(5), max_bytes: kilobytes(512),
        source: "https://support.discord.com"
    }
    /// An animated emoji of Discord.
    DiscordEmoji = "discord-emoji" {
        format: OutputFormat::Gif, canvas: Canvas::Exact(128), max_bytes: kilobytes(256),
        source: "https://support.discord.com"
    }
    /// An animated emoji of Slack.
    SlackEmoji = "slack-emoji" {
        format: OutputFormat::Gif, canvas: Canvas::Exact(128), frames: Some((1, 50)), max_bytes: kilobytes(128),
        source: "https://slack.com/help"
    }
    /// An animated sticker of LINE: one side is as long as it may be.
    LineSticker = "line-sticker" {
        format: OutputFormat::Apng, canvas: Canvas::Within(320, 270), max_secs: Some(4), is_in_whole_secs: true,
        frames: Some((5, 20)), max_repeated_secs: Some(4), max_bytes: kilobytes(300),
        source: "https://creator.line.me/en/guideline/animationsticker/"
    }
    /// A sticker of iMessage, of the middle one of its three sizes.
    ImessageSticker = "imessage-sticker" {
        format: OutputFormat::Apng, canvas: Canvas::Exact(408), max_bytes: kilobytes(500),
        source: "https://developer.apple.com/design/human-interface-guidelines/imessage-apps-and-stickers"
    }
    /// A clip over the first screen of a website.
    WebHero = "web-hero" { format: OutputFormat::Webm, canvas: Canvas::AtMost(1280), max_bytes: kilobytes(2000) }
}

/// Lowest rate that is chosen to keep a limit of frames.
const LEAST_RATE: u8 = 5;

impl Preset {
    /// The name on the command line and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.limits().name
    }

    /// The longest side of a file that is as large as the clip otherwise.
    #[must_use]
    pub const fn longest_side(self) -> Option<u32> {
        if let Canvas::AtMost(side) = self.limits().canvas { Some(side as u32) } else { None }
    }

    /// The rate, in whole frames per second, for a part of `secs` seconds of a clip of `source` frames
    /// per second: the largest one that is allowed; a little lower if that shows frames at equal
    /// distances.
    #[must_use]
    pub fn rate(self, source: f64, secs: f64) -> u8 {
        let Limits { max_rate, frames, .. } = self.limits();
        let (fewest, most) = frames.unwrap_or((1, u64::MAX));
        let by_frames = ((most as f64 / secs.max(1e-3)) + 1e-6).floor().clamp(f64::from(LEAST_RATE), 60.0);
        let highest = source.round().min(f64::from(max_rate)).min(by_frames).max(1.0);
        let is_whole = |rate: f64| (rate - rate.round()).abs() < 0.005 * rate;
        let even = (1..=60).map(|step| source / f64::from(step)).find(|rate| *rate < highest + 0.5 && is_whole(*rate));
        let rate = even.map(f64::round).filter(|even| *even <= highest && *even >= 0.65 * highest).unwrap_or(highest);
        rate.max((fewest as f64 / secs.max(1e-3)).ceil().min(f64::from(max_rate))) as u8
    }

    /// What is wrong with a length of `frames` at `rate`, and a length in seconds that fits.
    #[must_use]
    pub fn length_fault(self, frames: u64, rate: u8) -> Option<(String, f64)> {
        let limits = self.limits();
        let (rate, secs) = (u64::from(rate.max(1)), frames as f64 / f64::from(rate.max(1)));
        let most_frames = limits.frames.map_or(u64::MAX, |(_, most)| most);
        if let Some(max_secs) = limits.max_secs.filter(|max_secs| frames > u64::from(*max_secs) * rate) {
            return Some((format!("takes up to {max_secs} s"), f64::from(max_secs)));
        }
        if limits.is_in_whole_secs && (!frames.is_multiple_of(rate) || frames == 0) {
            let max_secs = f64::from(limits.max_secs.unwrap_or(u8::MAX));
            return Some((format!("takes a length of whole seconds up to {max_secs}"), secs.floor()));
        }
        if frames > most_frames {
            let fits = most_frames as f64 / f64::from(LEAST_RATE);
            return Some((format!("takes up to {most_frames} frames"), fits));
        }
        None
    }

    /// How often a file of `secs` seconds plays; `None` for forever.
    #[must_use]
    pub fn plays(self, secs: f64) -> Option<u32> {
        let repeated = self.limits().max_repeated_secs?;
        Some(((f64::from(repeated) + 1e-6) / secs.max(1e-3)).floor().max(1.0) as u32)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Preset {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text.trim());
        found.ok_or_else(|| RequestError::new("preset", text, Self::NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_whole_and_keep_the_limits_of_frames() {
        let rate = |preset: Preset, source: f64, secs: f64| preset.rate(source, secs);
        assert_eq!(rate(Preset::TelegramSticker, 29.97, 3.003), 30);
        assert_eq!(rate(Preset::TelegramSticker, 23.976, 3.0), 24);
        assert_eq!([60.0, 50.0, 25.0, 12.5].map(|source| rate(Preset::TelegramSticker, source, 2.0)), [30, 25, 25, 13]);
        assert_eq!(rate(Preset::SlackEmoji, 24.0, 3.0), 12);
        assert_eq!([2.2, 2.0].map(|secs| rate(Preset::SlackEmoji, 30.0, secs)), [15, 25]);
        for secs in 1..=4_i32 {
            for source in [1.0, 5.0, 24.0, 25.0, 29.97, 60.0] {
                let frames =
                    u64::from(rate(Preset::LineSticker, source, f64::from(secs))) * u64::from(secs.unsigned_abs());
                assert!((5..=20).contains(&frames), "{secs} s at {source}: {frames}");
            }
        }
    }

    #[test]
    fn lengths_that_a_platform_refuses_are_told_with_one_that_fits() {
        let fault = |preset: Preset, frames, rate| preset.length_fault(frames, rate).map(|(_, secs)| secs);
        assert_eq!((fault(Preset::TelegramSticker, 90, 30), fault(Preset::TelegramSticker, 91, 30)), (None, Some(3.0)));
        assert_eq!((fault(Preset::LineSticker, 20, 10), fault(Preset::LineSticker, 25, 10)), (None, Some(2.0)));
        assert_eq!((fault(Preset::SlackEmoji, 50, 5), fault(Preset::SlackEmoji, 51, 5)), (None, Some(10.0)));
        assert_eq!(fault(Preset::WebHero, 100_000, 30), None);
        assert_eq!(Preset::LineSticker.plays(2.0), Some(2));
        assert_eq!((Preset::LineSticker.plays(3.0), Preset::WebHero.plays(3.0)), (Some(1), None));
    }
}
