//! Settings of the encoders and the summary of a written file.

use std::num::NonZeroUsize;

use clearcut_frame::{FrameFormat, FrameRate};

/// Settings of an animation encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationSettings {
    /// Format of the input frames. Frames without alpha are solid.
    pub frame: FrameFormat,
    /// Constant frame rate. WebP and APNG get whole milliseconds and GIF hundredths of a second,
    /// rounded from the start of the clip so that they do not drift. Of a rate that
    /// [`is_too_fast_for_browsers`], of a GIF that [`is_too_fast_for_gif`], frames are left out: every
    /// patch is shown for at least a fiftieth of a second, but for the last part of a still that is
    /// longer than the longest patch.
    ///
    /// [`is_too_fast_for_browsers`]: crate::is_too_fast_for_browsers
    /// [`is_too_fast_for_gif`]: crate::is_too_fast_for_gif
    pub frame_rate: FrameRate,
    /// Quality from 0 (small) to 100 (lossless). Higher values give larger and more accurate files.
    /// WebP: libwebp's own scale. APNG: see `apng::filter`. GIF: see [`encode_gif`](crate::encode_gif).
    pub quality: u8,
    /// Number of compression threads besides the caller's. Each additional thread holds two more
    /// frames.
    pub threads: NonZeroUsize,
    /// Number of the first frame in the clip, from 0: more for a piece of a longer animation. The
    /// first patch of such a piece covers the canvas.
    pub first_frame: u64,
    /// How often an APNG plays; 0 for forever, as the others always do.
    pub plays: u32,
}

/// Statistics of a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Number of input frames.
    pub frames: u64,
    /// Number of patches in the file: frames without repeats and without those left out.
    pub patches: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}
