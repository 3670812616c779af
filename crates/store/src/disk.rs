//! Durable creation of files and folders: when a call returns, content and name are on the disk.
//!
//! A power cut loses everything that was not synced: the bytes of a file until the file is synced,
//! and a name until its folder is.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Serializes folder creation: a caller that finds a folder must not continue before the folder's
/// name is on the disk.
static CREATION: Mutex<()> = Mutex::new(());

/// Creates `folder` and its missing parents.
///
/// # Errors
/// If a folder cannot be created or synced.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let _guard = CREATION.lock().unwrap_or_else(PoisonError::into_inner);
    create_missing(folder)
}

/// Like [`make_folder`] below `root`, which is never created: if it is missing, a volume was
/// unmounted, and nothing may be written in its place.
///
/// # Errors
/// Those of [`make_folder`], and if `root` is not a folder.
pub(crate) fn make_folder_below(root: &Path, folder: &Path) -> io::Result<()> {
    if !root.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    make_folder(folder)
}

fn create_missing(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    create_missing(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

/// Creates `folder` if it is missing, and removes its content. The folder itself is kept because it
/// may be a mount point.
///
/// # Errors
/// If the folder cannot be created, read or emptied.
pub fn empty_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }?;
    }
    Ok(())
}

/// Syncs the names in `folder` to the disk.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Writes a file atomically, replacing an existing one. With `is_private` only its owner can access
/// it.
///
/// # Errors
/// If the file cannot be written or synced.
pub fn write_atomically(path: &Path, content: &[u8], is_private: bool) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_folder_creates_missing_parents_and_accepts_an_existing_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b/c");
        make_folder(&folder).unwrap();
        make_folder(&folder).unwrap();
        assert!(folder.is_dir());
        fs::write(root.path().join("file"), "").unwrap();
        assert!(make_folder(&root.path().join("file/d")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn emptying_a_folder_keeps_the_folder_and_the_targets_of_links() {
        use std::os::unix::fs::MetadataExt as _;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("scratch");
        empty_folder(&folder).unwrap();
        let before = fs::metadata(&folder).unwrap().ino();
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("c"), "").unwrap();
        fs::write(root.path().join("kept"), "").unwrap();
        std::os::unix::fs::symlink(root.path(), folder.join("link")).unwrap();
        empty_folder(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(fs::metadata(&folder).unwrap().ino(), before);
        assert!(root.path().join("kept").exists());
    }

    #[test]
    fn write_atomically_replaces_the_file_and_leaves_no_temporary_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        for content in ["first, and long", "second"] {
            write_atomically(&path, content.as_bytes(), true).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }
}
