//! Settings of the encoders and the summary of a written file.

use std::num::NonZeroUsize;

use clearcut_frame::{FrameFormat, FrameRate};

/// Settings of an animation encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationSettings {
    /// Format of the input frames. Frames without alpha are solid.
    pub frame: FrameFormat,
    /// Constant frame rate. WebP stores times in whole milliseconds; they are rounded from the
    /// start of the clip so that they do not drift.
    pub frame_rate: FrameRate,
    /// Quality from 0 (small) to 100 (lossless). Higher values give larger and more accurate files.
    /// WebP: libwebp's own scale. APNG: see `apng::filter`.
    pub quality: u8,
    /// Number of compression threads besides the caller's. Each additional thread holds two more
    /// frames.
    pub threads: NonZeroUsize,
}

/// Statistics of a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Number of input frames.
    pub frames: u64,
    /// Number of patches in the file: frames without repeats.
    pub patches: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}
