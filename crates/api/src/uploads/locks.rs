use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::UploadId;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::ApiError;

/// How long a newcomer waits for the one before to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// Lets one request at a time work on an upload. A newcomer asks the one before to leave: a client that comes back on a new
/// connection knows that its old one is dead long before the server does.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadLocks(Arc<Mutex<HashMap<UploadId, Holder>>>);

#[derive(Debug)]
struct Holder {
    leave: CancellationToken,
    gone: CancellationToken,
}

/// The sole right to work on an upload, until dropped.
#[derive(Debug)]
pub(crate) struct UploadGuard {
    id: UploadId,
    locks: UploadLocks,
    leave: CancellationToken,
}

impl UploadLocks {
    /// Waits for the sole right to work on `id`.
    pub(crate) async fn acquire(&self, id: &UploadId) -> Result<UploadGuard, ApiError> {
        let deadline = Instant::now() + LEAVE;
        loop {
            let gone = match self.enter(id) {
                Ok(guard) => return Ok(guard),
                Err(gone) => gone,
            };
            timeout_at(deadline, gone.cancelled()).await.map_err(|_| ApiError::UploadBusy)?;
        }
    }

    /// The right, or what to wait for.
    fn enter(&self, id: &UploadId) -> Result<UploadGuard, CancellationToken> {
        let mut holders = self.holders();
        if let Some(holder) = holders.get(id) {
            holder.leave.cancel();
            return Err(holder.gone.clone());
        }
        let leave = CancellationToken::new();
        holders.insert(id.clone(), Holder { leave: leave.clone(), gone: CancellationToken::new() });
        Ok(UploadGuard { id: id.clone(), locks: self.clone(), leave })
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<UploadId, Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UploadGuard {
    /// Waits until somebody else wants to work on the upload.
    pub(crate) async fn wanted(&self) {
        self.leave.cancelled().await;
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        if let Some(holder) = self.locks.holders().remove(&self.id) {
            holder.gone.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_asks_the_one_before_to_leave_and_waits_for_it() {
        let (locks, id) = (UploadLocks::default(), UploadId::from_random(1));
        let first = locks.acquire(&id).await.unwrap();
        let _other = locks.acquire(&UploadId::from_random(2)).await.unwrap();
        let leaving = async {
            first.wanted().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(locks.acquire(&id), leaving);
        let second = second.unwrap();
        // One that does not leave is not interrupted.
        assert!(matches!(locks.acquire(&id).await, Err(ApiError::UploadBusy)));
        drop(second);
        locks.acquire(&id).await.unwrap();
        assert_eq!(locks.holders().len(), 1);
    }
}
