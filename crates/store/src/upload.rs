//! Uploads of complete objects, written in parts and hashed on the way.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use clearcut_job::{ObjectName, Sha256Hex, StoredObject};
use futures_util::TryStreamExt as _;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart, path::Path as Location,
};
use sha2::{Digest as _, Sha256};
use tokio::{runtime::Handle, task::spawn};

use crate::StoreError;

/// Limit of parts in flight, which bounds memory to a few parts regardless of the sender's speed.
const MAX_PARTS_IN_FLIGHT: usize = 2;

/// Size of a part of an upload to a local disk in bytes. A larger one only costs memory for each
/// incoming clip.
const LOCAL_PART_BYTES: usize = 1 << 20;

/// Size of a part of an upload to an object store in bytes. S3 requires 5 MiB, and allows 10,000
/// parts.
const REMOTE_PART_BYTES: usize = 8 << 20;

/// An object being uploaded. It is invisible until [`Self::finish`]; dropping the upload removes
/// what was written.
pub struct Upload {
    name: ObjectName,
    written: Written,
    hash: Sha256,
    size_bytes: u64,
}

/// Where the bytes of an upload are.
enum Written {
    /// In a file of another name.
    File(WriteMultipart),
    /// In memory or in parts of an object store.
    Parts(Parts),
}

/// An upload to an object store, which does not replace an object. Its bytes stay in memory until
/// they are more than one part.
struct Parts {
    objects: Arc<dyn ObjectStore>,
    place: Location,
    first: Vec<Bytes>,
    /// The multipart upload, from the second part on.
    sent: Option<WriteMultipart>,
}

impl Upload {
    pub(crate) async fn to_file(
        objects: &dyn ObjectStore,
        name: ObjectName,
        place: &Location,
    ) -> Result<Self, StoreError> {
        let upload = objects.put_multipart(place).await?;
        Ok(Self::new(name, Written::File(WriteMultipart::new_with_chunk_size(upload, LOCAL_PART_BYTES))))
    }

    pub(crate) fn to_object_store(objects: Arc<dyn ObjectStore>, name: ObjectName, place: Location) -> Self {
        Self::new(name, Written::Parts(Parts { objects, place, first: Vec::new(), sent: None }))
    }

    fn new(name: ObjectName, written: Written) -> Self {
        Self { name, written, hash: Sha256::new(), size_bytes: 0 }
    }

    /// Appends `bytes`. Waits while too many parts are in flight.
    ///
    /// # Errors
    /// If the store fails to write these bytes or earlier ones.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.hash.update(&bytes);
        let in_memory = self.size_bytes;
        self.size_bytes += bytes.len() as u64;
        match &mut self.written {
            Written::File(file) => Ok(send(file, bytes).await?),
            Written::Parts(parts) => Ok(parts.write(bytes, in_memory).await?),
        }
    }

    /// Number of bytes written so far.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Completes the object under its name. The object is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if another object has the name, in an object store; another error if the
    /// store fails. No object of these bytes exists then.
    pub async fn finish(self) -> Result<StoredObject, StoreError> {
        let sha256 = Sha256Hex::of_digest(self.hash.finalize().into());
        let stored = StoredObject { name: self.name, size_bytes: self.size_bytes, sha256 };
        match self.written {
            Written::File(file) => drop(file.finish().await?),
            Written::Parts(parts) => parts.finish(&stored).await?,
        }
        Ok(stored)
    }

    /// Aborts the upload and removes what was written.
    ///
    /// # Errors
    /// If the store fails; a later sweep removes the leftovers.
    pub async fn abort(self) -> Result<(), StoreError> {
        match self.written {
            Written::File(file) => file.abort().await?,
            Written::Parts(mut parts) => {
                if let Some(sent) = parts.sent.take() {
                    sent.abort().await?;
                }
            }
        }
        Ok(())
    }
}

async fn send(upload: &mut WriteMultipart, bytes: Bytes) -> object_store::Result<()> {
    upload.wait_for_capacity(MAX_PARTS_IN_FLIGHT).await?;
    upload.put(bytes);
    Ok(())
}

impl Parts {
    /// Appends `bytes` after `before` other ones.
    async fn write(&mut self, bytes: Bytes, before: u64) -> object_store::Result<()> {
        if self.sent.is_none() {
            if before + bytes.len() as u64 <= REMOTE_PART_BYTES as u64 {
                self.first.push(bytes);
                return Ok(());
            }
            let upload = self.objects.put_multipart(&self.place).await?;
            let sent = self.sent.insert(WriteMultipart::new_with_chunk_size(upload, REMOTE_PART_BYTES));
            self.first.drain(..).for_each(|bytes| sent.put(bytes));
        }
        match &mut self.sent {
            Some(sent) => send(sent, bytes).await,
            None => Ok(()),
        }
    }

    async fn finish(mut self, stored: &StoredObject) -> Result<(), StoreError> {
        let (objects, place) = (Arc::clone(&self.objects), self.place.clone());
        let created = if let Some(sent) = self.sent.take() {
            // On a task of its own, so that a caller that goes away leaves no parts behind.
            spawn(sent.finish()).await.map_err(object_store::Error::from)?
        } else {
            let whole: PutPayload = self.first.drain(..).collect();
            objects.put_opts(&place, whole, PutOptions::from(PutMode::Create)).await
        };
        match created {
            // The request may have been repeated although it had succeeded.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. })
                if holds(objects.as_ref(), &place, stored).await? =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

/// Whether the object at `place` has the bytes of `stored`.
async fn holds(objects: &dyn ObjectStore, place: &Location, stored: &StoredObject) -> Result<bool, StoreError> {
    let found = objects.get(place).await?;
    if found.meta.size != stored.size_bytes {
        return Ok(false);
    }
    let mut hash = Sha256::new();
    let mut bytes = found.into_stream();
    while let Some(bytes) = bytes.try_next().await? {
        hash.update(&bytes);
    }
    Ok(Sha256Hex::of_digest(hash.finalize().into()) == stored.sha256)
}

impl Drop for Parts {
    /// Aborts the multipart upload: its parts would be kept and paid for.
    fn drop(&mut self) {
        if let (Some(sent), Ok(runtime)) = (self.sent.take(), Handle::try_current()) {
            runtime.spawn(sent.abort());
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("name", &self.name).field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}
