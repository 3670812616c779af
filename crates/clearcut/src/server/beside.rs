//! Commands that work on the data of a server, whether it runs or not: which data, and how it is
//! opened.

#![allow(clippy::doc_markdown, reason = "the help of the command line is no Markdown")]

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use clearcut_job::SystemClock;
use clearcut_queue::{PostgresQueue, SqliteQueue};

use super::{config::ServeOptions, database_file::existing_database, job_database::JobDatabase, settings::Settings};
use crate::failure::Failure;

/// Flags that name the data of a server.
#[derive(Debug, Args)]
pub(super) struct ServerData {
    /// Data folder of the server
    #[arg(long, global = true, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    data: PathBuf,

    /// Configuration file [default: clearcut.toml in the data folder]
    #[arg(long, global = true, value_name = "FILE", env = "CLEARCUT_CONFIG")]
    config: Option<PathBuf>,

    /// PostgreSQL database of the servers, such as postgres://user@host/name [default: that of the
    /// configuration file, else the file in the data folder]
    #[arg(long, global = true, value_name = "URL", env = "CLEARCUT_DATABASE", hide_env_values = true)]
    database: Option<String>,

    /// S3-compatible store of the servers, such as s3://bucket/prefix [default: that of the
    /// configuration file, else the data folder]
    #[arg(long, global = true, value_name = "URL", env = "CLEARCUT_STORE")]
    store: Option<String>,
}

impl ServerData {
    /// Settings of the server. `retention_hours` wins over those of the file.
    pub(super) fn settings(&self, retention_hours: Option<f64>) -> Result<Settings, Failure> {
        let options = ServeOptions::beside_a_server(self.data.clone(), self.config.clone());
        Settings::load(&options.with_services(self.database.clone(), self.store.clone(), retention_hours))
    }
}

/// Opens the database of a server, and brings its schema up to date.
pub(super) async fn open_database(settings: &Settings) -> Result<JobDatabase, Failure> {
    let policy = settings.queue.clone();
    Ok(match &settings.services.database {
        None => {
            let file = existing_database(&settings.data)?;
            JobDatabase::File(Arc::new(SqliteQueue::open(&file, Arc::new(SystemClock), policy).await?))
        }
        Some(address) => JobDatabase::Shared(Arc::new(PostgresQueue::connect(address, policy).await?)),
    })
}
