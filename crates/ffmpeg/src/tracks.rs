//! Choice of the tracks that are cut: one of video and at most one of sound. All others are left
//! out, and a note says so.

use clearcut_job::{Note, NoteCode};
use serde::Deserialize;

use crate::{
    AudioTrack, Capabilities, Downmix, MediaError, argv,
    auxiliary::{self, AlphaTrack},
};

#[derive(Deserialize)]
struct FfprobeOutput {
    #[serde(default)]
    streams: Vec<Track>,
}

/// What ffprobe says about one track.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Track {
    index: usize,
    /// The number of the track in an MP4, in hexadecimal.
    id: String,
    /// Whether the track holds the alpha of another one.
    #[serde(skip)]
    is_alpha: bool,
    codec_name: String,
    codec_type: String,
    codec_tag_string: String,
    width: u32,
    nb_frames: String,
    channels: u32,
    channel_layout: String,
    sample_rate: String,
    disposition: Disposition,
}

/// The flags of a track, each 0 or 1. In MP4 and MOV, `default` is the flag "enabled".
#[derive(Deserialize, Default)]
#[serde(default)]
struct Disposition {
    default: u8,
    attached_pic: u8,
    timed_thumbnails: u8,
    still_image: u8,
    dependent: u8,
    comment: u8,
    descriptions: u8,
    visual_impaired: u8,
    hearing_impaired: u8,
    karaoke: u8,
}

/// The tracks of a cut.
pub(crate) struct Choice {
    /// Position of the video track among all tracks.
    pub(crate) video: usize,
    pub(crate) audio: Option<AudioTrack>,
    /// Which tracks were left out and why, and what becomes of the sound.
    pub(crate) notes: Vec<Note>,
}

/// All tracks of a clip, from ffprobe's JSON. `alpha_tracks` are those of an MP4 that hold the alpha
/// of another one.
///
/// # Errors
/// [`MediaError::Damaged`] if this is no such JSON.
pub(crate) fn parse(json: &[u8], alpha_tracks: &[AlphaTrack]) -> Result<Vec<Track>, MediaError> {
    let mut output: FfprobeOutput = serde_json::from_slice(json).map_err(|_| MediaError::Damaged)?;
    for track in &mut output.streams {
        let id = auxiliary::track_id(&track.id);
        track.is_alpha = alpha_tracks.iter().any(|alpha| Some(alpha.id) == id);
    }
    Ok(output.streams)
}

/// Chooses among all `tracks` of a clip.
///
/// # Errors
/// [`MediaError::NoVideoStream`]; [`MediaError::UnsupportedCodec`] or
/// [`MediaError::DecoderMissing`] if there is video, but none that can be decoded.
pub(crate) fn choose(tracks: &[Track], capabilities: &Capabilities) -> Result<Choice, MediaError> {
    let (position, video) = (tracks.iter().enumerate())
        .filter(|(_, track)| track.is_video() && !track.is_picture() && !track.is_alpha)
        .min_by_key(|(_, track)| track.video_rank(capabilities))
        .ok_or(MediaError::NoVideoStream)?;
    if let Some(reason) = video.why_not_seen(capabilities) {
        return Err(reason);
    }
    let sound = tracks.iter().filter(|track| track.is_audio()).min_by_key(|track| track.audio_rank());
    let audio = sound.filter(|sound| sound.why_not_heard().is_none());
    let mut notes = Vec::new();
    let left_out: Vec<String> = (tracks.iter())
        .filter(|track| {
            track.index != video.index && !track.is_alpha && sound.is_none_or(|sound| sound.index != track.index)
        })
        .map(|track| format!("{} ({})", track.number(), track.description(capabilities)))
        .collect();
    if !left_out.is_empty() {
        let sound = audio.map(|audio| format!(" with the sound of track {}", audio.number())).unwrap_or_default();
        let message = format!("track {}{sound} is cut; left out: track {}", video.number(), enumeration(&left_out));
        notes.push(Note::new(NoteCode::TracksLeftOut, message));
    }
    if let Some((sound, reason)) = sound.and_then(|sound| Some((sound, sound.why_not_heard()?))) {
        let message = format!("the sound was left out: track {} ({}) {reason}", sound.number(), sound.codec());
        notes.push(Note::new(NoteCode::SoundLeftOut, message));
    }
    let audio = audio.map(Track::audio);
    notes.extend(audio.as_ref().and_then(note_of_downmix));
    Ok(Choice { video: position, audio, notes })
}

fn note_of_downmix(audio: &AudioTrack) -> Option<Note> {
    let how = match audio.downmix {
        _ if audio.channels <= 2 => return None,
        Downmix::ByLayout => "by the places of their speakers",
        Downmix::OddEven => {
            "odd ones to the left, even ones to the right, because the file does not state their places"
        }
    };
    let message = format!("the {} channels of the sound were mixed down to two, {how}", audio.channels);
    Some(Note::new(NoteCode::SoundMixedDown, message))
}

/// Number of tracks that a note names.
const MAX_NAMED: usize = 8;

fn enumeration(tracks: &[String]) -> String {
    let named = tracks.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match tracks.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Names of the layouts whose speakers ffmpeg's own matrix mixes down to two.
const LAYOUTS: [&str; 34] = [
    "mono",
    "stereo",
    "downmix",
    "2.1",
    "3.0",
    "3.0(back)",
    "4.0",
    "quad",
    "quad(side)",
    "3.1",
    "5.0",
    "5.0(side)",
    "4.1",
    "5.1",
    "5.1(side)",
    "6.0",
    "6.0(front)",
    "hexagonal",
    "6.1",
    "6.1(back)",
    "6.1(front)",
    "7.0",
    "7.0(front)",
    "7.1",
    "7.1(wide)",
    "7.1(wide-side)",
    "octagonal",
    "hexadecagonal",
    "22.2",
    "5.1.2",
    "5.1.4",
    "7.1.2",
    "7.1.4",
    "3.1.2",
];

/// Numbers of channels that are taken as mono, stereo, 5.1 and 7.1 if the file states no layout, as
/// players do.
const USUAL_CHANNELS: [u32; 4] = [1, 2, 6, 8];

/// Largest number of channels that ffmpeg's mixers take.
const MAX_CHANNELS: u32 = 64;

/// Sample rates that decoded sound may have. Of other stated rates, the usual one is assumed.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 4000..=192_000;

impl Track {
    /// The number that users see, from 1.
    const fn number(&self) -> usize {
        self.index + 1
    }

    fn is_video(&self) -> bool {
        self.codec_type == "video"
    }

    fn is_audio(&self) -> bool {
        self.codec_type == "audio"
    }

    /// Whether this is a picture of the file, such as its cover, or an addition to another track.
    const fn is_picture(&self) -> bool {
        let flags = &self.disposition;
        flags.attached_pic + flags.timed_thumbnails + flags.still_image + flags.dependent > 0
    }

    /// The lowest is the best. A thumbnail or an empty track may lack the flag of a picture. Players
    /// show no disabled track, but it is better than one that cannot be decoded.
    fn video_rank(&self, capabilities: &Capabilities) -> impl Ord + use<> {
        let is_empty = self.nb_frames == "1" || self.width == 0;
        (is_empty, self.why_not_seen(capabilities).is_some(), self.disposition.default == 0, self.index)
    }

    fn why_not_seen(&self, capabilities: &Capabilities) -> Option<MediaError> {
        let (track, codec) = (self.number(), self.codec());
        if !argv::decodes_codec(&self.codec_name) {
            return Some(MediaError::UnsupportedCodec { track, codec });
        }
        let decoders = argv::missing_decoders(&self.codec_name, capabilities)?;
        Some(MediaError::DecoderMissing { track, codec, decoders })
    }

    /// The lowest is the best.
    fn audio_rank(&self) -> impl Ord + use<> {
        (self.why_not_heard().is_some(), self.is_commentary(), self.disposition.default == 0, self.index)
    }

    const fn is_commentary(&self) -> bool {
        let flags = &self.disposition;
        let special = flags.comment + flags.descriptions + flags.visual_impaired + flags.hearing_impaired;
        special + flags.karaoke + flags.dependent > 0
    }

    fn why_not_heard(&self) -> Option<&'static str> {
        if !argv::decodes_audio(&self.codec_name) {
            Some("is in a codec that is not supported")
        } else if !(1..=MAX_CHANNELS).contains(&self.channels) {
            Some("does not have 1 to 64 channels")
        } else {
            None
        }
    }

    fn audio(&self) -> AudioTrack {
        let states_layout = !matches!(self.channel_layout.as_str(), "" | "unknown");
        let has_places = if states_layout {
            LAYOUTS.contains(&self.channel_layout.as_str())
        } else {
            USUAL_CHANNELS.contains(&self.channels)
        };
        AudioTrack {
            stream: self.index,
            codec: self.codec(),
            channels: self.channels,
            sample_rate: self.sample_rate.parse().ok().filter(|rate| SAMPLE_RATES.contains(rate)).unwrap_or(48_000),
            downmix: if has_places { Downmix::ByLayout } else { Downmix::OddEven },
        }
    }

    /// The codec for people. A codec that ffmpeg does not know is named as the file names it.
    fn codec(&self) -> String {
        let is_known = !matches!(self.codec_name.as_str(), "" | "none" | "unknown");
        let tag = self.codec_tag_string.as_str();
        printable(if !is_known && !tag.starts_with('[') { tag } else { &self.codec_name })
    }

    /// Kind and codec of a track that is left out, and the reason.
    fn description(&self, capabilities: &Capabilities) -> String {
        let (kind, reason) = match self.codec_type.as_str() {
            "video" if self.is_picture() => ("cover or thumbnail", ""),
            "video" if self.why_not_seen(capabilities).is_some() => ("video", ", not supported"),
            "video" if self.disposition.default == 0 => ("video", ", disabled or not the default"),
            "video" => ("video", ""),
            "audio" if self.why_not_heard().is_some() => ("sound", ", not supported"),
            "audio" if self.is_commentary() => ("sound", ", commentary"),
            "audio" => ("sound", ""),
            "subtitle" => ("subtitles", ""),
            "attachment" => ("attachment", ""),
            _ => ("data", ""),
        };
        format!("{kind}, {}{reason}", self.codec())
    }
}

/// A name from an untrusted file, safe to print: at most 32 letters, digits, `_` and `-`.
pub(crate) fn printable(name: &str) -> String {
    let shown: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(32).collect();
    if shown.is_empty() { "an unknown codec".to_owned() } else { shown }
}

#[cfg(test)]
mod tests;
