//! Clip sources and uploads: their types and the trait [`Uploads`].

use std::fmt;

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, StoredObject, UnixMillis, UploadId};

use crate::{KeyId, QueueError};

/// URL that a clip is fetched from.
///
/// Its query may hold a secret, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceAddress(pub String);

impl fmt::Debug for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceAddress(..)")
    }
}

/// Source of a new job's clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewInput {
    /// An object in the store that belongs to this job alone.
    Stored(StoredObject),
    /// A complete upload of the same API key.
    Uploaded(UploadId),
    /// A URL from which the worker fetches the clip.
    Address(SourceAddress),
}

/// Source of a claimed job's clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimedInput {
    /// An object in the store.
    Stored(StoredObject),
    /// A URL whose clip has not been fetched yet; see [`Uploads::keep_input`].
    Address(SourceAddress),
    /// Neither a URL nor a valid object name is stored; the job cannot be run.
    Lost,
}

/// An upload to be created. Until it is complete, its bytes are in [`ObjectName::partial`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// New random id.
    pub id: UploadId,
    /// API key that creates the upload.
    pub owner: KeyId,
    /// Length in bytes, if already known. Counts against the quota from now on.
    pub length: Option<u64>,
    /// Metadata of the client, stored verbatim.
    pub metadata: String,
}

/// An upload as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRecord {
    /// Id of the upload.
    pub id: UploadId,
    /// API key that created the upload.
    pub owner: KeyId,
    /// Length in bytes, once known.
    pub length: Option<u64>,
    /// Number of acknowledged bytes.
    pub received: u64,
    /// Metadata of the client.
    pub metadata: String,
    /// The complete object; `None` while the upload is unfinished.
    pub object: Option<StoredObject>,
    /// Time at which the upload expires.
    pub expires: UnixMillis,
}

/// Uploads, fetched inputs and quotas.
///
/// Rows (jobs and uploads) point to objects. An object may be removed once no row points to it.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Creates an upload.
    ///
    /// # Errors
    /// [`QueueError::QuotaExceeded`] if the upload would exceed the API key's quota.
    async fn create_upload(&self, upload: NewUpload) -> Result<UploadRecord, QueueError>;

    /// Reads the upload `id`. `None` once it has expired or its API key is revoked.
    async fn read_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, QueueError>;

    /// Acknowledges the bytes `from..to`, which are on the disk, and sets the length if it was
    /// unknown.
    ///
    /// # Errors
    /// [`QueueError::NoSuchUpload`] if there is no unfinished upload with exactly `from` bytes;
    /// [`QueueError::QuotaExceeded`] if the bytes would exceed the API key's quota.
    async fn advance_upload(&self, id: &UploadId, from: u64, to: u64, length: Option<u64>) -> Result<(), QueueError>;

    /// Marks the upload as complete, with its object in the store. From now on the retention of
    /// inputs applies to it.
    ///
    /// # Errors
    /// [`QueueError::NoSuchUpload`] if there is no such unfinished upload;
    /// [`QueueError::QuotaExceeded`] as above.
    async fn finish_upload(&self, id: &UploadId, object: StoredObject) -> Result<UploadRecord, QueueError>;

    /// Deletes an upload. Returns the names of the objects that no row points to any more, or
    /// `None` if there is no such upload.
    async fn drop_upload(&self, id: &UploadId) -> Result<Option<Vec<ObjectName>>, QueueError>;

    /// Records the object with the clip that the worker fetched, and deletes the job's URL.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim;
    /// [`QueueError::QuotaExceeded`] if the object would exceed the API key's quota.
    async fn keep_input(&self, id: &JobId, token: FencingToken, object: StoredObject) -> Result<(), QueueError>;

    /// Sums the bytes that count against the quota of an API key: inputs, uploads with their full
    /// length, and outputs. An object that several rows point to counts once.
    async fn used_bytes(&self, owner: KeyId) -> Result<u64, QueueError>;

    /// Checks whether `owner` may store `more` bytes in addition to its present ones. Reserves
    /// nothing: every later addition is checked again.
    ///
    /// # Errors
    /// [`QueueError::QuotaExceeded`] if the bytes would exceed the quota.
    async fn check_quota(&self, owner: KeyId, more: u64) -> Result<(), QueueError>;
}

/// Checks whether `more` bytes fit into the quota beside the `used` ones.
///
/// A key at its quota may not add anything, not even an upload of unknown length.
pub(crate) const fn check_quota(quota_bytes: u64, used: u64, more: u64) -> Result<(), QueueError> {
    if used.saturating_add(more) > quota_bytes || used >= quota_bytes {
        return Err(QueueError::QuotaExceeded { quota_bytes });
    }
    Ok(())
}
