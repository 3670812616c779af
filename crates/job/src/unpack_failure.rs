//! Why a clip cannot be unpacked, as the exit code of the process that unpacks it. The process reads
//! untrusted files, so nothing else that it says is believed.

/// The reason why a clip could not be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnpackFailure {
    /// The file is damaged or cut off.
    Damaged,
    /// A frame has too many pixels.
    TooManyPixels,
    /// The clip has too many frames.
    TooManyFrames,
    /// The unpacked clip, or the images of an archive, take too many bytes.
    TooManyBytes,
    /// The frames have too many pixels in all.
    TooMuchWork,
    /// The archive is encrypted.
    Encrypted,
    /// The archive holds no images.
    NoImages,
    /// The archive holds only one image.
    OneImage,
    /// Images of the archive have no number.
    NotNumbered,
    /// The archive holds several sequences: other names, folders or formats.
    SeveralSequences,
    /// Numbers are missing, or are there twice.
    MissingImages,
    /// The images have different sizes.
    MixedSizes,
    /// The archive holds too many images.
    TooManyImages,
    /// The file could not be read, or the unpacked clip could not be written.
    Io,
}

impl UnpackFailure {
    const ALL: [Self; 14] = [
        Self::Damaged,
        Self::TooManyPixels,
        Self::TooManyFrames,
        Self::TooManyBytes,
        Self::TooMuchWork,
        Self::Encrypted,
        Self::NoImages,
        Self::OneImage,
        Self::NotNumbered,
        Self::SeveralSequences,
        Self::MissingImages,
        Self::MixedSizes,
        Self::TooManyImages,
        Self::Io,
    ];

    /// The exit code. Below those of shells, signals and panics.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Damaged => 65,
            Self::TooManyPixels => 66,
            Self::TooManyFrames => 67,
            Self::TooManyBytes => 68,
            Self::Encrypted => 69,
            Self::NoImages => 70,
            Self::OneImage => 71,
            Self::NotNumbered => 72,
            Self::SeveralSequences => 73,
            Self::MissingImages => 74,
            Self::MixedSizes => 75,
            Self::Io => 76,
            Self::TooMuchWork => 77,
            Self::TooManyImages => 78,
        }
    }

    /// The failure of an exit code; `None` if it is of another cause.
    #[must_use]
    pub fn from_exit_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| i32::from(failure.exit_code()) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_an_exit_code_of_its_own() {
        for failure in UnpackFailure::ALL {
            assert_eq!(UnpackFailure::from_exit_code(failure.exit_code().into()), Some(failure));
        }
        assert_eq!(UnpackFailure::from_exit_code(101), None);
    }
}
