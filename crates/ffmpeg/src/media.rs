use std::time::Duration;

use clearcut_frame::{FrameFormat, FrameRate, Matrix, Size, Subsampling};

use crate::{ColorTags, Container, ToneMap};

/// What a clip may at most be. Checked from its headers before decoding, and again while decoding, since headers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLimits {
    /// Width × height of one frame. More costs memory in every decoder. Default 36 million (8K UHD is 33).
    pub max_pixels: u64,
    /// Frames per second of the output. Default 240; a faster source must be asked for at another rate.
    pub max_rate: u32,
    /// Frames in the output. Default 6 h at 60 a second.
    pub max_frames: u64,
    /// Frames of the output that only show the frame before on, beside thirty for each frame of the clip. Default 20,000: a quarter of an hour that
    /// stands still.
    pub max_held_frames: u64,
    /// Pixels of all frames of the output, and 50,000 for each frame. Default 2^40: five hours of 1080p at 30 a second.
    pub max_work: u64,
    /// Length of the clip. Default 6 h.
    pub max_duration: Duration,
    /// Streams in the container. Default 64.
    pub max_streams: usize,
}

impl Default for MediaLimits {
    fn default() -> Self {
        Self {
            max_pixels: 36_000_000,
            max_rate: 240,
            max_frames: 6 * 3600 * 60,
            max_held_frames: 20_000,
            max_work: 1 << 40,
            max_duration: Duration::from_hours(6),
            max_streams: 64,
        }
    }
}

/// The first sound track of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrack {
    /// Index of the stream in the file.
    pub stream: usize,
    /// ffmpeg's name of the codec.
    pub codec: String,
    /// Number of channels.
    pub channels: u32,
    /// Samples per second.
    pub sample_rate: u32,
}

/// What a clip is, as found by [`crate::Tools::probe`].
#[derive(Debug, Clone, PartialEq)]
pub struct MediaInfo {
    /// The container, told from its bytes.
    pub container: Container,
    /// Index of the video stream in the file: the first that is not cover art.
    pub stream: usize,
    /// ffmpeg's name of the video codec.
    pub codec: String,
    /// The decoder that is pinned because the default one would lose the alpha channel; `None` for the default.
    pub decoder: Option<&'static str>,
    /// ffmpeg's name of the pixel format.
    pub pixel_format: String,
    /// As it is shown: after rotation, with square pixels.
    pub size: Size,
    /// As shown at constant rate; the nearest constant rate where the source varies.
    pub frame_rate: FrameRate,
    /// Whether the frames come at uneven times, so that some must be repeated or dropped.
    pub has_variable_rate: bool,
    /// Frames in the file, counted by packet.
    pub frames: u64,
    /// Frames that can be decoded without others.
    pub key_frames: u64,
    /// From the first frame's start to the last one's end.
    pub duration: Duration,
    /// When the first frame starts on the file's clock, in seconds; may be negative.
    pub video_start_secs: f64,
    /// Clockwise rotation in degrees that is applied on decoding.
    pub rotation_degrees: i32,
    /// Whether frames carry alpha already.
    pub has_alpha: bool,
    /// Chroma resolution that keeps all the source has: 4:2:0 for 4:2:0, else 4:4:4.
    pub subsampling: Subsampling,
    /// Matrix, primaries and transfer of the decoded frames.
    pub color: ColorTags,
    /// Set where the source is HDR or wide gamut and is converted to BT.709.
    pub tone_map: Option<ToneMap>,
    /// The first sound track.
    pub audio: Option<AudioTrack>,
}

impl MediaInfo {
    /// The format of the frames that decoding at `size` gives.
    #[must_use]
    pub const fn frame_format(&self, size: Size) -> FrameFormat {
        FrameFormat { size, subsampling: self.subsampling, has_alpha: self.has_alpha, matrix: self.color.matrix }
    }

    /// Which matrix the decoded frames are in.
    #[must_use]
    pub const fn matrix(&self) -> Matrix {
        self.color.matrix
    }
}
