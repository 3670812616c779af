//! The trait [`Uploads`] for the in-memory model: uploads, inputs, quotas and expiry.

use std::collections::BTreeSet;

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, StoredObject, UnixMillis, UploadId};

use super::{
    MemoryQueue,
    retention::object_of,
    tables::{JobInput, Tables},
};
use crate::{
    KeyId, NewInput, NewUpload, Policy, QueueError, StorageLimits, UploadRecord, Uploads, uploads::check_quota,
};

impl Tables {
    pub(super) fn storage_limits(&self, owner: KeyId) -> StorageLimits {
        self.storage_limits.get(&owner).copied().unwrap_or_default()
    }

    fn live_upload(&mut self, id: &UploadId, now: UnixMillis) -> Option<&mut UploadRecord> {
        let upload = self.uploads.iter_mut().find(|upload| upload.id == *id && upload.expires > now)?;
        let (_, key) = self.keys.get(&upload.owner)?;
        key.revoked.is_none().then_some(upload)
    }

    fn unfinished_upload(&mut self, id: &UploadId, now: UnixMillis) -> Result<&mut UploadRecord, QueueError> {
        self.live_upload(id, now).filter(|upload| upload.object.is_none()).ok_or(QueueError::NoSuchUpload)
    }

    /// Checks that `owner` may use `input` for a new job, and returns it as stored.
    pub(super) fn admit_input(
        &mut self,
        policy: &Policy,
        owner: KeyId,
        input: NewInput,
        now: UnixMillis,
    ) -> Result<JobInput, QueueError> {
        match input {
            NewInput::Stored(object) => {
                self.admit_bytes(policy, owner, object.size_bytes)?;
                Ok(object.into())
            }
            NewInput::Uploaded(id) => {
                let upload = self.live_upload(&id, now).filter(|upload| upload.owner == owner);
                let object = upload.ok_or(QueueError::NoSuchUpload)?.object.clone();
                self.admit_bytes(policy, owner, 0)?;
                Ok(object.ok_or(QueueError::UploadUnfinished)?.into())
            }
            NewInput::Address(address) => {
                self.admit_bytes(policy, owner, 0)?;
                Ok(JobInput { object: None, address: Some(address), size_bytes: 0 })
            }
        }
    }

    pub(super) fn admit_bytes(&self, policy: &Policy, owner: KeyId, more: u64) -> Result<(), QueueError> {
        let quota = self.storage_limits(owner).quota_bytes.or(policy.quota_bytes);
        quota.map_or(Ok(()), |quota_bytes| check_quota(quota_bytes, self.used_bytes(owner), more))
    }

    fn used_bytes(&self, owner: KeyId) -> u64 {
        let jobs = || self.jobs.iter().filter(|row| row.owner == owner);
        let uploads = || self.uploads.iter().filter(|upload| upload.owner == owner);
        let inputs = jobs().filter_map(|row| row.input.object.as_ref());
        let whole = uploads().filter_map(|upload| upload.object.as_ref());
        let objects: BTreeSet<(&ObjectName, u64)> =
            inputs.chain(whole).map(|object| (&object.name, object.size_bytes)).collect();
        let partial = uploads().filter(|upload| upload.object.is_none());
        let outputs = jobs().filter(|row| row.outputs_kept).filter_map(|row| row.outcome.as_ref());
        objects.into_iter().map(|(_, size)| size).sum::<u64>()
            + partial.map(|upload| upload.received.max(upload.length.unwrap_or(0))).sum::<u64>()
            + outputs.flat_map(|outcome| &outcome.outputs).map(|output| output.size_bytes).sum::<u64>()
    }
}

#[async_trait]
impl Uploads for MemoryQueue {
    async fn create_upload(&self, upload: NewUpload) -> Result<UploadRecord, QueueError> {
        let expires = self.clock.now().after(self.policy.upload_ttl);
        let mut tables = self.tables();
        tables.admit_bytes(&self.policy, upload.owner, upload.length.unwrap_or(0))?;
        if tables.uploads.iter().any(|other| other.id == upload.id) {
            return Err(QueueError::Taken);
        }
        let NewUpload { id, owner, length, metadata } = upload;
        let record = UploadRecord { id, owner, length, received: 0, metadata, object: None, expires };
        tables.uploads.push(record.clone());
        Ok(record)
    }

    async fn read_upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, QueueError> {
        let now = self.clock.now();
        Ok(self.tables().live_upload(id, now).cloned())
    }

    async fn advance_upload(&self, id: &UploadId, from: u64, to: u64, length: Option<u64>) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let before = tables.unfinished_upload(id, now)?.clone();
        if before.received != from {
            return Err(QueueError::NoSuchUpload);
        }
        let counted = before.length.unwrap_or(before.received);
        let more = before.length.or(length).unwrap_or(to).max(to).saturating_sub(counted);
        if more > 0 {
            tables.admit_bytes(&self.policy, before.owner, more)?;
        }
        let record = tables.unfinished_upload(id, now)?;
        (record.received, record.length) = (to, before.length.or(length));
        Ok(())
    }

    async fn finish_upload(&self, id: &UploadId, object: StoredObject) -> Result<UploadRecord, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let before = tables.unfinished_upload(id, now)?.clone();
        let counted = before.received.max(before.length.unwrap_or(0));
        if object.size_bytes > counted {
            tables.admit_bytes(&self.policy, before.owner, object.size_bytes - counted)?;
        }
        let expires = self.policy.expiry(now, tables.storage_limits(before.owner).max_retention);
        let size_bytes = object.size_bytes;
        let after =
            UploadRecord { length: Some(size_bytes), received: size_bytes, object: Some(object), expires, ..before };
        *tables.unfinished_upload(id, now)? = after.clone();
        Ok(after)
    }

    async fn drop_upload(&self, id: &UploadId) -> Result<Option<Vec<ObjectName>>, QueueError> {
        let mut tables = self.tables();
        let Some(place) = tables.uploads.iter().position(|upload| upload.id == *id) else { return Ok(None) };
        let name = object_of(&tables.uploads.remove(place));
        Ok(Some(if tables.is_pointed_to(&name) { Vec::new() } else { vec![name] }))
    }

    async fn keep_input(&self, id: &JobId, token: FencingToken, object: StoredObject) -> Result<(), QueueError> {
        let mut tables = self.tables();
        let owner = tables.held(id, token)?.0.owner;
        tables.admit_bytes(&self.policy, owner, object.size_bytes)?;
        tables.held(id, token)?.0.input = object.into();
        Ok(())
    }

    async fn used_bytes(&self, owner: KeyId) -> Result<u64, QueueError> {
        Ok(self.tables().used_bytes(owner))
    }

    async fn check_quota(&self, owner: KeyId, more: u64) -> Result<(), QueueError> {
        self.tables().admit_bytes(&self.policy, owner, more)
    }
}
