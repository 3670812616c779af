//! Which store belongs to which database. The database remembers an id that its store holds, so two
//! stores behind one database, or two databases before one store, are noticed before anything is
//! swept.

use std::{fs, io, path::Path};

use clearcut_job::ErrorCode;
use clearcut_store::{Store, StoreError, write_atomically};

use super::{credentials::random_token, job_database::JobDatabase};
use crate::failure::Failure;

/// File of the id in the data folder, for a database in a file. Its text begins with [`PENDING`]
/// until the store was found to hold the id.
const FILE: &str = "store-id";

const PENDING: &str = "pending ";

const HINT: &str = "Give the database and the store that belong together. A store whose database is gone for good is free again without its object store-id.";

/// Checks that the database and the store belong together. With `is_first_use`, a database that
/// never had a store takes one that never had a database.
pub(super) async fn check_pair(
    jobs: &JobDatabase,
    store: &Store,
    data: &Path,
    is_first_use: bool,
) -> Result<(), Failure> {
    let fresh = random_token()?;
    let (id, is_held) = match jobs {
        // Both are in the data folder.
        JobDatabase::File(_) if !store.is_remote() => return Ok(()),
        JobDatabase::File(_) => read_id(data, &fresh)?,
        JobDatabase::Shared(queue) => queue.store_id(&fresh).await?,
    };
    let failed = |error: StoreError| Failure::host_error(error.code(), &error);
    let found = if is_held || !is_first_use {
        store.held_id().await.map_err(failed)?
    } else {
        Some(store.hold_id(&id).await.map_err(failed)?)
    };
    let mismatch = |message: &str| Failure::host(ErrorCode::StoreMismatch, message.to_owned(), Some(HINT));
    match found {
        Some(found) if found == id => {}
        _ if is_held => return Err(mismatch("the database belongs to another store than this one")),
        Some(_) => return Err(mismatch("the store belongs to another database than this one")),
        None => return Err(mismatch("no server has used this database and this store together yet")),
    }
    match jobs {
        _ if is_held => Ok(()),
        JobDatabase::File(_) => write_id(data, &id),
        JobDatabase::Shared(queue) => Ok(queue.confirm_store_id().await?),
    }
}

/// The id in the data folder, and whether the store was found to hold it. The first call writes
/// `fresh`.
fn read_id(data: &Path, fresh: &str) -> Result<(String, bool), Failure> {
    match fs::read_to_string(data.join(FILE)) {
        Ok(text) => Ok(match text.strip_prefix(PENDING) {
            Some(id) => (id.to_owned(), false),
            None => (text, true),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_id(data, &format!("{PENDING}{fresh}"))?;
            Ok((fresh.to_owned(), false))
        }
        Err(error) => Err(Failure::host_error(ErrorCode::DataDirectory, &error)),
    }
}

fn write_id(data: &Path, text: &str) -> Result<(), Failure> {
    write_atomically(&data.join(FILE), text.as_bytes(), false)
        .map_err(|error| Failure::host_error(ErrorCode::DataDirectory, &error))
}
