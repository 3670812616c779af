//! The log of the mattes that were passed to the encoders, for the check of the outputs.

use std::ops::Range;

use clearcut_frame::Frame;
use serde::{Deserialize, Serialize};

/// Summary of one frame's matte: minimum, maximum and mean of alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u8, u8, u16)", into = "(u8, u8, u16)")]
pub(crate) struct MatteSummary {
    pub(crate) least: u8,
    pub(crate) most: u8,
    /// Mean alpha × 256.
    mean_256: u16,
}

impl From<(u8, u8, u16)> for MatteSummary {
    fn from((least, most, mean_256): (u8, u8, u16)) -> Self {
        Self { least, most, mean_256 }
    }
}

impl From<MatteSummary> for (u8, u8, u16) {
    fn from(MatteSummary { least, most, mean_256 }: MatteSummary) -> Self {
        (least, most, mean_256)
    }
}

impl MatteSummary {
    pub(crate) fn from_alpha(alpha: impl ExactSizeIterator<Item = u8> + Clone) -> Self {
        let count = alpha.len().max(1) as u64;
        let sum: u64 = alpha.clone().map(u64::from).sum();
        let most = alpha.clone().max().unwrap_or(0);
        Self { least: alpha.min().unwrap_or(0), most, mean_256: (sum * 256 / count) as u16 }
    }

    /// Mean alpha, 0–255.
    pub(crate) fn mean(self) -> f64 {
        f64::from(self.mean_256) / 256.0
    }
}

/// Log of the mattes passed to the encoders: one entry of four bytes per frame.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MatteLog(pub(crate) Vec<MatteSummary>);

impl MatteLog {
    pub(crate) fn push(&mut self, frame: &Frame) {
        self.0.push(MatteSummary::from_alpha(frame.alpha().unwrap_or(&[255]).iter().copied()));
    }

    /// Adds a frame whose pixels were made solid or clear.
    pub(crate) fn push_solid_or_clear(&mut self, frame: &Frame) {
        let alpha = frame.alpha().unwrap_or(&[255]).iter();
        self.0.push(MatteSummary::from_alpha(alpha.map(|&alpha| if alpha < 128 { 0 } else { 255 })));
    }

    /// Appends the log of the frames that follow.
    pub(crate) fn append(&mut self, mut next: Self) {
        self.0.append(&mut next.0);
    }

    /// The log of the frames in `range`.
    pub(crate) fn part(&self, range: &Range<u64>) -> Self {
        Self(self.0[range.start as usize..range.end as usize].to_vec())
    }

    pub(crate) fn frames(&self) -> u64 {
        self.0.len() as u64
    }

    /// Mean fraction of the frame that is transparent, 0–1.
    pub(crate) fn removed_share(&self) -> f64 {
        1.0 - self.0.iter().map(|matte| matte.mean() / 255.0).sum::<f64>() / self.0.len().max(1) as f64
    }
}
