//! The store: putting, reading, listing and removing objects.

use std::{
    fs,
    io::{self, Read as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use clearcut_job::{ObjectName, Sha256Hex, StoredObject, UnixMillis};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path as Location};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::{
    Reservation, StoreError, Upload,
    blocking::blocking,
    bucket::Bucket,
    disk::{make_folder, make_folder_below},
    disk_space::DiskSpace,
    grow::pieces::object_of_piece,
};

/// Number of bytes per read when a local file is put.
const READ_BYTES: usize = 1 << 20;

/// A store of objects. Clones share the same store.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// The folder of the objects if they are local files; `None` for an object store.
    pub(crate) root: Option<PathBuf>,
    /// The bucket of the objects if they are in one.
    pub(crate) bucket: Option<Arc<Bucket>>,
    disk_space: DiskSpace,
}

/// Metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Name of the object.
    pub name: ObjectName,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of the last change.
    pub modified: UnixMillis,
}

impl Store {
    /// Opens a store of files under `root`, which is created if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be created or read.
    pub fn local(root: &Path) -> Result<Self, StoreError> {
        make_folder(root)?;
        let root = root.canonicalize()?;
        let objects = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true).with_automatic_cleanup(true);
        let disk_space = DiskSpace::new(Some(root.clone()));
        Ok(Self { objects: Arc::new(objects), root: Some(root), bucket: None, disk_space })
    }

    /// A store of objects elsewhere, such as in memory.
    #[must_use]
    pub fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, root: None, bucket: None, disk_space: DiskSpace::new(None) }
    }

    pub(crate) fn in_bucket(bucket: Bucket) -> Self {
        Self { objects: bucket.objects(), root: None, bucket: Some(Arc::new(bucket)), disk_space: DiskSpace::new(None) }
    }

    /// Whether the objects are in an object store, and not files of this machine.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        self.root.is_none()
    }

    /// Free bytes on the disk of the store; `None` if the store is not on a local disk.
    ///
    /// # Errors
    /// If the free space cannot be determined.
    pub async fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        self.disk_space.free_bytes().await
    }

    /// Reserves `announced` bytes in addition to the existing reservations; 0 if the length is
    /// unknown.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] if less than `floor_bytes` would remain free.
    pub async fn reserve(&self, announced: u64, floor_bytes: u64) -> Result<Reservation, StoreError> {
        self.disk_space.reserve(announced, floor_bytes).await
    }

    /// Begins an upload of an object in pieces. In an object store, it does not replace an object.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin(&self, name: ObjectName) -> Result<Upload, StoreError> {
        if let Some(root) = self.root.clone() {
            let path = root.join(name.as_str());
            blocking(move || path.parent().map_or(Ok(()), |folder| make_folder_below(&root, folder))).await?;
        }
        let place = location(&name);
        if self.root.is_some() {
            return Upload::to_file(self.objects.as_ref(), name, &place).await;
        }
        Ok(Upload::to_object_store(Arc::clone(&self.objects), name, place))
    }

    /// Stores the file at `path` as an object and hashes it on the way.
    ///
    /// # Errors
    /// If the file cannot be read or the store fails.
    pub async fn put_file(&self, name: ObjectName, path: &Path) -> Result<StoredObject, StoreError> {
        let path = path.to_owned();
        let mut file = blocking(move || fs::File::open(path)).await?;
        let mut upload = self.begin(name).await?;
        loop {
            let (rest, bytes) = blocking(move || {
                let mut bytes = Vec::with_capacity(READ_BYTES);
                file.by_ref().take(READ_BYTES as u64).read_to_end(&mut bytes)?;
                Ok((file, bytes))
            })
            .await?;
            file = rest;
            if bytes.is_empty() {
                return upload.finish().await;
            }
            upload.write(bytes.into()).await?;
        }
    }

    /// The metadata of the object `name`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none.
    pub async fn head(&self, name: &ObjectName) -> Result<ObjectInfo, StoreError> {
        let meta = self.objects.head(&location(name)).await?;
        Ok(ObjectInfo {
            name: name.clone(),
            size_bytes: meta.size,
            modified: UnixMillis(meta.last_modified.timestamp_millis()),
        })
    }

    /// A stream of the bytes in `range`, which must lie within the object.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no such object. The stream may fail later.
    pub async fn read(
        &self,
        name: &ObjectName,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        if self.root.is_none() && name.is_partial() {
            return self.read_pieces(name, range).await;
        }
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        let object = self.objects.get_opts(&location(name), options).await?;
        Ok(object.into_stream().map_err(StoreError::from).boxed())
    }

    /// Copies the object to the file `to`, which must not exist. Hard-links it if both are on the
    /// same disk.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no such object; another error if the copy fails.
    pub async fn fetch(&self, name: &ObjectName, to: &Path) -> Result<(), StoreError> {
        let Some(root) = &self.root else { return self.download(name, to).await.map(drop) };
        let (from, to) = (root.join(name.as_str()), to.to_owned());
        match blocking(move || fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop))).await {
            // If the root folder is gone, the object is not known to be missing.
            Err(StoreError::Local(error)) if error.kind() == io::ErrorKind::NotFound && root.is_dir() => {
                Err(StoreError::Missing)
            }
            result => result,
        }
    }

    /// Like [`Self::fetch`]. Bytes that come from an object store are compared with their hash.
    ///
    /// # Errors
    /// Those of [`Self::fetch`], and [`StoreError::Altered`] if the object is not what was stored.
    pub async fn fetch_stored(&self, stored: &StoredObject, to: &Path) -> Result<(), StoreError> {
        if self.root.is_some() {
            return self.fetch(&stored.name, to).await;
        }
        if self.download(&stored.name, to).await? == stored.sha256 { Ok(()) } else { Err(StoreError::Altered) }
    }

    /// Copies the object to the file `to`, and hashes it on the way.
    async fn download(&self, name: &ObjectName, to: &Path) -> Result<Sha256Hex, StoreError> {
        let mut bytes = self.objects.get(&location(name)).await?.into_stream();
        let mut file = tokio::fs::File::create_new(to).await?;
        let mut hash = Sha256::new();
        while let Some(piece) = bytes.try_next().await? {
            hash.update(&piece);
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(Sha256Hex::of_digest(hash.finalize().into()))
    }

    /// Removes the object. A missing object is not an error.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        if self.root.is_none() && name.is_partial() {
            return self.delete_pieces(name).await;
        }
        match self.objects.delete(&location(name)).await.map_err(StoreError::from) {
            Err(StoreError::Missing) => Ok(()),
            result => result,
        }
    }

    /// Removes the objects `names`, as many at a time as the store takes. Missing ones are no error.
    ///
    /// # Errors
    /// The first failure of the store. It is tried to remove all objects nevertheless.
    pub async fn delete_all(&self, names: &[ObjectName]) -> Result<(), StoreError> {
        let (alone, together): (Vec<_>, Vec<_>) =
            names.iter().partition(|name| self.root.is_some() || name.is_partial());
        let mut result = Ok(());
        for name in alone {
            result = result.and(self.delete(name).await);
        }
        let places: Vec<_> = together.into_iter().map(|name| Ok(location(name))).collect();
        result.and(self.delete_places(stream::iter(places).boxed()).await)
    }

    pub(crate) async fn delete_places(
        &self,
        places: BoxStream<'static, object_store::Result<Location>>,
    ) -> Result<(), StoreError> {
        let mut deleted = self.objects.delete_stream(places);
        let mut result = Ok(());
        while let Some(one) = deleted.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        result
    }

    /// All objects in the folder `prefix`, unordered. Entries without a valid object name are
    /// skipped. A growing object in several pieces is listed once for each.
    pub fn list(&self, prefix: &'static str) -> BoxStream<'static, Result<ObjectInfo, StoreError>> {
        let all = self.objects.list(Some(&Location::from(prefix)));
        all.map_err(StoreError::from)
            .try_filter_map(|meta| async move {
                let name = meta.location.as_ref().parse().ok().or_else(|| object_of_piece(&meta.location));
                let modified = UnixMillis(meta.last_modified.timestamp_millis());
                Ok(name.map(|name| ObjectInfo { name, size_bytes: meta.size, modified }))
            })
            .boxed()
    }
}

/// The object's location in the store. An object name needs no encoding.
fn location(name: &ObjectName) -> Location {
    Location::from(name.as_str())
}
