//! The largest length of an output in bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Formats, RequestError};

/// The largest length of an output in bytes, 1,000–1,000,000,000. It is kept by lower quality, rate or
/// size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxBytes(u32);

/// Description of a valid limit.
const ALLOWED: &str = "a whole number of bytes from 1000 to 1000000000, or of KB or MB, such as 256KB";

impl MaxBytes {
    /// A limit of so many KB of 1000 bytes: from 1, as the table of presets has them.
    pub(crate) const fn of_kilobytes(kilobytes: u32) -> Self {
        Self(1000 * kilobytes)
    }

    /// Refuses formats whose quality cannot be lowered.
    pub(crate) fn check_formats(self, formats: &Formats) -> Result<(), RequestError> {
        let Some(format) = formats.iter().find(|format| !format.can_keep_limit()) else { return Ok(()) };
        let value = format!("{} with {format}", self.0);
        Err(RequestError::new("maxBytes", &value, "given with webm, webp, apng and gif alone"))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0 as u64
    }
}

impl TryFrom<u32> for MaxBytes {
    type Error = RequestError;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        let is_allowed = (1_000..=1_000_000_000).contains(&bytes);
        is_allowed.then_some(Self(bytes)).ok_or_else(|| RequestError::new("maxBytes", &bytes.to_string(), ALLOWED))
    }
}

impl From<MaxBytes> for u32 {
    fn from(value: MaxBytes) -> Self {
        value.0
    }
}

impl FromStr for MaxBytes {
    type Err = RequestError;

    /// Parses `250000`, `256KB` or `2MB`, with units of 1000, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new("maxBytes", text, ALLOWED);
        let lower = text.trim().to_ascii_lowercase();
        let units = [("kb", 1_000), ("mb", 1_000_000)];
        let with_unit = units.iter().find_map(|(name, unit)| Some((lower.strip_suffix(name)?.trim_end(), *unit)));
        let (digits, unit) = with_unit.unwrap_or((&lower, 1));
        let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_decimal);
        let bytes = number.and_then(|number: u32| number.checked_mul(unit)).ok_or_else(invalid)?;
        Self::try_from(bytes).map_err(|_| invalid())
    }
}

impl fmt::Display for MaxBytes {
    /// As people write it: `256 KB`, or bytes if they are no whole KB.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{} KB", self.0 / 1000) } else { write!(f, "{} bytes", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_bytes_and_in_units_of_a_thousand() {
        let read = |text: &str| text.parse::<MaxBytes>().map(MaxBytes::get).ok();
        assert_eq!([read("250000"), read("256KB"), read(" 2 mb ")], [Some(250_000), Some(256_000), Some(2_000_000)]);
        for text in ["", "KB", "999", "1000000001", "5000MB", "1.5MB", "-1", "+5000", "64KiB"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(MaxBytes(256_000).to_string(), "256 KB");
        assert_eq!(MaxBytes(1001).to_string(), "1001 bytes");
    }
}
