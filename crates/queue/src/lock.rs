//! Lock on the data directory: at most one server process uses it at a time.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Exclusive lock on a data directory, held until dropped.
///
/// The operating system releases the lock when the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// An error of [`DataLock::take`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds the lock.
    #[error("the data directory {} is in use by another clearcut server", .0.display())]
    InUse(PathBuf),
    /// The directory or its lock file cannot be created or locked.
    #[error("the data directory {} cannot be locked", .path.display())]
    Unusable {
        /// The data directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl DataLock {
    /// Locks `dir`. Creates it if it is missing, accessible only to its owner.
    ///
    /// # Errors
    /// If another process holds the lock, or the directory cannot be written.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { path: dir.to_owned(), source };
        create_private_dir(dir).map_err(unusable)?;
        let path = dir.join("clearcut.lock");
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(unix)]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_until_the_first_releases_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = DataLock::take(&data).unwrap();
        assert!(matches!(DataLock::take(&data), Err(LockError::InUse(path)) if path == data));
        drop(first);
        DataLock::take(&data).unwrap();
    }
}
