//! URLs of the bucket by which clients read and write objects without the server, until they expire.

use std::time::Duration;

use clearcut_job::ObjectName;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    Error, ObjectStoreExt as _,
    path::Path as Location,
    signer::{Method, SignedUrlOptions},
};

use crate::{Store, StoreError, bucket::Bucket, grow::pieces::direct};

/// Longest lifetime of a presigned URL that S3 accepts.
pub const MAX_PRESIGNED_TTL: Duration = Duration::from_hours(7 * 24);

/// Headers that the bucket sends with an object.
#[derive(Debug, Clone, Copy)]
pub struct ReplyHeaders<'a> {
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Content-Disposition`.
    pub content_disposition: &'a str,
    /// `Cache-Control`.
    pub cache_control: &'a str,
}

impl Store {
    /// Whether the store gives out URLs of its own: it is a bucket.
    #[must_use]
    pub const fn presigns(&self) -> bool {
        self.bucket.is_some()
    }

    /// A URL by which anyone can read the object `name` by GET for the time `ttl`, at most
    /// [`MAX_PRESIGNED_TTL`].
    ///
    /// # Errors
    /// If the store is no bucket, or there is no key.
    pub async fn presign_read(
        &self,
        name: &ObjectName,
        headers: ReplyHeaders<'_>,
        ttl: Duration,
    ) -> Result<String, StoreError> {
        let options = SignedUrlOptions::new().with_query([
            ("response-cache-control", headers.cache_control),
            ("response-content-disposition", headers.content_disposition),
            ("response-content-type", headers.content_type),
        ]);
        let url = self.presigning()?.sign(Method::GET, &Location::from(name.as_str()), ttl, &options).await?;
        Ok(url.into())
    }

    /// A URL by which anyone can put exactly `size_bytes` bytes beside the incomplete upload `partial`
    /// for the time `ttl`. Nothing else is checked before [`Self::direct_size`] finds them.
    ///
    /// # Errors
    /// If the store is no bucket, or there is no key.
    pub async fn presign_write(
        &self,
        partial: &ObjectName,
        size_bytes: u64,
        ttl: Duration,
    ) -> Result<String, StoreError> {
        Ok(self.presigning()?.sign_put(&direct(partial), size_bytes, ttl).await?.into())
    }

    /// The number of bytes that a client has put beside the incomplete upload `partial`; `None` if
    /// there are none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn direct_size(&self, partial: &ObjectName) -> Result<Option<u64>, StoreError> {
        if self.bucket.is_none() {
            return Ok(None);
        }
        match self.objects.head(&direct(partial)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes that a client has put beside the incomplete upload `partial`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there are none. The stream may fail later.
    pub async fn read_direct(
        &self,
        partial: &ObjectName,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes, StoreError>>, StoreError> {
        let found = self.objects.get(&direct(partial)).await?;
        Ok(found.into_stream().map_err(StoreError::from).boxed())
    }

    /// Scheme, host and port of presigned URLs; `None` if the store is no bucket.
    ///
    /// # Errors
    /// If there is no key.
    pub async fn url_origin(&self) -> Result<Option<String>, StoreError> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        let (place, options) = (Location::from(ObjectName::UPLOADS), SignedUrlOptions::new());
        let url = bucket.sign(Method::GET, &place, Duration::from_secs(1), &options).await?;
        Ok(Some(url.origin().ascii_serialization()))
    }

    fn presigning(&self) -> Result<&Bucket, StoreError> {
        let unsupported = || Error::NotSupported { source: "the store is no bucket".into() };
        self.bucket.as_deref().ok_or_else(|| unsupported().into())
    }
}
