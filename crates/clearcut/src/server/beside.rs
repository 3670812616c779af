//! Commands that work on the data of a server, whether it runs or not: which data, and how it is
//! opened.

#![allow(clippy::doc_markdown, reason = "the help of the command line is no Markdown")]

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use clearcut_job::{ErrorCode, SystemClock};
use clearcut_queue::{PostgresQueue, QueueError, Schema, SqliteQueue, TimeSource};

use super::{
    backing::{check_store, open_store},
    binding::Pair,
    config::ServeOptions,
    database_file::existing_database,
    job_database::JobDatabase,
    settings::Settings,
};
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

/// Opens the database of a server as it is. A shared one whose schema is older, or that has none, is
/// refused; one in a file is brought up to date whenever it is opened.
pub(super) async fn open_database(settings: &Settings) -> Result<JobDatabase, Failure> {
    let Some(address) = &settings.services.database else { return open_file(settings).await };
    let queue = PostgresQueue::attach(address, TimeSource::Database, settings.queue.clone()).await?;
    check_schema(queue.schema().await?)?;
    Ok(JobDatabase::Shared(Arc::new(queue)))
}

/// Opens the database of a server, and brings its schema up to date. If that is to be done and a store
/// is given, both must belong together.
pub(super) async fn open_migrated_database(settings: &Settings) -> Result<JobDatabase, Failure> {
    let Some(address) = &settings.services.database else { return open_file(settings).await };
    let queue = PostgresQueue::attach(address, TimeSource::Database, settings.queue.clone()).await?;
    if queue.check().await?.is_outdated() {
        if settings.services.store.is_some() {
            let store = open_store(settings)?;
            check_store(settings, &store).await?;
            Pair { shared: Some(&queue), data: &settings.data, store: &store }.check().await?;
        }
        queue.migrate().await?;
    }
    Ok(JobDatabase::Shared(Arc::new(queue)))
}

async fn open_file(settings: &Settings) -> Result<JobDatabase, Failure> {
    let file = existing_database(&settings.data)?;
    let queue = SqliteQueue::open(&file, Arc::new(SystemClock), settings.queue.clone()).await?;
    Ok(JobDatabase::File(Arc::new(queue)))
}

/// Checks that this program can work with a database as it is.
pub(super) fn check_schema(schema: Schema) -> Result<(), Failure> {
    if schema.is_too_new() {
        return Err(QueueError::NewerSchema { found: schema.found }.into());
    }
    if !schema.is_outdated() {
        return Ok(());
    }
    let message = match schema.found {
        0 => "the database has no tables of this program yet".to_owned(),
        found => format!("the database has schema {found}, and this program needs {}", schema.known),
    };
    Err(Failure::host(ErrorCode::OldSchema, message, Some("Run clearcut db migrate, or start a server.")))
}
