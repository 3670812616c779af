use std::collections::BTreeSet;

use clearcut_job::UnixMillis;
use sqlx::{Sqlite, Transaction};

use super::{SqliteQueue, row, sql};
use crate::QueueError;

type Tx = Transaction<'static, Sqlite>;

impl SqliteQueue {
    pub(super) async fn forget_expired_objects(&self) -> Result<Vec<String>, QueueError> {
        let mut tx = self.write().await?;
        let forgotten = self.forget_some(&mut tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Forgets all, looks at it, and takes it back.
    pub(super) async fn foresee_expired(&self) -> Result<Vec<String>, QueueError> {
        let mut tx = self.write().await?;
        let mut all = Vec::new();
        loop {
            let some = self.forget_some(&mut tx).await?;
            if some.is_empty() {
                tx.rollback().await?;
                return Ok(all);
            }
            all.extend(some);
        }
    }

    /// Until it returns nothing there may be more.
    async fn forget_some(&self, tx: &mut Tx) -> Result<Vec<String>, QueueError> {
        let now = self.clock.now();
        let retention_ms = i64::try_from(self.policy.retention.as_millis()).unwrap_or(i64::MAX / 2);
        loop {
            let (rows, candidates) = forget_rows(tx, now, retention_ms).await?;
            let mut forgotten = Vec::new();
            for key in candidates {
                let pointed: bool = sqlx::query_scalar(sql::IS_POINTED_TO).bind(&key).fetch_one(&mut **tx).await?;
                forgotten.extend((!pointed).then_some(key));
            }
            // Rows without an object of their own, such as uploads whose jobs still point to it, are no reason to stop.
            if rows == 0 || !forgotten.is_empty() {
                return Ok(forgotten);
            }
        }
    }
}

/// How many rows lost a pointer, and to what.
async fn forget_rows(tx: &mut Tx, now: UnixMillis, retention_ms: i64) -> Result<(usize, BTreeSet<String>), QueueError> {
    let mut candidates = BTreeSet::new();
    let inputs = sqlx::query(sql::FIND_SPENT_INPUTS).bind(now.0).bind(retention_ms).fetch_all(&mut **tx).await?;
    for found in &inputs {
        sqlx::query(sql::FORGET_INPUT).bind(row::column::<i64>(found, "seq")?).execute(&mut **tx).await?;
        candidates.insert(row::column(found, "input_key")?);
    }
    sqlx::query(sql::FORGET_ADDRESSES).bind(now.0).bind(retention_ms).execute(&mut **tx).await?;
    let uploads = sqlx::query(sql::FIND_EXPIRED_UPLOADS).bind(now.0).fetch_all(&mut **tx).await?;
    for found in &uploads {
        sqlx::query(sql::DROP_UPLOAD).bind(row::column::<&str>(found, "id")?).execute(&mut **tx).await?;
        candidates.extend(row::column::<Option<String>>(found, "partial_key")?);
        candidates.extend(row::column::<Option<String>>(found, "object_key")?);
    }
    let outputs = sqlx::query(sql::FIND_OLD_OUTPUTS).bind(now.0).bind(retention_ms).fetch_all(&mut **tx).await?;
    for found in &outputs {
        let (seq, place): (i64, i64) = (row::column(found, "job_seq")?, row::column(found, "place")?);
        sqlx::query(sql::FORGET_OUTPUT).bind(seq).bind(place).bind(now.0).execute(&mut **tx).await?;
        candidates.insert(row::column(found, "object_key")?);
    }
    Ok((inputs.len() + uploads.len() + outputs.len(), candidates))
}
