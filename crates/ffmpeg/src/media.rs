//! Properties of a clip, as the probe finds them, and the limits they are checked against.

use std::time::Duration;

use clearcut_frame::{FrameFormat, FrameRate, Matrix, Size, Subsampling};
use clearcut_job::{CropRect, DeinterlaceChoice, Note, NoteCode};

use crate::{
    ColorConversion, ColorTags, Container,
    interlace::{FieldOrder, Fields},
    keyframe_sizes::SizeChanges,
    seek_point::SeekPoint,
};

/// Limits on a clip. Checked from its headers before decoding, and again while decoding because
/// headers can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLimits {
    /// Width × height of one frame; larger frames cost memory in every decoder. Default 36 million
    /// (8K UHD has 33).
    pub max_pixels: u64,
    /// Width × height of a still image. Default 100 million.
    pub max_image_pixels: u64,
    /// Frames per second of the output. Default 240; a faster source must be converted to a lower
    /// rate.
    pub max_rate: u32,
    /// Frames in the output. Default 6 h at 60 frames per second.
    pub max_frames: u64,
    /// Output frames that may repeat the previous frame, in addition to thirty per frame of the
    /// clip. Default 20,000: a quarter of an hour of a still frame.
    pub max_held_frames: u64,
    /// Pixels of all output frames, plus 50,000 per frame. Default 2^40: five hours of 1080p at 30
    /// frames per second.
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
            max_image_pixels: 100_000_000,
            max_rate: 240,
            max_frames: 6 * 3600 * 60,
            max_held_frames: 20_000,
            max_work: 1 << 40,
            max_duration: Duration::from_hours(6),
            max_streams: 64,
        }
    }
}

/// A part of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// Time from the start of the clip's first frame.
    pub start: Duration,
    /// Length of the part.
    pub length: Duration,
}

/// How the channels of a track are mixed down to two. One or two channels are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downmix {
    /// By the layout: ffmpeg's matrix, scaled so that the gains of one output channel sum to at most
    /// 1.
    ByLayout,
    /// The layout is unknown or unusual: the mean of the odd channels to the left, that of the even
    /// ones to the right.
    OddEven,
}

/// The audio track that is cut with the video.
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
    /// How more than two channels become two.
    pub downmix: Downmix,
}

/// A video stream that holds the alpha of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlphaStream {
    /// Index of the stream in the file.
    pub stream: usize,
    /// Size in which the frames of the other stream are coded.
    pub size: Size,
    /// Whether its luma has limited range.
    pub is_limited: bool,
}

/// Properties of a clip, as found by [`crate::Tools::probe`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "properties that do not depend on each other")]
pub struct MediaInfo {
    /// The container, detected from the first bytes.
    pub container: Container,
    /// Index of the video stream in the file.
    pub stream: usize,
    /// ffmpeg's name of the video codec.
    pub codec: String,
    /// The decoder to use because ffmpeg's default would drop the alpha channel; `None` for the
    /// default.
    pub decoder: Option<&'static str>,
    /// ffmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Display size: after rotation, with square pixels.
    pub size: Size,
    /// The part of [`Self::size`] that decoding gives; `None` for all of it.
    pub crop: Option<CropRect>,
    /// Set if the frames change their size in mid-stream; [`Self::size`] is then the one that is
    /// shown longest.
    pub size_changes: Option<SizeChanges>,
    /// The order of the fields, should the frames be interlaced: as measured, else as flagged, else
    /// the upper lines first.
    pub field_order: FieldOrder,
    /// Whether decoding makes one whole frame of the two fields of each frame.
    pub is_deinterlaced: bool,
    /// The constant frame rate; the nearest constant rate if the source varies.
    pub frame_rate: FrameRate,
    /// Whether the frames are unevenly spaced, so that some must be repeated or dropped.
    pub has_variable_rate: bool,
    /// Number of frames in the file, counted by packet.
    pub frames: u64,
    /// Number of keyframes.
    pub keyframes: u64,
    /// The keyframes of a clip of constant rate, at least a second apart. See
    /// [`crate::Tools::seek_points`].
    pub keyframe_points: Vec<SeekPoint>,
    /// Time from the start of the first frame to the end of the last.
    pub duration: Duration,
    /// Time from the start of the first frame to the start of the last, which may be shown for
    /// longer than the others.
    pub last_frame_start: Duration,
    /// Whether frames are reordered and have no presentation times, as in an AVI. A decoder then
    /// gives them other times after a seek.
    pub lacks_presentation_times: bool,
    /// Timestamp of the first frame in the file, in seconds; may be negative.
    pub video_start_secs: f64,
    /// Clockwise rotation in degrees, applied on decoding.
    pub rotation_degrees: i32,
    /// Whether the frames have an alpha channel.
    pub has_alpha: bool,
    /// The stream with the alpha, if it is not in the frames themselves.
    pub alpha_stream: Option<AlphaStream>,
    /// Chroma subsampling without loss against the source: 4:2:0 for 4:2:0, else 4:4:4.
    pub subsampling: Subsampling,
    /// Matrix, primaries and transfer of the decoded frames.
    pub color: ColorTags,
    /// Conversion to BT.709; `None` if the source is in BT.709 or BT.601.
    pub conversion: Option<ColorConversion>,
    /// The first audio track, if its codec is supported.
    pub audio: Option<AudioTrack>,
    /// What was decided about the clip when it was probed.
    pub notes: Vec<Note>,
}

impl MediaInfo {
    /// The format of the frames when decoding at `size`.
    #[must_use]
    pub const fn frame_format(&self, size: Size) -> FrameFormat {
        FrameFormat { size, subsampling: self.subsampling, has_alpha: self.has_alpha, matrix: self.color.matrix }
    }

    /// Size of the decoded part of the frame, before it is scaled.
    #[must_use]
    pub fn decoded_size(&self) -> Size {
        self.crop.map_or(self.size, |crop| crop.size)
    }

    /// The whole clip.
    #[must_use]
    pub const fn whole(&self) -> TimeSpan {
        TimeSpan { start: Duration::ZERO, length: self.duration }
    }

    /// Replaces what the probe decided about interlaced frames by the user's choice.
    pub fn choose_deinterlacing(&mut self, choice: DeinterlaceChoice) {
        match choice {
            DeinterlaceChoice::Auto => {}
            DeinterlaceChoice::On if self.is_deinterlaced => {}
            DeinterlaceChoice::On => self.deinterlace("as asked"),
            DeinterlaceChoice::Off => {
                self.is_deinterlaced = false;
                self.notes.retain(|note| note.code != NoteCode::Deinterlaced);
            }
        }
    }

    /// Decides whether the frames are de-interlaced. What was measured counts before the flag,
    /// which is often wrong in either direction.
    pub(crate) fn settle_fields(&mut self, flag: Option<FieldOrder>, fields: Fields) {
        match (fields, flag) {
            (Fields::Woven(order), _) => {
                self.field_order = order;
                self.deinterlace(if flag.is_some() { "it is flagged as interlaced" } else { "its fields differ" });
            }
            (Fields::Undecided, Some(order)) => {
                self.field_order = order;
                self.deinterlace("it is flagged as interlaced");
            }
            (Fields::Whole, Some(order)) => self.field_order = order,
            (Fields::Whole | Fields::Undecided, None) => {}
        }
    }

    /// Frames that change their size, or are smaller than the filter takes, are not de-interlaced.
    fn deinterlace(&mut self, reason: &str) {
        if self.size_changes.is_none() && self.size.width() >= 4 && self.size.height() >= 4 {
            self.is_deinterlaced = true;
            self.notes.push(Note::new(NoteCode::Deinterlaced, format!("the clip is de-interlaced: {reason}")));
        }
    }

    /// The matrix of the decoded frames.
    #[must_use]
    pub const fn matrix(&self) -> Matrix {
        self.color.matrix
    }
}
