//! A codec keyframe with the number of its frame.

use serde::{Deserialize, Serialize};

/// A codec keyframe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeekPoint {
    /// Number of its frame in the clip, from 0.
    pub frame: u64,
    /// Its presentation time in the file, in seconds.
    pub secs: f64,
}

/// Distance of the target of a seek behind its keyframe: ffmpeg aims 0.13 s earlier than it is told
/// if frames are reordered.
const AIM_SECS: f64 = 0.2;

impl SeekPoint {
    /// The time at which a seek to this keyframe aims.
    pub(crate) fn target(&self) -> f64 {
        self.secs + AIM_SECS
    }
}
