//! A cluster: blocks of a few seconds, with their timestamps counted from its own.

use crate::{
    ebml::Elements,
    tracks::{AUDIO_TRACK, VIDEO_TRACK},
};

/// A cluster that holds so much is written, and the next begun.
pub const MAX_CLUSTER_BYTES: usize = 4 << 20;
/// Blocks count milliseconds from their cluster's start in 16 bits; players look for clusters of a few seconds.
const MAX_CLUSTER_MS: u64 = 5_000;

const KEY_FRAME: u8 = 0x80;

/// The blocks since its start.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) start_ms: u64,
    blocks: Elements,
}

/// A frame of both streams, shown at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) at_ms: u64,
    pub(crate) color: &'a [u8],
    pub(crate) alpha: &'a [u8],
    /// How long before this one the frame was shown that it is predicted from; `None` for a key frame.
    pub(crate) predicted_from_ms_before: Option<u64>,
}

impl Cluster {
    pub(crate) fn is_full(&self, at_ms: u64) -> bool {
        self.blocks.len() >= MAX_CLUSTER_BYTES || at_ms >= self.start_ms + MAX_CLUSTER_MS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.len() == 0
    }

    pub(crate) fn restart(&mut self, at_ms: u64) {
        self.blocks.clear();
        self.start_ms = at_ms;
    }

    pub(crate) fn push_frame(&mut self, frame: &Frame) {
        let mut alpha = Elements::default();
        alpha.unsigned(0xEE, 1).bytes(0xA5, &[frame.alpha]); // BlockAddID, BlockAdditional
        let mut additions = Elements::default();
        additions.master(0xA6, &alpha); // BlockMore
        let mut group = Elements::default();
        group.bytes(0xA1, &[&self.header(VIDEO_TRACK, frame.at_ms, 0), frame.color]); // Block
        group.master(0x75A1, &additions); // BlockAdditions
        if let Some(before) = frame.predicted_from_ms_before {
            group.signed(0xFB, -(before.max(1) as i64)); // ReferenceBlock
        }
        self.blocks.master(0xA0, &group); // BlockGroup
    }

    /// A packet of sound. What it holds too much at its end is told players in nanoseconds.
    pub(crate) fn push_sound(&mut self, at_ms: u64, packet: &[u8], discarded_nanos: u64) {
        if discarded_nanos == 0 {
            let header = self.header(AUDIO_TRACK, at_ms, KEY_FRAME);
            self.blocks.bytes(0xA3, &[&header, packet]); // SimpleBlock
            return;
        }
        let mut group = Elements::default();
        group.bytes(0xA1, &[&self.header(AUDIO_TRACK, at_ms, 0), packet]); // Block
        group.signed(0x75A2, discarded_nanos as i64); // DiscardPadding
        self.blocks.master(0xA0, &group); // BlockGroup
    }

    pub(crate) fn element(&self) -> Elements {
        let mut start = Elements::default();
        start.unsigned(0xE7, self.start_ms); // Timestamp
        let mut cluster = Elements::default();
        cluster.bytes(0x1F43_B675, &[start.as_slice(), self.blocks.as_slice()]);
        cluster
    }

    /// Track, time from the cluster's start, flags.
    fn header(&self, track: u8, at_ms: u64, flags: u8) -> [u8; 4] {
        // Within 16 bits, since a cluster that is full is ended.
        let [high, low] = (at_ms.saturating_sub(self.start_ms).min(i16::MAX as u64) as u16).to_be_bytes();
        [0x80 | track, high, low, flags]
    }
}
