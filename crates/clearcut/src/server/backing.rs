//! Where a server keeps jobs and objects: in its data folder alone, or in a PostgreSQL database and
//! an S3-compatible store that it shares with other servers and workers.

use std::sync::Arc;

use clearcut_job::Clock;
use clearcut_queue::{PostgresQueue, Queue, SqliteQueue};
use clearcut_store::{Store, StoreError, UrlSigner};
use tokio::task::JoinHandle;

use super::{
    credentials::draw_secret,
    data_folder::{DataFolder, checkpoint_regularly, recover_after_crash},
    settings::Settings,
};
use crate::{environment, failure::Failure};

/// The database and the store of a server.
pub(super) struct Backing {
    pub(super) jobs: JobDatabase,
    pub(super) store: Store,
}

/// The database.
pub(super) enum JobDatabase {
    /// A file that this process alone uses.
    File(Arc<SqliteQueue>),
    /// A database that this process shares with others.
    Shared(Arc<PostgresQueue>),
}

impl Backing {
    /// Opens database and store. If this process alone uses them, it also takes back the jobs of
    /// earlier runs, and removes what these left behind.
    pub(super) async fn open(
        settings: &Settings,
        folder: &DataFolder,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let store = open_store(settings, folder)?;
        let policy = settings.queue.clone();
        let jobs = match &settings.database {
            None => {
                let queue = folder.open_database(policy, Arc::clone(clock)).await?;
                recover_after_crash(&queue, &store, clock.as_ref()).await?;
                JobDatabase::File(queue)
            }
            Some(address) => {
                let queue = PostgresQueue::connect(address, policy).await?;
                #[cfg(debug_assertions)]
                let queue = queue.halting_at(environment::halt_at());
                JobDatabase::Shared(Arc::new(queue))
            }
        };
        Ok(Self { jobs, store })
    }
}

fn open_store(settings: &Settings, folder: &DataFolder) -> Result<Store, Failure> {
    let failed = |error: StoreError| Failure::host_error(error.code(), &error);
    match &settings.store {
        None => Store::local(&folder.subfolder(super::database_file::OBJECTS)?).map_err(failed),
        Some(address) => Store::s3(address, environment::aws_variables()).map_err(failed),
    }
}

impl JobDatabase {
    pub(super) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::File(queue) => Arc::clone(queue) as Arc<dyn Queue>,
            Self::Shared(queue) => Arc::clone(queue) as Arc<dyn Queue>,
        }
    }

    /// The signer of links. Its key is in the data folder if this process alone uses it, otherwise in
    /// the database. Called after the first API key was created: a folder with a signing key and no
    /// API key has lost its database.
    pub(super) async fn open_signer(&self, folder: &DataFolder) -> Result<UrlSigner, Failure> {
        match self {
            Self::File(_) => folder.open_signer(),
            Self::Shared(queue) => Ok(UrlSigner::new(queue.signing_secret(draw_secret()?).await?)),
        }
    }

    /// Keeps the database in order, until the task is aborted.
    pub(super) fn maintain(&self) -> JoinHandle<()> {
        match self {
            Self::File(queue) => {
                let queue = Arc::clone(queue);
                tokio::spawn(async { checkpoint_regularly(queue).await })
            }
            Self::Shared(_) => tokio::spawn(std::future::pending()),
        }
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::File(queue) => queue.close().await,
            Self::Shared(queue) => queue.close().await,
        }
    }
}
