//! Allowlists of the codecs and decoders for untrusted files.

use std::collections::BTreeSet;

use crate::{Capabilities, MediaError};

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

/// Decoders of subtitles, which ffprobe opens but never feeds.
const SUBTITLES: [&str; 18] = [
    "mov_text",
    "subrip",
    "srt",
    "text",
    "ass",
    "ssa",
    "webvtt",
    "cc_dec",
    "dvdsub",
    "pgssub",
    "dvbsub",
    "xsub",
    "sami",
    "subviewer",
    "microdvd",
    "realtext",
    "jacosub",
    "libzvbi_teletextdec",
];

/// Whether a video codec is supported.
pub(crate) fn decodes_codec(codec: &str) -> bool {
    VIDEO.iter().any(|(name, _)| *name == codec)
}

/// The decoders of `codec`, joined by "or", if this ffmpeg has none of them. Its own decoder of AV1
/// does not count, because it only drives hardware.
pub(crate) fn missing_decoders(codec: &str, capabilities: &Capabilities) -> Option<String> {
    let (_, decoders) = VIDEO.iter().find(|(name, _)| *name == codec)?;
    let in_software = || decoders.iter().filter(|decoder| **decoder != "av1");
    let has_one = in_software().any(|decoder| capabilities.decodes(decoder));
    (!has_one).then(|| in_software().copied().collect::<Vec<_>>().join(" or "))
}

pub(crate) fn decodes_audio(codec: &str) -> bool {
    AUDIO.contains(&codec)
}

/// The allowlist: the only decoders that get packets of an untrusted file.
pub(super) fn whitelist() -> String {
    let video = VIDEO.iter().flat_map(|(_, decoders)| decoders.iter().copied());
    video.chain(AUDIO).collect::<Vec<_>>().join(",")
}

/// Decoders outside of the allowlist that ffprobe may open for tracks that are left out. ffprobe
/// opens a decoder for every track, and fails if it may not; it decodes with none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OpenedOnly(BTreeSet<String>);

impl OpenedOnly {
    /// Largest number of decoders.
    const MAX: usize = 16;

    /// Adds the decoders that ffprobe was refused, as its messages say. Returns whether there are
    /// new ones.
    ///
    /// # Errors
    /// [`MediaError::OverLimit`] if there are more than [`Self::MAX`].
    pub(crate) fn add_refused(&mut self, messages: &str) -> Result<bool, MediaError> {
        let before = self.0.len();
        // `[theora @ 0x55] Codec (theora) not on whitelist 'h264,…'`
        for part in messages.split(") not on whitelist").filter(|part| part.contains("Codec (")) {
            let name = part.rsplit("Codec (").next().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if (1..=32).contains(&name.len()) && name.chars().all(is_name) {
                self.0.insert(name.to_owned());
            }
        }
        if self.0.len() > Self::MAX {
            let (found, limit) = ("tracks in too many unsupported codecs".to_owned(), format!("{}", Self::MAX));
            return Err(MediaError::OverLimit { found, limit });
        }
        Ok(self.0.len() > before)
    }

    /// The value of `-codec_whitelist:`, which applies to the opening of decoders alone.
    pub(super) fn whitelist(&self) -> String {
        let opened = SUBTITLES.iter().copied().chain(self.0.iter().map(String::as_str));
        opened.fold(whitelist(), |list, decoder| list + "," + decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_decoders_are_read_from_the_messages_and_are_plain_names() {
        let mut opened = OpenedOnly::default();
        let messages = "[theora @ 0x5] Codec (theora) not on whitelist 'h264'\n    Last message repeated 1 times\n\
                        [ffv1 @ 0x6] Codec (ffv1) not on whitelist 'h264'\n[x] Codec (a,b) not on whitelist ''\n\
                        [y] Codec (-i x) not on whitelist ''\n[z] Codec (cut off";
        assert_eq!(opened.add_refused(messages), Ok(true));
        assert!(opened.whitelist().ends_with(",ffv1,theora"), "{}", opened.whitelist());
        assert_eq!(opened.add_refused(messages), Ok(false), "the same refusal again is another failure");
        assert_eq!(opened.add_refused("moov atom not found"), Ok(false));
    }

    #[test]
    fn the_number_of_decoders_that_are_only_opened_is_limited() {
        let mut opened = OpenedOnly::default();
        let refusal = |index: usize| format!("Codec (codec{index}) not on whitelist ''");
        for index in 0..OpenedOnly::MAX {
            assert_eq!(opened.add_refused(&refusal(index)), Ok(true));
        }
        assert!(matches!(opened.add_refused(&refusal(99)), Err(MediaError::OverLimit { .. })));
    }
}
