//! The way of a clip or an image into the store, the same wherever it comes from: its first bytes
//! are those of an accepted kind, the disk and the quota have space for it, and its bytes become a
//! durable object.

use bytes::Bytes;
use clearcut_job::{Accepted, NotAccepted, ObjectName, StoredObject};

use crate::{Reservation, Store, StoreError, Upload};

/// Interval in bytes at which the quota is checked.
const QUOTA_CHECK_BYTES: u64 = 4 << 20;

/// A storage quota that counts a clip while it arrives.
pub trait ClipQuota: Send {
    /// Why the quota refuses a clip.
    type Error;

    /// Counts `bytes` more of the clip.
    fn count(&mut self, bytes: u64);

    /// Checks that the quota allows the bytes counted so far.
    fn check(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// The quota of a clip that counts against none.
impl<Q: ClipQuota> ClipQuota for Option<Q> {
    type Error = Q::Error;

    fn count(&mut self, bytes: u64) {
        if let Some(quota) = self {
            quota.count(bytes);
        }
    }

    async fn check(&mut self) -> Result<(), Q::Error> {
        match self {
            Some(quota) => quota.check().await,
            None => Ok(()),
        }
    }
}

/// Why a clip does not get into the store. `Q` is the error of its quota.
#[derive(Debug, thiserror::Error)]
pub enum ClipError<Q> {
    /// The file is of no accepted kind.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    /// The disk has no space for the clip, or its space cannot be determined.
    #[error("the clip has no space on the disk")]
    NoSpace(#[source] StoreError),
    /// The quota refuses the clip.
    #[error("the storage quota refuses the clip")]
    Quota(Q),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// A clip on its way into the store, with its reserved disk space. It is invisible until
/// [`Self::finish`]; dropping it removes what was written and ends the reservation.
#[derive(Debug)]
pub struct ClipUpload<Q> {
    upload: Upload,
    accepted: Accepted,
    space: Reservation,
    quota: Q,
    /// Bytes since the last check of the quota.
    unchecked: u64,
    /// The first bytes, at most [`Accepted::SNIFF_BYTES`].
    head: Vec<u8>,
}

impl Store {
    /// Begins to receive a file of a kind that is `accepted` as the object `name`, in the disk space
    /// `space`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_clip<Q: ClipQuota>(
        &self,
        name: ObjectName,
        accepted: Accepted,
        space: Reservation,
        quota: Q,
    ) -> Result<ClipUpload<Q>, StoreError> {
        let upload = self.begin(name).await?;
        let head = Vec::with_capacity(Accepted::SNIFF_BYTES);
        Ok(ClipUpload { upload, accepted, space, quota, unchecked: 0, head })
    }
}

impl<Q: ClipQuota> ClipUpload<Q> {
    /// Appends `bytes`, after the checks of type, disk and quota. Waits while earlier bytes are
    /// being written.
    ///
    /// # Errors
    /// If a check or the store fails. The clip is lost then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ClipError<Q::Error>> {
        let size_bytes = bytes.len() as u64;
        let missing = Accepted::SNIFF_BYTES - self.head.len();
        if missing > 0 {
            self.head.extend_from_slice(&bytes[..missing.min(bytes.len())]);
            if self.head.len() == Accepted::SNIFF_BYTES {
                self.check_type()?;
            }
        }
        self.space.take(size_bytes).await.map_err(ClipError::NoSpace)?;
        self.quota.count(size_bytes);
        self.unchecked += size_bytes;
        if self.unchecked >= QUOTA_CHECK_BYTES {
            self.unchecked = 0;
            self.quota.check().await.map_err(ClipError::Quota)?;
        }
        self.upload.write(bytes).await.map_err(ClipError::Store)
    }

    /// Checks that the bytes so far are those of an accepted kind. A file shorter than
    /// [`Accepted::SNIFF_BYTES`] is only judged here and by [`Self::finish`].
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn check_type(&self) -> Result<(), NotAccepted> {
        self.accepted.check(&self.head)
    }

    /// Number of bytes received so far.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.upload.size_bytes()
    }

    /// Completes the clip. It is on the disk when this returns.
    ///
    /// # Errors
    /// If the file is of no accepted kind or the store fails; no object exists then.
    pub async fn finish(self) -> Result<StoredObject, ClipError<Q::Error>> {
        self.check_type()?;
        self.upload.finish().await.map_err(ClipError::Store)
    }
}

#[cfg(test)]
mod tests {
    use clearcut_job::NotVideo;

    use super::*;

    /// A quota of so many bytes.
    struct Limit {
        left: i64,
    }

    impl ClipQuota for Limit {
        type Error = &'static str;

        fn count(&mut self, bytes: u64) {
            self.left -= bytes as i64;
        }

        async fn check(&mut self) -> Result<(), &'static str> {
            if self.left >= 0 { Ok(()) } else { Err("over the quota") }
        }
    }

    const HEAD: &[u8] = b"\0\0\0\x20ftypisom";

    fn name() -> ObjectName {
        ObjectName::upload(1)
    }

    async fn begin<Q: ClipQuota>(store: &Store, quota: Q) -> ClipUpload<Q> {
        let space = store.reserve(0, 0).await.unwrap();
        store.begin_clip(name(), Accepted::Videos, space, quota).await.unwrap()
    }

    #[tokio::test]
    async fn a_clip_in_single_bytes_becomes_one_object() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::local(root.path()).unwrap();
        let mut clip = begin(&store, None::<Limit>).await;
        for byte in HEAD {
            clip.write(Bytes::copy_from_slice(&[*byte])).await.unwrap();
        }
        assert_eq!(clip.finish().await.unwrap().size_bytes, HEAD.len() as u64);
        assert_eq!(store.head(&name()).await.unwrap().size_bytes, HEAD.len() as u64);
    }

    #[tokio::test]
    async fn a_file_that_is_no_video_is_refused_as_soon_as_it_shows() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::local(root.path()).unwrap();
        let mut long = begin(&store, None::<Limit>).await;
        let half = Bytes::from(vec![b'x'; Accepted::SNIFF_BYTES / 2]);
        long.write(half.clone()).await.unwrap();
        assert!(matches!(
            long.write(half).await,
            Err(ClipError::NotAccepted(NotAccepted::Video(NotVideo::UnknownContainer)))
        ));
        let empty = begin(&store, None::<Limit>).await;
        assert!(matches!(empty.finish().await, Err(ClipError::NotAccepted(NotAccepted::Video(NotVideo::Empty)))));
        assert!(matches!(store.head(&name()).await, Err(StoreError::Missing)));
    }

    #[tokio::test]
    async fn the_quota_is_checked_while_the_bytes_arrive() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::local(root.path()).unwrap();
        let mut clip = begin(&store, Limit { left: QUOTA_CHECK_BYTES as i64 }).await;
        let piece = |bytes: u64| Bytes::from([HEAD, &vec![0; bytes as usize - HEAD.len()]].concat());
        clip.write(piece(QUOTA_CHECK_BYTES)).await.unwrap();
        clip.write(piece(1000)).await.unwrap();
        let refused = clip.write(piece(QUOTA_CHECK_BYTES)).await;
        assert!(matches!(refused, Err(ClipError::Quota("over the quota"))));
    }
}
