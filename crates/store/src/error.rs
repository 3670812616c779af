use std::io;

use clearcut_job::Fault;

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
            Self::Unavailable(_) => "STORAGE_UNAVAILABLE",
            Self::Local(_) => "LOCAL_FILE_FAILED",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unavailable(_) => Fault::Upstream,
            Self::Missing | Self::DiskFull | Self::Local(_) => Fault::Host,
        }
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        if is_disk_full(&error) { Self::DiskFull } else { Self::Unavailable(error) }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Local(error),
        }
    }
}

/// Whether an I/O error somewhere under `error` says that there is no room.
fn is_disk_full(error: &object_store::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        source = cause.source();
    }
    false
}
