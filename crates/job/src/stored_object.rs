//! A stored object: its name, its length and the hash of its bytes.

use std::{fmt, str::FromStr};

use crate::ObjectName;

/// An object in the store, whose bytes are on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Name of the object.
    pub name: ObjectName,
    /// Length in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Hex,
}

/// A SHA-256 hash as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sha256Hex(String);

/// The text is not a SHA-256 hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 hash: 64 lower-case hexadecimal digits")]
pub struct ParseSha256Error;

impl Sha256Hex {
    /// Writes the 32 bytes of a hash as digits.
    #[must_use]
    pub fn of_digest(digest: [u8; 32]) -> Self {
        Self(hex::encode(digest))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Sha256Hex {
    type Err = ParseSha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && text.len() == 64 { Ok(Self(text.to_owned())) } else { Err(ParseSha256Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_and_other_texts_are_rejected() {
        let hash = Sha256Hex::of_digest([0xa7; 32]);
        assert_eq!(hash.as_str(), "a7".repeat(32));
        assert_eq!(hash.as_str().parse(), Ok(hash));
        for text in [String::new(), "a7".repeat(31), "A7".repeat(32), "g7".repeat(32), "a7".repeat(33)] {
            assert_eq!(text.parse::<Sha256Hex>(), Err(ParseSha256Error), "{text:?}");
        }
    }
}
