//! Database file of a data folder: where it is, and whether it was lost. A data folder that was in
//! use must have a database with API keys. Otherwise the start is refused and nothing is removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clearcut_job::ErrorCode;
use clearcut_queue::QueueError;

use crate::failure::Failure;

/// File name of the database in the data folder.
pub(super) const DATABASE: &str = "clearcut.db";

/// Folder of the objects in the data folder.
pub(super) const OBJECTS: &str = "objects";

/// File with the secret that signs the server's links. It is created after the first API key.
pub(super) const SIGNING_KEY: &str = "url-signing.key";

/// Hint for a damaged database.
const DAMAGED_HINT: &str = "Nothing was changed. Restore a backup of clearcut.db as described in docs/guides/backup.md, or give another folder with --data.";

/// Path of the database in `data`, for commands that work beside a server.
pub(super) fn existing_database(data: &Path) -> Result<PathBuf, Failure> {
    let database = data.join(DATABASE);
    if database.exists() {
        return Ok(database);
    }
    let message = format!("there is no server in {}", data.display());
    Err(Failure::usage(message, "Give its folder with --data, or start it once with clearcut serve."))
}

/// Refuses a data folder that was in use and whose database is missing or has no API key.
pub(super) fn refuse_lost_database(data: &Path, has_keys: bool) -> Result<(), Failure> {
    if has_keys || !was_in_use(data) {
        return Ok(());
    }
    let message = "a server used this folder before, but its database is missing or has no API key: the database is lost or damaged";
    Err(Failure::host(ErrorCode::DatabaseDamaged, message.to_owned(), Some(DAMAGED_HINT)))
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Lost { .. } => Self::host(error.code(), error.to_string(), Some(DAMAGED_HINT)),
            QueueError::Unusable { fault, .. } => Self::host(fault.code(), error.to_string(), Some(fault.hint())),
            error => Self::host_error(error.code(), &error),
        }
    }
}

fn was_in_use(data: &Path) -> bool {
    data.join(SIGNING_KEY).exists() || contains_files(&data.join(OBJECTS)).unwrap_or(true)
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
