use std::{path::PathBuf, sync::Arc};

use clap::Args;
use clearcut_job::{Clock, SystemClock};
use clearcut_queue::{Policy, Queue, SqliteQueue, Uploads as _};
use clearcut_store::{ObjectName, Store, StoreError};
use clearcut_worker::{WorkerSettings, list_orphans, sweep_orphans, tidy};

use super::{
    config::{ServeOptions, Settings},
    run::DATABASE,
};
use crate::failure::Failure;

/// `clearcut gc`.
#[derive(Debug, Args)]
pub(crate) struct GcOptions {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Folder of the server
    #[arg(long, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    data: PathBuf,

    /// Configuration file [default: clearcut.toml in the data folder]
    #[arg(long, value_name = "FILE", env = "CLEARCUT_CONFIG")]
    config: Option<PathBuf>,

    /// How long clips and outputs are kept after the end of a job [default: that of the configuration file]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_RETENTION_HOURS")]
    retention_hours: Option<f64>,
}

/// An object that is to go.
struct Waste {
    name: ObjectName,
    size_bytes: u64,
    why: &'static str,
}

/// Removes what a server removes by itself from time to time, by the same rules, so that both can do it at once: what has
/// expired, and what nothing points to for a day.
pub(crate) async fn run(options: &GcOptions) -> Result<(), Failure> {
    let database = options.data.join(DATABASE);
    if !database.exists() {
        let message = format!("there is no server in {}", options.data.display());
        return Err(Failure::usage(message, "Give its folder with --data, or start it once with clearcut serve."));
    }
    let beside = ServeOptions::beside(options.data.clone(), options.config.clone(), options.retention_hours);
    let retention = Settings::gather(&beside)?.retention;
    let policy = Policy { retention, ..Policy::default() };
    let queue = SqliteQueue::open(&database, Arc::new(SystemClock), policy).await?;
    let store = Store::local(&options.data.join("objects")).map_err(|error| failed(&error))?;
    let done = collect(&queue, &store, options.dry_run).await;
    queue.close().await;
    done
}

async fn collect(queue: &SqliteQueue, store: &Store, dry_run: bool) -> Result<(), Failure> {
    let age = WorkerSettings::new(PathBuf::new()).orphan_age;
    let waste = find(queue, store, age).await?;
    for Waste { name, size_bytes, why } in &waste {
        println!("{size_bytes:>14}  {why:<8}  {name}");
    }
    if !dry_run {
        tidy(queue, store).await?;
        sweep_orphans(queue, store, &SystemClock as &dyn Clock, age).await?;
        store.sweep_staging(age).await.map_err(|error| failed(&error))?;
    }
    let bytes: u64 = waste.iter().map(|waste| waste.size_bytes).sum();
    let verb = if dry_run { "would be removed" } else { "were removed" };
    println!("{} objects with {bytes} bytes {verb}", waste.len());
    Ok(())
}

async fn find(queue: &SqliteQueue, store: &Store, age: std::time::Duration) -> Result<Vec<Waste>, Failure> {
    let mut waste = Vec::new();
    for name in queue.list_expired().await?.iter().filter_map(|key| key.parse::<ObjectName>().ok()) {
        // An upload that was begun and got no byte has no object.
        match store.head(&name).await {
            Ok(object) => waste.push(Waste { name, size_bytes: object.size_bytes, why: "expired" }),
            Err(StoreError::Missing) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    let orphans = list_orphans(queue as &dyn Queue, store, &SystemClock, age).await?;
    waste.extend(orphans.into_iter().map(|orphan| Waste {
        name: orphan.name,
        size_bytes: orphan.size_bytes,
        why: "orphan",
    }));
    Ok(waste)
}

fn failed(error: &StoreError) -> Failure {
    Failure::host(error.code(), error.to_string(), None)
}
