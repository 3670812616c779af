//! Cleanup of expired objects, orphans, and leftovers of claims that have ended.

use std::{fs, io, path::Path, time::Duration};

use clearcut_job::{Clock, FencingToken, FileFormat, ObjectName};
use clearcut_queue::{ClaimedJob, Queue, QueueError};
use clearcut_store::{ObjectInfo, Store};
use futures_util::TryStreamExt as _;

/// Removes inputs and outputs past their retention, expired uploads, and plan and segments of ended
/// jobs. Returns the number of
/// removed objects.
///
/// The pointer is removed before the object, so no job points to a missing object. An object that
/// outlives its pointer is found by [`sweep_orphans`].
///
/// # Errors
/// If the queue failed. An object that the store could not remove is logged and left for the sweep.
pub async fn remove_expired(queue: &dyn Queue, store: &Store) -> Result<usize, QueueError> {
    let mut removed = 0;
    loop {
        let expired = queue.forget_expired().await?;
        if expired.is_empty() {
            return Ok(removed);
        }
        for name in expired {
            match store.delete(&name).await {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!(?error, %name, "an object is left for the sweep"),
            }
        }
    }
}

/// Removes what an ended claim made and the job does not point to, because it was cancelled,
/// removed or requeued meanwhile.
pub(crate) async fn clear_outputs(queue: &dyn Queue, store: &Store, ended: &ClaimedJob) {
    let outputs = FileFormat::ALL.map(|format| ObjectName::output(&ended.id, ended.token, format));
    let own = [ObjectName::plan(&ended.id, ended.token), ObjectName::segment(&ended.id, ended.token)];
    let names: Vec<ObjectName> = outputs.into_iter().chain(own).collect();
    let Ok(referenced) = queue.referenced_objects(names.clone()).await else { return };
    for name in names.iter().filter(|name| !referenced.contains(name)) {
        if let Err(error) = store.delete(name).await {
            tracing::warn!(?error, %name, "an object is left for the sweep");
        }
    }
}

/// Removes the folders in `scratch` whose claims no longer run. Such a folder is left if it could
/// not be removed when the claim ended, for example because the disk was read-only.
///
/// # Errors
/// If the queue failed. A folder that cannot be removed is left for the next call.
pub(crate) async fn clear_scratch(queue: &dyn Queue, scratch: &Path) -> Result<(), QueueError> {
    for folder in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let claim = name.rsplit_once('-').and_then(|(job, token)| Some((job.parse().ok()?, token.parse().ok()?)));
        let Some((job, token)) = claim else { continue };
        if queue.is_claimed(&job, FencingToken(token)).await? {
            continue;
        }
        if let Err(error) = fs::remove_dir_all(folder.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%job, %error, "the scratch folder of an ended claim could not be removed");
        }
    }
    Ok(())
}

/// Removes orphans, which are objects that no job or upload points to: what was made by claims that
/// no longer run, and other objects older than `age`. Returns the number of removed objects.
///
/// # Errors
/// If the queue failed. An object that the store could not remove is logged and left for the next
/// call.
pub async fn sweep_orphans(
    queue: &dyn Queue,
    store: &Store,
    clock: &dyn Clock,
    age: Duration,
) -> Result<usize, QueueError> {
    let mut removed = 0;
    for orphan in list_orphans(queue, store, clock, age).await? {
        match store.delete(&orphan.name).await {
            Ok(()) => removed += 1,
            Err(error) => tracing::warn!(?error, name = %orphan.name, "an orphan could not be removed"),
        }
    }
    Ok(removed)
}

/// The objects that [`sweep_orphans`] would remove now.
///
/// # Errors
/// If the queue failed.
pub async fn list_orphans(
    queue: &dyn Queue,
    store: &Store,
    clock: &dyn Clock,
    age: Duration,
) -> Result<Vec<ObjectInfo>, QueueError> {
    let mut orphans = Vec::new();
    for prefix in [ObjectName::UPLOADS, ObjectName::PARTIAL, ObjectName::JOBS] {
        let mut objects = store.list(prefix);
        loop {
            let object = match objects.try_next().await {
                Ok(Some(object)) => object,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(?error, "the store could not be listed");
                    break;
                }
            };
            if is_orphan(queue, clock, &object, age).await? {
                orphans.push(object);
            }
        }
    }
    Ok(orphans)
}

async fn is_orphan(
    queue: &dyn Queue,
    clock: &dyn Clock,
    object: &ObjectInfo,
    age: Duration,
) -> Result<bool, QueueError> {
    // The claim is read before the pointer: a claim that does not run now never writes a pointer.
    let may_be_referenced_later = match object.name.claim() {
        Some((job, token)) => queue.is_claimed(&job, token).await?,
        None => clock.now().since(object.modified) < age,
    };
    Ok(!may_be_referenced_later && queue.referenced_objects(vec![object.name.clone()]).await?.is_empty())
}
