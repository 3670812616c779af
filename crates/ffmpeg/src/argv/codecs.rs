//! Allowlists of the codecs and decoders for untrusted files.

use std::collections::BTreeSet;

use crate::MediaError;

/// Supported video codecs by ffmpeg's names, each with the decoders for it.
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

/// Supported audio codecs and their decoders, under both names.
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

/// The allowlisted decoders of a video codec; `None` if the codec is not supported.
pub(crate) fn decoders_of(codec: &str) -> Option<&'static [&'static str]> {
    VIDEO.iter().find(|(name, _)| *name == codec).map(|(_, decoders)| *decoders)
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
