use std::io;

use clearcut_job::{Fault, is_shortage};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// There is no room to write.
    #[error("the disk of the store is full")]
    DiskFull,
    /// The system had no file to give at the moment.
    #[error("the store is short of files or memory at the moment")]
    Short,
    /// The disk can be read and not written.
    #[error("the file system of the store is read-only")]
    ReadOnly,
    /// The store did not answer, or said no.
    #[error("the store failed")]
    Unavailable(#[source] object_store::Error),
    /// A file on this machine could not be read or written.
    #[error("a local file failed")]
    Local(#[source] io::Error),
}

impl StoreError {
    /// The stable word for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "OBJECT_MISSING",
            Self::DiskFull => "INSUFFICIENT_STORAGE",
            Self::Short => "SHORT_OF_RESOURCES",
            Self::ReadOnly => "READ_ONLY_STORAGE",
            Self::Unavailable(_) => "STORAGE_UNAVAILABLE",
            Self::Local(_) => "LOCAL_FILE_FAILED",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unavailable(_) | Self::Short => Fault::Upstream,
            Self::Missing | Self::DiskFull | Self::ReadOnly | Self::Local(_) => Fault::Host,
        }
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        io_error(&error).and_then(Self::told_by).unwrap_or(Self::Unavailable(error))
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::told_by(&error).unwrap_or(Self::Local(error))
    }
}

impl StoreError {
    /// What the disk says of itself by failing in that way, if it says anything.
    fn told_by(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Self::DiskFull),
            io::ErrorKind::ReadOnlyFilesystem => Some(Self::ReadOnly),
            _ => is_shortage(error).then_some(Self::Short),
        }
    }
}

/// The I/O error somewhere under `error`, if there is one.
fn io_error(error: &object_store::Error) -> Option<&io::Error> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}
