//! Why an image cannot be read, as the exit code of the process that reads it. The process reads
//! untrusted files, so nothing else that it says about a failure is believed.

/// The reason why an image could not be read or encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFailure {
    /// The file is damaged or cut off.
    Damaged,
    /// The image has too many pixels.
    TooManyPixels,
    /// The file is in a variant of its format that is not read.
    Unsupported,
    /// Decoding or scaling took more memory than allowed.
    TooMuchMemory,
    /// The file could not be read, or the result could not be written.
    Io,
}

impl ImageFailure {
    const ALL: [Self; 5] = [Self::Damaged, Self::TooManyPixels, Self::Unsupported, Self::TooMuchMemory, Self::Io];

    /// The exit code. Below those of shells, signals and panics.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Damaged => 65,
            Self::TooManyPixels => 66,
            Self::Unsupported => 67,
            Self::TooMuchMemory => 68,
            Self::Io => 69,
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
        for failure in ImageFailure::ALL {
            assert_eq!(ImageFailure::from_exit_code(failure.exit_code().into()), Some(failure));
        }
        assert_eq!(ImageFailure::from_exit_code(101), None);
    }
}
