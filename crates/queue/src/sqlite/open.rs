//! Open, upgrade, checkpoint, back up and close the database.

use std::{
    fs,
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clearcut_job::Clock;
use sqlx::{
    AssertSqlSafe, Row as _, SqlSafeStr as _, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    SqliteQueue,
    claim_row::find_claim,
    damage::{APPLICATION_ID, LogMarker, sync_folder_of},
    row,
    setback::apply_setback,
    statements::statements,
    writer::Writer,
};
use crate::{NextStep, Policy, QueueError, Reaped, Schema, Signals};

/// Time for which a statement waits for another writing process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of reading connections beside the writer. More would compete for the same two cores.
const READER_CONNECTIONS: u32 = 4;

/// First SQLite release whose write-ahead log cannot lose a commit when it is reset during a read.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

const MIGRATIONS: [(i64, &str, &str); 7] = [
    (1, "jobs", include_str!("../../migrations/0001_jobs.sql")),
    (2, "owned jobs", include_str!("../../migrations/0002_owned_jobs.sql")),
    (3, "webhooks", include_str!("../../migrations/0003_webhooks.sql")),
    (4, "uploads", include_str!("../../migrations/0004_uploads.sql")),
    (5, "clip names", include_str!("../../migrations/0005_clip_names.sql")),
    (6, "restarts", include_str!("../../migrations/0006_restarts.sql")),
    (7, "parts", include_str!("../../migrations/0007_parts.sql")),
];

statements! {
    VERSION = "SELECT sqlite_version()";

    // Writes an unused number to the first page of the file. SQLite writes it even if it is
    // unchanged.
    TRY_WRITING = "PRAGMA user_version = 1";

    CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

    BACK_UP = "VACUUM INTO $1";

    CHECK = "PRAGMA quick_check(1)";

    DRAW_APPLICATION_ID = "SELECT abs(random() % 2147483647) + 1";

    FIND_LEASED = "SELECT j.id, j.restarts, l.token FROM leases l JOIN jobs j ON j.seq = l.job_seq ORDER BY l.job_seq, l.token";

    COUNT_RESTARTS = "UPDATE jobs SET restarts = restarts + 1 WHERE seq IN (SELECT job_seq FROM leases)";

    EXPIRE_ALL_DELIVERY_LEASES = "UPDATE webhook_deliveries SET due_ms = $1, leased_until_ms = NULL WHERE leased_until_ms IS NOT NULL";
}

impl SqliteQueue {
    /// Opens the database at `path`. Creates it if it is missing and migrates its schema.
    ///
    /// # Errors
    /// If data was lost, the schema is newer than this program, SQLite is too old, or the file
    /// cannot be used.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>, policy: Policy) -> Result<Self, QueueError> {
        let mut log_marker = LogMarker::new(path);
        log_marker.check_for_loss()?;
        restrict_to_owner(path).map_err(|error| QueueError::from(sqlx::Error::Io(error)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", "67108864")
            .busy_timeout(BUSY_TIMEOUT);
        let writer = Writer::open(path, options.clone()).await?;
        check_sqlite_version(writer.pool()).await?;
        migrate(writer.pool()).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READER_CONNECTIONS)
            .connect_with(options.pragma("query_only", "true"))
            .await?;
        log_marker.write().map_err(|error| QueueError::from(sqlx::Error::Io(error)))?;
        Ok(Self {
            writer,
            readers,
            clock,
            policy,
            signals: Signals::default(),
            log_marker,
            is_closed: AtomicBool::new(false),
            #[cfg(debug_assertions)]
            halt_at: None,
        })
    }

    /// Takes back all claimed jobs and makes all claimed deliveries due at once.
    ///
    /// Call it at the start of the only process that works on this database, when all earlier
    /// claimants are known to be dead. A job fails only after [`Policy::max_restarts`] such starts.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn take_back_all(&self) -> Result<Vec<Reaped>, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        sqlx::query(COUNT_RESTARTS).execute(&mut *tx).await?;
        let mut reaped = Vec::new();
        for found in &sqlx::query(FIND_LEASED).fetch_all(&mut *tx).await? {
            let id = row::job_id(found)?;
            // The setback of another part may have ended the job.
            let Some(claim) = find_claim(&mut tx, &id, row::token(found)?).await? else { continue };
            let step = self.policy.after_restart(row::count(found, "restarts")? as u32, now);
            reaped.push(Reaped { id, has_failed: matches!(step, NextStep::End(_)) });
            apply_setback(&mut tx, &claim, step, None).await?;
        }
        sqlx::query(EXPIRE_ALL_DELIVERY_LEASES).bind(now.0).execute(&mut *tx).await?;
        // The clock may have been set while no server ran.
        self.make_delayed_work_due(&mut tx).await?;
        tx.commit().await?;
        Ok(reaped)
    }

    /// Copies the write-ahead log into the database, as far as readers allow. The copied commits
    /// then survive a loss of the log.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn checkpoint(&self) -> Result<(), QueueError> {
        self.writer.execute(sqlx::query(CHECKPOINT)).await.map(drop)
    }

    /// The versions of the schema, which is up to date.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let known = MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0);
        Schema { found: known, known, oldest: known }
    }

    /// Reads the whole database and checks that it holds together.
    ///
    /// # Errors
    /// [`QueueError::Lost`] if it does not, or if the database fails.
    pub async fn check_integrity(&self) -> Result<(), QueueError> {
        let found: String = sqlx::query_scalar(CHECK).fetch_one(&self.readers).await?;
        if found == "ok" { Ok(()) } else { Err(QueueError::Lost { what: "its file is damaged" }) }
    }

    /// Writes a consistent copy of the database to `file`, which must not exist. Other writers may
    /// continue meanwhile.
    ///
    /// # Errors
    /// If the database fails or the file cannot be written.
    pub async fn back_up(&self, file: &Path) -> Result<(), QueueError> {
        let failed = |error| QueueError::from(sqlx::Error::Io(error));
        let partial = with_suffix(file, ".partial");
        // Files left by a killed backup.
        for left in [&partial, &with_suffix(&partial, "-journal")] {
            fs::remove_file(left).or_else(ignore_missing).map_err(failed)?;
        }
        restrict_to_owner(&partial).map_err(failed)?;
        let name = partial.to_string_lossy().into_owned();
        self.writer.execute(sqlx::query(BACK_UP).bind(name)).await?;
        let id: i64 = sqlx::query_scalar(DRAW_APPLICATION_ID).fetch_one(&self.readers).await?;
        publish_backup(&partial, file, id as u32).map_err(failed)
    }

    /// Closes all connections. Unless another process has the database open, this copies the
    /// write-ahead log into it and removes the log.
    pub async fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.log_marker.remove();
        self.readers.close().await;
        self.writer.close().await;
        self.log_marker.restore();
    }
}

impl Drop for SqliteQueue {
    /// Removes the marker, since dropped connections remove the log, too.
    fn drop(&mut self) {
        if !self.is_closed.load(Ordering::Relaxed) {
            self.log_marker.remove();
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Gives the backup in `partial` its own application id, syncs it, and moves it to `file`, which
/// must not exist (hard link, then removal of `partial`).
fn publish_backup(partial: &Path, file: &Path, id: u32) -> io::Result<()> {
    let mut copy = fs::File::options().write(true).open(partial)?;
    copy.seek(io::SeekFrom::Start(APPLICATION_ID.start as u64))?;
    copy.write_all(&id.to_be_bytes())?;
    copy.sync_all()?;
    let linked = fs::hard_link(partial, file);
    fs::remove_file(partial)?;
    linked?;
    sync_folder_of(file)
}

/// Restricts the file to its owner, since it contains webhook secrets. Creates it if it is missing.
///
/// SQLite creates the log with the mode of the database file.
fn restrict_to_owner(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = fs::File::options().append(true).create(true).mode(0o600).open(path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

async fn check_sqlite_version(pool: &SqlitePool) -> Result<(), QueueError> {
    let found: String = sqlx::query(VERSION).fetch_one(pool).await?.try_get(0)?;
    if parse_version(&found) < Some(OLDEST_SQLITE) {
        return Err(QueueError::OldSqlite { found });
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some((next()?, next()?, next()?))
}

async fn migrate(pool: &SqlitePool) -> Result<(), QueueError> {
    let migrations = MIGRATIONS.map(|(version, name, text)| {
        Migration::new(version, name.into(), MigrationType::Simple, AssertSqlSafe(text).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into()).run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
            QueueError::NewerSchema { found }
        }
        other => QueueError::Migrate(other),
    })
}

#[cfg(test)]
mod tests {
    use clearcut_job::SystemClock;

    use super::*;
    use crate::sqlite::{part_statements, statements, webhook_statements};

    async fn open(path: &Path) -> Result<SqliteQueue, QueueError> {
        SqliteQueue::open(path, Arc::new(SystemClock), Policy::default()).await
    }

    #[tokio::test]
    async fn every_statement_is_valid_against_the_schema() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(&dir.path().join("q.db")).await.unwrap();
        for (name, text) in
            super::ALL.iter().chain(statements::ALL).chain(part_statements::ALL).chain(webhook_statements::ALL)
        {
            let explain = format!("EXPLAIN {text}");
            let result = sqlx::query(AssertSqlSafe(explain)).fetch_all(queue.writer.pool()).await;
            assert!(result.is_ok(), "{name}: {result:?}");
        }
    }

    #[tokio::test]
    async fn frequent_queries_use_an_index_and_never_scan_all_jobs() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(&dir.path().join("q.db")).await.unwrap();
        for (query, indexes) in [
            (statements::FIND_READY, &["jobs_line"][..]),
            (part_statements::FIND_READY_PART, &["parts_line"]),
            (statements::READ_REACHED, &["leases_part"]),
            (statements::COUNT_WAITING, &["jobs_by_state"]),
            (statements::LIST_JOBS, &["jobs_by_owner"]),
            (statements::LIST_JOBS_IN_STATE, &["jobs_by_state"]),
            (statements::COUNT_AHEAD, &["jobs_line"]),
            (statements::FIND_BACKLOGS, &["jobs_line"]),
            (statements::MEAN_RECENT_PROCESSING, &["usage_recent"]),
            (statements::USAGE_BY_DAY, &["usage_by_owner"]),
            (statements::DELETE_OLD_IDEMPOTENCY_KEYS, &["idempotency_keys_age"]),
            (webhook_statements::DELETE_OLD_TESTS, &["webhook_events_tests"]),
            (webhook_statements::HAS_DUE_DELIVERY, &["webhook_deliveries_any_due"]),
            (webhook_statements::FIND_DUE_DELIVERY, &["webhook_deliveries_due", "webhook_deliveries_running"]),
            (webhook_statements::FIND_SUBSCRIBERS, &["webhook_endpoints_by_owner"]),
            (webhook_statements::LIST_JOB_DELIVERIES, &["webhook_events_once", "webhook_deliveries_by_event"]),
            (webhook_statements::LIST_ENDPOINT_DELIVERIES, &["webhook_deliveries_by_endpoint"]),
        ] {
            let plan = format!("EXPLAIN QUERY PLAN {query}");
            let plan = sqlx::query(AssertSqlSafe(plan)).fetch_all(queue.writer.pool()).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            assert!(indexes.iter().all(|index| steps.iter().any(|step| step.contains(index))), "{query}: {steps:#?}");
            // A full scan is accepted on the expected index, and on sets as small as the answer:
            // waiting keys and running claims.
            let is_small = |step: &str| {
                ["SCAN w", "SCAN recent", "SCAN l ", "SCAN hosts", "SCAN t", "SCAN (subquery-1)", "SCAN CONSTANT ROW"]
                    .iter()
                    .any(|small| step.starts_with(small))
            };
            let is_accepted = |step: &str| indexes.iter().any(|index| step.contains(index)) || is_small(step);
            let scans = steps.iter().filter(|step| step.starts_with("SCAN")).find(|step| !is_accepted(step));
            assert_eq!(scans, None, "{query}: {steps:#?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn database_files_are_accessible_only_to_their_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q.db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let _queue = open(&path).await.unwrap();
        for name in ["q.db", "q.db-wal"] {
            let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn a_database_with_a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q.db");
        let queue = open(&path).await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'', 0)";
        sqlx::query(newer).execute(queue.writer.pool()).await.unwrap();
        queue.close().await;
        assert!(matches!(open(&path).await, Err(QueueError::NewerSchema { found: 99 })));
    }

    #[tokio::test]
    async fn commits_are_synced_to_the_write_ahead_log() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(&dir.path().join("q.db")).await.unwrap();
        let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(queue.writer.pool()).await.unwrap().get(0);
        let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(queue.writer.pool()).await.unwrap().get(0);
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3.51.10") > Some(OLDEST_SQLITE));
        assert!(parse_version("3.50.4") < Some(OLDEST_SQLITE));
        assert!(parse_version("unknown") < Some(OLDEST_SQLITE));
    }
}
