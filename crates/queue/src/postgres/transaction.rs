//! A transaction with the time at which it began, and what became of one whose end was not heard.

use std::{
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use clearcut_job::UnixMillis;
use sqlx::{PgPool, Postgres, Transaction};

use super::{session::Session, temporary::is_temporary};
use crate::QueueError;

/// Longest search for the outcome of a commit.
const MAX_SEARCH: Duration = Duration::from_secs(10);

/// Reads the outcome of a transaction.
const READ_STATUS: &str = "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))";

/// Pause between two questions about a commit.
const PAUSE: Duration = Duration::from_millis(100);

/// A transaction, and the time that holds for everything it does. Dropped without
/// [`Self::commit`], it is rolled back.
#[derive(Debug)]
pub(super) struct Tx {
    inner: Session,
    now: UnixMillis,
    /// Where to ask for the outcome of a commit.
    pool: PgPool,
}

impl Tx {
    pub(super) const fn new(inner: Transaction<'static, Postgres>, now: UnixMillis, pool: PgPool) -> Self {
        Self { inner: Session(inner), now, pool }
    }

    /// The time of the transaction.
    pub(super) const fn now(&self) -> UnixMillis {
        self.now
    }

    /// Commits. If the connection is lost before the answer arrives, the database is asked whether
    /// the commit took place.
    ///
    /// # Errors
    /// [`QueueError::Unanswered`] if that cannot be found out. After any other error, nothing took
    /// place.
    pub(super) async fn commit(mut self) -> Result<(), QueueError> {
        // A transaction that wrote nothing has no id.
        let query = "SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT)";
        let id: Option<String> = sqlx::query_scalar(query).fetch_one(&mut self.inner).await?;
        match (self.inner.0.commit().await, id) {
            (Ok(()), _) => Ok(()),
            (Err(error), Some(id)) if is_temporary(&error) => {
                tracing::warn!(%error, "the answer to a commit is lost; asking for its outcome");
                match find_outcome(&self.pool, &id).await {
                    Outcome::Committed => Ok(()),
                    Outcome::RolledBack => Err(error.into()),
                    Outcome::Unknown => Err(QueueError::Unanswered(error)),
                }
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    pub(super) async fn rollback(self) -> Result<(), QueueError> {
        Ok(self.inner.0.rollback().await?)
    }
}

/// What became of a transaction.
enum Outcome {
    Committed,
    RolledBack,
    Unknown,
}

/// The outcome of the transaction `id`, as soon as the database knows.
async fn find_outcome(pool: &PgPool, id: &str) -> Outcome {
    let until = Instant::now() + MAX_SEARCH;
    loop {
        match read_status(pool, id).await.as_ref().map(Option::as_deref) {
            Ok(Some("committed")) => return Outcome::Committed,
            Ok(Some("aborted")) => return Outcome::RolledBack,
            // Its session still ends, or the server restarts.
            Ok(Some("in progress")) | Err(_) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            _ => return Outcome::Unknown,
        }
    }
}

async fn read_status(pool: &PgPool, id: &str) -> Result<Option<String>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query_scalar(READ_STATUS).bind(id).persistent(false).fetch_one(&mut *tx).await
}

impl Deref for Tx {
    type Target = Session;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}
