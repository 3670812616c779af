//! Errors of the queue, their stable codes, and the party at fault.

use std::io;

use clearcut_job::{ErrorCode, Fault};
use sqlx::postgres::PgDatabaseError;

use crate::ConnectFault;

/// An error of a queue operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The token is not that of a running claim: another worker has the job, or it ended. The
    /// caller must drop all work on the job.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// A row with this unique value exists already, for example a job id or the hash of an API key.
    #[error("the id or hash is already in use")]
    Taken,
    /// The API key has no such upload in the required state.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// The upload is not complete.
    #[error("the upload is not complete")]
    UploadUnfinished,
    /// The storage quota of the API key would be exceeded.
    #[error("this would exceed the API key's storage quota of {quota_bytes} bytes")]
    QuotaExceeded {
        /// The quota in bytes.
        quota_bytes: u64,
    },
    /// The API key has the maximum number of webhook endpoints.
    #[error("the API key already has the maximum of {limit} endpoints")]
    TooManyEndpoints {
        /// Maximum number of endpoints.
        limit: usize,
    },
    /// The endpoint is disabled; nothing is sent to it.
    #[error("the endpoint is disabled")]
    EndpointDisabled,
    /// The idempotency key was used before with a different request body.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The API key has the maximum number of waiting jobs.
    #[error("the API key already has {limit} waiting jobs")]
    TooManyQueuedJobs {
        /// Maximum number of waiting jobs.
        limit: u32,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema {found}, newer than this program knows; run the newer version, or restore a backup"
    )]
    NewerSchema {
        /// Schema version of the database.
        found: i64,
    },
    /// The address is not that of a PostgreSQL database.
    #[error("the address of the database must be like postgres://user@host/name; {what}")]
    Address {
        /// What is wrong with it. Never the address itself, which may hold a password.
        what: String,
    },
    /// The database cannot be used as it is.
    #[error("{database}: {fault}")]
    Unusable {
        /// The database, without a password.
        database: String,
        /// The reason.
        fault: ConnectFault,
    },
    /// The linked SQLite has known bugs in its write-ahead log.
    #[error("SQLite {found} is older than 3.51.3")]
    OldSqlite {
        /// The linked version.
        found: String,
    },
    /// The disk has no free space.
    #[error("the disk of the database is full")]
    DiskFull,
    /// The file system is read-only.
    #[error("the file system of the database is read-only")]
    ReadOnly,
    /// A row holds a value that this program never writes.
    #[error("the database holds an unreadable {what}")]
    Damaged {
        /// The affected column or value.
        what: &'static str,
    },
    /// The database has lost data.
    #[error("the database has lost data: {what}")]
    Lost {
        /// The evidence of the loss.
        what: &'static str,
    },
    /// The database did not answer or reported another error.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The database did not answer for longer than is waited for. Whether a change took place is
    /// unknown.
    #[error("the database did not answer in time")]
    Unanswered(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

impl QueueError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::LeaseLost => ErrorCode::LeaseLost,
            Self::Taken => ErrorCode::Taken,
            Self::NoSuchUpload => ErrorCode::UploadNotFound,
            Self::UploadUnfinished => ErrorCode::UploadUnfinished,
            Self::TooManyEndpoints { .. } => ErrorCode::TooManyWebhooks,
            Self::EndpointDisabled => ErrorCode::WebhookDisabled,
            Self::IdempotencyMismatch => ErrorCode::IdempotencyConflict,
            Self::QuotaExceeded { .. } | Self::TooManyQueuedJobs { .. } => ErrorCode::QuotaExceeded,
            Self::NewerSchema { .. } => ErrorCode::NewerSchema,
            Self::Address { .. } => ErrorCode::InvalidRequest,
            Self::Unusable { fault, .. } => fault.code(),
            Self::OldSqlite { .. } => ErrorCode::OldSqlite,
            Self::DiskFull => ErrorCode::InsufficientStorage,
            Self::ReadOnly => ErrorCode::ReadOnlyStorage,
            Self::Damaged { .. } | Self::Lost { .. } => ErrorCode::DatabaseDamaged,
            Self::Database(_) | Self::Unanswered(_) => ErrorCode::DatabaseUnavailable,
            Self::Migrate(_) => ErrorCode::MigrationFailed,
        }
    }

    /// The party that has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }
}

/// SQLite's result code `READONLY`. Its extended codes differ above the lowest byte.
const READ_ONLY_CODE: i32 = 8;

/// SQLite's result codes `CORRUPT` and `NOTADB`.
const DAMAGED_CODES: [i32; 2] = [11, 26];

/// SQLite's result codes for a full disk: `FULL`, and the two `IOERR` codes that it reports when
/// its log cannot grow.
const DISK_FULL_CODES: [&str; 3] = ["13", "778", "4874"];

impl From<sqlx::Error> for QueueError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(&error, sqlx::Error::Io(cause) if cause.kind() == io::ErrorKind::ReadOnlyFilesystem) {
            return Self::ReadOnly;
        }
        let Some(refusal) = error.as_database_error() else { return Self::Database(error) };
        if refusal.is_unique_violation() {
            return Self::Taken;
        }
        if let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() {
            return match refusal.code() {
                // disk_full
                "53100" => Self::DiskFull,
                // read_only_sql_transaction
                "25006" => Self::ReadOnly,
                // data_corrupted, index_corrupted
                "XX001" | "XX002" => Self::Lost { what: "it is damaged" },
                _ => Self::Database(error),
            };
        }
        if refusal.code().is_some_and(|code| DISK_FULL_CODES.contains(&code.as_ref())) {
            return Self::DiskFull;
        }
        // Extended result codes differ above the lowest byte.
        let number = refusal.code().and_then(|code| code.parse::<i32>().ok());
        if number.is_some_and(|number| number & 0xff == READ_ONLY_CODE) {
            return Self::ReadOnly;
        }
        if number.is_some_and(|number| DAMAGED_CODES.contains(&(number & 0xff))) {
            return Self::Lost { what: "its file is damaged" };
        }
        Self::Database(error)
    }
}
