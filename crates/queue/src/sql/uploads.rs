//! The trait [`Uploads`] in SQL, and the quota and input checks of new jobs.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, StoredObject, UploadId};

use super::{
    Backend, Tx, claim_row::require_claim, keys::find_storage_limits, retention::unreferenced, row, statements as sql,
};
use crate::{KeyId, NewInput, NewUpload, QueueError, UploadRecord, Uploads, uploads::check_quota};

/// Database columns of a job's input.
#[derive(Default)]
pub(super) struct InputColumns {
    pub(super) name: Option<ObjectName>,
    pub(super) size: i64,
    pub(super) sha256: String,
    pub(super) url: Option<String>,
}

impl From<StoredObject> for InputColumns {
    fn from(object: StoredObject) -> Self {
        let size = row::sql_integer(object.size_bytes);
        Self { name: Some(object.name), size, sha256: object.sha256.to_string(), url: None }
    }
}

impl Backend {
    /// Checks that `owner` may use `input` for a new job, and returns its columns.
    pub(super) async fn admit_input(
        &self,
        tx: &mut Tx,
        owner: KeyId,
        input: NewInput,
    ) -> Result<InputColumns, QueueError> {
        match input {
            NewInput::Stored(object) => {
                self.admit_bytes(tx, owner, object.size_bytes).await?;
                Ok(object.into())
            }
            NewInput::Uploaded(id) => {
                let upload = find_upload(tx, &id).await?;
                let upload = upload.filter(|upload| upload.owner == owner).ok_or(QueueError::NoSuchUpload)?;
                self.admit_bytes(tx, owner, 0).await?;
                upload.object.map(Into::into).ok_or(QueueError::UploadUnfinished)
            }
            NewInput::Address(address) => {
                self.admit_bytes(tx, owner, 0).await?;
                Ok(InputColumns { url: Some(address.0), ..InputColumns::default() })
            }
        }
    }

    /// Checks whether the API key may store `more` bytes.
    pub(super) async fn admit_bytes(&self, tx: &mut Tx, owner: KeyId, more: u64) -> Result<(), QueueError> {
        let limits = sqlx::query(sql::STORAGE_LIMITS).bind(owner.0).fetch_optional(&mut **tx).await?;
        let key_quota = limits.as_ref().map(|found| row::optional_count(found, "quota_bytes")).transpose()?.flatten();
        let Some(quota_bytes) = key_quota.or(self.policy.quota_bytes) else { return Ok(()) };
        let used: i64 = sqlx::query_scalar(sql::USED_BYTES).bind(owner.0).fetch_one(&mut **tx).await?;
        check_quota(quota_bytes, used.unsigned_abs(), more)
    }
}

async fn find_upload(tx: &mut Tx, id: &UploadId) -> Result<Option<UploadRecord>, QueueError> {
    let query = sqlx::query(sql::READ_UPLOAD).bind(id.as_str()).bind(tx.now().0);
    query.fetch_optional(&mut **tx).await?.as_ref().map(row::upload).transpose()
}

async fn find_unfinished(tx: &mut Tx, id: &UploadId) -> Result<UploadRecord, QueueError> {
    let upload = find_upload(tx, id).await?;
    upload.filter(|upload| upload.object.is_none()).ok_or(QueueError::NoSuchUpload)
}

#[async_trait]
impl Uploads for Backend {
    async fn create_upload(&self, upload: NewUpload) -> Result<UploadRecord, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        self.admit_bytes(&mut tx, upload.owner, upload.length.unwrap_or(0)).await?;
        let expires = now.after(self.policy.upload_ttl);
        sqlx::query(sql::INSERT_UPLOAD)
            .bind(upload.id.as_str())
            .bind(upload.owner.0)
            .bind(upload.length.map(row::sql_integer))
            .bind(&upload.metadata)
            .bind(ObjectName::partial(&upload.id).as_str())
            .bind(now.0)
            .bind(expires.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let NewUpload { id, owner, length, metadata } = upload;
        Ok(UploadRecord { id, owner, length, received: 0, metadata, object: None, expires })
    }

    async fn read_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, QueueError> {
        find_upload(&mut self.begin_read().await?, id).await
    }

    async fn advance_upload(&self, id: &UploadId, from: u64, to: u64, length: Option<u64>) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let before = find_unfinished(&mut tx, id).await?;
        if before.received != from {
            return Err(QueueError::NoSuchUpload);
        }
        let counted = before.length.unwrap_or(before.received);
        let more = before.length.or(length).unwrap_or(to).max(to).saturating_sub(counted);
        if more > 0 {
            self.admit_bytes(&mut tx, before.owner, more).await?;
        }
        let update =
            sqlx::query(sql::ADVANCE_UPLOAD).bind(id.as_str()).bind(row::sql_integer(from)).bind(row::sql_integer(to));
        update.bind(length.map(row::sql_integer)).execute(&mut *tx).await?;
        tx.commit().await
    }

    async fn finish_upload(&self, id: &UploadId, object: StoredObject) -> Result<UploadRecord, QueueError> {
        let mut tx = self.begin_write().await?;
        let before = find_unfinished(&mut tx, id).await?;
        let counted = before.received.max(before.length.unwrap_or(0));
        if object.size_bytes > counted {
            self.admit_bytes(&mut tx, before.owner, object.size_bytes - counted).await?;
        }
        let limits = find_storage_limits(&mut tx, before.owner).await?;
        let expires = self.policy.expiry(tx.now(), limits.max_retention);
        sqlx::query(sql::FINISH_UPLOAD)
            .bind(id.as_str())
            .bind(object.name.as_str())
            .bind(row::sql_integer(object.size_bytes))
            .bind(object.sha256.as_str())
            .bind(expires.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let size_bytes = object.size_bytes;
        Ok(UploadRecord { length: Some(size_bytes), received: size_bytes, object: Some(object), expires, ..before })
    }

    async fn drop_upload(&self, id: &UploadId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        let mut tx = self.begin_write().await?;
        let found = sqlx::query(sql::FIND_UPLOAD_OBJECTS).bind(id.as_str()).fetch_optional(&mut *tx).await?;
        let Some(found) = found else { return Ok(None) };
        sqlx::query(sql::DROP_UPLOAD).bind(id.as_str()).execute(&mut *tx).await?;
        let (partial, whole) =
            (row::released_object(&found, "partial_key")?, row::released_object(&found, "object_key")?);
        let removable = unreferenced(&mut tx, partial.into_iter().chain(whole)).await?;
        tx.commit().await?;
        Ok(Some(removable))
    }

    async fn keep_input(&self, id: &JobId, token: FencingToken, object: StoredObject) -> Result<(), QueueError> {
        let mut tx = self.begin_write().await?;
        let job = require_claim(&mut tx, id, token).await?.job;
        self.admit_bytes(&mut tx, KeyId(job.owner), object.size_bytes).await?;
        let input = InputColumns::from(object);
        sqlx::query(sql::SET_INPUT)
            .bind(job.seq)
            .bind(input.name.as_ref().map(ObjectName::as_str))
            .bind(input.size)
            .bind(input.sha256)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    async fn used_bytes(&self, owner: KeyId) -> Result<u64, QueueError> {
        let mut tx = self.begin_read().await?;
        let used: i64 = sqlx::query_scalar(sql::USED_BYTES).bind(owner.0).fetch_one(&mut *tx).await?;
        Ok(used.unsigned_abs())
    }

    async fn check_quota(&self, owner: KeyId, more: u64) -> Result<(), QueueError> {
        self.admit_bytes(&mut self.begin_read().await?, owner, more).await
    }
}
