use std::num::NonZeroUsize;

use clearcut_frame::{FrameFormat, FrameRate};

/// What is written, and with how much of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationSettings {
    /// Of every frame handed in. Frames without alpha are solid.
    pub frame: FrameFormat,
    /// Constant rate of the frames. WebP says times in whole milliseconds, rounded from the start so that they do not drift.
    pub frame_rate: FrameRate,
    /// 0 (small) to 100 (lossless). Higher is larger and truer. WebP: libwebp's own scale. APNG: see `apng::filter`.
    pub quality: u8,
    /// Threads that compress, beside the caller's. More are faster and hold two more frames each.
    pub threads: NonZeroUsize,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Frames handed in.
    pub frames: u64,
    /// Patches in the file: frames less repeats.
    pub patches: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}
