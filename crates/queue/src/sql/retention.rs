//! The trait [`Retention`] in SQL: deletes the pointers to inputs, outputs and uploads past
//! their retention, and those to the parts of ended jobs.

use std::collections::BTreeSet;

use async_trait::async_trait;
use clearcut_job::ObjectName;

use super::{Backend, Tx, part_statements, row, statements as sql};
use crate::{QueueError, Retention};

#[async_trait]
impl Retention for Backend {
    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        let mut tx = self.begin_write().await?;
        let forgotten = self.forget_batch(&mut tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError> {
        let mut tx = self.begin_read().await?;
        let mut kept = Vec::new();
        for name in names {
            let query = sqlx::query_scalar(sql::IS_POINTED_TO).bind(name.as_str());
            let is_pointed_to: bool = query.fetch_one(&mut *tx).await?;
            kept.extend(is_pointed_to.then_some(name));
        }
        Ok(kept)
    }

    /// Deletes the expired pointers in a transaction and rolls it back.
    async fn list_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        let mut tx = self.begin_write().await?;
        let mut all = Vec::new();
        loop {
            let batch = self.forget_batch(&mut tx).await?;
            if batch.is_empty() {
                tx.rollback().await?;
                return Ok(all);
            }
            all.extend(batch);
        }
    }
}

impl Backend {
    /// Deletes one batch of expired pointers. There may be more until it returns nothing.
    async fn forget_batch(&self, tx: &mut Tx) -> Result<Vec<ObjectName>, QueueError> {
        let retention_ms = i64::try_from(self.policy.retention.as_millis()).unwrap_or(i64::MAX / 2);
        loop {
            let (rows, candidates) = forget_rows(tx, retention_ms).await?;
            let forgotten = unreferenced(tx, candidates).await?;
            // Continues if the batch released no object, as with uploads whose objects jobs still
            // point to.
            if rows == 0 || !forgotten.is_empty() {
                return Ok(forgotten);
            }
        }
    }
}

/// Returns those of `names` that no row points to.
pub(super) async fn unreferenced(
    tx: &mut Tx,
    names: impl IntoIterator<Item = ObjectName>,
) -> Result<Vec<ObjectName>, QueueError> {
    let mut unreferenced = Vec::new();
    for name in names {
        let query = sqlx::query_scalar(sql::IS_POINTED_TO).bind(name.as_str());
        let is_pointed_to: bool = query.fetch_one(&mut **tx).await?;
        unreferenced.extend((!is_pointed_to).then_some(name));
    }
    Ok(unreferenced)
}

/// Deletes one batch of expired pointers. Returns the number of rows and the objects they pointed
/// to.
async fn forget_rows(tx: &mut Tx, retention_ms: i64) -> Result<(usize, BTreeSet<ObjectName>), QueueError> {
    let now = tx.now();
    let mut candidates = BTreeSet::new();
    let inputs = sqlx::query(sql::FIND_EXPIRED_INPUTS).bind(now.0).bind(retention_ms).fetch_all(&mut **tx).await?;
    for found in &inputs {
        sqlx::query(sql::FORGET_INPUT).bind(row::column::<i64>(found, "seq")?).execute(&mut **tx).await?;
        candidates.extend(row::released_object(found, "input_key")?);
    }
    sqlx::query(sql::FORGET_ADDRESSES).bind(now.0).bind(retention_ms).execute(&mut **tx).await?;
    let uploads = sqlx::query(sql::FIND_EXPIRED_UPLOADS).bind(now.0).fetch_all(&mut **tx).await?;
    for found in &uploads {
        sqlx::query(sql::DROP_UPLOAD).bind(row::column::<&str>(found, "id")?).execute(&mut **tx).await?;
        candidates.extend(row::released_object(found, "partial_key")?);
        candidates.extend(row::released_object(found, "object_key")?);
    }
    let outputs = sqlx::query(sql::FIND_EXPIRED_OUTPUTS).bind(now.0).bind(retention_ms).fetch_all(&mut **tx).await?;
    for found in &outputs {
        let (seq, place): (i64, i64) = (row::column(found, "job_seq")?, row::column(found, "place")?);
        sqlx::query(sql::FORGET_OUTPUT).bind(seq).bind(place).bind(now.0).execute(&mut **tx).await?;
        candidates.extend(row::released_object(found, "object_key")?);
    }
    let parts = sqlx::query(part_statements::FIND_ENDED_PARTS).fetch_all(&mut **tx).await?;
    for found in &parts {
        let seq: i64 = row::column(found, "seq")?;
        sqlx::query(part_statements::FORGET_PART).bind(seq).execute(&mut **tx).await?;
        candidates.extend(row::released_object(found, "object_key")?);
    }
    Ok((inputs.len() + uploads.len() + outputs.len() + parts.len(), candidates))
}
