//! Open the database, and bring its schema up to date.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, PgConnection, SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    DatabaseAddress, PostgresQueue, TimeSource,
    connect::{check_server, failure},
    database::{Database, Outage, WRITE_LOCK},
    relay::Relay,
    statements::statements,
};
use crate::{ConnectFault, Policy, QueueError, Schema};

/// Number of connections of one process. A transaction holds one for a few milliseconds; one more
/// listens for signals.
const MAX_CONNECTIONS: u32 = 8;

/// Longest wait for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "queue", include_str!("../../migrations/postgres/0001_queue.sql"))];

statements! {
    TRY_WRITING = "UPDATE write_checks SET checks = checks + 1 WHERE id = 1";

    STORE_SECRET = "INSERT INTO secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

    READ_SECRET = "SELECT secret FROM secrets WHERE name = $1";

    NEWEST_MIGRATION = "SELECT max(version) FROM _sqlx_migrations";

    OLDEST_SCHEMA = "SELECT oldest FROM schema_support";

    READ_RIGHTS = "SELECT current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),
            current_setting('transaction_read_only') = 'on'";
}

impl PostgresQueue {
    /// Opens the database at `address`.
    ///
    /// # Errors
    /// [`QueueError::Unusable`] with the reason if it cannot be used; [`QueueError::NewerSchema`] if
    /// a newer program changed it beyond use.
    pub async fn connect(address: &DatabaseAddress, policy: Policy) -> Result<Self, QueueError> {
        let queue = Self::attach(address, TimeSource::Database, policy).await?;
        queue.migrate().await?;
        Ok(queue)
    }

    /// Opens the database that `options` name, with the time of `clock`.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn open(options: PgConnectOptions, clock: TimeSource, policy: Policy) -> Result<Self, QueueError> {
        let queue = Self::attach(&options.into(), clock, policy).await?;
        queue.migrate().await?;
        Ok(queue)
    }

    /// Connects to the database at `address`, and changes nothing.
    ///
    /// # Errors
    /// [`QueueError::Unusable`] with the reason if it cannot be used.
    pub async fn attach(address: &DatabaseAddress, clock: TimeSource, policy: Policy) -> Result<Self, QueueError> {
        let server = check_server(address).await?;
        // A connection that died is noticed when a transaction begins, which is then repeated.
        let pool = PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
        let pool = pool.max_connections(MAX_CONNECTIONS).connect_with(address.options()).await;
        let pool = pool.map_err(|error| failure(address, error))?;
        let (signals, relay) = Relay::start(&pool);
        let database = Database {
            pool,
            clock,
            policy,
            signals,
            outage: Outage::default(),
            #[cfg(debug_assertions)]
            halt_at: None,
        };
        Ok(Self { database, address: address.clone(), server, _relay: relay })
    }

    /// The database and its server, for people. Never a password.
    #[must_use]
    pub fn place(&self) -> String {
        format!("PostgreSQL {}, {}", self.server, self.address)
    }

    /// The versions of the schema.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn schema(&self) -> Result<Schema, QueueError> {
        let failed = |error| failure(&self.address, error);
        read_schema(&mut *self.database.pool.begin().await.map_err(failed)?).await.map_err(failed)
    }

    /// Checks that this program can use the database, and bring its schema up to date where that is to
    /// be done. Changes nothing.
    ///
    /// # Errors
    /// [`QueueError::Unusable`] with the reason; [`QueueError::NewerSchema`] if a newer program changed
    /// the database beyond use.
    pub async fn check(&self) -> Result<Schema, QueueError> {
        let failed = |error| failure(&self.address, error);
        let unusable = |fault| QueueError::Unusable { database: self.address.to_string(), fault };
        let mut tx = self.database.pool.begin().await.map_err(failed)?;
        let schema = read_schema(&mut tx).await.map_err(failed)?;
        if schema.is_too_new() {
            return Err(QueueError::NewerSchema { found: schema.found });
        }
        if schema.is_outdated() {
            let query = sqlx::query_as(READ_RIGHTS).persistent(false);
            match query.fetch_one(&mut *tx).await.map_err(failed)? {
                (_, true) => return Err(unusable(ConnectFault::ReadOnly)),
                (false, _) => return Err(unusable(ConnectFault::MissingRight)),
                (true, false) => {}
            }
        } else {
            sqlx::query(TRY_WRITING).persistent(false).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.rollback().await.map_err(failed)?;
        Ok(schema)
    }

    /// Brings the schema up to date, one process at a time. A newer one is left as it is, if this
    /// program can use it.
    ///
    /// # Errors
    /// [`QueueError::NewerSchema`] if this program cannot use it; otherwise if the database fails.
    pub async fn migrate(&self) -> Result<(), QueueError> {
        let failed = |error| failure(&self.address, error);
        let mut tx = self.database.pool.begin().await.map_err(failed)?;
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITE_LOCK);
        lock.persistent(false).execute(&mut *tx).await.map_err(failed)?;
        let schema = read_schema(&mut tx).await.map_err(failed)?;
        if schema.is_too_new() {
            return Err(QueueError::NewerSchema { found: schema.found });
        }
        if !schema.is_outdated() {
            return Ok(());
        }
        let migrations = MIGRATIONS.map(|(version, name, text)| {
            Migration::new(version, name.into(), MigrationType::Simple, AssertSqlSafe(text).into_sql_str(), false)
        });
        let mut migrator = Migrator::with_migrations(migrations.into());
        // The lock of the library belongs to a session, which a pooler does not keep.
        migrator.set_locking(false);
        // It names its statements, and a pooler may have given this session to others before.
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await.map_err(failed)?;
        migrator.run_direct(None, &mut *tx, false).await.map_err(|error| self.migration_failure(error))?;
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    fn migration_failure(&self, error: MigrateError) -> QueueError {
        match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => failure(&self.address, cause),
            other => QueueError::Migrate(other),
        }
    }

    /// The 32 secret bytes that sign links, the same for all processes of the database. The first
    /// call stores `fresh`, which the caller draws from the system's random generator.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn signing_secret(&self, fresh: [u8; 32]) -> Result<[u8; 32], QueueError> {
        self.keep_secret("links", &fresh).await?.try_into().map_err(|_| QueueError::Damaged { what: "secret" })
    }

    /// The id of the store that belongs to this database, and whether that store was ever found to
    /// hold it; `None` if the database has no store yet, or no tables. Changes nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn store_id(&self) -> Result<Option<(String, bool)>, QueueError> {
        if self.schema().await?.found == 0 {
            return Ok(None);
        }
        let mut tx = self.database.begin_read().await?;
        let id: Option<Vec<u8>> = sqlx::query_scalar(READ_SECRET).bind("store").fetch_optional(&mut *tx).await?;
        let held: Option<Vec<u8>> = sqlx::query_scalar(READ_SECRET).bind("store held").fetch_optional(&mut *tx).await?;
        id.map(|id| Ok((store_id_of(id)?, held.is_some()))).transpose()
    }

    /// Chooses the id of the store that belongs to this database, the same for all its processes. The
    /// first call keeps `fresh`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn choose_store_id(&self, fresh: &str) -> Result<String, QueueError> {
        store_id_of(self.keep_secret("store", fresh.as_bytes()).await?)
    }

    /// Keeps that the store holds the id of [`Self::choose_store_id`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn confirm_store_id(&self) -> Result<(), QueueError> {
        self.keep_secret("store held", b"").await.map(drop)
    }

    /// The bytes kept under `name`; the first call keeps `fresh`.
    async fn keep_secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, QueueError> {
        let mut tx = self.database.begin_write().await?;
        sqlx::query(STORE_SECRET).bind(name).bind(fresh.to_vec()).execute(&mut *tx).await?;
        let stored = sqlx::query_scalar(READ_SECRET).bind(name).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.pool.close().await;
    }
}

fn store_id_of(bytes: Vec<u8>) -> Result<String, QueueError> {
    String::from_utf8(bytes).map_err(|_| QueueError::Damaged { what: "id of the store" })
}

/// Reads the versions of the schema. A database without tables has version 0.
async fn read_schema(connection: &mut PgConnection) -> Result<Schema, sqlx::Error> {
    let known = MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    let query = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    if !sqlx::query_scalar(query).persistent(false).fetch_one(&mut *connection).await? {
        return Ok(Schema { found: 0, known, oldest: 0 });
    }
    let newest: Option<i64> =
        sqlx::query_scalar(NEWEST_MIGRATION).persistent(false).fetch_one(&mut *connection).await?;
    let Some(found) = newest else { return Ok(Schema { found: 0, known, oldest: 0 }) };
    let oldest = sqlx::query_scalar(OLDEST_SCHEMA).persistent(false).fetch_one(connection).await?;
    Ok(Schema { found, known, oldest })
}

#[cfg(test)]
mod tests {
    use std::env;

    use sqlx::{Connection as _, PgConnection, Row as _};

    use super::*;
    use crate::postgres::{pace, part_statements, relay, statements, webhook_statements};

    /// A new database on the server that `make test-rust` starts.
    #[expect(clippy::disallowed_methods, reason = "a test finds its server")]
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
        let lists = [ALL, pace::ALL, part_statements::ALL, relay::ALL, statements::ALL, webhook_statements::ALL];
        for (name, text) in lists.into_iter().flatten() {
            let mut tx = queue.database.pool.begin().await.unwrap();
            let prepare = format!("PREPARE {name} AS {text}");
            let prepared = sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
    }

    /// With ten thousand jobs of one key, half of them waiting, frequent queries never read them all,
    /// also if the planner takes many leases that are gone for leases.
    #[tokio::test]
    async fn frequent_queries_never_scan_all_jobs() {
        let queue = open(new_database("unit_plans").await).await.unwrap();
        let fill = "INSERT INTO api_keys (hash, prefix, name, created_ms) VALUES ('\\x00', 'hc_', 'first', 0);
            INSERT INTO jobs (id, owner, state, request, input_size, input_sha256, created_ms, not_before_ms)
                SELECT 'j' || n, 1, CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'failed' END, '', 1, '', n, n FROM generate_series(1, 10000) n;
            ANALYZE;
            INSERT INTO leases (job_seq, token, worker, expires_ms, progress) SELECT seq, 1, 'w', 0, 0 FROM jobs WHERE state = 'failed';
            DELETE FROM leases WHERE job_seq > 20";
        sqlx::raw_sql(fill).execute(&queue.database.pool).await.unwrap();
        for (query, values) in [
            (statements::FIND_READY, "(20000, 2)"),
            (part_statements::FIND_READY_PART, "(20000, 2)"),
            (statements::LIST_JOBS, "(1, 0, 9000, 'j9000', 20)"),
            (statements::LIST_JOBS_IN_STATE, "(1, 0, 9000, 'j9000', 20, 'queued')"),
            (statements::READ_JOB, "('j5000', 1)"),
            (webhook_statements::FIND_DUE_DELIVERY, "(1, 4)"),
        ] {
            let mut tx = queue.database.pool.begin().await.unwrap();
            let prepare = format!("DEALLOCATE ALL; PREPARE planned AS {query}");
            sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await.unwrap();
            let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE planned {values}");
            let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            assert!(!steps.iter().any(|step| step.contains("Seq Scan on jobs")), "{query}: {steps:#?}");
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_once_it_leaves_this_program_behind() {
        let database = new_database("unit_newer").await;
        let queue = open(database.clone()).await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)";
        sqlx::query(newer).execute(&queue.database.pool).await.unwrap();
        let beside = open(database.clone()).await.expect("a process of the version before works beside newer ones");
        assert_eq!(beside.schema().await.unwrap(), Schema { found: 99, known: 1, oldest: 1 });
        sqlx::query("UPDATE schema_support SET oldest = 99").execute(&queue.database.pool).await.unwrap();
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
        let mut watch = there.database.signals.watch(&id);
        // The other process may not listen yet, so the signal is repeated.
        let (mut calls, hour) = (0, Duration::from_hours(1));
        while tokio::time::timeout(Duration::from_millis(100), watch.changed(hour)).await.is_err() {
            assert!(calls < 100, "no signal arrived");
            calls += 1;
            here.database.signals.call_watchers(&id);
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
        let (first, second) =
            (queue.database.begin_read().await.unwrap().now(), queue.database.begin_write().await.unwrap().now());
        let now = clearcut_job::Clock::now(&clearcut_job::SystemClock);
        assert!(first <= second && now.since(first) < Duration::from_mins(1), "{first:?} {second:?} {now:?}");
    }
}
