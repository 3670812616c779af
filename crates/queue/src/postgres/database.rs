//! The database of a queue: how its transactions begin. One that breaks is rolled back and its
//! caller told; `repeat` begins it again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clearcut_job::{UnixMillis, error_line};
use sqlx::PgPool;

use super::{TimeSource, temporary::is_temporary, transaction::Tx};
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{Policy, QueueError, Signals};

/// Begins a transaction that reads. The timeouts end with the transaction, because a pooler may give
/// the session to another client.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = '30s'";

/// Begins a transaction that writes. Nobody else can write while a process holds the lock, so one
/// that is frozen in the middle loses it.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = '30s'; \
    SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// Reads the time.
const READ_TIME: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Takes the lock of writing transactions, then reads the time.
const LOCK_AND_READ_TIME: &str = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1))
    SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) FROM held";

/// Key of the advisory lock of writing transactions: "clearcut" as eight bytes.
pub(super) const WRITE_LOCK: i64 = i64::from_be_bytes(*b"clearcut");

/// Longest wait for a server that does not answer, before the call fails.
const MAX_WAIT_FOR_SERVER: Duration = Duration::from_secs(5);

/// Pause before a transaction is begun again.
const PAUSE_BEFORE_RETRY: Duration = Duration::from_millis(100);

/// The connections of one process, and what its transactions go by.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) pool: PgPool,
    pub(super) clock: TimeSource,
    pub(super) policy: Policy,
    pub(super) signals: Arc<Signals>,
    pub(super) outage: Outage,
    #[cfg(debug_assertions)]
    pub(super) halt_at: Option<HaltAt>,
}

/// Whether the database answers. Many tasks meet the same outage; its begin and its end are logged
/// once.
#[derive(Debug, Default)]
pub(super) struct Outage(AtomicBool);

impl Outage {
    fn note(&self, error: &sqlx::Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = error_line(error), "the database does not answer; trying again");
        }
    }

    fn end(&self) {
        if self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed) {
            tracing::info!("the database answers again");
        }
    }
}

impl Database {
    /// Begins a transaction that reads.
    pub(super) async fn begin_read(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_READ, false).await
    }

    /// Begins a transaction that runs alone among writing ones.
    pub(super) async fn begin_write(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_WRITE, true).await
    }

    /// Begins a transaction that changes one row, whatever other rows hold.
    pub(super) async fn begin_write_of_one_row(&self) -> Result<Tx, QueueError> {
        self.begin(BEGIN_WRITE, false).await
    }

    /// Whether the time is that of this process, whose clock may jump.
    pub(super) const fn has_own_clock(&self) -> bool {
        matches!(self.clock, TimeSource::Clock(_))
    }

    /// Begins a transaction. A server that restarts is waited for: nothing is done yet, so the
    /// attempt can be repeated.
    async fn begin(&self, begin: &'static str, is_alone: bool) -> Result<Tx, QueueError> {
        let until = Instant::now() + MAX_WAIT_FOR_SERVER;
        loop {
            match self.try_beginning(begin, is_alone).await {
                Err(error) if is_temporary(&error) => {
                    self.outage.note(&error);
                    if Instant::now() >= until {
                        return Err(QueueError::Unanswered(error));
                    }
                    tokio::time::sleep(PAUSE_BEFORE_RETRY).await;
                }
                begun => {
                    self.outage.end();
                    return Ok(begun?);
                }
            }
        }
    }

    async fn try_beginning(&self, begin: &'static str, is_alone: bool) -> Result<Tx, sqlx::Error> {
        // In a task of its own: a caller that is dropped while the server begins would leave a session in
        // a transaction that nobody ends. A connection to a machine that is gone answers nothing.
        let (pool, timeout) = (self.pool.clone(), self.pool.options().get_acquire_timeout());
        let beginning = tokio::spawn(async move { tokio::time::timeout(timeout, pool.begin_with(begin)).await });
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

    /// Never returns if the queue halts at `moment`.
    #[cfg(debug_assertions)]
    pub(super) async fn reach(&self, moment: HaltAt) {
        if self.halt_at == Some(moment) {
            tracing::error!(at = ?moment, "halted");
            std::future::pending::<()>().await;
        }
    }
}
