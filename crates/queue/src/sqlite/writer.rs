//! The only writing connection, and its replacement after a failure.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteQueryResult},
};

use crate::QueueError;

/// A pool of one writing connection, so that writers of this process never wait for each other's
/// locks.
///
/// A connection is not used again after a failure; the next write opens a new one. On a full disk
/// SQLite rolls back a transaction by itself, while sqlx still assumes an open one. A connection
/// that was opened on a read-only file system stays read-only.
#[derive(Debug)]
pub(super) struct Writer {
    pool: SqlitePool,
    failed: Arc<AtomicBool>,
    database: PathBuf,
}

impl Writer {
    pub(super) async fn open(path: &Path, options: SqliteConnectOptions) -> Result<Self, QueueError> {
        let failed = Arc::new(AtomicBool::new(false));
        let has_failed = failed.clone();
        let pool = SqlitePoolOptions::new().max_connections(1).before_acquire(move |connection, _| {
            let is_usable = !has_failed.swap(false, Ordering::Relaxed) && !connection.is_in_transaction();
            if !is_usable {
                tracing::warn!("replacing the database writer connection after a failure");
            }
            Box::pin(async move { Ok(is_usable) })
        });
        let writer = Self { pool: pool.connect_with(options).await?, failed, database: path.to_owned() };
        Ok(writer)
    }

    /// The pool itself, for queries at the start.
    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that holds the write lock from its first statement, so that it cannot
    /// fail halfway for lack of the lock.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.record_failure(error))
    }

    /// Runs one statement as its own transaction.
    pub(super) async fn execute(
        &self,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, QueueError> {
        statement.execute(&self.pool).await.map_err(|error| self.record_failure(error))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Converts an error, and marks the connection for replacement unless the statement alone was
    /// at fault.
    fn record_failure(&self, error: sqlx::Error) -> QueueError {
        let error = QueueError::from(error);
        if matches!(error, QueueError::Taken) {
            return error;
        }
        self.failed.store(true, Ordering::Relaxed);
        match error {
            QueueError::Database(_) | QueueError::DiskFull if is_read_only(&self.database).unwrap_or(false) => {
                QueueError::ReadOnly
            }
            error => error,
        }
    }
}

#[cfg(unix)]
fn is_read_only(path: &Path) -> io::Result<bool> {
    Ok(rustix::fs::statvfs(path)?.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[cfg(not(unix))]
fn is_read_only(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(folder: &Path) -> Writer {
        let path = folder.join("q.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let writer = Writer::open(&path, options).await.unwrap();
        writer.execute(sqlx::query("CREATE TABLE t (x)")).await.unwrap();
        writer
    }

    async fn insert(writer: &Writer) -> Result<(), QueueError> {
        let mut tx = writer.begin().await?;
        sqlx::query("INSERT INTO t VALUES (1)").execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    #[tokio::test]
    async fn writing_continues_after_sqlite_rolls_back_a_transaction_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        for _ in 0..3 {
            let mut tx = writer.begin().await.unwrap();
            // A full disk has the same effect on a commit: the transaction is gone, but sqlx
            // assumes it is open.
            sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
            assert!(tx.commit().await.is_err());
            insert(&writer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_read_only_connection_is_replaced_by_a_writable_one() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        // Acts like a connection that was opened on a read-only file system.
        writer.execute(sqlx::query("PRAGMA query_only = true")).await.unwrap();
        let refused = writer.execute(sqlx::query("INSERT INTO t VALUES (1)")).await;
        assert!(matches!(refused, Err(QueueError::ReadOnly)), "{refused:?}");
        insert(&writer).await.unwrap();
    }

    #[tokio::test]
    async fn a_unique_violation_keeps_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        writer.execute(sqlx::query("CREATE TEMP TABLE once (x UNIQUE)")).await.unwrap();
        let insert_once = || writer.execute(sqlx::query("INSERT INTO once VALUES (1)"));
        insert_once().await.unwrap();
        assert!(matches!(insert_once().await, Err(QueueError::Taken)));
        // A new connection would not see the temporary table.
        assert!(matches!(insert_once().await, Err(QueueError::Taken)));
    }
}
