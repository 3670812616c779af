use std::num::NonZeroUsize;

use clearcut_frame::{FrameRate, PictureFormat};

/// What is written, and with how much of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationSettings {
    /// Of every picture handed in. Pictures without alpha are solid.
    pub picture: PictureFormat,
    /// Constant rate of the pictures. WebP says times in whole milliseconds, rounded from the start so that they do not drift.
    pub frame_rate: FrameRate,
    /// 0 (small) to 100 (lossless). Higher is larger and truer. WebP: libwebp's own scale. APNG: see `apng::filter`.
    pub quality: u8,
    /// Threads that compress, beside the caller's. More are faster and hold two more pictures each.
    pub threads: NonZeroUsize,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Pictures handed in.
    pub pictures: u64,
    /// Frames in the file: pictures less repeats.
    pub frames: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}
