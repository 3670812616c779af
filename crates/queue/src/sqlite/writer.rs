//! The one connection that writes, and when it is given up for a new one.

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

/// The writer: a pool of one connection, so that no two writers of this process wait for each other's locks.
///
/// A connection that failed is not trusted again. On a full disk SQLite undoes a transaction by itself, and the library goes on
/// believing that it is within one; a connection that was opened while the file system was read-only stays read-only
/// for ever. The next one who writes gets a new connection.
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
            let is_sound = !has_failed.swap(false, Ordering::Relaxed) && !connection.is_in_transaction();
            if !is_sound {
                tracing::warn!("the database connection that writes is replaced after a failure");
            }
            Box::pin(async move { Ok(is_sound) })
        });
        let writer = Self { pool: pool.connect_with(options).await?, failed, database: path.to_owned() };
        Ok(writer)
    }

    /// For what is asked once, at the start.
    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that holds the write lock from its first word, so that it cannot fail halfway for want of it.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.explain(error))
    }

    /// Runs one statement as a transaction of its own.
    pub(super) async fn execute(
        &self,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, QueueError> {
        statement.execute(&self.pool).await.map_err(|error| self.explain(error))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// What a failure means, and that the connection is to be replaced unless the statement alone was at fault.
    fn explain(&self, error: sqlx::Error) -> QueueError {
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
    async fn a_transaction_that_sqlite_undid_by_itself_does_not_end_all_writing() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        for _ in 0..3 {
            let mut tx = writer.begin().await.unwrap();
            // What a full disk makes of a commit: the transaction is gone, and the library does not know.
            sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
            assert!(tx.commit().await.is_err());
            insert(&writer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_cannot_write_is_replaced_by_one_that_can() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        // As one that was opened while the file system was read-only.
        writer.execute(sqlx::query("PRAGMA query_only = true")).await.unwrap();
        let refused = writer.execute(sqlx::query("INSERT INTO t VALUES (1)")).await;
        assert!(matches!(refused, Err(QueueError::ReadOnly)), "{refused:?}");
        insert(&writer).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_that_is_taken_costs_no_connection() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open(folder.path()).await;
        writer.execute(sqlx::query("CREATE TEMP TABLE once (x UNIQUE)")).await.unwrap();
        let twice = || writer.execute(sqlx::query("INSERT INTO once VALUES (1)"));
        twice().await.unwrap();
        assert!(matches!(twice().await, Err(QueueError::Taken)));
        // The table would have gone with its connection.
        assert!(matches!(twice().await, Err(QueueError::Taken)));
    }
}
