//! Notes of a cut: what it decided about its clip besides the matte, such as a converted frame rate
//! or sound that was left out.

use serde::{Deserialize, Serialize};

/// One decision about a clip that its user should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The kind of decision.
    pub code: NoteCode,
    /// Explanation for people: what was found, and what was done about it.
    pub message: String,
}

/// The kind of a [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoteCode {
    /// The outputs have another frame rate than the clip, or the clip has no constant one.
    RateConverted,
    /// Tracks of the file are not in the outputs, such as subtitles or a second video.
    TracksLeftOut,
    /// More than two channels of sound became two.
    SoundMixedDown,
    /// Parts of the sound are damaged, and silent in the outputs.
    SoundDamaged,
    /// The outputs have no sound, although the clip has.
    SoundLeftOut,
    /// Animations have fewer frames per second than the other outputs.
    AnimationRateReduced,
    /// An output keeps its limit of bytes.
    LimitKept,
    /// The part of the frame that holds the subject.
    CropFound,
    /// The part of the clip that loops best.
    LoopFound,
    /// The clip's colors are converted to those of high definition, BT.709.
    ColorConverted,
    /// The clip's fields are made into whole frames.
    Deinterlaced,
    /// The clip changes its frame size in mid-stream; the outputs have one size.
    SizeChanged,
    /// The new background has another size or shape than the outputs, and covers their frame.
    BackgroundFitted,
    /// The new background is shorter than the clip and begins again, or longer and ends with it.
    BackgroundRetimed,
    /// A code of a later version.
    #[serde(other)]
    Other,
}

impl NoteCode {
    /// All codes.
    pub const ALL: [Self; 15] = [
        Self::RateConverted,
        Self::TracksLeftOut,
        Self::SoundMixedDown,
        Self::SoundDamaged,
        Self::SoundLeftOut,
        Self::AnimationRateReduced,
        Self::LimitKept,
        Self::CropFound,
        Self::LoopFound,
        Self::ColorConverted,
        Self::Deinterlaced,
        Self::SizeChanged,
        Self::BackgroundFitted,
        Self::BackgroundRetimed,
        Self::Other,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateConverted => "RATE_CONVERTED",
            Self::TracksLeftOut => "TRACKS_LEFT_OUT",
            Self::SoundMixedDown => "SOUND_MIXED_DOWN",
            Self::SoundDamaged => "SOUND_DAMAGED",
            Self::SoundLeftOut => "SOUND_LEFT_OUT",
            Self::AnimationRateReduced => "ANIMATION_RATE_REDUCED",
            Self::LimitKept => "LIMIT_KEPT",
            Self::CropFound => "CROP_FOUND",
            Self::LoopFound => "LOOP_FOUND",
            Self::ColorConverted => "COLOR_CONVERTED",
            Self::Deinterlaced => "DEINTERLACED",
            Self::SizeChanged => "SIZE_CHANGED",
            Self::BackgroundFitted => "BACKGROUND_FITTED",
            Self::BackgroundRetimed => "BACKGROUND_RETIMED",
            Self::Other => "OTHER",
        }
    }

    /// Whether something of the clip is missing in the outputs or may be wrong there.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self, Self::SoundDamaged | Self::SoundLeftOut)
    }

    /// Whether the note is about sound, and so means nothing for outputs without sound.
    #[must_use]
    pub const fn is_about_sound(self) -> bool {
        matches!(self, Self::SoundMixedDown | Self::SoundDamaged | Self::SoundLeftOut)
    }
}

impl Note {
    /// A note of `code` with `message`.
    #[must_use]
    pub fn new(code: NoteCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stored_under_their_name_and_later_ones_can_be_read() {
        for code in [
            NoteCode::RateConverted,
            NoteCode::TracksLeftOut,
            NoteCode::SoundMixedDown,
            NoteCode::SoundDamaged,
            NoteCode::SoundLeftOut,
            NoteCode::AnimationRateReduced,
            NoteCode::CropFound,
            NoteCode::LoopFound,
            NoteCode::ColorConverted,
            NoteCode::Deinterlaced,
            NoteCode::SizeChanged,
            NoteCode::BackgroundFitted,
            NoteCode::BackgroundRetimed,
            NoteCode::Other,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
        let later: Note = serde_json::from_str(r#"{"code":"OF_A_LATER_VERSION","message":"m"}"#).unwrap();
        assert_eq!(later, Note::new(NoteCode::Other, "m"));
    }
}
