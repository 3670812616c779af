//! Allowlists of the codecs and decoders for untrusted files.

use crate::Capabilities;

/// Supported video codecs by ffmpeg's names, each with the decoders for it.
const VIDEO: [(&str, &[&str]); 37] = [
    ("h264", &["h264"]),
    ("hevc", &["hevc"]),
    ("vp8", &["vp8", "libvpx"]),
    ("vp9", &["vp9", "libvpx-vp9"]),
    ("av1", &["libdav1d", "libaom-av1", "av1"]),
    // Editors and cameras.
    ("prores", &["prores"]),
    ("dnxhd", &["dnxhd"]),
    ("cfhd", &["cfhd"]),
    ("hap", &["hap"]),
    ("dvvideo", &["dvvideo"]),
    ("mjpeg", &["mjpeg"]),
    // Discs, broadcasts and older files.
    ("mpeg1video", &["mpeg1video"]),
    ("mpeg2video", &["mpeg2video"]),
    ("mpeg4", &["mpeg4"]),
    ("msmpeg4v2", &["msmpeg4v2"]),
    ("msmpeg4v3", &["msmpeg4"]),
    ("h263", &["h263"]),
    ("wmv1", &["wmv1"]),
    ("wmv2", &["wmv2"]),
    ("wmv3", &["wmv3"]),
    ("vc1", &["vc1"]),
    ("flv1", &["flv"]),
    ("vp6", &["vp6"]),
    ("vp6f", &["vp6f"]),
    ("vp6a", &["vp6a"]),
    ("theora", &["theora"]),
    // Animations, and without loss.
    ("gif", &["gif"]),
    ("png", &["png"]),
    ("apng", &["apng"]),
    ("webp", &["webp"]),
    ("qtrle", &["qtrle"]),
    ("rawvideo", &["rawvideo"]),
    ("v210", &["v210"]),
    ("ffv1", &["ffv1"]),
    ("huffyuv", &["huffyuv"]),
    ("ffvhuff", &["ffvhuff"]),
    ("utvideo", &["utvideo"]),
];

/// Supported audio codecs and their decoders, under both names. ffprobe opens every stream and
/// fails at the first one that it may not decode, so this list decides which clips can be read at
/// all, even without their audio.
const AUDIO: [&str; 49] = [
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
    "mp1",
    "mp1float",
    "aac_latm",
    "truehd",
    "pcm_bluray",
    "pcm_dvd",
    "s302m",
    "wmav1",
    "wmav2",
    "wmapro",
    "wmavoice",
    "nellymoser",
    "adpcm_swf",
    "speex",
    "libspeex",
    "dts",
    "dca",
];

/// Decoders of text and bitmap subtitles. Subtitles are never decoded, but ffprobe opens their
/// decoders.
const SUBTITLES: [&str; 9] = ["mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "dvdsub", "dvbsub", "pgssub"];

pub(crate) fn decodes_codec(name: &str) -> bool {
    VIDEO.iter().any(|(codec, _)| *codec == name)
}

/// The decoders of `codec`, joined by "or", if this ffmpeg has none of them. Its own decoder of AV1
/// does not count, because it only drives hardware.
pub(crate) fn missing_decoders(codec: &str, capabilities: &Capabilities) -> Option<String> {
    let (_, decoders) = VIDEO.iter().find(|(name, _)| *name == codec)?;
    let in_software = || decoders.iter().filter(|decoder| **decoder != "av1");
    let has_one = in_software().any(|decoder| capabilities.decodes(decoder));
    (!has_one).then(|| in_software().copied().collect::<Vec<_>>().join(" or "))
}

pub(crate) fn decodes_audio(name: &str) -> bool {
    AUDIO.contains(&name)
}

/// The value of `-codec_whitelist`.
pub(super) fn whitelist() -> String {
    let video = VIDEO.iter().flat_map(|(_, decoders)| decoders.iter().copied());
    video.chain(AUDIO).chain(SUBTITLES).collect::<Vec<_>>().join(",")
}
