//! `clearcut gc`: removes expired and orphaned objects from a server's store.

use std::time::Duration;

use clap::Args;
use clearcut_job::{Clock, ErrorCode, ObjectName, SystemClock};
use clearcut_queue::Queue;
use clearcut_store::{Store, StoreError};
use clearcut_worker::{list_orphans, remove_expired, sweep_orphans};

use super::{
    backing::{check_store, open_store},
    beside::{ServerData, open_database},
    job_database::JobDatabase,
    settings::Settings,
};
use crate::failure::Failure;

/// Flags of `clearcut gc`.
#[derive(Debug, Args)]
pub(crate) struct GcOptions {
    /// List the objects that would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: ServerData,

    /// Retention of clips and outputs after the end of a job [default: that of the configuration
    /// file]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_RETENTION_HOURS")]
    retention_hours: Option<f64>,

    /// Age from which an object that nothing points to is removed [default: 24]. Less only while no
    /// client uploads: nothing points to an object that is still arriving
    #[arg(long, value_name = "HOURS")]
    orphan_age_hours: Option<u32>,
}

/// Object to remove.
struct RemovableObject {
    name: ObjectName,
    size_bytes: u64,
    reason: &'static str,
}

/// Removes expired objects, and objects that nothing points to and that are a day old, or as old as
/// the options say. A server does the same from time to time by the same rules, so both can run at
/// once.
pub(crate) async fn run(options: &GcOptions) -> Result<(), Failure> {
    let settings = options.server.settings(options.retention_hours)?;
    let hours = options.orphan_age_hours.map(|hours| Duration::from_hours(hours.into()));
    let orphan_age = hours.unwrap_or(settings.worker.orphan_age);
    let jobs = open_database(&settings).await?;
    let result = match open_checked_store(&jobs, &settings).await {
        Ok(store) => collect(jobs.queue().as_ref(), &store, orphan_age, options.dry_run).await,
        Err(unusable) => Err(unusable),
    };
    jobs.close().await;
    result
}

/// Opens the store, which must be usable and belong to the database.
async fn open_checked_store(jobs: &JobDatabase, settings: &Settings) -> Result<Store, Failure> {
    let store = open_store(settings)?;
    check_store(settings, &store).await?;
    jobs.with_store(&settings.data, &store).check_bound().await?;
    Ok(store)
}

async fn collect(queue: &dyn Queue, store: &Store, age: Duration, dry_run: bool) -> Result<(), Failure> {
    let objects = find_removable(queue, store, age).await?;
    for RemovableObject { name, size_bytes, reason } in &objects {
        println!("{size_bytes:>14}  {reason:<8}  {name}");
    }
    if dry_run {
        println!("{} would be removed", total(&objects));
        return Ok(());
    }
    remove_expired(queue, store).await?;
    sweep_orphans(queue, store, &SystemClock as &dyn Clock, age).await?;
    store.sweep_staging(age).await.map_err(|error| store_failure(&error))?;
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for object in objects {
        match store.head(&object.name).await {
            Err(StoreError::Missing) => removed.push(object),
            Err(error) => return Err(store_failure(&error)),
            Ok(_) => left.push(object),
        }
    }
    println!("{} were removed", total(&removed));
    if left.is_empty() {
        return Ok(());
    }
    let message = format!("{} are still there", total(&left));
    Err(Failure::host(ErrorCode::StorageUnavailable, message, Some("Run the command again later.")))
}

fn total(objects: &[RemovableObject]) -> String {
    let bytes: u64 = objects.iter().map(|object| object.size_bytes).sum();
    format!("{} objects with {bytes} bytes", objects.len())
}

async fn find_removable(queue: &dyn Queue, store: &Store, age: Duration) -> Result<Vec<RemovableObject>, Failure> {
    let mut objects = Vec::new();
    for name in queue.list_expired().await? {
        // An upload that received no byte has no object.
        match store.head(&name).await {
            Ok(object) => objects.push(RemovableObject { name, size_bytes: object.size_bytes, reason: "expired" }),
            Err(StoreError::Missing) => {}
            Err(error) => return Err(store_failure(&error)),
        }
    }
    let orphans = list_orphans(queue, store, &SystemClock, age).await?;
    objects.extend(orphans.into_iter().map(|orphan| RemovableObject {
        name: orphan.name,
        size_bytes: orphan.size_bytes,
        reason: "orphan",
    }));
    Ok(objects)
}

fn store_failure(error: &StoreError) -> Failure {
    Failure::host(error.code(), error.to_string(), None)
}
