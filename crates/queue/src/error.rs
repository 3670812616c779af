//! Why the queue did not do what it was asked: codes, and who is at fault.

use std::io;

use clearcut_job::Fault;

use crate::MAX_ENDPOINTS;

/// Why the queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The token is not that of a running claim: another worker has the job, or it ended. Drop all work on it.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// A job or a key with that name is there already.
    #[error("the name is taken")]
    Taken,
    /// There is no such upload, of this key and in this state.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// The upload is not whole.
    #[error("the upload is not whole")]
    UploadUnfinished,
    /// The key keeps as many bytes as it may.
    #[error("the key would keep more than its {quota_bytes} bytes")]
    QuotaExceeded {
        /// What it may keep.
        quota_bytes: u64,
    },
    /// The key has as many endpoints for webhooks as it may.
    #[error("the key has {MAX_ENDPOINTS} endpoints, and no more are allowed")]
    TooManyEndpoints,
    /// Nothing is sent to the endpoint.
    #[error("the endpoint is disabled")]
    EndpointDisabled,
    /// The idempotency key was used before, for something else.
    #[error("the idempotency key was used for another request")]
    OtherBody,
    /// The key has as many jobs in line as it may have.
    #[error("{limit} jobs of the key wait already")]
    LineFull {
        /// How many it may have.
        limit: u32,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema {found}, newer than this program knows; run the newer version, or restore a backup"
    )]
    NewerSchema {
        /// The version in the database.
        found: i64,
    },
    /// The linked SQLite has known faults in its write-ahead log.
    #[error("SQLite {found} is older than 3.51.3")]
    OldSqlite {
        /// The version that is linked.
        found: String,
    },
    /// There is no room to write.
    #[error("the disk of the database is full")]
    DiskFull,
    /// The disk can be read and not written.
    #[error("the file system of the database is read-only")]
    ReadOnly,
    /// A row holds what this program never writes.
    #[error("the database holds an unreadable {what}")]
    Damaged {
        /// Which column.
        what: &'static str,
    },
    /// What was in the database is not there any more.
    #[error("the database has lost something: {what}")]
    Lost {
        /// What shows it.
        what: &'static str,
    },
    /// The database did not answer, or said no.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

impl QueueError {
    /// The stable word for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LeaseLost => "LEASE_LOST",
            Self::Taken => "TAKEN",
            Self::NoSuchUpload => "UPLOAD_NOT_FOUND",
            Self::UploadUnfinished => "UPLOAD_UNFINISHED",
            Self::TooManyEndpoints => "TOO_MANY_WEBHOOKS",
            Self::EndpointDisabled => "WEBHOOK_DISABLED",
            Self::OtherBody => "IDEMPOTENCY_CONFLICT",
            Self::QuotaExceeded { .. } | Self::LineFull { .. } => "QUOTA_EXCEEDED",
            Self::NewerSchema { .. } => "NEWER_SCHEMA",
            Self::OldSqlite { .. } => "OLD_SQLITE",
            Self::DiskFull => "INSUFFICIENT_STORAGE",
            Self::ReadOnly => "READ_ONLY_STORAGE",
            Self::Damaged { .. } | Self::Lost { .. } => "DATABASE_DAMAGED",
            Self::Database(_) => "DATABASE_UNAVAILABLE",
            Self::Migrate(_) => "MIGRATION_FAILED",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::LeaseLost | Self::Taken | Self::Database(_) => Fault::Upstream,
            Self::NoSuchUpload
            | Self::UploadUnfinished
            | Self::QuotaExceeded { .. }
            | Self::TooManyEndpoints
            | Self::EndpointDisabled
            | Self::OtherBody
            | Self::LineFull { .. } => Fault::Input,
            Self::NewerSchema { .. }
            | Self::OldSqlite { .. }
            | Self::DiskFull
            | Self::ReadOnly
            | Self::Damaged { .. }
            | Self::Lost { .. }
            | Self::Migrate(_) => Fault::Host,
        }
    }
}

/// SQLite's `READONLY`; its many kinds differ above the lowest byte.
const READ_ONLY_CODE: i32 = 8;

/// SQLite's `CORRUPT` and `NOTADB`.
const DAMAGED_CODES: [i32; 2] = [11, 26];

/// SQLite's result codes that mean a full disk: `FULL`, and the two `IOERR`s it gives for a log that cannot grow.
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
        if refusal.code().is_some_and(|code| DISK_FULL_CODES.contains(&code.as_ref())) {
            return Self::DiskFull;
        }
        // Its many kinds differ above the lowest byte, too.
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
