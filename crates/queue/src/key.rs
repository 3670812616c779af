use std::fmt;

use clearcut_job::UnixMillis;
use sha2::{Digest as _, Sha256};

/// The name of an API key within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub i64);

/// The SHA-256 of an API key: all that is kept of it.
///
/// A key has 190 random bits, so one round of a fast hash is enough, and looking it up by the hash takes no time that
/// depends on the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of the key `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    /// Says nothing: hashes of keys stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// The first characters of the key, by which its owner knows it again.
    pub prefix: String,
    /// The hash of the whole key.
    pub hash: KeyHash,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// When it was made.
    pub created: UnixMillis,
    /// When it was last used, to the minute.
    pub last_used: Option<UnixMillis>,
    /// When it was revoked; from then on it opens nothing.
    pub revoked: Option<UnixMillis>,
    /// What it may do, where that differs from the server's settings.
    pub limits: KeyLimits,
}

/// What one key may do; `None` is what the server's settings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// Jobs that run at once; the others wait.
    pub max_running: Option<u32>,
    /// Jobs that wait at once; a further one is refused.
    pub max_waiting: Option<u32>,
    /// Submits a minute.
    pub submits_per_minute: Option<u32>,
    /// Other requests a minute.
    pub requests_per_minute: Option<u32>,
}
