//! The trait [`Keys`] in SQL.

use std::time::Duration;

use async_trait::async_trait;

use super::{Backend, Tx, row, statements as sql, webhook_statements};
use crate::{KeyHash, KeyId, KeyLimits, KeyRecord, Keys, NewKey, QueueError, StorageLimits};

#[async_trait]
impl Keys for Backend {
    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        let mut tx = self.begin_write().await?;
        let created = insert_key(&mut tx, key).await?;
        tx.commit().await?;
        Ok(created)
    }

    async fn create_first_key(&self, key: NewKey) -> Result<Option<KeyRecord>, QueueError> {
        let mut tx = self.begin_write().await?;
        if sqlx::query(sql::LIST_KEYS).fetch_optional(&mut *tx).await?.is_some() {
            return Ok(None);
        }
        let created = insert_key(&mut tx, key).await?;
        tx.commit().await?;
        Ok(Some(created))
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        let mut tx = self.begin_read().await?;
        sqlx::query(sql::LIST_KEYS).fetch_all(&mut *tx).await?.iter().map(row::key).collect()
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        let mut tx = self.begin_read().await?;
        let found = sqlx::query(sql::FIND_KEY).bind(hash.as_bytes().to_vec()).fetch_optional(&mut *tx).await?;
        found.as_ref().map(row::key).transpose()
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now().0;
        let revoked = sqlx::query(sql::REVOKE_KEY).bind(id.0).bind(now).execute(&mut *tx).await?;
        sqlx::query(webhook_statements::STOP_KEY_DELIVERIES).bind(id.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(revoked.rows_affected() == 1)
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        let mut tx = self.begin_write_of_one_row().await?;
        let now = tx.now();
        sqlx::query(sql::TOUCH_KEY).bind(id.0).bind(now.0).execute(&mut *tx).await?;
        tx.commit().await
    }

    async fn limit_key(&self, id: KeyId, limits: KeyLimits) -> Result<bool, QueueError> {
        let mut tx = self.begin_write_of_one_row().await?;
        let update = sqlx::query(sql::LIMIT_KEY)
            .bind(id.0)
            .bind(limits.max_running.map(i64::from))
            .bind(limits.max_waiting.map(i64::from))
            .bind(limits.submits_per_minute.map(i64::from))
            .bind(limits.requests_per_minute.map(i64::from));
        let updated = update.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(updated.rows_affected() == 1)
    }

    async fn storage_limits(&self, owner: KeyId) -> Result<StorageLimits, QueueError> {
        find_storage_limits(&mut self.begin_read().await?, owner).await
    }

    async fn set_storage_limits(&self, owner: KeyId, limits: StorageLimits) -> Result<bool, QueueError> {
        let retention_ms =
            limits.max_retention.map(|retention| i64::try_from(retention.as_millis()).unwrap_or(i64::MAX / 2));
        let update = sqlx::query(sql::SET_STORAGE_LIMITS).bind(owner.0).bind(retention_ms);
        let mut tx = self.begin_write_of_one_row().await?;
        let updated = update.bind(limits.quota_bytes.map(row::sql_integer)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(updated.rows_affected() == 1)
    }
}

async fn insert_key(tx: &mut Tx, key: NewKey) -> Result<KeyRecord, QueueError> {
    let created = tx.now();
    let insert = sqlx::query(sql::INSERT_KEY).bind(key.hash.as_bytes().to_vec()).bind(&key.prefix);
    let inserted = insert.bind(&key.name).bind(created.0).fetch_one(&mut **tx).await?;
    Ok(KeyRecord {
        id: KeyId(row::column(&inserted, "id")?),
        name: key.name,
        prefix: key.prefix,
        created,
        last_used: None,
        revoked: None,
        limits: KeyLimits::default(),
    })
}

/// Reads the storage limits of an API key. One that does not exist has none of its own.
pub(super) async fn find_storage_limits(tx: &mut Tx, owner: KeyId) -> Result<StorageLimits, QueueError> {
    let found = sqlx::query(sql::STORAGE_LIMITS).bind(owner.0).fetch_optional(&mut **tx).await?;
    let Some(found) = found else { return Ok(StorageLimits::default()) };
    Ok(StorageLimits {
        max_retention: row::optional_count(&found, "retention_ms")?.map(Duration::from_millis),
        quota_bytes: row::optional_count(&found, "quota_bytes")?,
    })
}
