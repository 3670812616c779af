//! Which store belongs to which database. The database remembers an id that its store holds, so two
//! stores behind one database, or two databases before one store, are noticed before anything is
//! swept.

use std::{fs, io, path::Path};

use clearcut_job::ErrorCode;
use clearcut_queue::PostgresQueue;
use clearcut_store::{Store, write_atomically};

use super::credentials::random_token;
use crate::failure::Failure;

/// File of the id in the data folder, for a database in a file. Its text begins with [`PENDING`]
/// until the store was found to hold the id.
const FILE: &str = "store-id";

const PENDING: &str = "pending ";

const HINT: &str = "Give the database and the store that belong together. A store whose database is gone for good is free again without its object store-id.";

/// The id of a store, as its database keeps it.
struct KeptId {
    id: String,
    /// Whether the store was ever found to hold it.
    is_held: bool,
}

/// A database, and the store that it is used with.
pub(super) struct Pair<'a> {
    /// `None` for a file in the data folder, which need not exist yet.
    pub(super) shared: Option<&'a PostgresQueue>,
    pub(super) data: &'a Path,
    pub(super) store: &'a Store,
}

impl Pair<'_> {
    /// Checks that both belong together, or are both free. Changes nothing. Returns whether they are
    /// bound to each other.
    pub(super) async fn check(&self) -> Result<bool, Failure> {
        // Both are in the data folder.
        if self.shared.is_none() && !self.store.is_remote() {
            return Ok(true);
        }
        let (kept, held) = (self.kept_id().await?, self.store.held_id().await?);
        // Another process may bind both meanwhile: first the database keeps the id, then the store.
        let kept = if held.is_some() { self.kept_id().await? } else { kept };
        match (kept, held) {
            (Some(kept), Some(held)) if kept.id == held => Ok(kept.is_held),
            (Some(KeptId { is_held: true, .. }), _) => {
                Err(mismatch("the database belongs to another store than this one"))
            }
            (_, Some(_)) => Err(mismatch("the store belongs to another database than this one")),
            (_, None) => Ok(false),
        }
    }

    /// Checks that a server has used both together. Changes nothing.
    pub(super) async fn check_bound(&self) -> Result<(), Failure> {
        if self.check().await? {
            return Ok(());
        }
        Err(mismatch("no server has used this database and this store together yet"))
    }

    /// Binds both to each other, if they are free.
    pub(super) async fn bind(&self) -> Result<(), Failure> {
        if self.check().await? {
            return Ok(());
        }
        let fresh = random_token()?;
        let id = match self.shared {
            None => self.choose_id(fresh)?,
            Some(queue) => queue.choose_store_id(&fresh).await?,
        };
        // Another server may have been faster.
        if self.store.hold_id(&id).await? != id {
            return Err(mismatch("the store belongs to another database than this one"));
        }
        match self.shared {
            None => self.write_id(&id),
            Some(queue) => Ok(queue.confirm_store_id().await?),
        }
    }

    async fn kept_id(&self) -> Result<Option<KeptId>, Failure> {
        match self.shared {
            None => self.read_id(),
            Some(queue) => Ok(queue.store_id().await?.map(|(id, is_held)| KeptId { id, is_held })),
        }
    }

    /// The id in the data folder.
    fn read_id(&self) -> Result<Option<KeptId>, Failure> {
        match fs::read_to_string(self.data.join(FILE)) {
            Ok(text) => Ok(Some(match text.strip_prefix(PENDING) {
                Some(id) => KeptId { id: id.to_owned(), is_held: false },
                None => KeptId { id: text, is_held: true },
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::host_error(ErrorCode::DataDirectory, &error)),
        }
    }

    /// The id in the data folder. The first call writes `fresh`.
    fn choose_id(&self, fresh: String) -> Result<String, Failure> {
        if let Some(kept) = self.read_id()? {
            return Ok(kept.id);
        }
        self.write_id(&format!("{PENDING}{fresh}"))?;
        Ok(fresh)
    }

    fn write_id(&self, text: &str) -> Result<(), Failure> {
        write_atomically(&self.data.join(FILE), text.as_bytes(), false)
            .map_err(|error| Failure::host_error(ErrorCode::DataDirectory, &error))
    }
}

fn mismatch(message: &str) -> Failure {
    Failure::host(ErrorCode::StoreMismatch, message.to_owned(), Some(HINT))
}
