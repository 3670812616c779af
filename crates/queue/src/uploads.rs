use std::{fmt, time::Duration};

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, Sha256Hex, UnixMillis, UploadId};

use crate::{InputPointer, KeyId, QueueError};

/// An address that a clip is to be fetched from. Its query may hold a secret, so it shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceAddress(pub String);

impl fmt::Debug for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceAddress(..)")
    }
}

/// What a job to be queued works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewInput {
    /// An object in the store, of this job alone.
    Stored(InputPointer),
    /// A whole upload of the same key.
    Uploaded(UploadId),
    /// A clip that the worker fetches.
    Address(SourceAddress),
}

/// What a claimed job works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimedInput {
    /// An object in the store.
    Stored(InputPointer),
    /// A clip that is still to be fetched; see [`Uploads::keep_input`].
    Address(SourceAddress),
}

/// An upload to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// Its name, freshly drawn.
    pub id: UploadId,
    /// The key that asks.
    pub owner: KeyId,
    /// Its length in bytes, if that is known by now. Counts against the quota from here on.
    pub length: Option<u64>,
    /// What the client says of it, kept as it is.
    pub metadata: String,
    /// The object that takes its bytes until it is whole.
    pub partial_key: String,
}

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRecord {
    /// Its name.
    pub id: UploadId,
    /// The key that asked.
    pub owner: KeyId,
    /// Its length in bytes, once that is known.
    pub length: Option<u64>,
    /// Bytes that were acknowledged.
    pub received: u64,
    /// What the client said of it.
    pub metadata: String,
    /// The whole object, once it is.
    pub object: Option<InputPointer>,
    /// When it is forgotten.
    pub expires: UnixMillis,
}

/// What a key may keep; `None` leaves it to the settings of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageLimits {
    /// The longest that inputs and outputs are kept after the end of a job.
    pub max_retention: Option<Duration>,
    /// Bytes of inputs, uploads and outputs at most.
    pub quota_bytes: Option<u64>,
}

/// How clips come in, and how long files are kept.
///
/// What points to an object is a row: a job, or an upload. An object may be removed once no row points to it.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`QueueError::QuotaExceeded`] if the key may not keep so much.
    async fn create_upload(&self, upload: NewUpload) -> Result<UploadRecord, QueueError>;

    /// What is known of the upload `id`; `None` once it has expired, or its key was revoked.
    async fn read_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, QueueError>;

    /// Acknowledges the bytes from `from` to `to`, which are on the disk, and the length if it was not known before.
    ///
    /// # Errors
    /// [`QueueError::NoSuchUpload`] if there is none that has `from` bytes and is not whole;
    /// [`QueueError::QuotaExceeded`] if the key may not keep so much.
    async fn advance_upload(&self, id: &UploadId, from: u64, to: u64, length: Option<u64>) -> Result<(), QueueError>;

    /// Says that the upload is whole, with its object in the store. From now on it is kept as long as inputs are.
    ///
    /// # Errors
    /// [`QueueError::NoSuchUpload`] if there is none that is not whole; [`QueueError::QuotaExceeded`] as above.
    async fn finish_upload(&self, id: &UploadId, object: InputPointer) -> Result<UploadRecord, QueueError>;

    /// Forgets an upload. Returns the objects that nothing points to any more, or `None` if there is no such upload.
    async fn drop_upload(&self, id: &UploadId) -> Result<Option<Vec<String>>, QueueError>;

    /// Notes where the input lies that the worker fetched; the address is forgotten.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the token is not that of the running claim; [`QueueError::QuotaExceeded`] if the key
    /// may not keep so much.
    async fn keep_input(&self, id: &JobId, token: FencingToken, object: InputPointer) -> Result<(), QueueError>;

    /// What [`crate::Queue::forget_expired`] would return if it went on until there is nothing more; changes nothing.
    async fn list_expired(&self) -> Result<Vec<String>, QueueError>;

    /// Bytes that count against the quota of a key: inputs, uploads at their full length, outputs; an object that several
    /// rows point to counts once.
    async fn used_bytes(&self, owner: KeyId) -> Result<u64, QueueError>;

    /// Whether `owner` may keep `more` bytes beside what it keeps. Says nothing about later: what is kept is checked when it is.
    ///
    /// # Errors
    /// [`QueueError::QuotaExceeded`] if it may not.
    async fn check_quota(&self, owner: KeyId, more: u64) -> Result<(), QueueError>;

    /// What a key may keep.
    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError>;

    /// Sets what a key may keep; `false` if there is no such key. A shorter retention holds for jobs to come.
    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError>;
}

/// An object that became whole, as the database keeps it.
pub(crate) fn pointer(key: String, size_bytes: u64, sha256: String) -> InputPointer {
    InputPointer { key, size_bytes, sha256: Sha256Hex(sha256) }
}

/// Whether `more` bytes fit beside the `used` ones. A key that is at its quota may begin nothing, not even what has no bytes
/// yet.
pub(crate) const fn check_quota(quota_bytes: u64, used: u64, more: u64) -> Result<(), QueueError> {
    if used.saturating_add(more) > quota_bytes || used >= quota_bytes {
        return Err(QueueError::QuotaExceeded { quota_bytes });
    }
    Ok(())
}
