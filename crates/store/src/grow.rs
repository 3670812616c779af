//! Objects that grow at their end: uploads in pieces.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clearcut_job::Sha256Hex;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

use crate::{
    ObjectName, Store, StoreError, Stored,
    disk::{make_folder_below, sync_folder},
    object::blocking,
};

/// Bytes that are written or read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// How often a folder may vanish before what is made in it.
const FOLDER_TRIES: usize = 16;

/// An object that grows at its end, by pieces that may come days and restarts apart.
#[derive(Debug)]
pub struct Growing {
    file: BufWriter<tokio::fs::File>,
    size_bytes: u64,
}

impl Store {
    /// Opens the object `name` to write on from byte `from`; what lies behind is cut off, since nobody was told of it. It
    /// is made if it is missing and `from` is 0.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if it has fewer bytes than that.
    pub async fn grow(&self, name: &ObjectName, from: u64) -> Result<Growing, StoreError> {
        let (root, path) = self.local_path(name)?;
        let file = blocking(move || open_at(&root, &path, from)).await?.ok_or(StoreError::Missing)?;
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(from)).await?;
        Ok(Growing { file: BufWriter::with_capacity(BLOCK_BYTES, file), size_bytes: from })
    }

    /// Makes the object `name` of all that `grown` holds, without copying it, and hashes it. What grew is left as it is: it
    /// is removed once nothing points to it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if nothing grew under that name.
    pub async fn adopt(&self, grown: &ObjectName, name: ObjectName) -> Result<Stored, StoreError> {
        let ((_, from), (root, to)) = (self.local_path(grown)?, self.local_path(&name)?);
        let adopted = blocking(move || {
            let hashed = hash(&from)?;
            touch(&from)?;
            in_folder(&root, &to, || fs::hard_link(&from, &to))?;
            sync_parent(&to)?;
            Ok(hashed)
        });
        match adopted.await {
            Ok((size_bytes, sha256)) => Ok(Stored { name, size_bytes, sha256 }),
            Err(StoreError::Local(error)) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Missing),
            Err(error) => Err(error),
        }
    }

    /// The folder of all objects, and where in it the object is.
    fn local_path(&self, name: &ObjectName) -> Result<(PathBuf, PathBuf), StoreError> {
        let root = self.root.clone().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        let path = root.join(name.as_str());
        Ok((root, path))
    }
}

impl Growing {
    /// Takes `bytes`. They may be lost until [`Self::sync`].
    ///
    /// # Errors
    /// If the disk failed.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        self.file.write_all(bytes).await?;
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Puts all that was taken on the disk, and says how many bytes the object has.
    ///
    /// # Errors
    /// If the disk failed.
    pub async fn sync(&mut self) -> Result<u64, StoreError> {
        self.file.flush().await?;
        self.file.get_ref().sync_data().await?;
        Ok(self.size_bytes)
    }

    /// Bytes that were taken, those before this opening included.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// The file, cut to `from` bytes; `None` if it has fewer.
fn open_at(root: &Path, path: &Path, from: u64) -> io::Result<Option<File>> {
    let file = in_folder(root, path, || File::options().create(true).truncate(false).write(true).open(path))?;
    if file.metadata()?.len() < from {
        return Ok(None);
    }
    file.set_len(from)?;
    sync_parent(path)?;
    Ok(Some(file))
}

/// Makes something at `path` and its folder, which a removal beside this takes away whenever it is empty.
fn in_folder<T>(root: &Path, path: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..FOLDER_TRIES {
        path.parent().map_or(Ok(()), |folder| make_folder_below(root, folder))?;
        match make() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made,
        }
    }
    make()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the file as young as its new name is, so that no sweep takes it for a leftover before something points to it.
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
    Ok((size_bytes, Sha256Hex(hex::encode(hash.finalize()))))
}
