//! API keys as the queue stores them, their limits, and the trait [`Keys`].

use std::{fmt, time::Duration};

use async_trait::async_trait;
use clearcut_job::UnixMillis;
use sha2::{Digest as _, Sha256};

use crate::QueueError;

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

/// Storage limits of one API key. `None` means the limit of the server's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageLimits {
    /// Maximum retention of inputs and outputs after the end of a job.
    pub max_retention: Option<Duration>,
    /// Maximum number of bytes of inputs, uploads and outputs.
    pub quota_bytes: Option<u64>,
}

/// API keys and their limits.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Stores a new API key.
    ///
    /// # Errors
    /// [`QueueError::Taken`] if the hash is in use.
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError>;

    /// Stores a new API key if there is none, revoked or not. Otherwise `None`, so that of several
    /// processes that start at once only one creates the first key.
    async fn create_first_key(&self, key: NewKey) -> Result<Option<KeyRecord>, QueueError>;

    /// Lists all API keys, oldest first.
    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError>;

    /// Finds the API key with that hash, revoked or not.
    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError>;

    /// Revokes an API key and stops the pending deliveries of its jobs; `false` if there is no such
    /// key or it was revoked before.
    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError>;

    /// Records that an API key was used now.
    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError>;

    /// Sets the limits of the API key `id`; `false` if there is no such key.
    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError>;

    /// Reads the storage limits of an API key.
    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError>;

    /// Sets the storage limits of an API key; `false` if there is no such key. A changed retention
    /// applies only to jobs submitted and uploads finished later.
    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError>;
}
