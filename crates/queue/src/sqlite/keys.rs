//! API keys in SQLite.

use super::{SqliteQueue, row, sql, webhook_sql};
use crate::{KeyHash, KeyId, KeyLimits, KeyRecord, NewKey, QueueError};

impl SqliteQueue {
    pub(super) async fn insert_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
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

    pub(super) async fn read_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        sqlx::query(sql::LIST_KEYS).fetch_all(&self.readers).await?.iter().map(row::key).collect()
    }

    pub(super) async fn read_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        let found = sqlx::query(sql::FIND_KEY).bind(hash.as_bytes().to_vec()).fetch_optional(&self.readers).await?;
        found.as_ref().map(row::key).transpose()
    }

    pub(super) async fn revoke(&self, id: KeyId) -> Result<bool, QueueError> {
        let now = self.clock.now().0;
        let mut tx = self.write().await?;
        let revoked = sqlx::query(sql::REVOKE_KEY).bind(id.0).bind(now).execute(&mut *tx).await?;
        sqlx::query(webhook_sql::STOP_KEY_DELIVERIES).bind(id.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(revoked.rows_affected() == 1)
    }

    pub(super) async fn touch(&self, id: KeyId) -> Result<(), QueueError> {
        let now = self.clock.now().0;
        self.writer.execute(sqlx::query(sql::TOUCH_KEY).bind(id.0).bind(now)).await?;
        Ok(())
    }
}
