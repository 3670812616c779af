//! Objects on a local disk that grow at their end.

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
    StoreError,
    blocking::blocking,
    disk::{make_folder_below, sync_folder},
};

/// Block size in bytes for writing and hashing.
const BLOCK_BYTES: usize = 1 << 20;

/// Number of attempts to create a file whose folder a concurrent removal deletes.
const FOLDER_ATTEMPTS: usize = 16;

/// A file open for appending.
#[derive(Debug)]
pub(crate) struct GrowingFile {
    file: BufWriter<tokio::fs::File>,
    size_bytes: u64,
}

impl GrowingFile {
    /// Opens the file at `path` below `root` for appending at byte `from`.
    pub(super) async fn open(root: PathBuf, path: PathBuf, from: u64) -> Result<Self, StoreError> {
        let file = blocking(move || open_at(&root, &path, from)).await?.ok_or(StoreError::Missing)?;
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(from)).await?;
        Ok(Self { file: BufWriter::with_capacity(BLOCK_BYTES, file), size_bytes: from })
    }

    pub(super) async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        self.file.write_all(bytes).await?;
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(super) async fn sync(&mut self) -> Result<(), StoreError> {
        self.file.flush().await?;
        Ok(self.file.get_ref().sync_data().await?)
    }

    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// Links the file `from` at `to` below `root`, without copying it, and hashes it.
pub(super) async fn adopt(root: PathBuf, from: PathBuf, to: PathBuf) -> Result<(u64, Sha256Hex), StoreError> {
    let adopted = blocking(move || {
        let hashed = hash(&from)?;
        touch(&from)?;
        create_in_folder(&root, &to, || fs::hard_link(&from, &to))?;
        sync_parent(&to)?;
        Ok(hashed)
    });
    match adopted.await {
        Err(StoreError::Local(error)) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Missing),
        adopted => adopted,
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
