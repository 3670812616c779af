//! Elements in front of the first cluster: the EBML header, the duration and the tracks.

use clearcut_frame::{FrameRate, Size};

use crate::{
    ebml::Elements,
    ogg::{OpusHead, SAMPLE_RATE},
};

/// The video properties that the file declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebmSettings {
    /// Size of the frames.
    pub size: Size,
    /// Constant rate of the frames.
    pub frame_rate: FrameRate,
    /// Color space of the frames; the range is always limited.
    pub color: CodePoints,
}

/// The color space of a frame, in the code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePoints {
    /// `ColourPrimaries`.
    pub primaries: u8,
    /// `TransferCharacteristics`.
    pub transfer: u8,
    /// `MatrixCoefficients`.
    pub matrix: u8,
}

pub(crate) const VIDEO_TRACK: u8 = 1;
pub(crate) const AUDIO_TRACK: u8 = 2;
const NANOS_PER_SEC: u64 = 1_000_000_000;
/// Sound to decode before a seek target, as RFC 7845 requires: 80 ms.
const OPUS_SEEK_PRE_ROLL_NANOS: u64 = 80_000_000;

/// The EBML header.
pub(crate) fn file_header() -> Elements {
    let mut header = Elements::default();
    header.unsigned(0x4286, 1).unsigned(0x42F7, 1); // EBMLVersion, EBMLReadVersion
    header.unsigned(0x42F2, 4).unsigned(0x42F3, 8); // EBMLMaxIDLength, EBMLMaxSizeLength
    header.text(0x4282, "webm").unsigned(0x4287, 4).unsigned(0x4285, 2); // DocType, DocTypeVersion, DocTypeReadVersion
    let mut file = Elements::default();
    file.master(0x1A45_DFA3, &header);
    file
}

/// The `Info` element. Timestamps are in milliseconds.
pub(crate) fn info(duration_ms: f64) -> Elements {
    let mut info = Elements::default();
    info.unsigned(0x2A_D7B1, 1_000_000).float(0x4489, duration_ms); // TimestampScale, Duration
    info.text(0x4D80, "clearcut").text(0x5741, "clearcut"); // MuxingApp, WritingApp
    info
}

/// The `Tracks` element: video with alpha, and sound if there is any.
pub(crate) fn tracks(settings: &WebmSettings, sound: Option<&OpusHead>) -> Elements {
    let mut tracks = Elements::default();
    tracks.master(0xAE, &video(settings));
    if let Some(head) = sound {
        tracks.master(0xAE, &audio(head));
    }
    tracks
}

fn video(settings: &WebmSettings) -> Elements {
    let WebmSettings { size, frame_rate, color } = settings;
    let mut color_elements = Elements::default();
    color_elements.unsigned(0x55B1, color.matrix.into()).unsigned(0x55B9, 1); // MatrixCoefficients, Range: limited
    color_elements.unsigned(0x55BA, color.transfer.into()).unsigned(0x55BB, color.primaries.into());
    let mut video = Elements::default();
    video.unsigned(0xB0, size.width().into()).unsigned(0xBA, size.height().into()); // PixelWidth, PixelHeight
    video.unsigned(0x9A, 2).unsigned(0x53C0, 1); // FlagInterlaced: no, AlphaMode: yes
    video.master(0x55B0, &color_elements); // Color
    let mut track = Elements::default();
    track.unsigned(0xD7, VIDEO_TRACK.into()).unsigned(0x73C5, VIDEO_TRACK.into()); // TrackNumber, TrackUID
    track.unsigned(0x83, 1).unsigned(0x9C, 0); // TrackType: video, FlagLacing
    let nanos = NANOS_PER_SEC * u64::from(frame_rate.seconds()) / u64::from(frame_rate.frames());
    track.unsigned(0x23_E383, nanos.max(1)).text(0x22_B59C, "und"); // DefaultDuration, Language
    track.text(0x86, "V_VP9").unsigned(0x55EE, 1).master(0xE0, &video); // CodecID, MaxBlockAdditionID, Video
    track
}

fn audio(head: &OpusHead) -> Elements {
    let mut sound = Elements::default();
    sound.float(0xB5, SAMPLE_RATE as f64).unsigned(0x9F, head.channels.into()); // SamplingFrequency, Channels
    let mut track = Elements::default();
    track.unsigned(0xD7, AUDIO_TRACK.into()).unsigned(0x73C5, AUDIO_TRACK.into()); // TrackNumber, TrackUID
    track.unsigned(0x83, 2).unsigned(0x9C, 0).text(0x22_B59C, "und"); // TrackType: audio, FlagLacing, Language
    track.text(0x86, "A_OPUS").unsigned(0x56AA, nanos_of(head.pre_skip.into())); // CodecID, CodecDelay
    track.unsigned(0x56BB, OPUS_SEEK_PRE_ROLL_NANOS).bytes(0x63A2, &[&head.bytes]).master(0xE1, &sound);
    track
}

/// Duration of `samples` in nanoseconds.
pub(crate) const fn nanos_of(samples: u64) -> u64 {
    samples * NANOS_PER_SEC / SAMPLE_RATE
}
