//! Exclusive locks on uploads among the requests of one server, with takeover by newer requests.
//! Between servers, the store decides: the pieces of an upload are created once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::UploadId;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::ApiError;

/// Timeout of a new request for the release of the lock.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(10);

/// Lets one request at a time use an upload. A new request signals the holder to release the lock:
/// a client that reconnects knows that its old connection is dead long before the server does.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadLocks(Arc<Mutex<HashMap<UploadId, Holder>>>);

#[derive(Debug)]
struct Holder {
    takeover: CancellationToken,
    released: CancellationToken,
}

/// Exclusive access to an upload, until dropped.
#[derive(Debug)]
pub(crate) struct UploadGuard {
    id: UploadId,
    locks: UploadLocks,
    takeover: CancellationToken,
}

impl UploadLocks {
    /// Waits for exclusive access to `id`. Fails after [`TAKEOVER_TIMEOUT`].
    pub(crate) async fn acquire(&self, id: &UploadId) -> Result<UploadGuard, ApiError> {
        let deadline = Instant::now() + TAKEOVER_TIMEOUT;
        loop {
            let released = match self.try_acquire(id) {
                Ok(guard) => return Ok(guard),
                Err(released) => released,
            };
            timeout_at(deadline, released.cancelled()).await.map_err(|_| ApiError::UploadBusy)?;
        }
    }

    /// Takes the lock, or returns the token that is cancelled when its holder releases it.
    fn try_acquire(&self, id: &UploadId) -> Result<UploadGuard, CancellationToken> {
        let mut holders = self.holders();
        if let Some(holder) = holders.get(id) {
            holder.takeover.cancel();
            return Err(holder.released.clone());
        }
        let takeover = CancellationToken::new();
        holders.insert(id.clone(), Holder { takeover: takeover.clone(), released: CancellationToken::new() });
        Ok(UploadGuard { id: id.clone(), locks: self.clone(), takeover })
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<UploadId, Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UploadGuard {
    /// Waits until another request wants the upload.
    pub(crate) async fn takeover_requested(&self) {
        self.takeover.cancelled().await;
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        if let Some(holder) = self.locks.holders().remove(&self.id) {
            holder.released.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_new_request_signals_the_holder_and_waits_for_its_release() {
        let (locks, id) = (UploadLocks::default(), UploadId::from_random(1));
        let first = locks.acquire(&id).await.unwrap();
        let _other = locks.acquire(&UploadId::from_random(2)).await.unwrap();
        let releasing = async {
            first.takeover_requested().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(locks.acquire(&id), releasing);
        let second = second.unwrap();
        // A holder that ignores the signal is not interrupted.
        assert!(matches!(locks.acquire(&id).await, Err(ApiError::UploadBusy)));
        drop(second);
        locks.acquire(&id).await.unwrap();
        assert_eq!(locks.holders().len(), 1);
    }
}
