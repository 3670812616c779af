use std::fmt;

use bytes::Bytes;
use clearcut_job::Sha256Hex;
use object_store::WriteMultipart;
use sha2::{Digest as _, Sha256};

use crate::{ObjectName, StoreError};

/// Bytes that are written at once. A store that speaks S3 would want 5 MiB; on a disk that only costs memory, by each clip that comes in.
const PART_BYTES: usize = 1 << 20;

/// Parts under way at once, so that memory stays at a few parts however fast the bytes come.
const PARTS_UNDER_WAY: usize = 2;

/// An object on its way into the store. Until [`Self::finish`] nobody sees it, and dropping it removes what was written.
pub struct Upload {
    name: ObjectName,
    parts: WriteMultipart,
    hash: Sha256,
    size_bytes: u64,
}

/// An object that is in the store, on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: ObjectName,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Its hash.
    pub sha256: Sha256Hex,
}

impl Upload {
    pub(crate) fn begin(name: ObjectName, upload: Box<dyn object_store::MultipartUpload>) -> Self {
        let parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Self { name, parts, hash: Sha256::new(), size_bytes: 0 }
    }

    /// Takes `bytes`, waiting until the store has kept up.
    ///
    /// # Errors
    /// If the store failed, with these bytes or with earlier ones.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.hash.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        self.parts.wait_for_capacity(PARTS_UNDER_WAY).await?;
        self.parts.put(bytes);
        Ok(())
    }

    /// How many bytes were taken.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Puts the object under its name; it is on the disk when this returns.
    ///
    /// # Errors
    /// If the store failed; then there is no object.
    pub async fn finish(self) -> Result<Stored, StoreError> {
        self.parts.finish().await?;
        let sha256 = Sha256Hex(hex::encode(self.hash.finalize()));
        Ok(Stored { name: self.name, size_bytes: self.size_bytes, sha256 })
    }

    /// Removes what was written.
    ///
    /// # Errors
    /// If the store failed; a sweep finds the leftovers.
    pub async fn abort(self) -> Result<(), StoreError> {
        Ok(self.parts.abort().await?)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("name", &self.name).field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}
