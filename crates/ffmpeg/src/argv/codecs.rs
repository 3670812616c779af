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

/// Audio codecs and the decoders that do it, under both names. ffprobe opens every stream and gives up at the first that it may
/// not, so that this list decides which clips are read at all, with their sound or without.
const AUDIO: [&str; 35] = [
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
    "pcm_s8",
    "pcm_alaw",
    "pcm_mulaw",
    "mp2",
    "mp2float",
    "adpcm_ms",
    "adpcm_ima_wav",
    "adpcm_ima_qt",
    "amr_nb",
    "amrnb",
    "amr_wb",
    "amrwb",
    "wmav2",
    "dts",
    "dca",
];

/// Subtitles are never decoded, but ffprobe opens their decoders: texts, and the frames of discs.
const SUBTITLES: [&str; 8] = ["mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "dvdsub", "pgssub"];

pub(crate) fn decodes_codec(name: &str) -> bool {
    VIDEO.iter().any(|(codec, _)| *codec == name)
}

pub(crate) fn decodes_audio(name: &str) -> bool {
    AUDIO.contains(&name)
}

/// The value of `-codec_whitelist`.
pub(super) fn whitelist() -> String {
    let video = VIDEO.iter().flat_map(|(_, decoders)| decoders.iter().copied());
    video.chain(AUDIO).chain(SUBTITLES).collect::<Vec<_>>().join(",")
}
