//! The PostgreSQL backend: its state, and the trait [`Queue`]. The traits of single topics are in
//! `src/sql`, which this module and that of SQLite both include; `repeated` implements them for the
//! queue by repeating what breaks.

/// The greater of two numbers.
macro_rules! greater {
    ($a:literal, $b:literal) => {
        concat!("GREATEST(", $a, ", ", $b, ")")
    };
}

/// The smaller of two numbers.
macro_rules! smaller {
    ($a:literal, $b:literal) => {
        concat!("LEAST(", $a, ", ", $b, ")")
    };
}

/// PostgreSQL chooses indexes by itself.
macro_rules! indexed_by {
    ($index:literal) => {
        ""
    };
}

/// PostgreSQL chooses the order of joins by itself.
macro_rules! ordered_join {
    () => {
        " JOIN "
    };
}

mod address;
#[path = "sql/claim_row.rs"]
mod claim_row;
mod connect;
mod database;
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
mod pace;
#[path = "sql/part_statements.rs"]
mod part_statements;
mod relay;
mod repeat;
mod repeated;
#[path = "sql/retention.rs"]
mod retention;
#[path = "sql/row.rs"]
mod row;
#[path = "sql/segments.rs"]
mod segments;
mod session;
#[path = "sql/setback.rs"]
mod setback;
#[path = "sql/statements.rs"]
mod statements;
mod temporary;
mod transaction;
#[path = "sql/uploads.rs"]
mod uploads;
#[path = "sql/webhook_row.rs"]
mod webhook_row;
#[path = "sql/webhook_statements.rs"]
mod webhook_statements;

use std::sync::Arc;

use async_trait::async_trait;
use clearcut_job::Clock;

pub use self::{address::DatabaseAddress, connect::ConnectFault};
use self::{database::Database, relay::Relay, repeat::repeat, transaction::Tx};
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{KeyId, Pace, Queue, QueueError, Signals};

/// The names by which `src/sql` calls this backend.
type Backend = Database;
type Db = sqlx::Postgres;
type Row = sqlx::postgres::PgRow;

/// The queue in a PostgreSQL database, shared by any number of processes.
///
/// All transactions that decide by what other rows hold take one advisory lock first, so they run
/// one after another, as in SQLite, and the same rules hold without a thought about what runs
/// beside them. Heartbeats and uses of keys, the most frequent writes, change one row and take no
/// lock. Every query runs inside of a transaction and nothing is prepared by name, so a pooler that
/// shares connections between transactions may stand between. A transaction that breaks before its
/// commit is repeated.
#[derive(Debug)]
pub struct PostgresQueue {
    database: Database,
    address: DatabaseAddress,
    /// Version of the server.
    server: String,
    _relay: Relay,
}

/// What tells the time of a transaction.
#[derive(Debug, Clone)]
pub enum TimeSource {
    /// The database, so that all processes agree.
    Database,
    /// A clock of this process, for tests.
    Clock(Arc<dyn Clock>),
}

#[cfg(debug_assertions)]
impl PostgresQueue {
    /// Makes the queue halt at `moment`: the call that reaches it never returns.
    #[must_use]
    pub fn halting_at(mut self, moment: Option<HaltAt>) -> Self {
        self.database.halt_at = moment;
        self
    }
}

impl PostgresQueue {
    async fn write_once(&self) -> Result<(), QueueError> {
        let mut tx = self.database.begin_write_of_one_row().await?;
        sqlx::query(open::TRY_WRITING).execute(&mut *tx).await?;
        tx.commit().await
    }
}

#[async_trait]
impl Queue for PostgresQueue {
    async fn try_writing(&self) -> Result<(), QueueError> {
        repeat(|| self.write_once()).await
    }

    fn signals(&self) -> &Signals {
        &self.database.signals
    }

    async fn count_request(
        &self,
        owner: KeyId,
        name: &'static str,
        per_minute: u32,
    ) -> Result<Option<Pace>, QueueError> {
        repeat(|| self.database.count(owner, name, per_minute)).await.map(Some)
    }
}
