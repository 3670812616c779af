//! The record of an upload: creation, and its signed URL.

use axum::http::HeaderMap;
use clearcut_job::{NotVideo, UploadId};
use clearcut_queue::{KeyId, NewUpload, UploadRecord};
use clearcut_store::SigningError;

use crate::{Api, ApiError, files::read_link_query, random::draw_random};

/// Creates the record of a new upload, if there is space for it.
pub(crate) async fn create_record(
    api: &Api,
    owner: KeyId,
    length: Option<u64>,
    metadata: String,
) -> Result<UploadRecord, ApiError> {
    let max_bytes = api.settings.body.max_bytes;
    match length {
        Some(0) => return Err(NotVideo::Empty.into()),
        Some(length) if length > max_bytes => return Err(ApiError::TooLarge { max_bytes }),
        _ => {}
    }
    drop(api.reserve_space(length.unwrap_or(0)).await?);
    let id = UploadId::from_random(draw_random()?);
    Ok(api.queue.create_upload(NewUpload { id, owner, length, metadata }).await?)
}

impl Api {
    /// Checks a signed upload URL and returns the id of its upload.
    pub(crate) fn check_upload_link(&self, id: &str, query: Option<&str>) -> Result<UploadId, ApiError> {
        let id: UploadId = id.parse().map_err(|_| SigningError::Changed)?;
        let (expires, signature) = read_link_query(query).ok_or(SigningError::Changed)?;
        self.signer.check_upload(&id, expires, signature, self.clock.now())?;
        Ok(id)
    }

    pub(crate) fn upload_url(&self, headers: &HeaderMap, record: &UploadRecord) -> String {
        format!("{}{}", self.base_url(headers), self.signer.sign_upload(&record.id, record.expires).0)
    }
}
