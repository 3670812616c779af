//! Connect to the database, and bring its schema up to date.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{PostgresQueue, TimeSource, WRITE_LOCK, relay::Relay, statements::statements};
use crate::{Policy, QueueError};

/// Number of connections of one process. A transaction holds one for a few milliseconds.
const MAX_CONNECTIONS: u32 = 8;

/// Longest wait for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "queue", include_str!("../../migrations/postgres/0001_queue.sql"))];

statements! {
    TRY_WRITING = "UPDATE write_checks SET checks = checks + 1 WHERE id = 1";

    STORE_SECRET = "INSERT INTO secrets (name, secret) VALUES ('links', $1) ON CONFLICT (name) DO NOTHING";

    READ_SECRET = "SELECT secret FROM secrets WHERE name = 'links'";
}

impl PostgresQueue {
    /// Connects to the database at `address`, such as `postgres://user@host/name`, as
    /// [`Self::open`]. What the address leaves out comes from the variables of libpq, such as
    /// `PGPASSWORD`.
    ///
    /// # Errors
    /// [`QueueError::Address`] if the address is none of PostgreSQL; else as [`Self::open`].
    pub async fn connect(address: &str, policy: Policy) -> Result<Self, QueueError> {
        let options = address.parse().map_err(|_| QueueError::Address)?;
        Self::open(options, TimeSource::Database, policy).await
    }

    /// Connects to the database that `options` name and migrates its schema.
    ///
    /// # Errors
    /// If the database cannot be reached, or its schema is newer than this program.
    pub async fn open(options: PgConnectOptions, clock: TimeSource, policy: Policy) -> Result<Self, QueueError> {
        // A pooler gives every transaction another connection, where a statement prepared by name
        // is unknown.
        let options = options.statement_cache_capacity(0).application_name("clearcut");
        let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.connect_with(options).await?;
        let (signals, relay) = Relay::start(&pool);
        let queue = Self {
            pool,
            clock,
            policy,
            signals,
            _relay: relay,
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

    /// The 32 secret bytes that sign links, the same for all processes of the database. The first
    /// call stores `fresh`, which the caller draws from the system's random generator.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn signing_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], QueueError> {
        let mut tx = self.begin_write().await?;
        sqlx::query(STORE_SECRET).bind(fresh.to_vec()).execute(&mut *tx).await?;
        let stored: Vec<u8> = sqlx::query_scalar(READ_SECRET).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        stored.try_into().map_err(|_| QueueError::Damaged { what: "secret" })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use sqlx::{Connection as _, PgConnection, Row as _};

    use super::*;
    use crate::postgres::{part_statements, statements, webhook_statements};

    /// A new database on the server that `make test-rust` starts.
    async fn new_database(name: &'static str) -> PgConnectOptions {
        let folder = env::var("CLEARCUT_TEST_POSTGRES").expect("CLEARCUT_TEST_POSTGRES names a socket folder");
        let server = PgConnectOptions::new_without_pgpass().socket(folder).username("postgres").database("postgres");
        let mut connection = PgConnection::connect_with(&server).await.unwrap();
        for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
        server.database(name)
    }

    async fn open(database: PgConnectOptions) -> Result<PostgresQueue, QueueError> {
        PostgresQueue::open(database, TimeSource::Database, Policy::default()).await
    }

    #[tokio::test]
    async fn every_statement_is_valid_against_the_schema() {
        let queue = open(new_database("unit_statements").await).await.unwrap();
        for (name, text) in ALL.iter().chain(statements::ALL).chain(part_statements::ALL).chain(webhook_statements::ALL)
        {
            let mut tx = queue.pool.begin().await.unwrap();
            let prepare = format!("PREPARE {name} AS {text}");
            let prepared = sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
    }

    /// With ten thousand jobs of one key, half of them waiting, frequent queries never read them all.
    #[tokio::test]
    async fn frequent_queries_never_scan_all_jobs() {
        let queue = open(new_database("unit_plans").await).await.unwrap();
        let fill = "INSERT INTO api_keys (hash, prefix, name, created_ms) VALUES ('\\x00', 'hc_', 'first', 0);
            INSERT INTO jobs (id, owner, state, request, input_size, input_sha256, created_ms, not_before_ms)
                SELECT 'j' || n, 1, CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'failed' END, '', 1, '', n, n FROM generate_series(1, 10000) n;
            ANALYZE";
        sqlx::raw_sql(fill).execute(&queue.pool).await.unwrap();
        for (query, values) in [
            (statements::FIND_READY, "(20000, 2)"),
            (part_statements::FIND_READY_PART, "(20000, 2)"),
            (statements::LIST_JOBS, "(1, 0, 9000, 'j9000', 20)"),
            (statements::LIST_JOBS_IN_STATE, "(1, 0, 9000, 'j9000', 20, 'queued')"),
            (statements::READ_JOB, "('j5000', 1)"),
            (webhook_statements::FIND_DUE_DELIVERY, "(1, 4)"),
        ] {
            let mut tx = queue.pool.begin().await.unwrap();
            let prepare = format!("DEALLOCATE ALL; PREPARE planned AS {query}");
            sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await.unwrap();
            let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE planned {values}");
            let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            assert!(!steps.iter().any(|step| step.contains("Seq Scan on jobs")), "{query}: {steps:#?}");
        }
    }

    #[tokio::test]
    async fn a_database_with_a_newer_schema_is_refused() {
        let database = new_database("unit_newer").await;
        let queue = open(database.clone()).await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)";
        sqlx::query(newer).execute(&queue.pool).await.unwrap();
        queue.close().await;
        assert!(matches!(open(database).await, Err(QueueError::NewerSchema { found: 99 })));
    }

    #[tokio::test]
    async fn processes_that_start_at_once_migrate_once() {
        let database = new_database("unit_together").await;
        let opened = tokio::join!(open(database.clone()), open(database.clone()), open(database));
        assert!(matches!(opened, (Ok(_), Ok(_), Ok(_))), "{opened:?}");
    }

    #[tokio::test]
    async fn a_change_in_one_process_wakes_the_watchers_in_another() {
        let database = new_database("unit_signals").await;
        let (here, there) = (open(database.clone()).await.unwrap(), open(database).await.unwrap());
        let id = clearcut_job::JobId::from_random(1);
        let mut watch = there.signals.watch(&id);
        // The other process may not listen yet, so the signal is repeated.
        let (mut calls, hour) = (0, Duration::from_hours(1));
        while tokio::time::timeout(Duration::from_millis(100), watch.changed(hour)).await.is_err() {
            assert!(calls < 100, "no signal arrived");
            calls += 1;
            here.signals.call_watchers(&id);
        }
    }

    #[tokio::test]
    async fn all_processes_sign_with_the_secret_of_the_first() {
        let database = new_database("unit_secrets").await;
        let (here, there) = (open(database.clone()).await.unwrap(), open(database).await.unwrap());
        assert_eq!(here.signing_secret([1; 32]).await.unwrap(), [1; 32]);
        assert_eq!(there.signing_secret([2; 32]).await.unwrap(), [1; 32]);
    }

    #[tokio::test]
    async fn the_database_tells_the_time() {
        let queue = open(new_database("unit_time").await).await.unwrap();
        let (first, second) = (queue.begin_read().await.unwrap().now(), queue.begin_write().await.unwrap().now());
        let now = clearcut_job::Clock::now(&clearcut_job::SystemClock);
        assert!(first <= second && now.since(first) < Duration::from_mins(1), "{first:?} {second:?} {now:?}");
    }
}
