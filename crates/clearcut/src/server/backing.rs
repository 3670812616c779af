//! Where a server keeps jobs and objects: in its data folder alone, or in a PostgreSQL database and
//! an S3-compatible store that it shares with other servers and workers.

use std::{path::Path, sync::Arc};

use clearcut_job::Clock;
use clearcut_queue::{PostgresQueue, Queue, SqliteQueue};
use clearcut_store::{Store, StoreError, UrlSigner};
use tokio::task::JoinHandle;

use super::{
    binding::check_pair,
    credentials::draw_secret,
    data_folder::{DataFolder, checkpoint_regularly, recover_after_crash},
    database_file::{DATABASE, OBJECTS},
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
    /// Opens database and store, once the store can be used and both belong together. If this
    /// process alone uses them, it also takes back the jobs of earlier runs, and removes what these
    /// left behind.
    pub(super) async fn open(
        settings: &Settings,
        folder: &DataFolder,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let store = open_store(settings)?;
        check_store(settings, &store).await?;
        let policy = settings.queue.clone();
        let jobs = match &settings.services.database {
            None => JobDatabase::File(folder.open_database(policy, Arc::clone(clock)).await?),
            Some(address) => {
                let queue = PostgresQueue::connect(address, policy).await?;
                #[cfg(debug_assertions)]
                let queue = queue.halting_at(environment::halt_at());
                JobDatabase::Shared(Arc::new(queue))
            }
        };
        check_pair(&jobs, &store, &settings.data, true).await?;
        if let JobDatabase::File(queue) = &jobs {
            recover_after_crash(queue, &store, clock.as_ref()).await?;
        }
        Ok(Self { jobs, store })
    }
}

/// Opens the store. Nothing is read or written yet.
pub(super) fn open_store(settings: &Settings) -> Result<Store, Failure> {
    let opened = match &settings.services.store {
        None => Store::local(&settings.data.join(OBJECTS)),
        Some(address) => Store::s3(address, environment::aws_variables()),
    };
    opened.map_err(|error: StoreError| Failure::host_error(error.code(), &error))
}

/// Tries what a server needs of a store that is elsewhere. What a folder lacks is seen by its use.
pub(super) async fn check_store(settings: &Settings, store: &Store) -> Result<(), Failure> {
    if !store.is_remote() {
        return Ok(());
    }
    store.check().await.map_err(|error| {
        tracing::debug!(?error, "the check of the store failed");
        Failure::host(error.code(), format!("{}: {error}", store_place(settings)), Some(error.fault.hint()))
    })
}

/// The store, for people.
pub(super) fn store_place(settings: &Settings) -> String {
    match (&settings.services.store, environment::aws_endpoint()) {
        (None, _) => format!("the folder {}", settings.data.join(OBJECTS).display()),
        (Some(address), None) => format!("S3, {address}"),
        (Some(address), Some(endpoint)) => format!("S3, {address} at {endpoint}"),
    }
}

impl JobDatabase {
    pub(super) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::File(queue) => Arc::clone(queue) as Arc<dyn Queue>,
            Self::Shared(queue) => Arc::clone(queue) as Arc<dyn Queue>,
        }
    }

    /// The database, for people.
    pub(super) fn place(&self, data: &Path) -> String {
        match self {
            Self::File(_) => format!("the file {}", data.join(DATABASE).display()),
            Self::Shared(queue) => queue.place(),
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
