//! Errors of the store, with stable codes and faults.

use std::io;

use clearcut_job::{ErrorCode, Fault, error_chain, is_shortage};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The object does not exist.
    #[error("there is no such object")]
    Missing,
    /// Another object has the name, and is not replaced.
    #[error("there is another object of this name")]
    Exists,
    /// The object is not what was stored: its hash differs.
    #[error("the object has changed in the store")]
    Altered,
    /// The disk is full, or a disk quota is exceeded.
    #[error("the disk of the store is full")]
    DiskFull,
    /// The system has no free file descriptor or memory at the moment.
    #[error("the store is short of files or memory at the moment")]
    Short,
    /// The file system is mounted read-only.
    #[error("the file system of the store is read-only")]
    ReadOnly,
    /// The store is unreachable or refused the request.
    #[error("the store failed")]
    Unavailable(#[source] object_store::Error),
    /// A file on this machine could not be read or written.
    #[error("a local file could not be read or written")]
    Local(#[source] io::Error),
    /// The address of the store, or a variable of the AWS tools, cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A setting of a store that cannot be used. Its text never repeats the value, which may hold a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The address, with what is wrong with it.
    #[error("the address of the store must be like s3://bucket/prefix; {0}")]
    Address(&'static str),
    /// A variable of the AWS tools.
    #[error("{name} must be {allowed}")]
    Variable {
        /// Name of the variable.
        name: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// The origin of pages.
    #[error("the origin must be like https://cut.example.com or http://127.0.0.1:8787, with nothing after it")]
    Origin,
}

impl SettingError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Address(_) => "Correct --store, CLEARCUT_STORE or the setting store.",
            Self::Variable { .. } => "Correct or unset it.",
            Self::Origin => "Correct --origin.",
        }
    }
}

impl StoreError {
    /// Stable error code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::ObjectMissing,
            Self::DiskFull => ErrorCode::InsufficientStorage,
            Self::Short => ErrorCode::ShortOfResources,
            Self::ReadOnly => ErrorCode::ReadOnlyStorage,
            Self::Exists | Self::Altered | Self::Unavailable(_) => ErrorCode::StorageUnavailable,
            Self::Local(_) => ErrorCode::LocalFileFailed,
            Self::Setting(_) => ErrorCode::InvalidRequest,
        }
    }

    /// The party that has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            E::NotFound { .. } => return Self::Missing,
            E::AlreadyExists { .. } | E::Precondition { .. } => return Self::Exists,
            _ => {}
        }
        let disk_failure = error_chain(&error).find_map(|cause| cause.downcast_ref()).and_then(Self::from_disk_failure);
        disk_failure.unwrap_or(Self::Unavailable(error))
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::from_disk_failure(&error).unwrap_or(Self::Local(error))
    }
}

impl StoreError {
    /// The specific disk failure that `error` reports, if any.
    pub(crate) fn from_disk_failure(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Self::DiskFull),
            io::ErrorKind::ReadOnlyFilesystem => Some(Self::ReadOnly),
            _ => is_shortage(error).then_some(Self::Short),
        }
    }
}
