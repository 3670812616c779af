//! A transaction with the time at which it began.

use std::ops::{Deref, DerefMut};

use clearcut_job::UnixMillis;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::QueueError;

/// A transaction, and the time that holds for everything it does. Dropped without
/// [`Self::commit`], it is rolled back.
#[derive(Debug)]
pub(super) struct Tx {
    inner: Transaction<'static, Sqlite>,
    now: UnixMillis,
}

impl Tx {
    pub(super) const fn new(inner: Transaction<'static, Sqlite>, now: UnixMillis) -> Self {
        Self { inner, now }
    }

    /// The time of the transaction.
    pub(super) const fn now(&self) -> UnixMillis {
        self.now
    }

    pub(super) async fn commit(self) -> Result<(), QueueError> {
        Ok(self.inner.commit().await?)
    }

    pub(super) async fn rollback(self) -> Result<(), QueueError> {
        Ok(self.inner.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}
