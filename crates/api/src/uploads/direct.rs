//! Uploads that a client puts into the store itself, by a presigned URL. They are checked when they
//! are first used.

use clearcut_job::{Accepted, ObjectName, UploadId};
use clearcut_queue::UploadRecord;
use futures_util::TryStreamExt as _;

use crate::{
    Api, ApiError,
    random::draw_random,
    uploads::{
        quota::{ClipUpload, KeyQuota},
        receive::{commit, delete_upload},
    },
};

impl Api {
    /// A URL of the store to put the clip of `record` to; `None` if its length is unknown or the store
    /// is private.
    pub(crate) async fn direct_url(&self, record: &UploadRecord) -> Result<Option<String>, ApiError> {
        let Some(length) = record.length.filter(|_| self.settings.presigned_results) else { return Ok(None) };
        let ttl = record.expires.since(self.clock.now()).min(clearcut_store::MAX_PRESIGNED_TTL);
        Ok(Some(self.store.presign_write(&ObjectName::partial(&record.id), length, ttl).await?))
    }

    /// Reads the upload `id`. Completes it first if its client has put the clip into the store.
    ///
    /// # Errors
    /// If the clip has another size than was announced, or is no supported file. The upload is deleted
    /// then.
    pub(crate) async fn arrived_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, ApiError> {
        let Some(record) = self.queue.read_upload(id).await? else { return Ok(None) };
        if record.object.is_some() || record.received > 0 || !self.settings.presigned_results {
            return Ok(Some(record));
        }
        let partial = ObjectName::partial(id);
        let Some(size_bytes) = self.store.direct_size(&partial).await? else { return Ok(Some(record)) };
        let taken = match record.length {
            Some(length) if length == size_bytes => self.take_in(&record, &partial).await,
            length => Err(ApiError::Request(format!(
                "the upload was announced with {} bytes and has {size_bytes}",
                length.unwrap_or(0)
            ))),
        };
        match taken {
            Err(ApiError::UploadFinished) => Ok(self.queue.read_upload(id).await?),
            Err(error) if error.is_wrong_kind() || matches!(error, ApiError::Request(_)) => {
                delete_upload(self, &record).await?;
                Err(error)
            }
            taken => taken.map(Some),
        }
    }

    /// Copies the clip to its final name, with the checks of every clip.
    async fn take_in(&self, record: &UploadRecord, partial: &ObjectName) -> Result<UploadRecord, ApiError> {
        let space = self.reserve_space(0).await?;
        let name = ObjectName::upload(draw_random()?);
        // The record counts the announced length from the start.
        let quota = None::<KeyQuota>;
        let mut clip: ClipUpload = self.store.begin_clip(name, Accepted::Everything, space, quota).await?;
        let mut bytes = self.store.read_direct(partial).await?;
        while let Some(piece) = bytes.try_next().await? {
            clip.write(piece).await?;
        }
        commit(self, record, clip.finish().await?).await
    }
}
