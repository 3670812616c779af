//! Connect to the database, and bring its schema up to date.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{PostgresQueue, TimeSource, WRITE_LOCK, statements::statements};
use crate::{Policy, QueueError, Signals};

/// Number of connections of one process. A transaction holds one for a few milliseconds.
const MAX_CONNECTIONS: u32 = 8;

/// Longest wait for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "queue", include_str!("../../migrations/postgres/0001_queue.sql"))];

statements! {
    TRY_WRITING = "UPDATE write_checks SET checks = checks + 1 WHERE id = 1";
}

impl PostgresQueue {
    /// Connects to the database that `options` name and migrates its schema.
    ///
    /// # Errors
    /// If the database cannot be reached, or its schema is newer than this program.
    pub async fn open(options: PgConnectOptions, clock: TimeSource, policy: Policy) -> Result<Self, QueueError> {
        // A pooler gives every transaction another connection, where a statement prepared by name
        // is unknown.
        let options = options.statement_cache_capacity(0).application_name("clearcut");
        let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        let queue = Self {
            pool: pool.connect_with(options).await?,
            clock,
            policy,
            signals: Signals::default(),
            #[cfg(debug_assertions)]
            halt_at: None,
        };
        queue.migrate().await?;
        Ok(queue)
    }

    /// Brings the schema up to date, one process at a time.
    async fn migrate(&self) -> Result<(), QueueError> {
        let migrations = MIGRATIONS.map(|(version, name, text)| {
            Migration::new(version, name.into(), MigrationType::Simple, AssertSqlSafe(text).into_sql_str(), false)
        });
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITE_LOCK).execute(&mut *tx).await?;
        let mut migrator = Migrator::with_migrations(migrations.into());
        // The lock of the library belongs to a session, which a pooler does not keep.
        migrator.set_locking(false);
        migrator.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
            MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
                QueueError::NewerSchema { found }
            }
            other => QueueError::Migrate(other),
        })?;
        Ok(tx.commit().await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
