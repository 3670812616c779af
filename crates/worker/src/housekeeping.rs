use std::time::Duration;

use clearcut_job::{Clock, OutputFormat};
use clearcut_queue::{Claimed, Queue, QueueError};
use clearcut_store::{ObjectInfo, ObjectName, Store};
use futures_util::TryStreamExt as _;

/// Removes the objects whose time is over: inputs of jobs that ended, outputs past their retention. The pointer goes first,
/// so that no job ever points to nothing; an object that outlives its pointer is found by [`sweep_orphans`].
pub async fn tidy(queue: &dyn Queue, store: &Store) {
    let forgotten = match queue.forget_expired().await {
        Ok(forgotten) => forgotten,
        Err(error) => {
            tracing::warn!(?error, "what has expired could not be looked up");
            return;
        }
    };
    for key in forgotten {
        let Ok(name) = key.parse::<ObjectName>() else { continue };
        if let Err(error) = store.delete(&name).await {
            tracing::warn!(?error, key, "an object is left for the sweeper");
        }
    }
}

/// Removes what a claim that has ended stored in vain: the job was cancelled, removed or put back meanwhile.
pub(crate) async fn clear_outputs(queue: &dyn Queue, store: &Store, ended: &Claimed) {
    let names = OutputFormat::ALL.map(|format| ObjectName::output(&ended.id, ended.token, format));
    let Ok(kept) = queue.pointed_to(names.iter().map(ToString::to_string).collect()).await else { return };
    for name in names.iter().filter(|name| !kept.iter().any(|key| key == name.as_str())) {
        if let Err(error) = store.delete(name).await {
            tracing::warn!(?error, %name, "an object is left for the sweeper");
        }
    }
}

/// Removes objects that no job points to: outputs of claims that run no more, and uploads older than `upload_age` which
/// never became a job. Returns how many.
///
/// # Errors
/// If the queue failed. What the store refuses is logged and left for the next time.
pub async fn sweep_orphans(
    queue: &dyn Queue,
    store: &Store,
    clock: &dyn Clock,
    upload_age: Duration,
) -> Result<usize, QueueError> {
    let mut removed = 0;
    for prefix in [ObjectName::UPLOADS, ObjectName::JOBS] {
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
            if is_orphan(queue, clock, &object, upload_age).await? {
                match store.delete(&object.name).await {
                    Ok(()) => removed += 1,
                    Err(error) => tracing::warn!(?error, name = %object.name, "an orphan could not be removed"),
                }
            }
        }
    }
    Ok(removed)
}

async fn is_orphan(
    queue: &dyn Queue,
    clock: &dyn Clock,
    object: &ObjectInfo,
    upload_age: Duration,
) -> Result<bool, QueueError> {
    // The claim is asked for before the pointer: a claim that does not run now will never write one.
    let may_come = match object.name.claim() {
        Some((job, token)) => queue.running_claim(&job).await? == Some(token),
        None => clock.now().since(object.modified) < upload_age,
    };
    Ok(!may_come && queue.pointed_to(vec![object.name.as_str().to_owned()]).await?.is_empty())
}
