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
    /// The unpacked clip takes too many bytes.
    TooManyBytes,
    /// The file could not be read, or the unpacked clip could not be written.
    Io,
}

impl UnpackFailure {
    const ALL: [Self; 5] = [Self::Damaged, Self::TooManyPixels, Self::TooManyFrames, Self::TooManyBytes, Self::Io];

    /// The exit code. Below those of shells, signals and panics.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Damaged => 65,
            Self::TooManyPixels => 66,
            Self::TooManyFrames => 67,
            Self::TooManyBytes => 68,
            Self::Io => 74,
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
