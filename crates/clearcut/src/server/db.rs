//! `clearcut db`: brings a server's database up to date, checks it, shows its state and copies it,
//! whether the server runs or not.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clearcut_queue::{PostgresQueue, Queue as _, Schema, TimeSource};

use super::{
    backing::{check_store, open_store, store_place},
    beside::{ServerData, check_schema, open_database, open_migrated_database},
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
    if let Action::Check = options.action {
        open_store(&settings)?; // Settings are checked before anything is connected to.
    }
    let jobs = match (&settings.services.database, &options.action) {
        (Some(_), Action::Backup { .. }) => return Err(no_backup()),
        (Some(_), Action::Migrate) => open_migrated_database(&settings).await?,
        // Whatever its schema is.
        (Some(address), Action::Check | Action::Status) => JobDatabase::Shared(
            PostgresQueue::attach(address, TimeSource::Database, settings.queue.clone()).await?.into(),
        ),
        (None, _) => open_database(&settings).await?,
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
            match schema.found {
                0 => println!("Schema:   none yet; clearcut db migrate makes it, and so does a server"),
                found => println!("Schema:   {found} (this program has {})", schema.known),
            }
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
    check_schema(schema)?;
    match jobs {
        JobDatabase::File(queue) => {
            queue.check_integrity().await?;
            queue.try_writing().await?;
        }
        JobDatabase::Shared(queue) => {
            queue.check().await?;
        }
    }
    println!("Database: {}: in order", jobs.place(&settings.data));
    let store = open_store(settings)?;
    check_store(settings, &store).await?;
    jobs.with_store(&settings.data, &store).check_bound().await?;
    println!("Store: {}: in order", store_place(settings));
    Ok(())
}

async fn back_up(jobs: &JobDatabase, file: &Path) -> Result<(), Failure> {
    let JobDatabase::File(queue) = jobs else { return Err(no_backup()) };
    if file.exists() {
        let message = format!("{} exists already", file.display());
        return Err(Failure::usage(message, "Give the name of a new file."));
    }
    queue.back_up(file).await?;
    println!("{}", file.display());
    Ok(())
}

fn no_backup() -> Failure {
    let message = "a PostgreSQL database is not copied by this program".to_owned();
    Failure::usage(message, "Use pg_dump, or the backups of the database server.")
}
