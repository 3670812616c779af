//! Data folder of a running server: locked for this process, its database and objects opened, and
//! leftovers of earlier runs removed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clearcut_job::{Clock, ErrorCode, error_line};
use clearcut_queue::{DataLock, Keys as _, Policy, SqliteQueue};
use clearcut_store::{Store, UrlSigner, sync_folder};
use clearcut_worker::sweep_orphans;

use super::{
    child_processes::{MarkedChildren, mark_children},
    database_file::{DATABASE, SIGNING_KEY, refuse_lost_database},
};
use crate::failure::Failure;

/// Data folder that this process alone uses, until this value is dropped.
pub(super) struct DataFolder {
    path: PathBuf,
    // Dropped before the lock, which covers the child processes too.
    children: MarkedChildren,
    _lock: DataLock,
}

impl DataFolder {
    /// Locks the data folder, which is created if it is missing, and ends the child processes that
    /// earlier runs left behind.
    pub(super) fn lock(path: &Path) -> Result<Self, Failure> {
        let lock = DataLock::take(path).map_err(|error| failure(&error))?;
        // Makes the name of a new data folder durable. If its parent folder may not be read,
        // another user created the data folder earlier.
        let _ = sync_folder(absolute(path)?.parent().unwrap_or(path));
        let children = mark_children(path).map_err(|error| failure(&error))?;
        Ok(Self { path: path.to_path_buf(), children, _lock: lock })
    }

    /// Mark of the child processes of this run.
    pub(super) fn mark(&self) -> &str {
        &self.children.mark
    }

    /// Absolute path of the folder `name` in the data folder.
    pub(super) fn subfolder(&self, name: &str) -> Result<PathBuf, Failure> {
        Ok(absolute(&self.path)?.join(name))
    }

    /// Opens the database. A folder whose database was lost is refused.
    pub(super) async fn open_database(
        &self,
        policy: Policy,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<SqliteQueue>, Failure> {
        let database = self.path.join(DATABASE);
        // Checked before a new database is created in place of a lost one.
        refuse_lost_database(&self.path, fs::metadata(&database).is_ok_and(|file| file.len() > 0))?;
        let queue = SqliteQueue::open(&database, clock, policy).await?;
        #[cfg(debug_assertions)]
        let queue = queue.halting_at(crate::environment::halt_at());
        let queue = Arc::new(queue);
        refuse_lost_database(&self.path, !queue.list_keys().await?.is_empty())?;
        Ok(queue)
    }

    /// Opens the key that signs links. Called after the first API key was created: a folder with a
    /// signing key and no API key has lost its database.
    pub(super) fn open_signer(&self) -> Result<UrlSigner, Failure> {
        UrlSigner::open(&self.path.join(SIGNING_KEY)).map_err(|error| failure(&error))
    }
}

/// Takes back all claims and removes leftovers of earlier runs. This process holds the data lock,
/// so every earlier holder of a lease or writer of an object is dead.
pub(super) async fn recover_after_crash(queue: &SqliteQueue, store: &Store, clock: &dyn Clock) -> Result<(), Failure> {
    for lost in queue.take_back_all().await? {
        tracing::warn!(job = %lost.id, has_failed = lost.has_failed, "an earlier run ended while it worked on a job");
    }
    clearcut_worker::remove_expired(queue, store).await?;
    let staged =
        store.sweep_staging(Duration::ZERO).await.map_err(|error| Failure::host_error(error.code(), &error))?;
    let orphans = sweep_orphans(queue, store, clock, Duration::ZERO).await?;
    if staged + orphans > 0 {
        tracing::info!(staged, orphans, "leftovers of an earlier run were removed");
    }
    Ok(())
}

/// Interval between checkpoints of the write-ahead log, so that older commits do not depend on it.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// Checkpoints the write-ahead log of the database at intervals, until the task is aborted.
pub(super) async fn checkpoint_regularly(queue: Arc<SqliteQueue>) -> ! {
    loop {
        tokio::time::sleep(CHECKPOINT_INTERVAL).await;
        if let Err(error) = queue.checkpoint().await {
            tracing::warn!(error = error_line(&error), "the write-ahead log could not be checkpointed");
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| failure(&error))
}

fn failure(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::host_error(ErrorCode::DataDirectory, error)
}
