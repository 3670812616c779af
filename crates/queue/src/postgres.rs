//! The PostgreSQL backend: its state, its transactions, and the trait [`Queue`]. The traits of
//! single topics are in `src/sql`, which this module and that of SQLite both include.

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

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use clearcut_job::{Clock, UnixMillis};
use sqlx::PgPool;

pub use self::{address::DatabaseAddress, connect::ConnectFault};
use self::{open::ACQUIRE_TIMEOUT, relay::Relay, temporary::is_temporary, transaction::Tx};
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{KeyId, Pace, Policy, Queue, QueueError, Signals};

/// The names by which `src/sql` calls this backend.
type Backend = PostgresQueue;
type Db = sqlx::Postgres;
type Row = sqlx::postgres::PgRow;

/// The queue in a PostgreSQL database, shared by any number of processes.
///
/// All transactions that decide by what other rows hold take one advisory lock first, so they run
/// one after another, as in SQLite, and the same rules hold without a thought about what runs
/// beside them. Heartbeats and uses of keys, the most frequent writes, change one row and take no
/// lock. Every query runs inside of a transaction and nothing is prepared by name, so a pooler that
/// shares connections between transactions may stand between.
#[derive(Debug)]
pub struct PostgresQueue {
    pool: PgPool,
    address: DatabaseAddress,
    /// Version of the server.
    server: String,
    clock: TimeSource,
    policy: Policy,
    signals: Arc<Signals>,
    _relay: Relay,
    #[cfg(debug_assertions)]
    halt_at: Option<HaltAt>,
}

/// What tells the time of a transaction.
#[derive(Debug, Clone)]
pub enum TimeSource {
    /// The database, so that all processes agree.
    Database,
    /// A clock of this process, for tests.
    Clock(Arc<dyn Clock>),
}

/// Begins a transaction that reads. The timeouts end with the transaction, because a pooler may give
/// the session to another client.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = '30s'";

/// Begins a transaction that writes. Nobody else can write while a process holds the lock, so one
/// that is frozen in the middle loses it.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = '30s'; \
    SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// Longest wait for a server that does not answer, before the call fails.
const MAX_WAIT_FOR_SERVER: Duration = Duration::from_secs(5);

/// Pause before a transaction is begun again.
const PAUSE_BEFORE_RETRY: Duration = Duration::from_millis(100);

/// Key of the advisory lock of writing transactions: "clearcut" as eight bytes.
const WRITE_LOCK: i64 = i64::from_be_bytes(*b"clearcut");

impl PostgresQueue {
    /// Begins a transaction that reads.
    async fn begin_read(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_READ, false).await
    }

    /// Begins a transaction that runs alone among writing ones.
    async fn begin_write(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_WRITE, true).await
    }

    /// Begins a transaction that changes one row, whatever other rows hold.
    async fn begin_write_of_one_row(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_WRITE, false).await
    }

    /// Whether the time is that of this process, whose clock may jump.
    const fn has_own_clock(&self) -> bool {
        matches!(self.clock, TimeSource::Clock(_))
    }

    /// Begins a transaction. A server that restarts is waited for: nothing is done yet, so the
    /// attempt can be repeated.
    async fn begin(&self, begin: &'static str, is_alone: bool) -> Result<Tx, QueueError> {
        let until = Instant::now() + MAX_WAIT_FOR_SERVER;
        loop {
            match self.try_beginning(begin, is_alone).await {
                Err(error) if is_temporary(&error) && Instant::now() < until => {
                    tracing::warn!(%error, "the database does not answer; trying again");
                    tokio::time::sleep(PAUSE_BEFORE_RETRY).await;
                }
                begun => return Ok(begun?),
            }
        }
    }

    async fn try_beginning(&self, begin: &'static str, is_alone: bool) -> Result<Tx, sqlx::Error> {
        // In a task of its own: a caller that is dropped while the server begins would leave a session in
        // a transaction that nobody ends. A connection to a machine that is gone answers nothing.
        let pool = self.pool.clone();
        let beginning =
            tokio::spawn(async move { tokio::time::timeout(ACQUIRE_TIMEOUT, pool.begin_with(begin)).await });
        let begun = beginning.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        let mut tx = begun.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let query = if is_alone {
            sqlx::query_scalar(LOCK_AND_READ_TIME).bind(WRITE_LOCK)
        } else {
            sqlx::query_scalar(READ_TIME)
        };
        let told = UnixMillis(query.persistent(false).fetch_one(&mut *tx).await?);
        let now = match &self.clock {
            TimeSource::Database => told,
            TimeSource::Clock(clock) => clock.now(),
        };
        Ok(Tx::new(tx, now, self.pool.clone()))
    }
}

/// Reads the time.
const READ_TIME: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Takes the lock of writing transactions, then reads the time.
const LOCK_AND_READ_TIME: &str = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1))
    SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) FROM held";

#[cfg(debug_assertions)]
impl PostgresQueue {
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
impl Queue for PostgresQueue {
    async fn try_writing(&self) -> Result<(), QueueError> {
        let mut tx = self.begin_write_of_one_row().await?;
        sqlx::query(open::TRY_WRITING).execute(&mut *tx).await?;
        tx.commit().await
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    async fn count_request(
        &self,
        owner: KeyId,
        name: &'static str,
        per_minute: u32,
    ) -> Result<Option<Pace>, QueueError> {
        self.count(owner, name, per_minute).await.map(Some)
    }
}
