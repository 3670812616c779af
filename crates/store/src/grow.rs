//! Objects that grow at their end, for resumable uploads.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clearcut_job::{ObjectName, Sha256Hex, StoredObject};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

use crate::{
    Store, StoreError,
    disk::{make_folder_below, sync_folder},
    object::blocking,
};

/// Block size in bytes for writing and hashing.
const BLOCK_BYTES: usize = 1 << 20;

/// Number of attempts to create a file whose folder a concurrent removal deletes.
const FOLDER_ATTEMPTS: usize = 16;

/// An object open for appending. Its pieces may arrive days and restarts apart.
#[derive(Debug)]
pub struct GrowingObject {
    file: BufWriter<tokio::fs::File>,
    size_bytes: u64,
}

impl Store {
    /// Opens the object `name` for appending at byte `from`. Bytes after `from` are cut off because
    /// they were never acknowledged. The object is created if it is missing and `from` is 0.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the object has fewer than `from` bytes.
    pub async fn grow(&self, name: &ObjectName, from: u64) -> Result<GrowingObject, StoreError> {
        let (root, path) = self.local_path(name)?;
        let file = blocking(move || open_at(&root, &path, from)).await?.ok_or(StoreError::Missing)?;
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(from)).await?;
        Ok(GrowingObject { file: BufWriter::with_capacity(BLOCK_BYTES, file), size_bytes: from })
    }

    /// Creates the object `name` from the content of `grown` without copying it, and hashes it.
    /// `grown` remains, and is removed once nothing refers to it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if `grown` does not exist.
    pub async fn adopt(&self, grown: &ObjectName, name: ObjectName) -> Result<StoredObject, StoreError> {
        let ((_, from), (root, to)) = (self.local_path(grown)?, self.local_path(&name)?);
        let adopted = blocking(move || {
            let hashed = hash(&from)?;
            touch(&from)?;
            create_in_folder(&root, &to, || fs::hard_link(&from, &to))?;
            sync_parent(&to)?;
            Ok(hashed)
        });
        match adopted.await {
            Ok((size_bytes, sha256)) => Ok(StoredObject { name, size_bytes, sha256 }),
            Err(StoreError::Local(error)) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Missing),
            Err(error) => Err(error),
        }
    }

    /// The root folder and the path of the object in it.
    fn local_path(&self, name: &ObjectName) -> Result<(PathBuf, PathBuf), StoreError> {
        let root = self.root.clone().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        let path = root.join(name.as_str());
        Ok((root, path))
    }
}

impl GrowingObject {
    /// Appends `bytes`. They may be lost until [`Self::sync`] returns.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        self.file.write_all(bytes).await?;
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Syncs all appended bytes to the disk. Returns the size of the object.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn sync(&mut self) -> Result<u64, StoreError> {
        self.file.flush().await?;
        self.file.get_ref().sync_data().await?;
        Ok(self.size_bytes)
    }

    /// Size of the object, including the bytes from before it was opened.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// Opens the file and truncates it to `from` bytes; `None` if it has fewer.
fn open_at(root: &Path, path: &Path, from: u64) -> io::Result<Option<File>> {
    let file = create_in_folder(root, path, || File::options().create(true).truncate(false).write(true).open(path))?;
    if file.metadata()?.len() < from {
        return Ok(None);
    }
    file.set_len(from)?;
    sync_parent(path)?;
    Ok(Some(file))
}

/// Runs `make` after creating the folder of `path`. Retries because a concurrent removal deletes
/// the folder whenever it is empty.
fn create_in_folder<T>(root: &Path, path: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..FOLDER_ATTEMPTS {
        path.parent().map_or(Ok(()), |folder| make_folder_below(root, folder))?;
        match make() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    make()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Sets the file's modification time to now, so that no sweep takes it for a leftover before
/// something refers to its new name.
#[cfg(unix)]
fn touch(path: &Path) -> io::Result<()> {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW as _ };
    Ok(futimens(File::open(path)?, &Timestamps { last_access: now, last_modification: now })?)
}

#[cfg(not(unix))]
fn touch(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn hash(path: &Path) -> io::Result<(u64, Sha256Hex)> {
    let mut file = File::open(path)?;
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&block[..read]);
                size_bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.sync_all()?;
    Ok((size_bytes, Sha256Hex::of_digest(hash.finalize().into())))
}
