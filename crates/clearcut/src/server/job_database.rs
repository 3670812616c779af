//! The database of a server: a file of its own, or a PostgreSQL database that it shares.

use std::{path::Path, sync::Arc};

use clearcut_queue::{PostgresQueue, Queue, SqliteQueue};
use clearcut_store::{Store, UrlSigner};
use tokio::task::JoinHandle;

use super::{
    binding::Pair,
    credentials::draw_secret,
    data_folder::{DataFolder, checkpoint_regularly},
    database_file::DATABASE,
};
use crate::failure::Failure;

/// The database.
pub(super) enum JobDatabase {
    /// A file that this process alone uses.
    File(Arc<SqliteQueue>),
    /// A database that this process shares with others.
    Shared(Arc<PostgresQueue>),
}

impl JobDatabase {
    pub(super) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::File(queue) => Arc::clone(queue) as Arc<dyn Queue>,
            Self::Shared(queue) => Arc::clone(queue) as Arc<dyn Queue>,
        }
    }

    /// This database and the store that it is used with.
    pub(super) fn with_store<'a>(&'a self, data: &'a Path, store: &'a Store) -> Pair<'a> {
        let shared = match self {
            Self::File(_) => None,
            Self::Shared(queue) => Some(queue.as_ref()),
        };
        Pair { shared, data, store }
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
