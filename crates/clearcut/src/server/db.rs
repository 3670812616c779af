//! `clearcut db`: makes a consistent copy of a server's database, whether the server runs or not.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Subcommand};
use clearcut_job::SystemClock;
use clearcut_queue::{Policy, SqliteQueue};

use super::database_file::existing_database;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct DbOptions {
    #[command(subcommand)]
    action: Action,

    /// Data folder of the server
    #[arg(long, global = true, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copy the current state of the database to a new file
    Backup {
        /// File to create; it must not exist, but its folder must
        file: PathBuf,
    },
}

pub(crate) async fn run(options: &DbOptions) -> Result<(), Failure> {
    let database = existing_database(&options.data)?;
    let Action::Backup { file } = &options.action;
    if file.exists() {
        let message = format!("{} exists already", file.display());
        return Err(Failure::usage(message, "Give the name of a new file."));
    }
    let queue = SqliteQueue::open(&database, Arc::new(SystemClock), Policy::default()).await?;
    let copied = queue.back_up(file).await;
    queue.close().await;
    copied?;
    println!("{}", file.display());
    Ok(())
}
