//! Objects that grow at their end, for resumable uploads: files on a local disk, or pieces in
//! another store.

mod file;
pub(crate) mod pieces;

use bytes::Bytes;
use clearcut_job::{ObjectName, StoredObject};

use self::{file::GrowingFile, pieces::GrowingPieces};
use crate::{Store, StoreError};

/// An object open for appending. Its bytes may arrive days and restarts apart. In an object store,
/// they may come through any number of processes; of two at once, one fails with
/// [`StoreError::Exists`].
#[derive(Debug)]
pub struct GrowingObject(Growing);

#[derive(Debug)]
enum Growing {
    File(GrowingFile),
    Pieces(GrowingPieces),
}

impl Store {
    /// Opens the object `name` for appending at byte `from`. In a local file, bytes after `from` are cut
    /// off because they were never acknowledged; in an object store, they stay, and [`Self::grown`]
    /// tells their number. The object is created if it is missing and `from` is 0.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the file has fewer than `from` bytes. An object store reports missing
    /// bytes in [`Self::adopt`].
    pub async fn grow(&self, name: &ObjectName, from: u64) -> Result<GrowingObject, StoreError> {
        Ok(GrowingObject(match &self.root {
            Some(root) => Growing::File(GrowingFile::open(root.clone(), root.join(name.as_str()), from).await?),
            None => Growing::Pieces(GrowingPieces::open(self.objects.clone(), name, from)),
        }))
    }

    /// Creates the object `name` from the first `size_bytes` of `grown`, and hashes it. `grown`
    /// remains, and is removed once nothing refers to it. On a local disk, nothing is copied.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if `grown` does not exist.
    pub async fn adopt(
        &self,
        grown: &ObjectName,
        size_bytes: u64,
        name: ObjectName,
    ) -> Result<StoredObject, StoreError> {
        let Some(root) = self.root.clone() else { return self.join_pieces(grown, size_bytes, name).await };
        let (from, to) = (root.join(grown.as_str()), root.join(name.as_str()));
        let (size_bytes, sha256) = file::adopt(root, from, to).await?;
        Ok(StoredObject { name, size_bytes, sha256 })
    }
}

impl GrowingObject {
    /// Appends `bytes`. They may be lost until [`Self::sync`] returns.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if another process has appended to the object; another error if the store
    /// fails.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        match &mut self.0 {
            Growing::File(file) => file.write(bytes).await,
            Growing::Pieces(pieces) => pieces.write(bytes).await,
        }
    }

    /// Makes all appended bytes durable. Returns the size of the object.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn sync(&mut self) -> Result<u64, StoreError> {
        match &mut self.0 {
            Growing::File(file) => file.sync().await?,
            Growing::Pieces(pieces) => pieces.sync().await?,
        }
        Ok(self.size_bytes())
    }

    /// Size of the object, including the bytes from before it was opened.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match &self.0 {
            Growing::File(file) => file.size_bytes(),
            Growing::Pieces(pieces) => pieces.size_bytes(),
        }
    }
}
