//! Space for an incoming clip: a reservation on the disk and in the storage quota of its API key.
//! Both are checked while the bytes arrive.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use clearcut_queue::KeyId;
use clearcut_store::Reservation;

use crate::{Api, ApiError};

/// Interval in bytes at which the quota is checked again.
const QUOTA_CHECK_BYTES: u64 = 4 << 20;

/// Bytes that are arriving and not yet counted by a record, by API key.
pub(crate) type IncomingBytes = Arc<Mutex<HashMap<KeyId, u64>>>;

/// Space for one clip. Dropping it ends the reservation.
#[derive(Debug)]
pub(crate) struct Room {
    api: Api,
    disk: Reservation,
    /// The API key whose quota counts the clip, if no record counts its bytes before it is
    /// complete.
    quota_owner: Option<KeyId>,
    taken: u64,
    unchecked: u64,
}

impl Api {
    /// Reserves space for `announced` bytes, or 0 if the size is unknown.
    pub(crate) async fn reserve_room(&self, announced: u64) -> Result<Room, ApiError> {
        let disk = self.store.reserve(announced, self.settings.disk_floor_bytes).await?;
        Ok(Room { api: self.clone(), disk, quota_owner: None, taken: 0, unchecked: 0 })
    }
}

impl Room {
    /// Counts the clip against the storage quota of `owner`, too.
    pub(crate) const fn with_quota_of(mut self, owner: KeyId) -> Self {
        self.quota_owner = Some(owner);
        self
    }

    /// Takes `bytes` of the space. Call it before writing them.
    pub(crate) async fn take(&mut self, bytes: u64) -> Result<(), ApiError> {
        self.disk.take(bytes).await?;
        let Some(owner) = self.quota_owner else { return Ok(()) };
        self.taken += bytes;
        self.unchecked += bytes;
        let total = {
            let mut incoming_bytes = self.api.traffic.incoming_bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let total = incoming_bytes.entry(owner).or_default();
            *total += bytes;
            *total
        };
        if self.unchecked >= QUOTA_CHECK_BYTES {
            self.unchecked = 0;
            self.api.queue.check_quota(owner, total).await?;
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Some(owner) = self.quota_owner else { return };
        let mut incoming_bytes = self.api.traffic.incoming_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = incoming_bytes.get_mut(&owner) {
            *total -= self.taken;
            if *total == 0 {
                incoming_bytes.remove(&owner);
            }
        }
    }
}
