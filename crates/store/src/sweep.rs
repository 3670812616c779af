//! Sweep of the staging files that a crash leaves behind.

use std::{fs, io, path::Path, time::Duration};

use clearcut_job::ObjectName;

use crate::{Store, StoreError, object::blocking};

impl Store {
    /// Removes the staging files of crashed writes that have not been written to for `idle`.
    /// Returns their number. Only for local files: other stores do this themselves.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn sweep_staging(&self, idle: Duration) -> Result<usize, StoreError> {
        let Some(root) = self.root.clone() else { return Ok(0) };
        blocking(move || {
            let mut removed = 0;
            for prefix in [ObjectName::UPLOADS, ObjectName::JOBS] {
                sweep_folder(&root.join(prefix), idle, &mut removed)?;
            }
            Ok(removed)
        })
        .await
    }
}

fn sweep_folder(folder: &Path, idle: Duration, removed: &mut usize) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let meta = match entry.metadata() {
            // Another process removed the file between the two calls.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if meta.is_dir() {
            sweep_folder(&entry.path(), idle, removed)?;
        } else if is_staging(&entry.file_name().to_string_lossy())
            && meta.modified()?.elapsed().is_ok_and(|age| age >= idle)
            && fs::remove_file(entry.path()).is_ok()
        {
            *removed += 1;
        }
    }
    Ok(())
}

/// The local backend writes to `NAME#NUMBER` and renames the file when it is complete. No object
/// name contains a `#`.
fn is_staging(file: &str) -> bool {
    file.rsplit_once('#').is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
}
