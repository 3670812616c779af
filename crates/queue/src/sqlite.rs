//! The SQLite backend: its state, and the trait [`Queue`]. Each submodule has the trait of its
//! topic.

mod damage;
mod deliveries;
mod ending;
mod endpoints;
mod events;
mod job_row;
mod jobs;
mod keys;
mod open;
mod owned_jobs;
mod retention;
mod row;
mod sql;
mod uploads;
mod wal;
mod webhook_row;
mod webhook_sql;
mod writer;

use std::sync::{Arc, atomic::AtomicBool};

use async_trait::async_trait;
use clearcut_job::Clock;
use sqlx::{Sqlite, SqlitePool, Transaction};

use self::writer::Writer;
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{Policy, Queue, QueueError, Signals};

/// The queue in one SQLite file.
///
/// One connection writes, so that writers of this process never wait for each other's locks; a few
/// other connections read. Another process may write briefly as well: the `keys` command does.
#[derive(Debug)]
pub struct SqliteQueue {
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
    policy: Policy,
    signals: Signals,
    log_marker: damage::LogMarker,
    is_closed: AtomicBool,
    #[cfg(debug_assertions)]
    halt_at: Option<HaltAt>,
}

impl SqliteQueue {
    /// Begins a transaction that holds the write lock from its first statement, so that it cannot
    /// fail halfway for lack of the lock.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.writer.begin().await
    }
}

#[cfg(debug_assertions)]
impl SqliteQueue {
    /// Makes the queue halt at `moment`: the call that reaches it never returns.
    #[must_use]
    pub fn halting_at(mut self, moment: Option<HaltAt>) -> Self {
        self.halt_at = moment;
        self
    }

    /// Never returns if the queue halts at `moment`.
    async fn reach(&self, moment: HaltAt) {
        if self.halt_at == Some(moment) {
            tracing::error!(at = ?moment, "halted");
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn try_writing(&self) -> Result<(), QueueError> {
        self.writer.execute(sqlx::query(sql::TRY_WRITING)).await.map(drop)
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}
