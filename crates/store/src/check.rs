//! A check that the store can be used: an object is written, read back and deleted.

use std::{fmt, sync::Arc};

use clearcut_job::{ErrorCode, error_chain};
use object_store::{
    ObjectStore, ObjectStoreExt as _,
    client::{HttpError, HttpErrorKind as Kind},
    path::Path as Location,
};

use crate::{Store, StoreError};

/// Folder of the objects that checks write. They are deleted at once.
pub(crate) const CHECKS: &str = "checks";

/// Content of the object that a check writes.
const CONTENT: &[u8] = b"clearcut checks that it can use this store";

/// What makes a store unusable, as a sentence. [`Self::hint`] says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// No connection, or no answer in time.
    #[error("the store cannot be reached")]
    Unreachable,
    /// Something answers that is no S3-compatible store, such as a proxy or a page.
    #[error("the store cannot be reached: what answers at its address is no S3-compatible store")]
    OtherServer,
    /// A certificate that this machine does not accept, or no TLS at all.
    #[error("no TLS connection to the store can be made")]
    Tls,
    /// The address has no TLS, which is not allowed.
    #[error("the address of the store has no TLS")]
    Plain,
    /// There is no key, and the machine has no role.
    #[error("there is no key for the store")]
    NoKey,
    /// The store does not know the key, or the secret is another.
    #[error("the store refuses the key")]
    WrongKey,
    /// The bucket does not exist.
    #[error("the bucket does not exist")]
    NoBucket,
    /// The bucket is in another region.
    #[error("the bucket is in another region")]
    WrongRegion,
    /// The key lacks a right.
    #[error("the key may not {0} objects in the bucket")]
    Denied(Right),
    /// The clocks of this machine and of the store differ by more than the store allows.
    #[error("the clocks of this machine and of the store differ too much")]
    ClockSkew,
    /// The disk of the store is full.
    #[error("the disk of the store is full")]
    Full,
    /// The store cannot be written to.
    #[error("the file system of the store is read-only")]
    ReadOnly,
    /// The folder of the store is gone: its volume may not be mounted.
    #[error("the folder of the store is missing")]
    NoFolder,
    /// An object does not read back as it was written.
    #[error("the store does not give back what was written to it")]
    Altered,
    /// Anything else.
    #[error("the store failed")]
    Other,
}

/// What a key must be allowed to do with the objects of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// `s3:PutObject`.
    Write,
    /// `s3:GetObject`.
    Read,
    /// `s3:DeleteObject`.
    Delete,
    /// `s3:ListBucket`.
    List,
}

/// The result of a failed check.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct CheckError {
    /// What makes the store unusable.
    pub fault: StoreFault,
    /// The error that it was seen by, if any.
    #[source]
    cause: Option<object_store::Error>,
}

impl Store {
    /// Checks that the store can be used: lists a folder, writes a small object, reads it, and deletes
    /// it. Takes ten seconds at most if the store does not answer. Whoever may not delete leaves
    /// nothing behind.
    ///
    /// # Errors
    /// What makes the store unusable.
    pub async fn check(&self) -> Result<(), CheckError> {
        if self.root.as_ref().is_some_and(|root| !root.is_dir()) {
            return Err(StoreFault::NoFolder.into());
        }
        if let Some(bucket) = &self.bucket {
            let key = bucket.impatient().credentials().get_credential().await;
            key.map_err(|cause| CheckError { fault: StoreFault::NoKey, cause: Some(cause) })?;
        }
        let objects = self.impatient_objects();
        let failed = |right| move |error| CheckError::of(error, right);
        // Some stores make a missing bucket when an object is written, so the bucket is listed first.
        objects.list_with_delimiter(Some(&Location::from(CHECKS))).await.map_err(failed(Right::List))?;
        let place = Location::from(format!("{CHECKS}/{}", random_name()?));
        // Nothing has the name yet. Without the right to delete it, it would stay.
        match objects.delete(&place).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(Right::Delete)(error)),
        }
        objects.put(&place, CONTENT.into()).await.map_err(failed(Right::Write))?;
        let read = read_back(objects.as_ref(), &place).await;
        // Also if the object could not be read: nothing may be left of it.
        let deleted = objects.delete(&place).await.map_err(failed(Right::Delete));
        let content = read.map_err(failed(Right::Read))?;
        if content != CONTENT {
            return Err(StoreFault::Altered.into());
        }
        deleted
    }

    pub(crate) fn impatient_objects(&self) -> Arc<dyn ObjectStore> {
        self.bucket.as_ref().map_or_else(|| Arc::clone(&self.objects), |bucket| bucket.impatient_objects())
    }
}

async fn read_back(objects: &dyn ObjectStore, place: &Location) -> object_store::Result<bytes::Bytes> {
    objects.get(place).await?.bytes().await
}

/// A name that no other check uses.
pub(crate) fn random_name() -> Result<String, CheckError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StoreFault::Other)?;
    Ok(hex::encode(random))
}

impl CheckError {
    /// The failure of a request that needs `right`.
    pub(crate) fn of(error: object_store::Error, right: Right) -> Self {
        Self { fault: StoreFault::of(&error, right), cause: Some(error) }
    }

    /// Stable error code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self.fault {
            StoreFault::Full => ErrorCode::InsufficientStorage,
            StoreFault::ReadOnly => ErrorCode::ReadOnlyStorage,
            StoreFault::Unreachable
            | StoreFault::OtherServer
            | StoreFault::NoFolder
            | StoreFault::Altered
            | StoreFault::Other => ErrorCode::StorageUnavailable,
            _ => ErrorCode::StoreRefused,
        }
    }
}

impl From<StoreFault> for CheckError {
    fn from(fault: StoreFault) -> Self {
        Self { fault, cause: None }
    }
}

impl StoreFault {
    /// What the operator can do.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Unreachable => "Check AWS_ENDPOINT_URL, the network, and that the store runs.",
            Self::OtherServer => "Check AWS_ENDPOINT_URL, and the proxies between this machine and the store.",
            Self::Tls => "Check AWS_ENDPOINT_URL, and that this machine trusts the authority of the certificate.",
            Self::Plain => "Give an address with https://, or set AWS_ALLOW_HTTP=true on a network that you trust.",
            Self::NoKey => "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role.",
            Self::WrongKey => "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
            Self::NoBucket => "Create the bucket, or correct its name in the setting store.",
            Self::WrongRegion => "Set AWS_REGION to the region of the bucket.",
            Self::Denied(Right::Write) => "Allow the key s3:PutObject and s3:AbortMultipartUpload on the bucket.",
            Self::Denied(Right::Read) => "Allow the key s3:GetObject on the bucket.",
            Self::Denied(Right::Delete) => "Allow the key s3:DeleteObject on the bucket.",
            Self::Denied(Right::List) => "Allow the key s3:ListBucket on the bucket.",
            Self::ClockSkew => "Set the clock of this machine, for instance by NTP.",
            Self::Full => "Free space on the disk of the store.",
            Self::ReadOnly => "Mount the file system for writing.",
            Self::NoFolder => "Mount the volume that holds it.",
            Self::Altered => "Check the disks of the store, and proxies between it and this machine.",
            Self::Other => "Look into the log of the store.",
        }
    }

    /// What `error` says about the store, if the request needs `right`.
    fn of(error: &object_store::Error, right: Right) -> Self {
        use object_store::Error as E;
        let text = error_chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
        // The codes stand in the body of the answer, which only the text of the error has.
        let by_code = CODES.iter().find(|(code, _)| text.contains(code)).map(|(_, fault)| *fault);
        let by_code = by_code.or_else(|| text.contains("AccessDenied").then_some(Self::Denied(right)));
        let http = || error_chain(error).find_map(|cause| cause.downcast_ref::<HttpError>()).map(HttpError::kind);
        if let Some(fault) = by_code.or_else(|| Self::of_other_server(&text)) {
            return fault;
        }
        match (error, http()) {
            (E::PermissionDenied { .. }, _) => Self::Denied(right),
            (E::Unauthenticated { .. }, _) => Self::WrongKey,
            // What is not found when objects are listed or written is the bucket.
            (E::NotFound { .. }, _) if matches!(right, Right::List | Right::Write) => Self::NoBucket,
            (E::NotFound { .. }, _) => Self::Altered,
            (_, Some(Kind::Connect | Kind::Timeout | Kind::Request | Kind::Interrupted)) => Self::Unreachable,
            (_, Some(_)) => Self::OtherServer,
            (_, None) => Self::of_local(error),
        }
    }

    /// What an answer says that is no document of S3, which has a code even if it refuses.
    fn of_other_server(text: &str) -> Option<Self> {
        // Words of the client about an answer that it cannot read.
        if text.contains("Got invalid") || text.contains("extract metadata") {
            return Some(Self::OtherServer);
        }
        let (_, answer) = text.split_once("non-2xx status code: ")?;
        let is_gateway = ["502", "503", "504"].iter().any(|status| answer.starts_with(status));
        match answer.contains("<Code>") {
            true => None,
            false if is_gateway => Some(Self::Unreachable),
            // The store itself may fail without a word.
            false if answer.starts_with('5') => None,
            false => Some(Self::OtherServer),
        }
    }

    fn of_local(error: &object_store::Error) -> Self {
        let disk = error_chain(error).find_map(|cause| cause.downcast_ref()).and_then(StoreError::from_disk_failure);
        match disk {
            Some(StoreError::DiskFull) => Self::Full,
            Some(StoreError::ReadOnly) => Self::ReadOnly,
            _ => Self::Other,
        }
    }
}

/// Error codes of S3, and other words of an error, that name a fault.
const CODES: [(&str, StoreFault); 13] = [
    ("NoSuchBucket", StoreFault::NoBucket),
    ("InvalidAccessKeyId", StoreFault::WrongKey),
    ("SignatureDoesNotMatch", StoreFault::WrongKey),
    ("InvalidToken", StoreFault::WrongKey),
    ("ExpiredToken", StoreFault::WrongKey),
    ("RequestTimeTooSkewed", StoreFault::ClockSkew),
    ("AuthorizationHeaderMalformed", StoreFault::WrongRegion),
    ("PermanentRedirect", StoreFault::WrongRegion),
    ("incorrectly configured region", StoreFault::WrongRegion),
    // Words of the client.
    ("certificate", StoreFault::Tls),
    ("InvalidContentType", StoreFault::Tls),
    ("corrupt message", StoreFault::Tls),
    ("scheme is not allowed", StoreFault::Plain),
];

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Delete => "delete",
            Self::List => "list",
        })
    }
}
