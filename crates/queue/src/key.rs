//! API keys as the queue stores them: id, hash, name and limits.

use std::fmt;

use clearcut_job::UnixMillis;
use sha2::{Digest as _, Sha256};

/// Id of an API key within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub i64);

/// SHA-256 hash of an API key. The key itself is not stored.
///
/// A key has 190 random bits, so one round of a fast hash is enough. The time of a lookup by hash
/// does not depend on the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes the API key `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    /// Hides the hash, so that it never appears in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// An API key to be stored.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Display name.
    pub name: String,
    /// First characters of the key, by which its owner recognizes it.
    pub prefix: String,
    /// Hash of the whole key.
    pub hash: KeyHash,
}

/// A stored API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Id of the key.
    pub id: KeyId,
    /// Display name.
    pub name: String,
    /// First characters of the key.
    pub prefix: String,
    /// Creation time.
    pub created: UnixMillis,
    /// Time of the last use, to the minute.
    pub last_used: Option<UnixMillis>,
    /// Time of the revocation. A revoked key grants no access.
    pub revoked: Option<UnixMillis>,
    /// Limits of the key where they differ from the server's settings.
    pub limits: KeyLimits,
}

/// Limits of one API key. `None` means the limit of the server's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// Maximum number of jobs that run at once. Further jobs wait.
    pub max_running: Option<u32>,
    /// Maximum number of waiting jobs. A further job is refused.
    pub max_waiting: Option<u32>,
    /// Maximum number of submits per minute.
    pub submits_per_minute: Option<u32>,
    /// Maximum number of other requests per minute.
    pub requests_per_minute: Option<u32>,
}
