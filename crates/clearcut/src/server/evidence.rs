//! Whether a data folder was in use before: then a database without keys is no first start, and nothing may be removed.

use std::{fs, io, path::Path};

use crate::failure::Failure;

/// The file that the links of a server are signed with. It is made after the first key.
pub(crate) const SIGNING_KEY: &str = "url-signing.key";

/// Refuses a database that is not there, or knows no key, in a folder that was in use.
pub(crate) fn refuse_forgetting(data: &Path, knows_keys: bool) -> Result<(), Failure> {
    if knows_keys || !was_in_use(data) {
        return Ok(());
    }
    let message = "there is no database, or it knows no key, and the folder has been served from before: the database is lost or damaged";
    Err(Failure::host("DATABASE_DAMAGED", message.to_owned(), Some(HINT)))
}

/// What to do with a damaged database.
pub(crate) const HINT: &str =
    "Nothing was changed. Restore a backup of clearcut.db as docs/backup.md says, or give another folder with --data.";

fn was_in_use(data: &Path) -> bool {
    data.join(SIGNING_KEY).exists() || holds_files(&data.join("objects")).unwrap_or(true)
}

fn holds_files(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || holds_files(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_in_use_is_no_first_start() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |knows_keys| refuse_forgetting(folder.path(), knows_keys).is_err();
        assert!(!refused(false) && !refused(true), "an empty folder");
        fs::create_dir_all(folder.path().join("objects/uploads")).unwrap();
        assert!(!refused(false), "folders hold nothing");
        let object = folder.path().join("objects/uploads/1");
        fs::write(&object, "x").unwrap();
        assert!(refused(false) && !refused(true), "an object");
        fs::remove_file(object).unwrap();
        fs::write(folder.path().join(SIGNING_KEY), "x").unwrap();
        assert!(refused(false), "a signing key");
    }
}
