//! Clusters of a WebM file: blocks of up to a few seconds, with timestamps relative to their
//! cluster.

use crate::{
    ebml::Elements,
    tracks::{AUDIO_TRACK, VIDEO_TRACK},
};

/// Size in bytes at which a cluster is written and the next one starts.
pub const MAX_CLUSTER_BYTES: usize = 4 << 20;
/// Longest cluster in milliseconds. Block timestamps are 16 bits relative to their cluster, and
/// players expect clusters of a few seconds.
const MAX_CLUSTER_MS: u64 = 5_000;

/// Flag of a `SimpleBlock` that can be decoded without earlier blocks.
const KEYFRAME_FLAG: u8 = 0x80;

/// The cluster under construction: its start time and the blocks pushed so far.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) start_ms: u64,
    blocks: Elements,
}

/// The color and the alpha of one frame, VP9-encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EncodedFrame<'a> {
    pub(crate) timestamp_ms: u64,
    pub(crate) color: &'a [u8],
    pub(crate) alpha: &'a [u8],
    /// Time from the reference frame to this one in milliseconds; `None` for a keyframe.
    pub(crate) reference_distance_ms: Option<u64>,
}

impl Cluster {
    pub(crate) fn is_full(&self, timestamp_ms: u64) -> bool {
        self.blocks.len() >= MAX_CLUSTER_BYTES || timestamp_ms >= self.start_ms + MAX_CLUSTER_MS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.len() == 0
    }

    pub(crate) fn restart(&mut self, timestamp_ms: u64) {
        self.blocks.clear();
        self.start_ms = timestamp_ms;
    }

    pub(crate) fn push_frame(&mut self, frame: &EncodedFrame) {
        let mut alpha = Elements::default();
        alpha.unsigned(0xEE, 1).bytes(0xA5, &[frame.alpha]); // BlockAddID, BlockAdditional
        let mut additions = Elements::default();
        additions.master(0xA6, &alpha); // BlockMore
        let mut group = Elements::default();
        group.bytes(0xA1, &[&self.header(VIDEO_TRACK, frame.timestamp_ms, 0), frame.color]); // Block
        group.master(0x75A1, &additions); // BlockAdditions
        if let Some(distance_ms) = frame.reference_distance_ms {
            group.signed(0xFB, -(distance_ms.max(1) as i64)); // ReferenceBlock
        }
        self.blocks.master(0xA0, &group); // BlockGroup
    }

    /// Appends a packet of sound. `discarded_nanos` is the padding at its end that players drop.
    pub(crate) fn push_sound(&mut self, timestamp_ms: u64, packet: &[u8], discarded_nanos: u64) {
        if discarded_nanos == 0 {
            let header = self.header(AUDIO_TRACK, timestamp_ms, KEYFRAME_FLAG);
            self.blocks.bytes(0xA3, &[&header, packet]); // SimpleBlock
            return;
        }
        let mut group = Elements::default();
        group.bytes(0xA1, &[&self.header(AUDIO_TRACK, timestamp_ms, 0), packet]); // Block
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

    /// The header of a block: track, time since the start of the cluster, flags.
    fn header(&self, track: u8, timestamp_ms: u64, flags: u8) -> [u8; 4] {
        // Fits into 16 bits, because a full cluster is ended.
        let [high, low] = (timestamp_ms.saturating_sub(self.start_ms).min(i16::MAX as u64) as u16).to_be_bytes();
        [0x80 | track, high, low, flags]
    }
}
