//! Room for a clip that comes in: on the disk, and within what its key may keep. Both are looked at while the bytes come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use clearcut_queue::KeyId;
use clearcut_store::Reservation;

use crate::{Api, ApiError};

/// After so many bytes the key's quota is looked at again.
const STEP_BYTES: u64 = 4 << 20;

/// Bytes that come in and that no row counts yet, by key.
pub(crate) type Coming = Arc<Mutex<HashMap<KeyId, u64>>>;

/// Room for one clip; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    api: Api,
    disk: Reservation,
    /// The key that keeps the clip, where no row counts its bytes before it is whole.
    keeper: Option<KeyId>,
    taken: u64,
    unchecked: u64,
}

impl Api {
    /// Makes room for `announced` bytes, 0 if that is not known.
    pub(crate) async fn make_room(&self, announced: u64) -> Result<Room, ApiError> {
        let disk = self.store.reserve(announced, self.settings.disk_floor_bytes).await?;
        Ok(Room { api: self.clone(), disk, keeper: None, taken: 0, unchecked: 0 })
    }
}

impl Room {
    /// The same, of what `owner` may keep.
    pub(crate) const fn kept_by(mut self, owner: KeyId) -> Self {
        self.keeper = Some(owner);
        self
    }

    /// Takes `bytes` of it. Call it before they are written.
    pub(crate) async fn take(&mut self, bytes: u64) -> Result<(), ApiError> {
        self.disk.take(bytes).await?;
        let Some(owner) = self.keeper else { return Ok(()) };
        self.taken += bytes;
        self.unchecked += bytes;
        let all = {
            let mut coming = self.api.traffic.coming.lock().unwrap_or_else(PoisonError::into_inner);
            let all = coming.entry(owner).or_default();
            *all += bytes;
            *all
        };
        if self.unchecked >= STEP_BYTES {
            self.unchecked = 0;
            self.api.queue.check_quota(owner, all).await?;
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Some(owner) = self.keeper else { return };
        let mut coming = self.api.traffic.coming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = coming.get_mut(&owner) {
            *all -= self.taken;
            if *all == 0 {
                coming.remove(&owner);
            }
        }
    }
}
