//! Files and folders that are on the disk, under their names, when a call returns.
//!
//! A power cut takes what was not synced: the bytes of a file until the file is, and a name until the folder that holds it is.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// One folder is made at a time: whoever finds one made must not go on before its name is on the disk.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes `folder` and those above it, as far as they are missing.
///
/// # Errors
/// If one cannot be made or synced.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    make_missing(folder)
}

/// The same below `root`, which is never made: where it is gone, a volume was taken away, and what is written must not land beside it.
///
/// # Errors
/// As those, and if `root` is no folder.
pub(crate) fn make_folder_below(root: &Path, folder: &Path) -> io::Result<()> {
    if !root.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    make_folder(folder)
}

fn make_missing(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    make_missing(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

/// Makes `folder` if it is missing, and removes all that is in it. The folder itself stays: it may be where a disk of its own is mounted.
///
/// # Errors
/// If it cannot be made, read or emptied.
pub fn empty_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }?;
    }
    Ok(())
}

/// Puts the names in `folder` on the disk.
///
/// # Errors
/// If it cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Writes a file that is there whole or not at all, instead of one that was there. Where `is_private`, it is its owner's alone.
///
/// # Errors
/// If it cannot be written or synced.
pub fn write_whole(path: &Path, content: &[u8], is_private: bool) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(&aside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_with_those_above_them_and_twice_without_complaint() {
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
    fn an_emptied_folder_is_the_same_folder_and_what_links_lead_to_stays() {
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
    fn a_file_replaces_the_one_before_and_leaves_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        for content in ["first, and long", "second"] {
            write_whole(&path, content.as_bytes(), true).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }
}
