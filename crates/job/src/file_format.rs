//! Format of a file that a job makes.

use std::{fmt, str::FromStr};

use crate::{OutputFormat, RequestError};

/// The format of an output of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileFormat {
    /// A clip.
    Clip(OutputFormat),
    /// One image, as a PNG with straight alpha.
    Png,
    /// Several images, as a ZIP archive of PNGs.
    Zip,
}

impl FileFormat {
    /// All formats, in the documented order.
    pub const ALL: [Self; OutputFormat::ALL.len() + 2] = {
        let mut all = [Self::Png; OutputFormat::ALL.len() + 2];
        let mut index = 0;
        while index < OutputFormat::ALL.len() {
            all[index] = Self::Clip(OutputFormat::ALL[index]);
            index += 1;
        }
        all[index + 1] = Self::Zip;
        all
    };

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clip(format) => format.name(),
            Self::Png => "png",
            Self::Zip => "zip",
        }
    }

    /// The file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Clip(format) => format.extension(),
            Self::Png => "png",
            Self::Zip => "zip",
        }
    }

    /// What follows the name of a clip in the name of a file of this format.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Clip(format) => format.suffix(),
            Self::Png | Self::Zip => "",
        }
    }

    /// The MIME type, without parameters.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Clip(format) => format.mime(),
            Self::Png => "image/png",
            Self::Zip => "application/zip",
        }
    }
}

impl From<OutputFormat> for FileFormat {
    fn from(format: OutputFormat) -> Self {
        Self::Clip(format)
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FileFormat {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| RequestError::new("format", text, "the format of an output"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_hold_those_of_all_clips() {
        for format in FileFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        for format in OutputFormat::ALL {
            assert_eq!(format.name().parse(), Ok(FileFormat::from(format)));
        }
        assert!("flv".parse::<FileFormat>().is_err());
    }
}
