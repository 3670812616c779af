//! Cleanup of expired objects, orphans, and objects of claims that have ended.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    time::Duration,
};

use clearcut_job::{Clock, FileFormat, ObjectName, error_line};
use clearcut_queue::{ClaimedJob, Queue, QueueError};
use clearcut_store::{ObjectInfo, Store, StoreError};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};

/// Number of objects that a sweep holds at a time.
const SWEEP_BATCH: usize = 1000;

/// Removes inputs and outputs past their retention, expired uploads, and plan and segments of ended
/// jobs. Returns the number of removed objects.
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
        match store.delete_all(&expired).await {
            Ok(()) => removed += expired.len(),
            Err(error) => {
                tracing::warn!(error = error_line(&error), count = expired.len(), "objects are left for the sweep");
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
            tracing::warn!(error = error_line(&error), %name, "an object is left for the sweep");
        }
    }
}

/// Removes orphans, which are objects that no job or upload points to: what was made by claims that
/// no longer run, bytes of incomplete uploads, and other objects older than `age`. Returns the number of removed objects. However
/// many there are, a thousand are held at a time.
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
    let (mut removed, mut listing) = (0, Listing::new(store));
    while let Some(batch) = listing.next_batch().await {
        let orphans = orphans_among(queue, clock, batch, age).await?;
        let count = orphans.len();
        let mut names: Vec<_> = orphans.into_iter().map(|orphan| orphan.name).collect();
        names.dedup();
        match store.delete_all(&names).await {
            Ok(()) => removed += count,
            Err(error) => tracing::warn!(error = error_line(&error), count, "orphans could not be removed"),
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
    let (mut orphans, mut listing) = (Vec::new(), Listing::new(store));
    while let Some(batch) = listing.next_batch().await {
        orphans.extend(orphans_among(queue, clock, batch, age).await?);
    }
    Ok(orphans)
}

/// All objects of a store, in batches.
struct Listing {
    objects: BoxStream<'static, Result<ObjectInfo, StoreError>>,
}

impl Listing {
    fn new(store: &Store) -> Self {
        let folders = [ObjectName::UPLOADS, ObjectName::PARTIAL, ObjectName::JOBS].map(|prefix| store.list(prefix));
        Self { objects: stream::iter(folders).flatten().boxed() }
    }

    /// The next objects; `None` after the last one.
    async fn next_batch(&mut self) -> Option<Vec<ObjectInfo>> {
        let mut batch = Vec::new();
        while batch.len() < SWEEP_BATCH
            && let Some(object) = self.objects.next().await
        {
            match object {
                Ok(object) => batch.push(object),
                Err(error) => {
                    tracing::warn!(error = error_line(&error), "the store could not be listed");
                    self.objects = stream::empty().boxed();
                }
            }
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// Those of `objects` that are orphans.
async fn orphans_among(
    queue: &dyn Queue,
    clock: &dyn Clock,
    objects: Vec<ObjectInfo>,
    age: Duration,
) -> Result<Vec<ObjectInfo>, QueueError> {
    let (mut candidates, mut claims) = (Vec::new(), HashMap::new());
    for object in objects {
        // The claims are read before the pointers: a claim that does not run now never writes one.
        let may_be_referenced_later = match object.name.claim() {
            Some(claim) => match claims.entry(claim) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let (job, token) = unknown.key();
                    let is_claimed = queue.is_claimed(job, *token).await?;
                    *unknown.insert(is_claimed)
                }
            },
            // The row of an incomplete upload is older than its bytes, and once it is gone or the upload is
            // complete, none points to them again.
            None => !object.name.is_partial() && clock.now().since(object.modified) < age,
        };
        if !may_be_referenced_later {
            candidates.push(object);
        }
    }
    let mut names: Vec<_> = candidates.iter().map(|object| object.name.clone()).collect();
    names.dedup();
    let referenced: HashSet<_> = queue.referenced_objects(names).await?.into_iter().collect();
    candidates.retain(|object| !referenced.contains(&object.name));
    Ok(candidates)
}
