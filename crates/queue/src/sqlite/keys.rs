//! The trait [`Keys`] for SQLite.

use std::time::Duration;

use async_trait::async_trait;

use super::{SqliteQueue, row, sql, webhook_sql};
use crate::{KeyHash, KeyId, KeyLimits, KeyRecord, Keys, NewKey, QueueError, StorageLimits};

#[async_trait]
impl Keys for SqliteQueue {
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        let created = self.clock.now();
        let insert = sqlx::query(sql::INSERT_KEY).bind(key.hash.as_bytes().to_vec()).bind(&key.prefix);
        let inserted = self.writer.execute(insert.bind(&key.name).bind(created.0)).await?;
        let id = KeyId(inserted.last_insert_rowid());
        Ok(KeyRecord {
            id,
            name: key.name,
            prefix: key.prefix,
            created,
            last_used: None,
            revoked: None,
            limits: KeyLimits::default(),
        })
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        sqlx::query(sql::LIST_KEYS).fetch_all(&self.readers).await?.iter().map(row::key).collect()
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        let found = sqlx::query(sql::FIND_KEY).bind(hash.as_bytes().to_vec()).fetch_optional(&self.readers).await?;
        found.as_ref().map(row::key).transpose()
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        let now = self.clock.now().0;
        let mut tx = self.write().await?;
        let revoked = sqlx::query(sql::REVOKE_KEY).bind(id.0).bind(now).execute(&mut *tx).await?;
        sqlx::query(webhook_sql::STOP_KEY_DELIVERIES).bind(id.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(revoked.rows_affected() == 1)
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        let now = self.clock.now().0;
        self.writer.execute(sqlx::query(sql::TOUCH_KEY).bind(id.0).bind(now)).await?;
        Ok(())
    }

    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError> {
        let update = sqlx::query(sql::LIMIT_KEY).bind(id.0).bind(limits.max_running).bind(limits.max_waiting);
        let update = update.bind(limits.submits_per_minute).bind(limits.requests_per_minute);
        Ok(self.writer.execute(update).await?.rows_affected() == 1)
    }

    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError> {
        let found = sqlx::query(sql::STORAGE_LIMITS).bind(owner.0).fetch_optional(&self.readers).await?;
        let Some(found) = found else { return Ok(StorageLimits::default()) };
        Ok(StorageLimits {
            max_retention: row::optional_count(&found, "retention_ms")?.map(Duration::from_millis),
            quota_bytes: row::optional_count(&found, "quota_bytes")?,
        })
    }

    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError> {
        let retention_ms =
            limits.max_retention.map(|retention| i64::try_from(retention.as_millis()).unwrap_or(i64::MAX / 2));
        let update = sqlx::query(sql::SET_STORAGE_LIMITS).bind(owner.0).bind(retention_ms);
        let updated = self.writer.execute(update.bind(limits.quota_bytes.map(row::sql_integer))).await?;
        Ok(updated.rows_affected() == 1)
    }
}
