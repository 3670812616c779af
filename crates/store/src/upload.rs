//! Uploads of complete objects, written in parts and hashed on the way.

use std::fmt;

use bytes::Bytes;
use clearcut_job::{ObjectName, Sha256Hex, StoredObject};
use object_store::WriteMultipart;
use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// Limit of parts in flight, which bounds memory to a few parts regardless of the sender's speed.
const MAX_PARTS_IN_FLIGHT: usize = 2;

/// An object being uploaded. It is invisible until [`Self::finish`]; dropping the upload removes
/// what was written.
pub struct Upload {
    name: ObjectName,
    parts: WriteMultipart,
    hash: Sha256,
    size_bytes: u64,
}

impl Upload {
    pub(crate) fn begin(name: ObjectName, upload: Box<dyn object_store::MultipartUpload>, part_bytes: usize) -> Self {
        let parts = WriteMultipart::new_with_chunk_size(upload, part_bytes);
        Self { name, parts, hash: Sha256::new(), size_bytes: 0 }
    }

    /// Appends `bytes`. Waits while too many parts are in flight.
    ///
    /// # Errors
    /// If the store fails to write these bytes or earlier ones.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.hash.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        self.parts.wait_for_capacity(MAX_PARTS_IN_FLIGHT).await?;
        self.parts.put(bytes);
        Ok(())
    }

    /// Number of bytes written so far.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Completes the object under its name. The object is on the disk when this returns.
    ///
    /// # Errors
    /// If the store fails; no object exists then.
    pub async fn finish(self) -> Result<StoredObject, StoreError> {
        self.parts.finish().await?;
        let sha256 = Sha256Hex::of_digest(self.hash.finalize().into());
        Ok(StoredObject { name: self.name, size_bytes: self.size_bytes, sha256 })
    }

    /// Aborts the upload and removes what was written.
    ///
    /// # Errors
    /// If the store fails; a later sweep removes the leftovers.
    pub async fn abort(self) -> Result<(), StoreError> {
        Ok(self.parts.abort().await?)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("name", &self.name).field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}
