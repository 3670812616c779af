//! The JSON shapes of uploads.

use serde::Serialize;
use utoipa::ToSchema;

/// A new upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BegunUpload {
    /// Id of the upload, to send as `inputStorageId` of jobs.
    #[schema(example = "up7abc123def456ghj789k")]
    pub(crate) storage_id: String,
    /// URL to send the clip to. It works without an API key, so keep it secret.
    pub(crate) upload_url: String,
    /// URL of the store to PUT the clip to instead, with exactly the announced size. Null if `size` was
    /// not given, or the store takes no clips. What is put is checked when the upload is first used.
    pub(crate) direct_url: Option<String>,
    /// When the upload expires if it is not complete, in seconds since 1970.
    pub(crate) expires_at: i64,
}

/// A complete upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Uploaded {
    /// Id of the upload, to send as `inputStorageId` of jobs.
    #[schema(example = "up7abc123def456ghj789k")]
    pub(crate) storage_id: String,
    /// Size in bytes.
    pub(crate) size: u64,
    /// SHA-256 of the clip, in hexadecimal.
    pub(crate) sha256: String,
    /// Until when jobs can use the upload, in seconds since 1970.
    pub(crate) expires_at: i64,
}
