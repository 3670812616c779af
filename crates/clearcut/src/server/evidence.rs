//! Detection of a lost database: a data folder that was in use must have a database with API keys.
//! Otherwise the start is refused and nothing is removed.

use std::{fs, io, path::Path};

use clearcut_job::ErrorCode;

use crate::failure::Failure;

/// File with the secret that signs the server's links. It is created after the first API key.
pub(crate) const SIGNING_KEY: &str = "url-signing.key";

/// Refuses a data folder that was in use and whose database is missing or has no API key.
pub(crate) fn refuse_lost_database(data: &Path, has_keys: bool) -> Result<(), Failure> {
    if has_keys || !was_in_use(data) {
        return Ok(());
    }
    let message = "a server used this folder before, but its database is missing or has no API key: the database is lost or damaged";
    Err(Failure::host(ErrorCode::DatabaseDamaged, message.to_owned(), Some(HINT)))
}

/// Hint for a damaged database.
pub(crate) const HINT: &str = "Nothing was changed. Restore a backup of clearcut.db as described in docs/guides/backup.md, or give another folder with --data.";

fn was_in_use(data: &Path) -> bool {
    data.join(SIGNING_KEY).exists() || contains_files(&data.join("objects")).unwrap_or(true)
}

fn contains_files(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || contains_files(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_without_api_keys_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |has_keys| refuse_lost_database(folder.path(), has_keys).is_err();
        assert!(!refused(false) && !refused(true), "an empty folder");
        fs::create_dir_all(folder.path().join("objects/uploads")).unwrap();
        assert!(!refused(false), "folders without files");
        let object = folder.path().join("objects/uploads/1");
        fs::write(&object, "x").unwrap();
        assert!(refused(false) && !refused(true), "an object");
        fs::remove_file(object).unwrap();
        fs::write(folder.path().join(SIGNING_KEY), "x").unwrap();
        assert!(refused(false), "a signing key");
    }
}
