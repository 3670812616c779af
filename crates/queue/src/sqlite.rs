//! The SQLite backend: its state, its transactions, and the trait [`Queue`]. The traits of single
//! topics are in `src/sql`, which this module and that of PostgreSQL both include.

/// The greater of two numbers.
macro_rules! greater {
    ($a:literal, $b:literal) => {
        concat!("MAX(", $a, ", ", $b, ")")
    };
}

/// The smaller of two numbers.
macro_rules! smaller {
    ($a:literal, $b:literal) => {
        concat!("MIN(", $a, ", ", $b, ")")
    };
}

/// Makes the planner use an index.
macro_rules! indexed_by {
    ($index:literal) => {
        concat!(" INDEXED BY ", $index)
    };
}

/// A join whose left side is read first.
macro_rules! ordered_join {
    () => {
        " CROSS JOIN "
    };
}

#[path = "sql/claim_row.rs"]
mod claim_row;
mod damage;
#[path = "sql/deliveries.rs"]
mod deliveries;
#[path = "sql/ending.rs"]
mod ending;
#[path = "sql/endpoints.rs"]
mod endpoints;
#[path = "sql/events.rs"]
mod events;
#[path = "sql/job_row.rs"]
mod job_row;
#[path = "sql/jobs.rs"]
mod jobs;
#[path = "sql/keys.rs"]
mod keys;
mod open;
#[path = "sql/owned_jobs.rs"]
mod owned_jobs;
#[path = "sql/part_statements.rs"]
mod part_statements;
#[path = "sql/retention.rs"]
mod retention;
#[path = "sql/row.rs"]
mod row;
#[path = "sql/segments.rs"]
mod segments;
#[path = "sql/setback.rs"]
mod setback;
#[path = "sql/statements.rs"]
mod statements;
mod transaction;
#[path = "sql/uploads.rs"]
mod uploads;
mod wal;
#[path = "sql/webhook_row.rs"]
mod webhook_row;
#[path = "sql/webhook_statements.rs"]
mod webhook_statements;
mod writer;

use std::sync::{Arc, atomic::AtomicBool};

use async_trait::async_trait;
use clearcut_job::Clock;
use sqlx::SqlitePool;

use self::{transaction::Tx, writer::Writer};
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{Policy, Queue, QueueError, Signals};

/// The names by which `src/sql` calls this backend.
type Backend = SqliteQueue;
type Db = sqlx::Sqlite;
type Row = sqlx::sqlite::SqliteRow;

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
    /// Begins a transaction that reads.
    async fn begin_read(&self) -> Result<Tx, QueueError> {
        Ok(Tx::new(self.readers.begin().await?, self.clock.now()))
    }

    /// Begins a transaction that holds the write lock from its first statement, so that it cannot
    /// fail halfway for lack of the lock.
    async fn begin_write(&self) -> Result<Tx, QueueError> {
        Ok(Tx::new(self.writer.begin().await?, self.clock.now()))
    }

    /// Whether the time is that of this process, whose clock may jump.
    #[expect(clippy::unused_self, reason = "PostgreSQL may tell the time instead")]
    const fn has_own_clock(&self) -> bool {
        true
    }

    /// Begins a transaction that changes one row, whatever other rows hold.
    async fn begin_write_of_one_row(&self) -> Result<Tx, QueueError> {
        self.begin_write().await
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
        self.writer.execute(sqlx::query(open::TRY_WRITING)).await.map(drop)
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}
