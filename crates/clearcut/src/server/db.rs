//! `clearcut db`: brings a server's database up to date, checks it, shows its state and copies it,
//! whether the server runs or not.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clearcut_job::ErrorCode;
use clearcut_queue::{PostgresQueue, QueueError, Schema, TimeSource};

use super::{
    backing::{check_store, open_store, store_place},
    beside::{ServerData, open_database},
    binding::check_pair,
    job_database::JobDatabase,
    settings::Settings,
};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct DbOptions {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    server: ServerData,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring the database to the schema of this program. A server does so when it starts
    Migrate,
    /// Check that this program can work with the database and the store, and that they belong
    /// together
    Check,
    /// Show where the database is, its schema, and how many jobs and API keys it has
    Status,
    /// Copy the current state of the database in the data folder to a new file
    Backup {
        /// File to create; it must not exist, but its folder must
        file: PathBuf,
    },
}

pub(crate) async fn run(options: &DbOptions) -> Result<(), Failure> {
    let settings = options.server.settings(None)?;
    let jobs = match (&settings.services.database, &options.action) {
        // A check changes nothing. A database in a file is brought up to date whenever it is opened.
        (Some(address), Action::Check | Action::Status) => JobDatabase::Shared(
            PostgresQueue::attach(address, TimeSource::Database, settings.queue.clone()).await?.into(),
        ),
        _ => open_database(&settings).await?,
    };
    let result = run_action(&options.action, &settings, &jobs).await;
    jobs.close().await;
    result
}

async fn run_action(action: &Action, settings: &Settings, jobs: &JobDatabase) -> Result<(), Failure> {
    let schema = match jobs {
        JobDatabase::File(queue) => queue.schema(),
        JobDatabase::Shared(queue) => queue.schema().await?,
    };
    match action {
        Action::Migrate => println!("The database has schema {}.", schema.found),
        Action::Check => return check(settings, jobs, schema).await,
        Action::Status => {
            println!("Database: {}", jobs.place(&settings.data));
            println!("Schema:   {} (this program has {})", schema.found, schema.known);
            if schema.found > 0 && !schema.is_too_new() {
                let queue = jobs.queue();
                let (depth, keys) = (queue.depth().await?, queue.list_keys().await?);
                println!("Jobs:     {} waiting, {} running", depth.queued, depth.leased);
                println!("API keys: {}", keys.iter().filter(|key| key.revoked.is_none()).count());
            }
        }
        Action::Backup { file } => return back_up(jobs, file).await,
    }
    Ok(())
}

async fn check(settings: &Settings, jobs: &JobDatabase, schema: Schema) -> Result<(), Failure> {
    if schema.is_too_new() {
        return Err(QueueError::NewerSchema { found: schema.found }.into());
    }
    if schema.is_outdated() {
        let message = format!("the database has schema {}, and this program needs {}", schema.found, schema.known);
        return Err(Failure::host(ErrorCode::OldSchema, message, Some("Run clearcut db migrate, or start a server.")));
    }
    if let JobDatabase::File(queue) = jobs {
        queue.check_integrity().await?;
    }
    jobs.queue().try_writing().await?;
    println!("Database: {}: in order", jobs.place(&settings.data));
    let store = open_store(settings)?;
    check_store(settings, &store).await?;
    check_pair(jobs, &store, &settings.data, false).await?;
    println!("Store: {}: in order", store_place(settings));
    Ok(())
}

async fn back_up(jobs: &JobDatabase, file: &Path) -> Result<(), Failure> {
    let JobDatabase::File(queue) = jobs else {
        let message = "a PostgreSQL database is not copied by this program".to_owned();
        return Err(Failure::usage(message, "Use pg_dump, or the backups of the database server."));
    };
    if file.exists() {
        let message = format!("{} exists already", file.display());
        return Err(Failure::usage(message, "Give the name of a new file."));
    }
    queue.back_up(file).await?;
    println!("{}", file.display());
    Ok(())
}
