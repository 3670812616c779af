//! Where a server keeps jobs and objects: in its data folder alone, or in a PostgreSQL database and
//! an S3-compatible store that it shares with other servers and workers.

use std::sync::Arc;

use clearcut_job::{Clock, error_line};
use clearcut_queue::{PostgresQueue, TimeSource};
use clearcut_store::Store;

use super::{
    binding::Pair,
    data_folder::{DataFolder, recover_after_crash},
    database_file::OBJECTS,
    job_database::JobDatabase,
    settings::Settings,
};
use crate::{environment, failure::Failure};

/// The database and the store of a server.
pub(super) struct Backing {
    pub(super) jobs: JobDatabase,
    pub(super) store: Store,
}

impl Backing {
    /// Opens database and store. Nothing is changed before both can be used and belong together. If
    /// this process alone uses them, it also takes back the jobs of earlier runs, and removes what
    /// these left behind.
    pub(super) async fn open(
        settings: &Settings,
        folder: &DataFolder,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let store = open_store(settings)?;
        let policy = settings.queue.clone();
        let jobs = match &settings.services.database {
            None => {
                check_store(settings, &store).await?;
                let pair = Pair { shared: None, data: &settings.data, store: &store };
                pair.check().await?;
                let queue = folder.open_database(policy, Arc::clone(clock)).await?;
                pair.bind().await?;
                recover_after_crash(&queue, &store, clock.as_ref()).await?;
                JobDatabase::File(queue)
            }
            Some(address) => {
                let queue = PostgresQueue::attach(address, TimeSource::Database, policy).await?;
                #[cfg(debug_assertions)]
                let queue = queue.halting_at(environment::halt_at());
                queue.check().await?;
                check_store(settings, &store).await?;
                let pair = Pair { shared: Some(&queue), data: &settings.data, store: &store };
                pair.check().await?;
                queue.migrate().await?;
                pair.bind().await?;
                JobDatabase::Shared(Arc::new(queue))
            }
        };
        Ok(Self { jobs, store })
    }
}

/// Opens the store. Nothing is read or written yet.
pub(super) fn open_store(settings: &Settings) -> Result<Store, Failure> {
    Ok(match &settings.services.store {
        None => Store::local(&settings.data.join(OBJECTS))?,
        Some(address) => Store::s3(address, environment::aws_variables())?,
    })
}

/// Tries what a server needs of a store that is elsewhere. What a folder lacks is seen by its use.
pub(super) async fn check_store(settings: &Settings, store: &Store) -> Result<(), Failure> {
    if !store.is_remote() {
        return Ok(());
    }
    store.check().await.map_err(|error| {
        tracing::debug!(error = error_line(&error), "the check of the store failed");
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
