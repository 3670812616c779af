//! The trait [`Keys`] for the in-memory model.

use async_trait::async_trait;

use super::MemoryQueue;
use crate::{KeyHash, KeyId, KeyLimits, KeyRecord, Keys, NewKey, QueueError, StorageLimits};

#[async_trait]
impl Keys for MemoryQueue {
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        let mut tables = self.tables();
        if tables.keys.values().any(|(hash, _)| *hash == key.hash) {
            return Err(QueueError::Taken);
        }
        let id = KeyId(tables.keys.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        let record = KeyRecord {
            id,
            name: key.name,
            prefix: key.prefix,
            created: self.clock.now(),
            last_used: None,
            revoked: None,
            limits: KeyLimits::default(),
        };
        tables.keys.insert(id, (key.hash, record.clone()));
        Ok(record)
    }

    async fn create_first_key(&self, key: NewKey) -> Result<Option<KeyRecord>, QueueError> {
        if !self.tables().keys.is_empty() {
            return Ok(None);
        }
        self.create_key(key).await.map(Some)
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        Ok(self.tables().keys.values().map(|(_, record)| record.clone()).collect())
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        Ok(self.tables().keys.values().find(|(stored, _)| *stored == hash).map(|(_, record)| record.clone()))
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        let now = self.clock.now();
        let mut tables = self.tables();
        let Some((_, record)) = tables.keys.get_mut(&id).filter(|(_, record)| record.revoked.is_none()) else {
            return Ok(false);
        };
        record.revoked = Some(now);
        tables.webhooks.stop_pending_of_key(id);
        Ok(true)
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        let now = self.clock.now();
        if let Some((_, record)) = self.tables().keys.get_mut(&id) {
            record.last_used = Some(now);
        }
        Ok(())
    }

    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError> {
        let mut tables = self.tables();
        let Some((_, record)) = tables.keys.get_mut(&id) else { return Ok(false) };
        record.limits = limits;
        Ok(true)
    }

    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError> {
        Ok(self.tables().storage_limits(owner))
    }

    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError> {
        let mut tables = self.tables();
        let exists = tables.keys.contains_key(&owner);
        if exists {
            tables.storage_limits.insert(owner, limits);
        }
        Ok(exists)
    }
}
