//! The disk space and the storage quota of clips that are arriving.

use clearcut_queue::KeyId;
use clearcut_store::{ClipQuota, Reservation};

use crate::{Api, ApiError};

/// A clip on its way into the store.
pub(crate) type ClipUpload = clearcut_store::ClipUpload<Option<KeyQuota>>;

/// The storage quota of an API key, which counts one arriving clip. No record counts its bytes
/// before it is complete, so all arriving clips of the API key are counted together here.
#[derive(Debug)]
pub(crate) struct KeyQuota {
    api: Api,
    owner: KeyId,
    counted: u64,
}

impl Api {
    /// Reserves disk space for `announced` bytes, or 0 if the size is unknown.
    pub(crate) async fn reserve_space(&self, announced: u64) -> Result<Reservation, ApiError> {
        Ok(self.store.reserve(announced, self.settings.disk_floor_bytes).await?)
    }

    /// Counts a clip that arrives against the storage quota of `owner`, until dropped.
    pub(crate) fn quota_of(&self, owner: KeyId) -> KeyQuota {
        KeyQuota { api: self.clone(), owner, counted: 0 }
    }
}

impl ClipQuota for KeyQuota {
    type Error = ApiError;

    fn count(&mut self, bytes: u64) {
        self.counted += bytes;
        self.api.traffic.add_arriving(self.owner, bytes);
    }

    async fn check(&mut self) -> Result<(), ApiError> {
        let arriving = self.api.traffic.arriving(self.owner);
        Ok(self.api.queue.check_quota(self.owner, arriving).await?)
    }
}

impl Drop for KeyQuota {
    fn drop(&mut self) {
        self.api.traffic.remove_arriving(self.owner, self.counted);
    }
}
