//! Random identifiers of jobs and uploads.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Digits and lower-case letters without `i`, `l`, `o` and `u`, which are easily misread or form
/// words.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Number of random characters after the prefix: 100 bits.
const RANDOM_CHARS: usize = 20;

/// The ID of a job: `jd` and 20 random characters, such as `jd7abc123def4567890abc`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// The text is not a valid job ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a job id: jd followed by 20 digits and lower-case letters")]
pub struct ParseJobIdError;

impl JobId {
    /// Creates the ID from the lowest 100 bits of `random`, which the caller draws from the
    /// system's random generator.
    #[must_use]
    pub fn from_random(random: u128) -> Self {
        Self(encode("jd", random))
    }

    /// The ID as it appears on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for JobId {
    type Err = ParseJobIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_valid("jd", text) { Ok(Self(text.to_owned())) } else { Err(ParseJobIdError) }
    }
}

impl TryFrom<String> for JobId {
    type Error = ParseJobIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// The ID of an upload: `up` and 20 random characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(String);

/// The text is not a valid upload ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a storage id: up followed by 20 digits and lower-case letters")]
pub struct ParseUploadIdError;

impl UploadId {
    /// Creates the ID from the lowest 100 bits of `random`, which the caller draws from the
    /// system's random generator.
    #[must_use]
    pub fn from_random(random: u128) -> Self {
        Self(encode("up", random))
    }

    /// The ID as it appears on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UploadId {
    type Err = ParseUploadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_valid("up", text) { Ok(Self(text.to_owned())) } else { Err(ParseUploadIdError) }
    }
}

fn encode(prefix: &str, random: u128) -> String {
    let mut id = String::with_capacity(prefix.len() + RANDOM_CHARS);
    id.push_str(prefix);
    id.extend((0..RANDOM_CHARS).map(|index| char::from(ALPHABET[(random >> (5 * index)) as usize & 31])));
    id
}

fn is_valid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|random| random.len() == RANDOM_CHARS && random.bytes().all(|byte| ALPHABET.contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_random_number_makes_an_id_that_round_trips(random: u128) {
            let id = JobId::from_random(random);
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            let upload = UploadId::from_random(random);
            assert_eq!(upload.as_str().parse(), Ok(upload.clone()));
            assert!(id.as_str().parse::<UploadId>().is_err() && upload.as_str().parse::<JobId>().is_err());
        }
    }

    #[test]
    fn each_of_the_100_bits_changes_the_id() {
        let mut seen = std::collections::HashSet::from([JobId::from_random(0)]);
        assert!((0..100).all(|bit| seen.insert(JobId::from_random(1 << bit))));
    }

    #[test]
    fn invalid_ids_are_rejected() {
        for text in [
            "",
            "jd",
            "jd7abc",
            "xx00000000000000000000",
            "jd0000000000000000000O",
            "jd/../../etc/passwd00",
            "JD00000000000000000000",
        ] {
            assert_eq!(text.parse::<JobId>(), Err(ParseJobIdError), "{text:?}");
        }
    }
}
