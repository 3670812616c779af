//! What a stranger's file may be coded in.

/// Video codecs that are decoded, by ffmpeg's names, and the decoders that do it.
const VIDEO: [(&str, &[&str]); 13] = [
    ("h264", &["h264"]),
    ("hevc", &["hevc"]),
    ("vp8", &["vp8", "libvpx"]),
    ("vp9", &["vp9", "libvpx-vp9"]),
    ("av1", &["libdav1d", "libaom-av1", "av1"]),
    ("prores", &["prores"]),
    ("mpeg4", &["mpeg4"]),
    ("mjpeg", &["mjpeg"]),
    ("gif", &["gif"]),
    ("png", &["png"]),
    ("apng", &["apng"]),
    ("webp", &["webp"]),
    ("qtrle", &["qtrle"]),
];

/// Audio decoders.
const AUDIO: [&str; 20] = [
    "aac",
    "mp3",
    "mp3float",
    "opus",
    "libopus",
    "vorbis",
    "flac",
    "alac",
    "ac3",
    "eac3",
    "pcm_u8",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_s32be",
    "pcm_f32le",
    "pcm_f32be",
    "pcm_f64le",
];

pub(crate) fn decodes_codec(name: &str) -> bool {
    VIDEO.iter().any(|(codec, _)| *codec == name)
}

pub(crate) fn decodes_audio(name: &str) -> bool {
    AUDIO.contains(&name)
}

/// The value of `-codec_whitelist`.
pub(super) fn whitelist() -> String {
    let video = VIDEO.iter().flat_map(|(_, decoders)| decoders.iter().copied());
    video.chain(AUDIO).collect::<Vec<_>>().join(",")
}
